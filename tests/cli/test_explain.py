"""`slm-mux explain`; and how its page looks."""

import io
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from slm_mux.cli.explain_display import KINDS, show_explanation
from slm_mux.cli.explain_figures import CUES
from slm_mux.dissecting.following import CUES as ALL_CUES
from slm_mux.studies.explaining_methods import EXPLAINED
from tests.cli.exam import imported
from tests.cli.running import pool_file, slm_mux, slm_mux_process
from tests.dissecting.making import debate, mixture
from tests.endpoints import answers, serving
from tests.studies.explaining import explained_run, run_with


def page(document: dict[str, Any], *, width: int = 100) -> tuple[list[str], str]:
    """The page's lines, and the notes."""
    out, notes = io.StringIO(), io.StringIO()
    show_explanation(
        Console(file=out, width=width, highlight=False),
        Console(file=notes, width=width, highlight=False),
        document,
    )
    return out.getvalue().splitlines(), notes.getvalue()


def cells(lines: list[str], start: str) -> list[str]:
    """The figures of the first row that starts with some words."""
    return next(line for line in lines if line.startswith(start)).removeprefix(start).split()


def test_everything_has_words() -> None:
    """Each kind of failure of each method, and each cue."""
    assert {kind for rules in EXPLAINED.values() for kind in rules.kinds} == set(KINDS)
    assert set(CUES) == set(ALL_CUES)


def test_every_figure_is_on_the_page(tmp_path: Path) -> None:
    """Mux's failures, then for each method its rounds, moves, cues, choices and failures."""
    with run_with(tmp_path / "s.db") as store:
        lines, notes = page(explained_run(store))
    titles = [after for before, after in pairwise(lines) if not before]
    moves = [
        "what became of answers after reading",
        "reader took over from heard another took it over right to wrong wrong to right",
        "whom agents followed, where that one said something else than they",
    ]
    assert titles == [
        "where mux is wrong with k = 3: 2 of 5 problems",
        "debate: 1 of 5 problems right",
        *moves,
        "where debate is wrong: 4 of 5 problems",
        "mixture_of_agents: 1 of 2 problems right",
        *moves,
        "a right answer was there on 2 problems, and chosen on 1 of 2, 50.0% (9–91)",
        "where mixture_of_agents is wrong: 1 of 2 problems",
        "multi_agent_verification: 0 of 2 problems right",
        "a right answer was there on 2 problems, and chosen on 0 of 2, 0.0% (0–66)",
        "approvals of right and of wrong candidates",
        "where multi_agent_verification is wrong: 2 of 2 problems",
    ]
    assert lines[0] == "toy: 5 problems, 3 draws of each of 3 models"
    assert cells(lines, "capitulation") == ["2", "50.0%", "15–85", "1"]
    assert cells(lines, "all  ") == ["11", "4", "0", "0", "2", "0", "0.500"]
    assert cells(lines, "1     3 of 5, 60.0% (23–88)") == ["46.7%", "80.0%", "20.0%"]
    assert " ".join(cells(lines, CUES["majority"])) == "2 of 3 66.7% 21–94 2 of 2 0 of 0"
    assert cells(lines, "by x") == ["0.0%", "0–66", "100.0%", "34–100", "0"]
    assert lines.count("1 prompt cut to fit") == 3
    place = lines.index("capitulations, from answers: 2 of 4, 50.0% (15–85) of failures")
    assert "a model labelled its debates: 144 of 242, 59.5% groupthink" in lines[place + 1]
    assert max(map(len, lines)) <= 120
    assert notes == ""


def test_the_worst_are_told_with_their_texts(tmp_path: Path) -> None:
    """Question, what is right, and who said what; text is printed as it stands."""
    with run_with(tmp_path / "s.db", {"debate": [debate("A!", "b.", problem="q1")]}) as store:
        lines, _ = page(explained_run(store, worst=1))
    start = lines.index("q1: drifted off alone; right is 7")
    assert lines[start + 1 :] == [
        "What of q1?",
        "-- round 1, x: a (right)",
        "x says [b]a[/b] in round 1",
        "-- round 1, y: failed",
        "-- round 2, x: b (wrong)",
        "x says [b]b[/b] in round 2",
        "-- round 2, y: unreadable",
        "y says [b]None[/b] in round 2",
        "=> round 2, agent 1 (x): a (right) to b (wrong), having read nobody",
        "=> b, most of them",
    ]


def test_the_worst_say_who_changed_after_whom(tmp_path: Path) -> None:
    """From what to what, whom the agent had read, who of these had said so; in layers, too."""
    discussed = {
        "debate": [debate("Ab.c", ".bbd", problem="q1"), debate("bb", "bb", problem="q2")],
        "mixture_of_agents": [mixture("Ab", "bb", aggregate="b", problem="q1")],
    }
    with run_with(tmp_path / "s.db", discussed) as store:
        lines, _ = page(explained_run(store, worst=2))
    agent = "=> round 2, agent"
    assert [line for line in lines if line.startswith("=> ")] == [
        f"{agent} 1 (x): a (right) to no answer, having read agents 2, 3 and 4",
        f"{agent} 3 (z): no answer to b (wrong), having read agents 1, 2 and 4; so said agent 2",
        f"{agent} 4 (u): c (wrong) to d (wrong), having read agents 1, 2 and 3; none said so",
        "=> b, most of them",
        "=> nobody changed an answer",
        "=> b, most of them",
        "=> layer 2, agent 1 (x): a (right) to b (wrong), having read agent 2; so said agent 2",
        "=> b, most of them",
    ]


def test_a_debate_of_nothing_but_right_answers(tmp_path: Path) -> None:
    """One round and no failure: there is nothing to show but that."""
    with run_with(tmp_path / "s.db", {"debate": [debate("AA", problem="q1")]}) as store:
        lines, _ = page(explained_run(store))
    assert lines[-1] == "where debate is wrong: 0 of 1 problem"
    assert "what became of answers after reading" not in lines


def test_what_is_not_known(tmp_path: Path) -> None:
    """Without mux's samples its reason stands there, and dashes beside the kinds."""
    with run_with(tmp_path / "s.db", k=9) as store:
        lines, _ = page(explained_run(store))
    assert "mux: not explained: no problem has 9 draws of every model any more" in lines
    assert cells(lines, "capitulation") == ["2", "50.0%", "15–85", "–"]


async def test_as_a_process(tmp_path: Path) -> None:
    """A page, a document, and one method by its short name."""
    run_with(tmp_path / "samples.db").close()
    shown = await slm_mux_process("explain", "1", "--worst", "1", cwd=tmp_path)
    assert (shown.code, shown.err) == (0, "")
    assert "x says [b]a[/b] in round 1" in shown.out
    store = ("--store", str(tmp_path / "samples.db"))
    document = (await slm_mux("explain", "1", "--method", "moa", "--json", *store)).document
    assert (document["run"], list(document["discussions"])) == (1, ["mixture_of_agents"])


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        pytest.param(("7",), 1, "the store has no run 7", id="unknown run"),
        pytest.param(
            ("1", "--method", "debate"),
            2,
            "`slm-mux eval exam --pool POOL.yaml --method mux --method debate` makes a run that",
            id="no discussions",
        ),
        pytest.param(("1", "--method", "debat"), 2, "did you mean 'debate'?", id="no such method"),
        pytest.param(("1", "--worst", "-1"), 2, "--worst is -1", id="a number out of range"),
    ],
)
async def test_what_cannot_be_explained(
    tmp_path: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    """Each mistake has its exit code and one line that names it."""
    store = imported(tmp_path)
    await slm_mux("eval", "exam", "--offline", "--store", store)
    shown = await slm_mux("explain", *arguments, "--store", store, cwd=tmp_path)
    assert (shown.code, shown.out) == (code, "")
    assert message in shown.err
    assert shown.err.count("\n") == 1


async def test_imported_samples_are_explained(tmp_path: Path) -> None:
    """Mux's failures on answers that came without texts; a note says how to get discussions."""
    store = imported(tmp_path)
    await slm_mux("eval", "exam", "--offline", "--store", store)
    shown = await slm_mux("explain", "1", "--store", store)
    assert (shown.code, "where mux is wrong with k = 3" in shown.out) == (0, True)
    assert "note: the run has no discussions; `slm-mux eval exam" in shown.err


async def test_without_a_store(tmp_path: Path) -> None:
    """There is no such file."""
    shown = await slm_mux("explain", "1", "--store", "none.db", "--json", cwd=tmp_path)
    assert (shown.code, "none.db" in shown.document["error"]["message"]) == (1, True)


async def test_labels_by_a_model(tmp_path: Path) -> None:
    """Each failed debate is labelled once; the second time the labels come from the store."""
    run_with(tmp_path / "samples.db").close()
    label = ("explain", "1", "--method", "debate", "--label-with", "pool.yaml")
    async with serving() as fake:
        fake.always = answers("Two gave in.\nAnswer: capitulation")
        pool_file(tmp_path, fake.url)
        shown = await slm_mux(*label, cwd=tmp_path)
        assert shown.code == 0, shown.err
        assert (fake.requests, "labels  4/4  4 calls" in shown.err) == (4, True)
    lines = shown.out.splitlines()
    start = lines.index("as model-0 labels them: computed kinds in rows, labels in columns")
    assert lines[start + 1].split() == ["capitulation", "no", "label"]
    assert "labelled 4 of 4; the computed kind 2 of 4, 50.0% (15–85)" in lines[start + 5]
    again = await slm_mux(*label, "--labeller", "model-0", "--json", cwd=tmp_path)
    labels = again.document["discussions"]["debate"]["labels"]
    assert (labels["labeller"], labels["capitulations"]["share"]) == ("model-0", 1.0)
    lines, _ = page(
        {
            **again.document,
            "discussions": {
                "debate": {
                    **again.document["discussions"]["debate"],
                    "labels": {**labels, "cut": 2},
                }
            },
        }
    )
    assert "2 debates too long for model-0: it read texts without their beginnings" in lines
    assert not any("too long" in line for line in shown.out.splitlines())
    plain = await slm_mux("explain", "1", "--json", cwd=tmp_path)
    assert "labels" not in plain.document["discussions"]["debate"]
    # Labels are nobody's draws on the problems.
    assert plain.document["mux"]["wrong"] == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--labeller", "a"), "--labeller goes with --label-with"),
        (("--label-with", "pool.yaml", "--method", "moa"), "--label-with labels debates"),
        (("--label-with", "pool.yaml", "--labeller", "model-1"), "did you mean 'model-0'"),
        (("--label-with", "none.yaml"), "none.yaml"),
    ],
)
async def test_labels_that_cannot_be(
    tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    """Each mistake is said before anything is drawn."""
    run_with(tmp_path / "samples.db").close()
    pool_file(tmp_path, "http://127.0.0.1:1/v1")
    shown = await slm_mux("explain", "1", *arguments, cwd=tmp_path)
    assert (shown.code, shown.out) == (2, "")
    assert message in shown.err
