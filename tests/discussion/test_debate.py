"""Debate: who reads whom, what every breach leads to, and what decides."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slm_mux.discussion.base import Discussion, Speaker
from slm_mux.discussion.debate import (
    ADVICE,
    AGAIN,
    CHECK,
    OTHERS,
    OTHERS_IN_SHORT,
    SUMMARISE,
    Debate,
    rounds_of,
)
from slm_mux.discussion.sizes import THIRDS, size_of
from slm_mux.discussion.workflows import workflow_of
from slm_mux.errors import InvalidRequestError
from slm_mux.models.base import Request
from slm_mux.models.scripted import Reply
from tests.discussion.making import (
    QUESTION,
    REQUEST,
    asked,
    discussed,
    failing,
    outcome,
    prompt,
    real_speaker,
    requests,
    room,
    said,
    speaker,
    timeless,
    topic,
)

OPENING = f"{QUESTION}\n\n{REQUEST}"


def by_round(*replies: str) -> Callable[[Request], Reply]:
    """Reply by how often the agent has spoken before; the last reply comes again."""

    def reply(request: Request) -> Reply:
        spoken = len([message for message in request.messages if message["role"] == "assistant"])
        return replies[min(spoken, len(replies) - 1)]

    return reply


def reading(*texts: str, again: str = AGAIN) -> str:
    """Write the message that hands these texts of others to an agent."""
    replies = [f"Reply {number}:\n{text}" for number, text in enumerate(texts, 1)]
    return "\n\n".join([OTHERS, *replies, ADVICE, again, REQUEST])


async def test_every_agent_reads_the_others_and_answers_again() -> None:
    """Round 2 hands each agent its own words and the others', in pool order and without names."""
    a, b, c = speaker("a", ["I say 1"]), speaker("b", ["I say 2"]), speaker("c", ["maybe 2"])
    discussion = await discussed(Debate(), a, b, c)
    assert asked(a) == [OPENING, reading("I say 2", "maybe 2")]
    assert asked(b) == [OPENING, reading("I say 1", "maybe 2")]
    assert asked(c) == [OPENING, reading("I say 1", "I say 2")]
    assert [message["content"] for message in requests(b)[1].messages[:2]] == [OPENING, "I say 2"]
    assert said(discussion) == [
        ("round 1", "a", "1", ()),
        ("round 1", "b", "2", ()),
        ("round 1", "c", "2", ()),
        ("round 2", "a", "1", (1, 2)),
        ("round 2", "b", "2", (0, 2)),
        ("round 2", "c", "2", (0, 1)),
    ]
    assert outcome(discussion) == ("2", 2 / 3, "majority of round 2 (2 of 3 agents)")
    assert (discussion.method, discussion.model, discussion.breaches) == ("debate", "b", {})
    assert discussion.usage.samples == 6
    assert [[turn.index if turn else None for turn in row] for row in rounds_of(discussion)] == [
        [0, 3],
        [1, 4],
        [2, 5],
    ]


async def test_the_last_round_decides() -> None:
    """Who is persuaded votes with those who persuaded."""
    a = speaker("a", lambda request: "2" if "2" in prompt(request) else "1")
    discussion = await discussed(Debate(), a, speaker("b", ["2"]), speaker("c", by_round("3", "2")))
    assert outcome(discussion) == ("2", 1.0, "majority of round 2 (3 of 3 agents)")


async def test_an_agent_keeps_its_conversation() -> None:
    """In round 3 an agent has all that it was asked and said before it, in turns."""
    a = speaker("a", by_round("a 1", "a 2", "a 3"), system="Be brief.")
    b = speaker("b", by_round("b 1", "b 2", "b 3"))
    discussion = await discussed(Debate(rounds=3), a, b)
    assert [(m["role"], m["content"]) for m in requests(a)[2].messages] == [
        ("system", "Be brief."),
        ("user", OPENING),
        ("assistant", "a 1"),
        ("user", reading("b 1")),
        ("assistant", "a 2"),
        ("user", reading("b 2")),
    ]
    assert [turn.heard for turn in discussion.turns] == [(), (), (1,), (0,), (3,), (2,)]


async def test_only_the_last_words_are_kept_where_all_does_not_fit() -> None:
    """A conversation that is too long is left out but for the agent's last words, and counted."""
    a = speaker("a", by_round("x" * 300 + " 1", "2", "3"), context=300, max_tokens=40)
    discussion = await discussed(Debate(rounds=3), a, speaker("b", by_round("4", "5", "6")))
    contents = [message["content"] for message in requests(a)[2].messages]
    assert contents == [OPENING, "2", reading("5")]
    assert discussion.breaches == {"forgotten": 1}


async def test_one_round_is_a_plain_vote() -> None:
    """With one round nobody reads anybody."""
    discussion = await discussed(Debate(rounds=1), speaker("a", ["1"]), speaker("b", ["1"]))
    assert outcome(discussion) == ("1", 1.0, "majority of round 1 (2 of 2 agents)")
    assert [turn.heard for turn in discussion.turns] == [(), ()]


@pytest.mark.parametrize(
    ("agents", "playing"),
    [(None, "abc"), (1, "b"), (2, "bc"), (3, "abc"), (4, "abbc"), (5, "abbcc"), (7, "aabbbcc")],
)
async def test_members_play_agents_by_rank(agents: int | None, playing: str) -> None:
    """Fewer agents are the best members; more are further draws of the best, again and again."""
    speakers = [speaker("a", record=0.1), speaker("b", record=0.9), speaker("c", record=0.5)]
    discussion = await discussed(Debate(agents=agents, rounds=1), *speakers)
    assert "".join(turn.speaker for turn in discussion.turns) == playing
    for name in "abc":
        draws = [turn.sample.draw for turn in discussion.turns if turn.speaker == name]
        assert draws == list(range(playing.count(name)))


async def test_agents_of_one_model_are_different_draws() -> None:
    """Two agents of a model start from draws 0 and 1; alike prompts are drawn apart."""
    discussion = await discussed(Debate(agents=2), speaker("a", ["1"]))
    draws = [(turn.step, turn.sample.draw, turn.heard) for turn in discussion.turns]
    # Both say the same and so are asked the same: two draws of one prompt.
    assert draws == [
        ("round 1", 0, ()),
        ("round 1", 1, ()),
        ("round 2", 0, (1,)),
        ("round 2", 1, (0,)),
    ]
    assert len({turn.sample.seed for turn in discussion.turns}) == 4


async def test_one_agent_alone_checks_its_own_answer() -> None:
    """A pool of one member makes a debate in which the answer is gone through again."""
    a = speaker("a", by_round("1", "2"))
    discussion = await discussed(Debate(), a)
    assert asked(a) == [OPENING, f"{CHECK}\n\n{REQUEST}"]
    assert outcome(discussion) == ("2", 1.0, "majority of round 2 (1 of 1 agents)")


async def test_a_tie_goes_to_the_best_record() -> None:
    """Of equal classes the one with the best model's agent wins, wherever it stands."""
    a, b = speaker("a", ["1"], record=0.2), speaker("b", ["2"], record=0.8)
    discussion = await discussed(Debate(), a, b)
    decided_by = "majority of round 2 (1 of 2 agents, tie broken by record)"
    assert outcome(discussion) == ("2", 0.5, decided_by)
    discussion = await discussed(Debate(), speaker("a", ["1"]), speaker("b", ["2"]))
    assert discussion.model == "a"


async def test_the_best_of_the_winning_class_gives_the_answer() -> None:
    """Answer and completion are those of the class's agent with the best record."""
    speakers = [
        speaker("a", ["so 2"], record=0.1),
        speaker("b", ["thus 2"], record=0.5),
        speaker("c", ["1"], record=0.9),
    ]
    discussion = await discussed(Debate(rounds=1), *speakers)
    assert discussion.model == "b"
    assert discussion.completion is not None
    assert discussion.completion.text == "thus 2"


async def test_nobody_reads_who_is_down() -> None:
    """A failed agent is left out of what others read, is asked again, and stays in the share."""
    a, b, c = speaker("a", ["1"]), speaker("b", failing), speaker("c", ["1"])
    discussion = await discussed(Debate(), a, b, c)
    assert asked(a) == [OPENING, reading("1")]
    assert said(discussion)[3:] == [
        ("round 2", "a", "1", (2,)),
        ("round 2", "b", None, (0, 2)),
        ("round 2", "c", "1", (0,)),
    ]
    assert outcome(discussion) == ("1", 2 / 3, "majority of round 2 (2 of 3 agents)")
    assert discussion.breaches == {"failed": 2}
    assert rounds_of(discussion)[1] == [None, None]


async def test_who_never_spoke_is_asked_the_question_with_the_others_replies() -> None:
    """Without words of its own an agent reads the replies below the question; then it has some."""
    b = speaker("b", ["", "b says 7", "b says 8"])
    discussion = await discussed(Debate(rounds=3), speaker("a", ["1"]), b)
    notes = f"{OTHERS}\n\nReply 1:\n1\n\n{ADVICE}"
    first = f"{QUESTION}\n\n{notes}\n\n{REQUEST}"
    assert asked(b)[1] == first
    contents = [message["content"] for message in requests(b)[2].messages]
    assert contents == [first, "b says 7", reading("1")]
    assert discussion.breaches == {"silent": 1}


async def test_who_falls_silent_goes_on_from_its_last_words() -> None:
    """A silent round leaves no trace in an agent's conversation, and the others do not read it."""
    b = speaker("b", ["2", "<think>no</think>", "3"])
    a = speaker("a", ["1"])
    discussion = await discussed(Debate(rounds=3), a, b)
    assert asked(a) == [OPENING, reading("2"), f"{CHECK}\n\n{REQUEST}"]
    contents = [message["content"] for message in requests(b)[2].messages]
    assert contents == [OPENING, "2", reading("1")]
    assert discussion.breaches == {"silent": 1}
    assert [turn and turn.index for turn in rounds_of(discussion)[1]] == [1, None, 5]


async def test_unreadable_words_are_read_by_others_and_vote_for_nothing() -> None:
    """An answer that cannot be read is quoted, counted, and in the share's denominator."""
    b = speaker("b", ["who knows ?"])
    a = speaker("a", ["1"])
    discussion = await discussed(Debate(), a, b)
    assert asked(a)[1] == reading("who knows ?")
    assert outcome(discussion) == ("1", 0.5, "majority of round 2 (1 of 2 agents)")
    assert discussion.breaches == {"unreadable": 2}


async def test_an_earlier_round_decides_where_the_last_has_no_answer() -> None:
    """The last round with a readable answer decides, and that is said."""
    discussion = await discussed(
        Debate(), speaker("a", by_round("1", "?")), speaker("b", by_round("1", "?"))
    )
    decided_by = "majority of round 1 (2 of 2 agents), since no later answer can be read"
    assert outcome(discussion) == ("1", 1.0, decided_by)


async def test_all_models_down() -> None:
    """Without any completion there is no answer; all are asked their opening each time."""
    discussion = await discussed(Debate(), speaker("a", failing), speaker("b", failing))
    assert outcome(discussion) == (None, 0.0, "no answer can be read in any round")
    assert (discussion.model, discussion.completion) == (None, None)
    assert discussion.breaches == {"failed": 4}
    assert [turn.sample.draw for turn in discussion.turns] == [0, 0, 1, 1]


def summing_up(*replies: Reply, summary: str) -> Callable[[Request], Reply]:
    """Reply with a summary where one is asked for, else in order."""
    left = list(replies)

    def reply(request: Request) -> Reply:
        return summary if prompt(request).startswith(SUMMARISE) else left.pop(0)

    return reply


async def test_what_does_not_fit_is_summarised_first() -> None:
    """An agent whose context is too short sums up the others, and reads its summary instead."""
    long = "x" * 400
    a = speaker("a", summing_up("1", "2", summary="both say 2"), context=350, max_tokens=50)
    b, c = speaker("b", [f"{long} 2"]), speaker("c", [f"{long} 3"])
    discussion = await discussed(Debate(), a, b, c)
    _, summary, second = asked(a)
    # 300 tokens hold the request for a summary only in part.
    assert summary.startswith(f"{SUMMARISE}\n\nReply 1:\n[...] xxx")
    assert summary.endswith("x 3")
    assert second == f"{OTHERS_IN_SHORT}\n\nboth say 2\n\n{ADVICE}\n\n{AGAIN}\n\n{REQUEST}"
    assert [message["content"] for message in requests(a)[2].messages[:2]] == [OPENING, "1"]
    assert [(t.step, t.speaker, t.heard) for t in discussion.turns[3:]] == [
        ("round 2: summary", "a", (1, 2)),
        ("round 2", "a", (3,)),
        ("round 2", "b", (0, 2)),
        ("round 2", "c", (0, 1)),
    ]
    assert discussion.breaches == {"cut": 1, "summarised": 1}
    assert [[t.index if t else None for t in row] for row in rounds_of(discussion)] == [
        [0, 4],
        [1, 5],
        [2, 6],
    ]


async def test_a_summary_of_what_fits_alone_is_not_cut() -> None:
    """Replies that fit without the question and the agent's own words are summarised whole."""
    a = speaker("a", summing_up(f"{'y' * 200} 1", "2", summary="2"), context=350, max_tokens=50)
    b = speaker("b", [f"{'x' * 500} 2"])
    discussion = await discussed(Debate(), a, b)
    assert asked(a)[1] == f"{SUMMARISE}\n\nReply 1:\n{'x' * 500} 2"
    assert discussion.breaches == {"summarised": 1}


@pytest.mark.parametrize("summary", ["", "s" * 2000])
async def test_without_a_useful_summary_beginnings_are_left_out(summary: str) -> None:
    """Where no summary came, or one that is too long, what is read is cut to the context."""
    a = speaker("a", summing_up("1", "2", summary=summary), context=300, max_tokens=50)
    discussion = await discussed(Debate(), a, speaker("b", ["x" * 2000 + " 3"]))
    assert 0 <= 250 * THIRDS - size_of(requests(a)[2].messages) < THIRDS
    assert "[...] " + (summary or "x")[0] * 9 in asked(a)[2]
    came = {"summarised": 1} if summary else {"unsummarised": 1, "silent": 1}
    assert discussion.breaches == {"cut": 2, **came}
    assert discussion.turns[-2].heard == ((2,) if summary else (1,))


async def test_a_context_that_holds_nothing_leaves_the_question() -> None:
    """Where no room is left for anybody's words, the bare opening is asked again."""
    a = speaker("a", ["1"], context=8, max_tokens=4)
    discussion = await discussed(Debate(), a, speaker("b", ["2"]))
    assert asked(a)[2] == OPENING
    assert said(discussion)[3] == ("round 2", "a", "1", ())


async def test_a_program_is_quoted_with_what_it_prints() -> None:
    """Others read of a program also the answer that came out of it."""
    a = speaker("a", ["print 6"], style="program")
    b = speaker("b", ["5"])
    await discussed(Debate(), a, b)
    assert asked(b)[1] == reading("print 6\n\nThis program prints: 6")
    assert requests(a)[1].messages[1]["content"] == "print 6"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (Debate(agents=0), "debate: agents is 0, but must be at least 1"),
        (Debate(rounds=0), "debate: rounds is 0, but must be at least 1"),
    ],
)
def test_settings_out_of_range(wrong: Debate, message: str) -> None:
    """A number below its range is refused by name."""
    with pytest.raises(InvalidRequestError) as caught:
        wrong.check(["a"])
    assert str(caught.value) == message


def test_settings_and_calls() -> None:
    """Settings are plain values, made back into the same debate; calls count summaries, too."""
    debate = workflow_of("debate", {"agents": 4, "rounds": 3})
    assert debate == Debate(agents=4, rounds=3)
    assert debate.settings() == {"agents": 4, "rounds": 3}
    assert workflow_of("debate", debate.settings()) == debate
    assert (debate.name, debate.calls(["a", "b"])) == ("debate", 20)
    assert Debate(rounds=1).calls(["a", "b"]) == 2


def by_seed(word: str) -> Callable[[Request], Reply]:
    """Say now the word, now 4, so that agents of one model differ."""
    return lambda request: "4" if (request.seed or 0) % 3 else word


@settings(max_examples=20)
@given(
    delays=st.lists(st.sampled_from([0.0, 0.001, 0.002]), min_size=3, max_size=3),
    words=st.lists(st.sampled_from(["1", "2", "?", ""]), min_size=3, max_size=3),
    agents=st.integers(1, 5),
)
def test_a_debate_does_not_depend_on_arrival(
    delays: Sequence[float], words: Sequence[str], agents: int
) -> None:
    """However long each model takes, the discussion is the same."""

    def pool(delays: Sequence[float]) -> list[Speaker]:
        return [
            speaker(name, by_seed(word), delay=delay)
            for name, word, delay in zip("abc", words, delays, strict=True)
        ]

    async def both() -> tuple[Discussion, Discussion]:
        debate = Debate(agents=agents, rounds=3)
        return (
            timeless(await discussed(debate, *pool(delays))),
            timeless(await discussed(debate, *pool([0.0] * 3))),
        )

    slow, quick = asyncio.run(both())
    assert slow == quick


@pytest.mark.real_model
async def test_a_real_model_debates_with_itself(smollm2_gguf: Path) -> None:
    """Two agents of the smallest model answer, read each other, and answer again."""
    async with real_speaker(smollm2_gguf) as one:
        subject = topic(one)
        discussion = await Debate(agents=2).discuss(subject, room(subject))
    assert [(turn.step, turn.heard) for turn in discussion.turns] == [
        ("round 1", ()),
        ("round 1", ()),
        ("round 2", (1,)),
        ("round 2", (0,)),
    ]
    assert all(turn.text for turn in discussion.turns)
    assert discussion.turns[0].text != discussion.turns[1].text
