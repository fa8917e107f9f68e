"""Multi-agent verification, over scripted models."""

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from slm_mux.answers.text import TextKind
from slm_mux.discussion.aspects import ASPECTS
from slm_mux.discussion.base import Discussion, Speaker
from slm_mux.discussion.multi_agent_verification import MultiAgentVerification
from slm_mux.discussion.sizes import THIRDS, size_of
from slm_mux.discussion.workflows import workflow_of
from slm_mux.errors import BadReplyError, InvalidRequestError
from slm_mux.models.base import Generation, Request
from slm_mux.models.scripted import Reply
from slm_mux.models.wire import completions, decode_reply
from slm_mux.types import Answer, Completion, KindName, ToolCall
from tests.discussion.making import (
    LastWord,
    asked,
    discussed,
    failing,
    prompt,
    real_speaker,
    requests,
    room,
    said,
    speaker,
    topic,
)

YES, NO = "Fine.\nAnswer: correct", "Step 1 is off.\nAnswer: wrong"
ONE = MultiAgentVerification(aspects=["steps"])
"""One aspect, so that each verifier is asked once of each candidate."""


def shown(text: str) -> str | None:
    """The candidate in a verifier's prompt; None in an opening."""
    _, begins, rest = text.partition("[Solution]\n")
    return rest.partition("\n[End of Solution]")[0] if begins else None


def member(
    name: str,
    answers: str | list[str],
    approves: str | Callable[[str], Reply] = "",
    *,
    record: float | None = None,
    context: int | None = None,
    max_tokens: int | None = None,
    delay: float = 0.0,
) -> Speaker:
    """Make a member that answers, draw by draw, and approves of some candidates.

    It approves of those whose last words are among `approves` ("45"), or says of each what that
    function says.
    """
    openings = itertools.cycle([answers] if isinstance(answers, str) else answers)

    def reply(request: Request) -> Reply:
        text = shown(prompt(request))
        if text is None:
            return next(openings)
        if not isinstance(approves, str):
            return approves(text)
        return YES if text and text.split()[-1] in approves else NO

    return speaker(name, reply, record=record, context=context, max_tokens=max_tokens, delay=delay)


def outcome(discussion: Discussion) -> tuple[str | None, str | None, float, str]:
    return (
        discussion.answer.text if discussion.answer else None,
        discussion.model,
        round(discussion.confidence, 3),
        discussion.decided_by,
    )


async def test_the_most_approved_candidate_wins() -> None:
    """Each candidate is read by every verifier for every aspect, and approvals are counted."""
    a = member("a", "I say 4", "5")
    b = member("b", "I say 5", "5")
    c = member("c", "I say 6", "56")
    workflow = MultiAgentVerification(aspects=["steps", "arithmetic"])
    discussion = await discussed(workflow, a, b, c)
    assert outcome(discussion) == ("5", "b", 1.0, "most approvals (6 of 6)")
    assert said(discussion)[:3] == [
        ("candidate", m, k, ()) for m, k in zip("abc", "456", strict=True)
    ]
    verdicts = {"4": (), "5": ("a", "b", "c"), "6": ("c",)}
    assert said(discussion)[3:] == [
        (f"verify: {aspect}", verifier, "correct" if verifier in approved else "wrong", (place,))
        for place, approved in enumerate(verdicts.values())
        for verifier in "abc"
        for aspect in ("steps", "arithmetic")
    ]
    assert discussion.breaches == {}
    assert len(discussion.turns) == workflow.calls(["a", "b", "c"]) == 21
    assert discussion.completion is discussion.turns[1].sample.completion


async def test_what_a_verifier_reads() -> None:
    """It reads the question, one candidate without its giver's name, one aspect, and the form."""
    a = speaker("qwen", lambda r: "I say 4" if shown(prompt(r)) is None else YES, system="Be kind")
    await discussed(ONE, a)
    opening, verdict = requests(a)
    assert verdict.messages[:-1] == opening.messages[:-1]
    text = prompt(verdict)
    assert text.startswith("How much is it?\n\n")
    assert ASPECTS["steps"] in text
    assert shown(text) == "I say 4"
    assert text.endswith(
        'Then finish with one line that says "Answer: correct" or "Answer: wrong".'
    )
    assert "qwen" not in text
    assert LastWord().instruction() not in text


async def test_what_came_before_the_question_and_its_pictures_stay() -> None:
    """A verifier sees the conversation before the question, and what is shown beside it."""
    before = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    picture = {"type": "image_url", "image_url": {"url": "data:,"}}
    a = member("a", "4", "4")
    last = {"role": "user", "content": [{"type": "text", "text": "How much is it?"}, picture]}
    a = replace(a, opening=(*before, last))
    await discussed(ONE, a)
    *first, verdict = requests(a)[1].messages
    assert first == before
    assert [part["type"] for part in verdict["content"]] == ["image_url", "text"]
    assert shown(verdict["content"][1]["text"]) == "4"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("math", ["steps", "arithmetic", "result"]),
        ("choice", ["facts", "alternatives", "reasoning"]),
        ("code", ["examples", "edge_cases", "signature"]),
        ("json", ["task", "facts", "reasoning"]),
    ],
)
async def test_aspects_go_by_the_kind(kind: KindName, expected: list[str]) -> None:
    """Where no aspects are named, those are looked at that suit the question."""
    a = member("a", "4", "4")
    subject = topic(a, kind=kind)
    discussion = await MultiAgentVerification().discuss(subject, room(subject))
    assert [turn.step for turn in discussion.turns[1:]] == [f"verify: {one}" for one in expected]
    assert len(discussion.turns) == MultiAgentVerification().calls(["a"])


async def test_nothing_forces_the_form_of_the_answer_on_a_verdict() -> None:
    """Tools and a response format are for candidates; other fields of a request stay."""
    extra = {"response_format": {"type": "json_object"}, "tools": [{}], "top_k": 5}
    a = replace(member("a", "4", "4"), generation=Generation(extra=extra, max_tokens=9))
    await discussed(ONE, a)
    opening, verdict = requests(a)
    assert opening.generation == Generation(extra=extra, max_tokens=9)
    assert verdict.generation == Generation(extra={"top_k": 5}, max_tokens=9)


async def test_calls_of_tools_are_verified_as_calls() -> None:
    """Of a candidate that calls a tool the calls are shown."""
    call = Completion(text="Let me look", tool_calls=(ToolCall(name="find", arguments="{}"),))

    class Calls(LastWord):
        def read_calls(self, calls: object, *, cut_off: bool = False) -> Answer:
            return Answer("find({})", "CALLS find")

    a = speaker("a", lambda r: call if shown(prompt(r)) is None else YES, reader=Calls())
    subject = topic(a, kind="tool_call")
    discussion = await ONE.discuss(subject, room(subject))
    assert discussion.answer == Answer("find({})", "CALLS find")
    assert shown(asked(a)[1]) == "find({})"


async def test_what_a_program_prints_is_shown() -> None:
    """A verifier reads of a program also what came out of it."""
    a = replace(member("a", "print 4", "4"), style="program")
    await discussed(ONE, a)
    assert shown(asked(a)[1]) == "print 4\n\nThis program prints: 4"


async def test_candidates_with_one_text_share_their_verdicts() -> None:
    """They are verified once; another text with the same answer is verified apart."""
    a, b, c = member("a", "It is 4", "4"), member("b", "It is 4", ""), member("c", "4", "")
    discussion = await discussed(ONE, a, b, c)
    assert [turn.heard for turn in discussion.turns[3:]] == [(0, 1)] * 3 + [(2,)] * 3
    assert outcome(discussion) == ("4", "a", 0.333, "most approvals (1 of 3)")


async def test_generators_give_candidates_in_turn_the_best_record_first() -> None:
    """Draw 0 of each, then draw 1; the draws are those of the opening."""
    a = member("a", ["1", "2"], record=0.2)
    b = member("b", ["3", "4"], "4", record=0.9)
    c = member("c", "5", record=0.5)
    workflow = MultiAgentVerification(
        candidates=3, generators=["a", "b"], verifiers=["b"], aspects=["facts"]
    )
    discussion = await discussed(workflow, a, b, c)
    found = [(turn.speaker, turn.sample.draw) for turn in discussion.turns[:3]]
    assert found == [("b", 0), ("a", 0), ("b", 1)]
    assert outcome(discussion) == ("4", "b", 1.0, "most approvals (1 of 1)")
    assert requests(c) == []
    assert workflow.calls(["a", "b", "c"]) == 6


async def test_fewer_candidates_than_generators_are_those_with_the_best_record() -> None:
    """The members with the worst records only verify."""
    a, b = member("a", "1", record=0.2), member("b", "3", "3", record=0.9)
    discussion = await discussed(replace(ONE, candidates=1), a, b)
    assert outcome(discussion) == ("3", "b", 0.5, "most approvals (1 of 2)")


async def test_a_tie_goes_by_vote_then_by_record_then_by_draw() -> None:
    """The answer that more candidates have wins among those with equally many approvals."""
    a = member("a", "1", record=0.9)
    b, c = member("b", "so 2", record=0.1), member("c", "thus 2", record=0.5)
    assert outcome(await discussed(ONE, a, b, c)) == (
        "2",
        "c",
        0.0,
        "most approvals (0 of 3); tie: vote",
    )
    low, high = member("low", "1", record=0.1), member("high", "2", record=0.9)
    decided = await discussed(ONE, low, high)
    assert outcome(decided) == ("2", "high", 0.0, "most approvals (0 of 2); tie: record")
    alone = await discussed(replace(ONE, candidates=2), member("one", ["7", "8"]))
    assert (alone.answer, alone.turns[0].answer) == (Answer("7", "7"), Answer("7", "7"))


async def test_the_vote_counts_candidates_that_lost_by_approvals() -> None:
    """All readable candidates vote where approvals are equal, not only those that are tied."""
    a = member("a", "1", lambda text: YES if text in ("1", "so 2") else NO, record=0.9)
    b, c = member("b", "so 2", record=0.5), member("c", "but 2", record=0.1)
    discussion = await discussed(replace(ONE, verifiers=["a"]), a, b, c)
    assert outcome(discussion) == ("2", "b", 1.0, "most approvals (1 of 1); tie: vote")


async def test_an_unclear_verdict_is_no_approval() -> None:
    """It stays among those that were asked for, and is counted."""
    a = member("a", "4", lambda _: "I would rather not say")
    b = member("b", "5", "4")
    discussion = await discussed(ONE, a, b)
    assert outcome(discussion) == ("4", "a", 0.5, "most approvals (1 of 2)")
    assert discussion.breaches == {"unclear_verdict": 2}


async def test_a_silent_verifier_approves_nothing() -> None:
    """Reasoning alone is no verdict; it is counted as silence and not as unclear."""
    a = member("a", "4", lambda _: "<think>correct")
    discussion = await discussed(ONE, a)
    assert outcome(discussion) == ("4", "a", 0.0, "most approvals (0 of 1)")
    assert discussion.breaches == {"silent": 1}


@pytest.mark.parametrize(
    ("body", "breaches"),
    [
        ('{"choices": [{"message": {"role": "assistant"}}]}', {"silent": 1}),
        ('{"object": "chat.completion"}', {"failed": 1}),
    ],
    ids=["no content", "no choices"],
)
async def test_a_verifiers_reply_without_what_is_needed(
    body: str, breaches: dict[str, int]
) -> None:
    """Without a content it says nothing, without choices it failed: either way no approval."""

    def reply(_: str) -> Reply:
        decoded = decode_reply(body.encode())
        if not decoded.choices:
            raise BadReplyError("it has no field `choices`", model="b")
        return completions(decoded, 1)[0]

    b = member("b", "4", reply)
    discussion = await discussed(ONE, member("a", "4", "4"), b)
    assert outcome(discussion) == ("4", "a", 0.5, "most approvals (1 of 2)")
    assert discussion.breaches == breaches


async def test_a_model_that_is_down_neither_answers_nor_approves() -> None:
    """The others' candidates are verified; its verdicts count as none."""
    a, b = speaker("a", failing, record=0.9), member("b", "5", "5")
    discussion = await discussed(ONE, a, b)
    assert outcome(discussion) == ("5", "b", 0.5, "most approvals (1 of 2)")
    assert discussion.breaches == {"failed": 2}


async def test_all_verifiers_down_leaves_the_vote() -> None:
    """Nobody approves, so the candidates' own vote decides, without any confidence."""
    a = member("a", "4")
    b, c = member("b", "a 5"), member("c", "the 5")
    down = speaker("down", failing)
    workflow = replace(ONE, generators=["a", "b", "c"], verifiers=["down"])
    discussion = await discussed(workflow, a, b, c, down)
    assert outcome(discussion) == ("5", "b", 0.0, "most approvals (0 of 1); tie: vote")


async def test_all_models_down_come_to_no_answer() -> None:
    """Without a candidate nothing is verified."""
    discussion = await discussed(ONE, speaker("a", failing), speaker("b", failing))
    assert outcome(discussion) == (None, None, 0.0, "no readable candidate")
    assert len(discussion.turns) == 2


async def test_candidates_that_cannot_be_read_are_not_verified() -> None:
    """They cannot win, and say why in the breaches."""
    a, b, c = member("a", "who knows ?"), member("b", "<think>5"), member("c", "6", "6")
    discussion = await discussed(ONE, a, b, c)
    assert outcome(discussion) == ("6", "c", 0.333, "most approvals (1 of 3)")
    assert [turn.heard for turn in discussion.turns[3:]] == [(2,)] * 3
    assert discussion.breaches == {"silent": 1, "unreadable": 1}


async def test_reasoning_is_not_shown() -> None:
    """What a candidate thought before it spoke is nobody's to read."""
    a = member("a", "<think>maybe 5</think>It is 4", "4")
    await discussed(ONE, a)
    assert shown(asked(a)[1]) == "It is 4"


async def test_a_candidate_too_long_for_a_verifier_loses_its_beginning() -> None:
    """Only the verifier with the small context reads less, and each such reading is counted."""
    long = "word " * 400 + "4"
    small = member("small", "4", context=300, max_tokens=50)
    large = member("large", long, context=100_000)
    discussion = await discussed(ONE, small, large)
    texts = {one.name: shown(asked(one)[2]) for one in (small, large)}
    assert texts["large"] == long
    cut = texts["small"] or ""
    assert cut.startswith("[...] ")
    assert cut.endswith("word 4")
    assert 0 <= (300 - 50) * THIRDS - size_of(requests(small)[2].messages) < THIRDS
    assert discussion.breaches == {"cut": 1}


async def test_a_context_too_small_for_any_candidate() -> None:
    """The verifier is still asked, about nothing, and that is counted as a cut."""
    a = member("a", "the answer is 4", "", context=20)
    discussion = await discussed(ONE, a)
    assert shown(asked(a)[1]) == ""
    assert discussion.breaches["cut"] == 1


async def test_all_verdicts_are_asked_for_at_once() -> None:
    """The critical path is two calls long: a candidate, a verdict."""
    a = member("a", ["1", "2", "3"], delay=0.005)
    await discussed(MultiAgentVerification(candidates=3), a)
    assert a.model.max_in_flight == 9  # type: ignore[attr-defined]


@given(
    st.lists(st.sampled_from(["1", "so 1", "2", "so 2", "?"]), min_size=1, max_size=4),
    st.lists(st.sampled_from(["", "1", "2", "12"]), min_size=4, max_size=4),
    st.permutations([0.0, 0.001, 0.002, 0.003]),
)
async def test_the_order_of_arrival_does_not_matter(
    answers: list[str], approved: list[str], delays: list[float]
) -> None:
    """The same replies come to the same decision, turn by turn; and the winner has the most."""
    found = []
    for wait in (delays, [0.0] * 4):
        members = [
            member(name, answer, approves, delay=late)
            for name, answer, approves, late in zip("abcd", answers, approved, wait, strict=False)
        ]
        discussion = await discussed(ONE, *members)
        found.append((outcome(discussion), said(discussion), discussion.breaches))
    assert found[0] == found[1]
    readable = [answer[-1] for answer in answers if answer != "?"]
    approvals = {
        answer: sum(answer in verifier for verifier in approved[: len(answers)])
        for answer in readable
    }
    if readable:
        answer, _, confidence, _ = found[0][0]
        assert answer is not None
        assert approvals[answer] == max(approvals.values())
        assert confidence == round(approvals[answer] / len(answers), 3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"candidates": 0}, "candidates is 0, but must be at least 1"),
        ({"generators": []}, "generators is empty"),
        ({"verifiers": ["smal"]}, "verifiers.*'smal'.*did you mean 'small'"),
        ({"verifiers": ["small", "small"]}, "verifiers names 'small' twice"),
        ({"generators": ["small", "small"]}, "generators names 'small' twice"),
        ({"aspects": []}, "aspects is empty"),
        ({"aspects": ["step"]}, "'step'; did you mean 'steps'"),
        ({"aspects": ["steps", "steps"]}, "aspects names 'steps' twice"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, object], message: str) -> None:
    """Each is refused before anything is asked, with what can be."""
    workflow = workflow_of("mav", settings)
    with pytest.raises(InvalidRequestError, match=message):
        workflow.check(["small", "large"])


def test_settings_are_plain_values() -> None:
    """They make an equal workflow again."""
    workflow = MultiAgentVerification(candidates=2, verifiers=["a"])
    assert workflow.settings() == {
        "candidates": 2,
        "generators": None,
        "verifiers": ["a"],
        "aspects": None,
    }
    assert workflow_of("multi_agent_verification", workflow.settings()) == workflow
    assert workflow.calls(["a", "b", "c"]) == 2 + 2 * 3
    assert MultiAgentVerification().calls(["a", "b", "c"]) == 30


@pytest.mark.real_model
async def test_a_real_model_verifies(smollm2_gguf: Path) -> None:
    """Two candidates of the smallest model are read by itself."""
    async with real_speaker(smollm2_gguf) as one:
        subject = topic(replace(one, reader=TextKind(cut_off_too=True)))
        discussion = await replace(ONE, candidates=2).discuss(subject, room(subject))
    texts = {turn.text for turn in discussion.turns[:2]}
    assert [turn.step for turn in discussion.turns] == [
        *["candidate"] * 2,
        *["verify: steps"] * len(texts),
    ]
    assert all(turn.text for turn in discussion.turns)
    assert discussion.answer is not None
