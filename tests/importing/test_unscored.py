"""Problems that cannot be scored are named, each with its reason."""

from pathlib import Path

import pytest

from slm_mux.importing import ImportOptions, import_files
from slm_mux.importing.unscored import unscored
from slm_mux.store import Store
from slm_mux.tasks.scoring import Scorer
from slm_mux.types import CodeSpec, Problem, ProblemKind
from tests.importing.files import write_lines

CHOICES = {"A": "tea", "B": "milk"}


@pytest.mark.parametrize(
    ("kind", "target", "reason"),
    [
        ("number", "1,234", None),
        ("number", "3 or 4", "its target '3 or 4' cannot be read as number"),
        ("number", None, "it has no target"),
        ("math", "\\frac{1}{2}", None),
        ("math", "$$", "its target '$$' cannot be read as math"),
        ("json", "{", "its target '{' cannot be read as json"),
        ("text", "anything", None),
        ("choice", "B", None),
        ("choice", "milk", None),
        ("choice", "E", "its target 'E' is none of the choices A, B"),
        ("label", "no", None),
        ("label", "perhaps", "its target 'perhaps' is none of the labels yes, no"),
        ("code", None, "it has no tests"),
    ],
)
def test_what_the_scorer_cannot_score_is_named(
    kind: ProblemKind, target: str | None, reason: str | None
) -> None:
    """The reason says what is wrong with the target; the scorer agrees that it is."""
    problem = Problem(
        id="q1",
        question="Which?",
        kind=kind,
        target=target,
        choices=CHOICES if kind == "choice" else {},
        labels=("yes", "no") if kind == "label" else (),
        code=CodeSpec(prompt="", entry_point="f") if kind == "code" else None,
    )
    found = [(each.task, each.problem, each.reason) for each in unscored("t", [problem])]
    assert found == ([] if reason is None else [("t", "q1", reason)])
    with Scorer() as scorer:
        assert scorer.can_score(problem) == (reason is None)


def test_an_import_names_the_task_s_unscored_problems(tmp_path: Path) -> None:
    """Those of the task are named, in order, also those that an earlier import brought."""
    rows = [
        {"problem": f"q{number}", "model": "m1", "answers": ["1"], "target": target}
        for number, target in enumerate(["1", "3 or 4", None])
    ]
    options = ImportOptions(kind="number")
    with Store.open(tmp_path / "s.db") as store:
        file = write_lines(tmp_path / "1.jsonl", rows)
        summary = import_files(store, [file], task="t", options=options)
        assert [each.problem for each in summary.unscored] == ["q1", "q2"]
        more = write_lines(tmp_path / "2.jsonl", [rows[0] | {"model": "m2"}])
        summary = import_files(store, [more], task="t", options=options)
        assert [(each.problem, each.target) for each in summary.unscored] == [
            ("q1", "3 or 4"),
            ("q2", None),
        ]
