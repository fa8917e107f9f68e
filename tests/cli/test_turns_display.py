"""How a discussion looks on a terminal."""

import io

import pytest
from rich.console import Console

from slm_mux.cli.turns_display import TurnsDisplay, show_discussion
from slm_mux.sampling.events import RequestRetried, TurnAsked, TurnTaken
from slm_mux.types import Answer, Completion, DiscussionRecord, Failure, Sample, TurnRecord


def record(step: str, model: str, answer: str | None, **changed: object) -> TurnRecord:
    """One turn that answers the question, or says a little else."""
    return TurnRecord(
        step=step,
        model=model,
        answer=answer,
        canonical=answer,
        text="...",
        **changed,  # type: ignore[arg-type]
    )


def shown(*turns: TurnRecord) -> list[str]:
    """What is printed, without spaces for the looks."""
    console = Console(file=io.StringIO(), width=100)
    show_discussion(console, DiscussionRecord(settings={}, decided_by="", breaches={}, turns=turns))
    assert isinstance(console.file, io.StringIO)
    return [" ".join(line.split()) for line in console.file.getvalue().splitlines()]


def test_steps_are_rows_and_models_columns() -> None:
    """Names are shown as they are; many turns of one model in one step are counted."""
    verdicts = [
        record("verify: steps", "a[0]", answer, heard=(0,), to_question=False)
        for answer in ("correct", "correct", "wrong", None)
    ]
    assert shown(record("candidate", "a[0]", "4"), record("candidate", "b", None), *verdicts) == [
        "step a[0] b",
        "candidate 4 unreadable",
        "verify: steps 2 x correct, wrong, unclear",
    ]


def test_what_brought_no_answer_says_why() -> None:
    """Failed, silent, summed up."""
    lines = shown(
        record("round 1", "a", None, ended="failed"),
        record("round 1", "b", None, ended="silent"),
        record("round 2: summary", "a", None, to_question=False),
        record("round 2", "a", "4"),
        record("round 2", "b", None),
    )
    assert lines[1:4] == ["round 1 failed said nothing", "round 2: summary summed up",
                          "round 2 4 unreadable"]  # fmt: skip
    assert lines[5:] == ["a: no answer → 4 in round 2"]


@pytest.mark.parametrize(
    ("then", "line"),
    [
        ("4", "b: 5 → 4 in round 2, as a had said"),
        ("6", "b: 5 → 6 in round 2, which nobody it read said"),
        ("5", "nobody changed an answer"),
        (None, "b: 5 → no answer in round 2"),
    ],
)
def test_who_changed_after_whom(then: str | None, line: str) -> None:
    """A change is told with those who had said so before."""
    lines = shown(
        record("round 1", "a", "4"),
        record("round 1", "b", "5"),
        record("round 2", "a", "4", heard=(1,)),
        record("round 2", "b", then, heard=(0,)),
    )
    assert lines[-1] == line


def test_turns_as_they_arrive() -> None:
    """A row for each step; what is asked for has dots, what waits says so."""
    console = Console(file=io.StringIO(), width=100, force_terminal=False)
    display = TurnsDisplay(console, lines=True)
    display.observe(TurnAsked(0, "round 1", "a", (), True))
    display.observe(TurnAsked(1, "round 1", "b", (), True))
    display.observe(RequestRetried("b", 1, 2.0, "too many requests"))
    sample = Sample(model="a", draw=0, completion=Completion(text="4"), answer=Answer("4", "4"))
    display.observe(TurnTaken(0, "round 1", sample, (), True))
    failed = Sample(model="b", draw=0, failure=Failure("Broken", "it broke"))
    display.observe(TurnTaken(1, "round 1", failed, (), True))
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().splitlines() == [
        "b: trying again in 2.0 s: too many requests",
        "  round 1  a  4  (0.0 s)",
        "  round 1  b  failed  (0.0 s)",
    ]
