"""The talk: turns become steps, and who changed an answer is told."""

from typing import Any

from slm_mux.sampling.events import TurnAsked, TurnTaken
from slm_mux.server.page.talk import Talk, changes_of, talk_of
from slm_mux.types import Answer, Completion, Failure, Sample
from tests.server.page.test_board import decided, drawn


def sample(model: str, answer: str | None, text: str = "I say so.") -> Sample:
    read = None if answer is None else Answer(answer, answer)
    return Sample(model=model, draw=0, completion=Completion(text=text), answer=read)


def spoken(step: str, model: str, answer: str | None, *heard: int, **more: Any) -> dict[str, Any]:
    """A turn, as the API writes it."""
    return {
        "step": step,
        "model": model,
        "answer": answer,
        "canonical": answer,
        "heard": list(heard),
        "to_question": True,
        "ended": None,
        "text": f"I say {answer}",
    } | more


def discussed(*turns: dict[str, Any]) -> dict[str, Any]:
    """A decision that rests on these turns."""
    draws = [drawn(turn["model"], 0, turn["answer"]) for turn in turns]
    discussion = {"settings": {}, "decided_by": "chance", "breaches": {}, "turns": list(turns)}
    return decided(method="debate", draws=draws, discussion=discussion)


def test_turns_become_steps_as_they_come() -> None:
    """A step begins with its first turn; one class has one mark in all of them."""
    talk = Talk(calls=4)
    first = talk.asked(TurnAsked(0, "round 1", "a", (), True))
    assert first is not None
    assert (first.id, first.after, first.title) == ("step-0", "step-1", "Round 1")
    assert talk.asked(TurnAsked(1, "round 1", "b", (), True)) is None
    assert talk.taken == 0
    a = talk.took(TurnTaken(0, "round 1", sample("a", "4"), (), True))
    b = talk.took(TurnTaken(1, "round 1", sample("b", "5"), (), True))
    assert (a.state, a.answer, a.text, talk.taken) == ("read", "4", "I say so.", 2)
    assert talk.asked(TurnAsked(2, "round 2", "b", (0,), True)) is not None
    changed = talk.took(TurnTaken(2, "round 2", sample("b", "4"), (0,), True))
    assert changed.mark == a.mark != b.mark
    assert talk.sources(changed) == ["a"]


def test_how_a_turn_can_end() -> None:
    """Failed, silent, unreadable; a verdict has no mark, a summary no answer."""
    talk = Talk(calls=5)
    failed = Sample(model="m", draw=0, failure=Failure("Broken", "it broke"))
    ends = {
        "failed": ("round 1", failed, True),
        "silent": ("round 1", sample("m", None, " "), True),
        "unreadable": ("round 1", sample("m", None), True),
        "said": ("verify: steps", sample("m", "correct"), False),
    }
    for index, (state, (step, ended, to_question)) in enumerate(ends.items()):
        talk.asked(TurnAsked(index, step, "m", (), to_question))
        turn = talk.took(TurnTaken(index, step, ended, (), to_question))
        assert (turn.state, turn.mark) == (state, None)
    talk.asked(TurnAsked(4, "round 2: summary", "m", (), False))
    told = sample("m", "They say 4.", "They say 4.")
    assert talk.took(TurnTaken(4, "round 2: summary", told, (), False)).answer == "summed up"


def test_the_talk_of_a_decision() -> None:
    """It is the same as the live one, the answer's mark first; other methods have none."""
    talk = talk_of(discussed(spoken("round 1", "a", "5"), spoken("round 1", "b", "4")))
    assert talk is not None
    five, four = talk.steps[0].turns
    assert four.mark == talk.marks.of("4") != five.mark
    assert (four.text, four.note) == ("I say 4", "1.2\u00a0s, 7 tokens")
    assert talk_of(decided()) is None


def test_changes_in_words() -> None:
    """With those who had said so; none where nobody answers twice."""
    turns = [spoken("round 1", "a", "4"), spoken("round 1", "b", "5")]
    again = [spoken("round 2", "a", "4", 1), spoken("round 2", "b", "4", 0)]
    assert changes_of(discussed(*turns)) == []
    assert changes_of(discussed(*turns, *again)) == [
        "b went from 5 to 4 in round 2, as a had said."
    ]
    kept = [spoken("round 2", "a", "4", 1), spoken("round 2", "b", "5", 0)]
    assert changes_of(discussed(*turns, *kept)) == ["Nobody changed an answer."]
