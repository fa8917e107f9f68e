"""What met a limit by wall time is used for now and not kept."""

from pathlib import Path

import pytest

from slm_mux.answers import code
from slm_mux.answers.math import MathKind
from slm_mux.answers.workers import Workers
from slm_mux.errors import SandboxError
from slm_mux.evaluation.chosen import choose
from slm_mux.evaluation.loading import Loaded, load_table
from slm_mux.evaluation.scorers import make_scorer
from slm_mux.provisional import mark_provisional
from slm_mux.readers import Readers
from slm_mux.sandbox import Limits
from slm_mux.store import Draw, Store
from slm_mux.tasks.scoring import Grader, Scorer
from slm_mux.types import CodeSpec, Completion, Problem
from tests.evaluation.making import TASK, series
from tests.sandboxes import NEEDS_SANDBOX

MATHS = Problem(id="q", question="Q?", kind="math", target=r"\sqrt{2}+1")
ADD_ONE = Problem(
    id="q",
    question="Write f.",
    kind="code",
    code=CodeSpec(
        prompt='def f(x):\n    """Add one.\n    >>> f(1)\n    2\n    """\n',
        entry_point="f",
        tests="def check(candidate):\n    assert candidate(1) == 2\n",
    ),
)
PROGRAM = "```python\ndef f(x):\n    return x + 1\n```"


class SlowReaders(Readers):
    """Run into the wall limit with every expression."""

    def __init__(self) -> None:
        super().__init__()
        self._shared["math", "words"] = MathKind(Workers(processes=1, wall_limit=0.01))


def one_model(path: Path, problem: Problem, texts: list[str]) -> Store:
    store = Store.open(path)
    store.put_task(TASK, [problem], source="", sha256="")
    asked = series("m", "q")
    store.put_asked(TASK, [("q", asked)])
    store.put_draws(
        [
            Draw(series=asked.digest, draw=draw, completion=Completion(text=text))
            for draw, text in enumerate(texts)
        ]
    )
    return store


def load(store: Store, readers: Readers, scorer: Scorer) -> Loaded:
    problems, members = store.problems(TASK), store.members(TASK)
    chosen = choose(
        store, TASK, problems, members, pool=None, digests=lambda _: [], without="leave out"
    )
    try:
        return load_table(store, TASK, chosen, readers=readers, scorer=scorer)
    finally:
        readers.close()


def test_a_reading_cut_short_is_read_again(tmp_path: Path) -> None:
    """A busy machine's keys count in its own run; the next run reads those texts anew."""
    texts = [r"\boxed{5}", r"\boxed{1+\sqrt{2}}", r"\boxed{\sqrt{2}+1}"]
    with one_model(tmp_path / "s.db", MATHS, texts) as store, make_scorer() as scorer:
        busy = load(store, SlowReaders(), scorer)
        idle = load(store, Readers(), scorer)
        kept = load(store, SlowReaders(), scorer)
    assert [one.provisional_readings for one in (busy, idle, kept)] == [2, 0, 0]
    keys = [
        [answer and answer.key for answer in one.answers.values()] for one in (busy, idle, kept)
    ]
    assert len(set(keys[0])) == 3
    assert keys[1] == keys[2]
    assert len(set(keys[1])) == 2


@NEEDS_SANDBOX
def test_a_verdict_cut_short_is_found_again(tmp_path: Path) -> None:
    """A right program that a busy machine gave no time is wrong this time only."""

    def grading(busy: bool) -> Grader:
        def grade(problem: Problem, program: str) -> bool:
            if busy:
                mark_provisional()
            return not busy

        return grade

    with one_model(tmp_path / "s.db", ADD_ONE, [PROGRAM, PROGRAM]) as store:
        found = []
        for busy in (True, False, True):
            with Scorer(grade=grading(busy)) as scorer:
                loaded = load(store, Readers(), scorer)
                found.append((loaded.provisional_verdicts, bool(loaded.table.correct.all())))
    assert found == [(1, False), (0, True), (0, True)]


@NEEDS_SANDBOX
def test_grading_marks_what_the_wall_time_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sandbox's wall limit reaches the scorer, which does not remember such a verdict."""
    known: dict[tuple[str, str], bool | None] = {}
    program = "def f(x):\n    return x + 1\n"
    with make_scorer() as scorer:
        monkeypatch.setattr(code, "GRADING_LIMITS", Limits(cpu_seconds=10, wall_seconds=1e-3))
        try:
            assert scorer.score_many(ADD_ONE, [program], known=known) == [False]
        except SandboxError as error:
            pytest.fail(str(error))
        assert (known, scorer.statistics().limit_hits) == ({}, 1)
        monkeypatch.undo()
        assert scorer.score_many(ADD_ONE, [program], known=known) == [True]
        assert list(known.values()) == [True]
