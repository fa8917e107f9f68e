"""Which task `slm-mux eval` means: by name or by file, what the store has is asked as it was."""

from pathlib import Path

import pytest

from slm_mux.cli.evaluated_task import task_to_ask
from slm_mux.cli.evaluating import Wanted
from slm_mux.importing import import_files
from slm_mux.store import Store
from tests.cli.exam import imported
from tests.cli.running import pool_file, slm_mux
from tests.endpoints import answers, serving
from tests.evaluation.making import rows
from tests.importing.files import write_lines

CHOICES = 'q,a,options\nWhich is 7?,B,"[""6"",""7""]"\nWhich is 8?,A,"[""8"",""9""]"\n'
MOODS = [{"text": "nice", "mood": "good"}, {"text": "awful", "mood": "bad"}]
CAPITALS = "q,a\nFrance?,Paris\nSpain?,Madrid\n"
TASK_FILE = """\
data: capitals.csv
kind: text
fields: {question: q, target: a}
prompt: "In one word. {question}"
"""
FIELDS = ("--question-field", "q", "--target-field", "a")


def written(folder: Path) -> dict[str, tuple[str, ...]]:
    """Write files of one's own; returns by path the options with which each is collected."""
    (folder / "mine.csv").write_text(CHOICES)
    write_lines(folder / "moods.jsonl", MOODS)
    (folder / "capitals.csv").write_text(CAPITALS)
    (folder / "places.yaml").write_text(TASK_FILE)
    return {
        "mine.csv": (*FIELDS, "--choices-field", "options", "--prompt", "Choose. {question}"),
        "moods.jsonl": (
            "--question-field", "text", "--target-field", "mood", "--label", "good",
            "--label", "bad", "--kind", "label",
        ),
        "capitals.csv": (*FIELDS, "--kind", "text", "--prompt", "Say it: {question}"),
        "places.yaml": (),
    }  # fmt: skip


async def test_what_was_collected_with_options_is_evaluated_without(tmp_path: Path) -> None:
    """Live or offline, by file or by name, nothing is bought twice: the same was asked."""
    async with serving() as fake:
        fake.always = answers("\\boxed{B}")
        pool_file(tmp_path, fake.url, samples=1)
        for file, options in written(tmp_path).items():
            collected = await slm_mux(
                "collect", file, *options, "--pool", "pool.yaml", cwd=tmp_path
            )
            assert collected.code == 0, collected.err
            bought = fake.requests
            name = file.partition(".")[0]
            ways: list[tuple[str, ...]] = [(file, "--pool", "pool.yaml")]
            if file == "mine.csv":
                ways += [(name, "--pool", "pool.yaml"), (file, "--offline")]
            for way in ways:
                shown = await slm_mux("eval", *way, "--method", "mux", cwd=tmp_path)
                assert shown.code == 0, shown.err
                assert shown.out.startswith(f"{name}: 2 problems, 1 draw of one model")
            assert fake.requests == bought
    assert fake.requests == 8


async def test_more_draws_of_a_stored_task_are_asked_in_the_same_words(tmp_path: Path) -> None:
    """A further draw has the messages that the first one had."""
    async with serving() as fake:
        fake.always = answers("\\boxed{B}")
        pool_file(tmp_path, fake.url, samples=1)
        options = written(tmp_path)["mine.csv"]
        await slm_mux("collect", "mine.csv", *options, "--pool", "pool.yaml", cwd=tmp_path)
        first = [body["messages"] for body in fake.bodies]
        (tmp_path / "mine.csv").unlink()
        shown = await slm_mux("eval", "mine", "--pool", "pool.yaml", "-k", "2", cwd=tmp_path)
        assert shown.code == 0, shown.err
        later = [body["messages"] for body in fake.bodies[2:]]
    assert sorted(later, key=str) == sorted(first, key=str)
    assert "Choose. Which is" in str(later[0])


@pytest.mark.parametrize("file", ["mine.csv", "places.yaml"])
async def test_a_file_that_has_changed_since(tmp_path: Path, file: str) -> None:
    """It is an error, live and offline, that says what to do; by name it is evaluated."""
    async with serving() as fake:
        fake.always = answers("\\boxed{B}")
        pool_file(tmp_path, fake.url, samples=1)
        options = written(tmp_path)[file]
        await slm_mux("collect", file, *options, "--pool", "pool.yaml", cwd=tmp_path)
        changed = (tmp_path / file).read_text().replace("Which", "What").replace("one word", "full")
        (tmp_path / file).write_text(changed)
        name = file.partition(".")[0]
        for how in ("--pool", "pool.yaml"), ("--offline",):
            shown = await slm_mux("eval", file, *how, cwd=tmp_path)
            assert shown.code == 1
            assert f"{file}: this is not what the store's task '{name}'" in shown.err
            assert f"`slm-mux collect {file} --replace`" in shown.err
            assert f"{name!r} in place of the file means those that the store has" in shown.err
        assert (await slm_mux("eval", name, "--pool", "pool.yaml", cwd=tmp_path)).code == 0
        assert fake.requests == 2
        if file == "places.yaml":
            named = await slm_mux(
                "eval", file, "--name", "other", "--pool", "pool.yaml", cwd=tmp_path
            )
            assert named.out.startswith("other: 2 problems"), named.err


async def test_a_benchmark_needs_its_data_once(tmp_path: Path) -> None:
    """What the store has is evaluated without --data; --limit beyond it reads the data again."""
    row = {"question": "How many?", "answer": "#### 7"}
    data = [row | {"question": f"How many {n}?"} for n in range(3)]
    write_lines(tmp_path / "gsm8k_test.jsonl", data)
    where = ("--data", "gsm8k_test.jsonl")
    common = ("eval", "gsm8k", "--pool", "pool.yaml", "--json", "--method", "mux")
    async with serving() as fake:
        fake.always = answers("\\boxed{7}")
        pool_file(tmp_path, fake.url, samples=1)
        first = await slm_mux(*common, *where, "--limit", "2", cwd=tmp_path)
        assert first.code == 0, first.err
        again = await slm_mux(*common, cwd=tmp_path)
        assert rows(again.document)["mux"] == rows(first.document)["mux"]
        assert again.document["data"] == first.document["data"]
        more = await slm_mux(*common, *where, "--limit", "3", cwd=tmp_path)
    assert (more.document["problems"], fake.requests) == (3, 3)


def wanted(task: str, **given: object) -> Wanted:
    """What the command line asks for, with a pool file that nobody reads."""
    plain = {
        "pool": Path("pool.yaml"), "store": None, "split": None, "methods": (), "offline": False,
        "samples": None, "stopping": None, "limit": None, "seed": None, "allow_failures": 0.05,
        "data": None,
    }  # fmt: skip
    return Wanted(task=task, **{**plain, **given})  # type: ignore[arg-type]


def test_more_than_was_collected_is_loaded_where_it_is_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By --limit, by --split, or where only the validation split is there; else a note says so."""
    rows_of = [
        {"id": f"q{n}", "question": f"No {n}?", "answer": "7", "kind": "number", "split": split}
        for n, split in enumerate(["validation", "test", "test"])
    ]
    file = str(write_lines(tmp_path / "sums.jsonl", rows_of))
    with Store.open(tmp_path / "samples.db") as store:
        _, whole = task_to_ask(store, wanted(file))
        assert len(whole.problems) == 3

        def stored(*problems: int) -> None:
            chosen = [whole.problems[n] for n in problems]
            store.put_task("sums", chosen, source=whole.source, sha256=whole.sha256)

        def asked(**given: object) -> list[str]:
            name, task = task_to_ask(store, wanted(file, **given))
            assert name == "sums"
            return [problem.id for problem in task.problems]

        stored(0)
        assert asked() == ["q0", "q1", "q2"]
        assert asked(split="validation") == ["q0"]
        stored(1)
        assert asked() == ["q0", "q1"]
        assert asked(split="test", limit=1) == ["q0", "q1"]
        assert asked(limit=2) == ["q0", "q1", "q2"]
        assert asked(split="all", limit=3) == ["q0", "q1", "q2"]
        assert capsys.readouterr().err == ""
        _, by_name = task_to_ask(store, wanted("sums", limit=2))
        assert len(by_name.problems) == 2
    with Store.open(tmp_path / "prompted.db") as store:
        prompted = [whole.problems[1].__class__(id="q1", question="Say: No 1?", kind="number")]
        store.put_task("sums", prompted, source=whole.source, sha256=whole.sha256)
        _, task = task_to_ask(store, wanted(file, limit=2))
    assert task.problems == tuple(prompted)
    assert "the store has 1 problem of sums, and no more are read" in capsys.readouterr().err


async def test_imported_problems_without_questions_cannot_be_asked(tmp_path: Path) -> None:
    """A live evaluation of them is an error; with their questions it asks."""
    imported(tmp_path)
    asked = {"problem": "p", "model": "m1", "answers": ["7"], "target": "7", "question": "3 + 4?"}
    with Store.open(tmp_path / "samples.db") as store:
        import_files(store, [write_lines(tmp_path / "log.jsonl", [asked])], task="known")
    async with serving() as fake:
        fake.always = answers("\\boxed{7}")
        pool_file(tmp_path, fake.url, samples=1)
        shown = await slm_mux("eval", "exam", "--pool", "pool.yaml", cwd=tmp_path)
        known = await slm_mux("eval", "known", "--pool", "pool.yaml", "--json", cwd=tmp_path)
    assert shown.code == 2
    assert "exam: 2 of 2 problems came without a question (q1, for instance)" in shown.err
    assert (known.code, fake.requests) == (0, 1), known.err
    assert "3 + 4?" in str(fake.bodies[0]["messages"])


async def test_names_that_lead_nowhere(tmp_path: Path) -> None:
    """The message names the store's tasks, or who takes field options; --name is for files."""
    store = imported(tmp_path)
    pool_file(tmp_path, "http://127.0.0.1:9/v1")
    live = await slm_mux("eval", "exma", "--pool", "pool.yaml", "--store", store, cwd=tmp_path)
    assert (live.code, "The store has: exam" in live.err) == (2, True)
    (tmp_path / "capitals.csv").write_text(CAPITALS)
    odd = await slm_mux("eval", "capitals.csv", "--pool", "pool.yaml", cwd=tmp_path)
    assert (odd.code, "go with `slm-mux collect`" in odd.err) == (1, True)
    named = await slm_mux("eval", "exam", "--name", "other", "--store", store, cwd=tmp_path)
    assert (named.code, "--name goes with a file or a benchmark" in named.err) == (2, True)
