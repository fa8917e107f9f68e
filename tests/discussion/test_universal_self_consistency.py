"""Universal self-consistency, over scripted models."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from slm_mux.answers.text import TextKind
from slm_mux.discussion.base import Discussion, Speaker
from slm_mux.discussion.sizes import THIRDS, size_of
from slm_mux.discussion.universal_self_consistency import UniversalSelfConsistency
from slm_mux.discussion.workflows import workflow_of
from slm_mux.errors import InvalidRequestError, RequestRefusedError
from slm_mux.models.base import Generation, Request
from slm_mux.models.scripted import Reply
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

DOWN = RequestRefusedError("it is down", model="down")


def shown(text: str) -> list[str]:
    """The responses in a judge's prompt; none in an opening."""
    parts = text.split("\n[End of Response ")[:-1]
    return [part.rpartition(f"[Response {n}]\n")[2] for n, part in enumerate(parts, 1)]


def member(
    name: str,
    answer: str,
    choice: Reply = "Answer: Response 1",
    *,
    record: float | None = None,
    context: int | None = None,
    max_tokens: int | None = None,
    delay: float = 0.0,
) -> Speaker:
    """Make a member that answers, and as a judge says its choice."""

    def reply(request: Request) -> Reply:
        return choice if shown(prompt(request)) else answer

    return speaker(name, reply, record=record, context=context, max_tokens=max_tokens, delay=delay)


def outcome(discussion: Discussion) -> tuple[str | None, str | None, float, str]:
    return (
        discussion.answer.text if discussion.answer else None,
        discussion.model,
        round(discussion.confidence, 3),
        discussion.decided_by,
    )


async def test_the_judge_picks_one_of_the_candidates() -> None:
    """The member with the best record reads all candidates, best record first, and names one."""
    a = member("a", "4", record=0.1)
    b = member("b", "so 5", "They differ.\nAnswer: Response 2", record=0.9)
    c = member("c", "thus 5", record=0.5)
    workflow = UniversalSelfConsistency()
    discussion = await discussed(workflow, a, b, c)
    assert outcome(discussion) == ("5", "c", 0.667, "choice of b (2)")
    assert said(discussion) == [
        ("candidate", "b", "5", ()),
        ("candidate", "c", "5", ()),
        ("candidate", "a", "4", ()),
        ("choice", "b", "2", (0, 1, 2)),
    ]
    assert shown(asked(b)[1]) == ["so 5", "thus 5", "4"]
    assert discussion.breaches == {}
    assert discussion.completion is discussion.turns[1].sample.completion
    assert workflow.calls(["a", "b", "c"]) == 4


async def test_what_the_judge_reads() -> None:
    """It reads the question, the responses without their givers, what to look for, and the form."""
    a = speaker(
        "qwen",
        lambda r: "Answer: Response 2" if shown(prompt(r)) else f"{r.seed}",
        system="Be kind",
    )
    discussion = await discussed(UniversalSelfConsistency(candidates=2), a)
    *_, judged = requests(a)
    assert judged.messages[0] == {"role": "system", "content": "Be kind"}
    text = prompt(judged)
    assert text.startswith("How much is it?\n\nHere are 2 responses to this.\n\n[Response 1]\n")
    assert text.endswith("and the number of that response, from 1 to 2.")
    assert "qwen" not in text
    assert LastWord().instruction() not in text
    assert discussion.answer == discussion.turns[1].answer


async def test_the_judge_may_pick_what_few_say() -> None:
    """Its choice counts against a majority; the confidence is that of what it chose."""
    a, b = member("a", "so 5", "Answer: 3"), member("b", "thus 5")
    discussion = await discussed(UniversalSelfConsistency(), a, b, member("c", "4"))
    assert outcome(discussion) == ("4", "c", 0.333, "choice of a (3)")


async def test_a_judge_by_name_and_generators_by_name() -> None:
    """The paper's own: several draws of one model, of which it picks one itself."""
    a, b = member("a", "4", record=0.9), speaker("b", ["5", "6", "Answer: Response 2"], record=0.1)
    workflow = UniversalSelfConsistency(candidates=2, generators=["b"], judge="b")
    discussion = await discussed(workflow, a, b)
    assert outcome(discussion) == ("6", "b", 0.5, "choice of b (2)")
    assert [turn.sample.draw for turn in discussion.turns] == [0, 1, 0]
    assert requests(a) == []
    assert workflow.calls(["a", "b"]) == 3


async def test_free_text() -> None:
    """Candidates that no key compares are compared by the judge."""
    texts = TextKind()
    a = speaker(
        "a", lambda r: "Answer: Response 2" if shown(prompt(r)) else "It rains.", reader=texts
    )
    b, c = speaker("b", ["Rain it is."], reader=texts), speaker("c", ["Snow!"], reader=texts)
    discussion = await discussed(UniversalSelfConsistency(), a, b, c)
    assert outcome(discussion) == ("Rain it is.", "b", 0.333, "choice of a (2)")


@pytest.mark.parametrize(
    ("choice", "why", "breaches"),
    [
        ("All of them.", "a chose none of them", {"unclear_choice": 1}),
        ("Answer: Response 4", "a chose none of them", {"unclear_choice": 1}),
        ("Answer: Response 1 and 3", "a chose none of them", {"unclear_choice": 1}),
        ("<think>1", "a said nothing", {"silent": 1}),
        (DOWN, "a failed", {"failed": 1}),
    ],
)
async def test_without_a_choice_the_vote_decides(
    choice: Reply, why: str, breaches: dict[str, int]
) -> None:
    """The answer of most candidates wins, given by the one of them with the best record."""
    a = member("a", "4", choice, record=0.9)
    b, c = member("b", "so 5", record=0.1), member("c", "thus 5", record=0.5)
    discussion = await discussed(UniversalSelfConsistency(), a, b, c)
    assert outcome(discussion) == ("5", "c", 0.667, f"vote (2 of 3 candidates): {why}")
    assert discussion.breaches == breaches


async def test_a_tied_vote_goes_by_record() -> None:
    """Of answers with as many candidates the one of the best record wins."""
    a = member("a", "4", record=0.5)
    b = member("b", "5", "none", record=0.9)
    discussion = await discussed(UniversalSelfConsistency(), a, b)
    assert outcome(discussion)[:3] == ("5", "b", 0.5)


async def test_equal_texts_are_not_judged() -> None:
    """There is nothing to choose between."""
    a, b = member("a", "It is 4"), member("b", "It is 4", record=0.9)
    discussion = await discussed(UniversalSelfConsistency(), a, b)
    assert outcome(discussion) == ("4", "b", 1.0, "all readable candidates are the same")
    assert len(discussion.turns) == 2


async def test_different_texts_with_one_answer_are_judged() -> None:
    """As in the paper, candidates are compared by the model and not by their keys."""
    a, b = member("a", "so 4", "Answer: Response 2"), member("b", "thus 4")
    discussion = await discussed(UniversalSelfConsistency(), a, b)
    assert outcome(discussion) == ("4", "b", 1.0, "choice of a (2)")


async def test_candidates_that_cannot_be_read_are_not_listed() -> None:
    """What failed, said nothing or holds no answer has no number, and lowers the confidence."""
    a = member("a", "who knows ?", "Answer: Response 2", record=0.9)
    b, c = member("b", "<think>7"), member("c", "5")
    d, down = member("d", "6"), speaker("down", failing)
    discussion = await discussed(UniversalSelfConsistency(), a, b, c, d, down)
    assert shown(asked(a)[1]) == ["5", "6"]
    assert outcome(discussion) == ("6", "d", 0.2, "choice of a (2)")
    assert said(discussion)[-1] == ("choice", "a", "2", (2, 3))
    assert discussion.breaches == {"failed": 1, "silent": 1, "unreadable": 1}


async def test_one_readable_candidate_is_not_judged() -> None:
    """It is the answer."""
    discussion = await discussed(
        UniversalSelfConsistency(), speaker("a", failing, record=0.9), member("b", "5")
    )
    assert outcome(discussion) == ("5", "b", 0.5, "the only readable candidate")
    assert len(discussion.turns) == 2


async def test_all_models_down_come_to_no_answer() -> None:
    """Without a candidate the judge is not asked."""
    discussion = await discussed(
        UniversalSelfConsistency(), speaker("a", failing), speaker("b", failing)
    )
    assert outcome(discussion) == (None, None, 0.0, "no readable candidate")
    assert discussion.breaches == {"failed": 2}


async def test_a_pool_of_one() -> None:
    """One member gives one candidate unless more are asked for."""
    discussion = await discussed(UniversalSelfConsistency(), member("a", "4"))
    assert outcome(discussion) == ("4", "a", 1.0, "the only readable candidate")
    assert UniversalSelfConsistency().calls(["a"]) == 1


async def test_candidates_too_long_for_the_judge_lose_their_beginnings() -> None:
    """The longest are cut until all fit its context, which is counted once."""
    long = "word " * 400 + "4"
    judge = member("a", "5", record=0.9, context=400, max_tokens=50)
    discussion = await discussed(UniversalSelfConsistency(), judge, member("b", long))
    text = asked(judge)[1]
    first, second = shown(text)
    assert first == "5"
    assert second.startswith("[...] ")
    assert second.endswith("word 4")
    assert 0 <= (400 - 50) * THIRDS - size_of(requests(judge)[1].messages) < THIRDS
    assert discussion.breaches == {"cut": 1}


async def test_nothing_forces_the_form_of_the_answer_on_the_choice() -> None:
    """A response format is for candidates; other fields of a request stay."""
    extra = {"response_format": {"type": "json_object"}, "top_k": 5}
    a = replace(member("a", "4"), generation=Generation(extra=extra))
    await discussed(UniversalSelfConsistency(), a, member("b", "5"))
    opening, judged = requests(a)
    assert opening.generation == Generation(extra=extra)
    assert judged.generation == Generation(extra={"top_k": 5})


@given(
    st.lists(st.sampled_from(["1", "so 1", "2", "thus 2", "?"]), min_size=1, max_size=4),
    st.integers(0, 5),
    st.permutations([0.0, 0.001, 0.002, 0.003]),
)
async def test_the_order_of_arrival_does_not_matter(
    answers: list[str], number: int, delays: list[float]
) -> None:
    """The same replies come to the same decision, and a number that is there is what is chosen."""
    found = []
    for wait in (delays, [0.0] * 4):
        members = [
            member(name, answer, f"Answer: Response {number}", delay=late)
            for name, answer, late in zip("abcd", answers, wait, strict=False)
        ]
        discussion = await discussed(UniversalSelfConsistency(), *members)
        found.append((outcome(discussion), said(discussion), discussion.breaches))
    assert found[0] == found[1]
    readable = [answer for answer in answers if answer != "?"]
    if len(set(readable)) > 1:
        answer = found[0][0][0]
        votes = [one[-1] for one in readable]
        if 1 <= number <= len(readable):
            assert answer == votes[number - 1]
        else:
            assert votes.count(answer or "") == max(map(votes.count, votes))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"candidates": 0}, "candidates is 0, but must be at least 1"),
        ({"generators": []}, "generators is empty"),
        ({"generators": ["small", "small"]}, "generators names 'small' twice"),
        ({"judge": "smal"}, "judge.*'smal'.*did you mean 'small'"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, object], message: str) -> None:
    """Each is refused before anything is asked, with what can be."""
    workflow = workflow_of("usc", settings)
    with pytest.raises(InvalidRequestError, match=message):
        workflow.check(["small", "large"])


def test_settings_are_plain_values() -> None:
    """They make an equal workflow again."""
    workflow = UniversalSelfConsistency(candidates=8, generators=["a"], judge="a")
    assert workflow.settings() == {"candidates": 8, "generators": ["a"], "judge": "a"}
    assert workflow_of("universal_self_consistency", workflow.settings()) == workflow
    assert workflow.calls(["a", "b"]) == 9


@pytest.mark.real_model
async def test_a_real_model_judges(smollm2_gguf: Path) -> None:
    """Two candidates of the smallest model are put before itself."""
    async with real_speaker(smollm2_gguf) as one:
        subject = topic(replace(one, reader=TextKind(cut_off_too=True)))
        discussion = await UniversalSelfConsistency(candidates=2).discuss(subject, room(subject))
    texts = {turn.text for turn in discussion.turns[:2]}
    assert [turn.step for turn in discussion.turns[2:]] == ["choice"] * (len(texts) > 1)
    assert discussion.answer in {turn.answer for turn in discussion.turns[:2]}
