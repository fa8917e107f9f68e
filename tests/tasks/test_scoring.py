"""Scores: by key first, maths by math-verify in workers, code by its tests; never by guessing."""

import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slm_mux.answers.workers import NoResultError, Workers
from slm_mux.provisional import mark_provisional
from slm_mux.sandbox import Limits
from slm_mux.tasks.scoring import Scorer, ScorerStatistics
from slm_mux.types import Answer, CodeSpec, Problem

CHOICES = {"A": "Paris", "B": "Rome"}


@pytest.fixture(scope="module")
def scorer() -> Iterator[Scorer]:
    with Scorer() as shared:
        yield shared


def ask(kind: Any, target: str | None, **more: Any) -> Problem:
    return Problem(id="q", question="?", kind=kind, target=target, **more)


class Recorded(Workers):
    """Workers that answer in this process, with what a test lays down."""

    def __init__(self, verdict: bool | Exception) -> None:
        super().__init__()
        self.verdict = verdict
        self.asked: list[tuple[Any, ...]] = []

    def call(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        self.asked.append(args)
        if isinstance(self.verdict, Exception):
            raise self.verdict
        return self.verdict


@pytest.mark.parametrize(
    ("problem", "answer", "expected"),
    [
        (ask("number", "1,234"), "1234.0", True),
        (ask("number", "72"), "72 apples", True),
        (ask("number", "72"), "7", False),
        (ask("number", "72"), "none", False),
        (ask("choice", "A", choices=CHOICES), "(a)", True),
        (ask("choice", "Paris", choices=CHOICES), "A", True),
        (ask("choice", "A", choices=CHOICES), "Rome", False),
        (ask("label", "spam", labels=("spam", "ham")), "Spam.", True),
        (ask("label", "spam", labels=("spam", "ham")), "ham", False),
        (ask("json", '{"a": 1, "b": 2}'), '{"b": 2.0, "a": 1}', True),
        (ask("text", "Two words"), "two  WORDS", True),
        (ask("math", r"\frac{1}{2}"), "0.5", True),
        (ask("math", "1"), "", False),
    ],
)
def test_by_key(scorer: Scorer, problem: Problem, answer: str, expected: bool) -> None:
    """An answer is right when its key is the target's."""
    assert scorer.score(problem, answer) is expected


@pytest.mark.parametrize(
    ("target", "answer", "expected"),
    [
        ("(1,2)", "1<x<2", True),
        ("1<x<2", "(1,2)", True),
        ("50\\%", "0.5", True),
        ("\\frac{1}{3}", "0.333333", True),
        ("\\frac{1}{3}", "0.33", False),
        ("$7$", "8", False),
        ("(3,4)", "(4,3)", False),
        ("2", "\\text{dos}", False),
    ],
)
def test_by_math_verify(scorer: Scorer, target: str, answer: str, expected: bool) -> None:
    """Texts of different keys are compared in both directions, and either counts."""
    assert scorer.score(ask("math", target), answer) is expected


@pytest.mark.parametrize(
    "problem",
    [
        ask("number", None),
        ask("number", "about seven or eight"),
        ask("choice", "C", choices=CHOICES),
        ask("label", "junk", labels=("spam", "ham")),
        ask("math", ""),
        ask("text", "  "),
        ask("json", "{"),
        ask("code", None),
        ask("code", None, code=CodeSpec(prompt="def f():", entry_point="f")),
    ],
)
def test_an_unreadable_target_leaves_the_problem_unscored(problem: Problem) -> None:
    """No target, or none that its kind can read: neither right nor wrong, whatever the answer."""
    with Scorer(grade=lambda problem, text: True) as scorer:
        assert scorer.can_score(problem) is False
        assert scorer.score_many(problem, ["1", None, Answer("A", "A")]) == [None, None, None]


def test_an_unreadable_answer_is_wrong(scorer: Scorer) -> None:
    """None is wrong where the problem is scored."""
    assert scorer.score(ask("number", "1"), None) is False
    assert scorer.score_many(ask("number", "1"), []) == []


def test_the_key_of_an_answer_counts_as_given(scorer: Scorer) -> None:
    """An answer's own key is compared, whatever its text."""
    assert scorer.score(ask("number", "7"), Answer("about seven", "7")) is True
    assert scorer.score(ask("number", "7"), Answer("7", "seven")) is False


@pytest.mark.parametrize(
    "hostile",
    [
        "9^{9^{9}}",
        "(10^7)!",
        "(x+1)^{1000}",
        "(x+y+z)^{60}",
        r"\binom{10^6}{10^5}",
        "10^{-100000}",
        "2^{100}!",
        "1" * 501,
        "x^^^^!!",
    ],
)
def test_hostile_answers_never_reach_math_verify(hostile: str) -> None:
    """What cannot be evaluated in reasonable time is wrong, at once and without a worker."""
    workers = Recorded(True)
    with Scorer(workers=workers) as scorer:
        assert scorer.score(ask("math", "7"), hostile) is False
        assert (workers.asked, scorer.statistics()) == ([], ScorerStatistics(refused=1))
        assert scorer.score(ask("math", hostile), hostile) is True


@pytest.mark.parametrize("harmless", ["2^{2005}", "x^{2004}", "100!", "(x+1)^{10}", "1/0", "}7{"])
def test_large_but_harmless_answers_do(harmless: str) -> None:
    """Size alone is no reason to refuse an answer."""
    workers = Recorded(True)
    with Scorer(workers=workers) as scorer:
        assert scorer.score(ask("math", "7"), harmless) is True
        assert workers.asked == [("7", harmless)]


def test_each_distinct_answer_is_scored_once() -> None:
    """Equal texts of one problem cost one call; equal keys of the target none."""
    workers = Recorded(False)
    known: dict[tuple[str, str], bool | None] = {}
    problem = ask("math", r"\sqrt{4}")
    answers = ["x", "2", "x", None, "y", "2.0", "x"]
    with Scorer(workers=workers) as scorer:
        found = scorer.score_many(problem, answers, known=known)
        assert found == [False, True, False, False, False, True, False]
        assert [asked[1] for asked in workers.asked] == ["x", "y"]
        assert known == {scorer.verdict_key(problem, text): False for text in "xy"}
        scorer.score_many(problem, answers, known=known)
        assert len(workers.asked) == 2


def test_what_hits_a_limit_is_wrong_counted_and_not_kept() -> None:
    """A call that a limit ended is no verdict to remember."""
    known: dict[tuple[str, str], bool | None] = {}
    with Scorer(workers=Recorded(NoResultError("too long"))) as scorer:
        assert scorer.score_many(ask("math", "7"), ["8"], known=known) == [False]
        assert (known, scorer.statistics()) == ({}, ScorerStatistics(limit_hits=1))


def test_code_is_graded_by_its_tests() -> None:
    """Programs go to the grader, once per text; the same behaviour is not the same verdict."""
    spec = CodeSpec(prompt="def f():", entry_point="f", tests="def check(candidate): ...")
    problem = ask("code", None, code=spec)
    graded: list[str] = []

    def grade(problem: Problem, text: str) -> bool:
        graded.append(text)
        return "good" in text

    known: dict[tuple[str, str], bool | None] = {}
    answers = [Answer("good", "k"), Answer("bad", "k"), Answer("good", "k"), None]
    with Scorer(grade=grade) as scorer:
        assert scorer.can_score(problem)
        assert scorer.score_many(problem, answers, known=known) == [True, False, True, False]
        assert graded == ["good", "bad"]
        assert scorer.score_many(problem, answers, known=known) == [True, False, True, False]
        assert graded == ["good", "bad"]
        other = ask("code", None, code=CodeSpec(prompt="def g():", entry_point="g", tests="x"))
        assert scorer.verdict_key(problem, "good") != scorer.verdict_key(other, "good")
    with Scorer() as without:
        assert without.score(problem, "good") is None


def test_a_program_s_verdict_names_what_ran_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other code or other limits look for a verdict of their own; words do not depend on them."""
    spec = CodeSpec(prompt="def f():", entry_point="f", tests="def check(candidate): ...")
    program, words = ask("code", None, code=spec), ask("math", "7")
    with Scorer() as scorer:
        before = [scorer.verdict_key(problem, "x") for problem in (program, words)]
        monkeypatch.setattr("slm_mux.answers.code.GRADING_LIMITS", Limits(cpu_seconds=1))
        limited = [scorer.verdict_key(problem, "x") for problem in (program, words)]
        monkeypatch.setattr("slm_mux.tasks.scoring.code_that_reads", lambda: "changed")
        changed = [scorer.verdict_key(problem, "x") for problem in (program, words)]
    assert len({before[0], limited[0], changed[0]}) == 3
    assert before[1] == limited[1] == changed[1]


def test_a_program_that_ran_out_of_wall_time_is_not_remembered() -> None:
    """It is wrong this time, and counted; another time it is graded anew."""
    spec = CodeSpec(prompt="def f():", entry_point="f", tests="def check(candidate): ...")
    known: dict[tuple[str, str], bool | None] = {}

    def grade(problem: Problem, text: str) -> bool:
        mark_provisional()
        return text == "quick"

    with Scorer(grade=grade) as scorer:
        found = scorer.score_many(ask("code", None, code=spec), ["slow", "quick"], known=known)
        assert found == [False, True]
        assert scorer.statistics() == ScorerStatistics(limit_hits=1, by_tests=1)
    assert [text for text, _ in known] == ["quick"]


def test_threads_share_a_scorer(scorer: Scorer) -> None:
    """Verdicts of several threads at once are each their own."""
    found: dict[int, bool | None] = {}

    def one(number: int) -> None:
        found[number] = scorer.score(ask("math", f"({number},9)"), f"{number}<x<9")

    threads = [threading.Thread(target=one, args=(number,)) for number in range(1, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == dict.fromkeys(range(1, 7), True)


def test_nothing_heavy_is_imported_here(scorer: Scorer) -> None:
    """math-verify runs in the workers alone, and the fingerprint needs no import of it."""
    assert scorer.score(ask("math", "x+1"), "x+2") is False
    assert "math-verify-" in scorer.fingerprint
    assert "math_verify" not in sys.modules


@settings(max_examples=100)
@given(st.text(max_size=60), st.text(max_size=20))
def test_any_text_gets_a_verdict(answer: str, target: str) -> None:
    """Whatever the texts: True, False or None, never an error; equal texts are never wrong."""
    with Scorer(workers=Recorded(False)) as scorer:
        for kind in ("number", "text", "json"):
            problem = ask(kind, target)
            assert scorer.score(problem, answer) in (True, False, None)
            assert scorer.score(problem, target) is (True if scorer.can_score(problem) else None)
