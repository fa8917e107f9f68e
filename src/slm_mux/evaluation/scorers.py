"""A scorer that can also run programs against their hidden tests."""

from slm_mux.tasks.scoring import Scorer
from slm_mux.types import Problem


def make_scorer() -> Scorer:
    """Make a scorer of every kind of answer. The sandbox is looked for when a program is scored."""
    return Scorer(grade=_passes_tests)


def _passes_tests(problem: Problem, program: str) -> bool | None:
    from slm_mux.answers.code import grade
    from slm_mux.sandbox import shared_sandbox

    if problem.code is None:
        return None
    return grade(problem.code, program, shared_sandbox())
