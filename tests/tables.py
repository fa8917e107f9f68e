"""Vote tables for tests."""

from collections.abc import Mapping, Sequence

from slm_mux.table import VoteTable, build_table
from slm_mux.types import Answer, Missing, Problem

Drawn = Sequence[str | Missing | None]


def problem(name: str = "q1", *, target: str | None = "A", split: str | None = None) -> Problem:
    return Problem(id=name, question="?", kind="text", target=target, split=split)


def table_of(
    drawn: Mapping[str, Sequence[Drawn]],
    targets: Sequence[str | None],
    *,
    records: Sequence[float | None] | None = None,
    tokens: tuple[float | None, float | None] = (10, 5),
) -> VoteTable:
    """Make a table of each model's draws on each problem; answers are compared as given."""
    problems = [problem(f"q{p + 1}", target=target) for p, target in enumerate(targets)]
    rows = []
    for m, answers in enumerate(drawn.values()):
        for p, draws in enumerate(answers):
            for d, answer in enumerate(draws):
                read = Answer(answer, answer) if isinstance(answer, str) else answer
                right = None if targets[p] is None else answer == targets[p]
                used = (None, None) if isinstance(answer, Missing) else tokens
                rows.append((m, p, d, read, right, *used))
    return build_table("toy", problems, list(drawn), rows, validation_accuracy=records)
