"""Mixture of agents: who reads what, what every breach leads to, and who writes the answer."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slm_mux.discussion.base import Discussion, Speaker
from slm_mux.discussion.mixture_of_agents import MERGE, REPLIES, MixtureOfAgents
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


def reading(*texts: str) -> str:
    """Write the message that hands these replies to a proposer or the aggregator."""
    replies = [f"Reply {number}:\n{text}" for number, text in enumerate(texts, 1)]
    return "\n\n".join([QUESTION, REPLIES, *replies, MERGE, REQUEST])


async def test_layers_read_the_layer_before_and_one_writes_the_answer() -> None:
    """Three models make seven calls; all of a layer is read by all of the next, itself included."""
    a = speaker("a", ["a 1", "a 2"], record=0.5)
    b = speaker("b", ["b 1", "b 2", "so 9"], record=0.9)
    c = speaker("c", ["c 1", "c 9"], record=0.1)
    discussion = await discussed(MixtureOfAgents(), a, b, c)
    assert asked(a) == [OPENING, reading("a 1", "b 1", "c 1")]
    assert asked(c) == asked(a)
    assert asked(b) == [*asked(a), reading("a 2", "b 2", "c 9")]
    assert said(discussion) == [
        ("layer 1", "a", "1", ()),
        ("layer 1", "b", "1", ()),
        ("layer 1", "c", "1", ()),
        ("layer 2", "a", "2", (0, 1, 2)),
        ("layer 2", "b", "2", (0, 1, 2)),
        ("layer 2", "c", "9", (0, 1, 2)),
        ("aggregate", "b", "9", (3, 4, 5)),
    ]
    assert outcome(discussion) == ("9", 1 / 3, "b as aggregator")
    assert (discussion.method, discussion.model) == ("mixture_of_agents", "b")
    assert discussion.completion is not None
    assert discussion.completion.text == "so 9"
    assert (discussion.breaches, discussion.usage.samples) == ({}, 7)


async def test_one_layer_is_the_lite_form() -> None:
    """With one layer the aggregator reads the openings."""
    discussion = await discussed(MixtureOfAgents(layers=1), speaker("a", ["1"]), speaker("b"))
    assert said(discussion) == [
        ("layer 1", "a", "1", ()),
        ("layer 1", "b", "4", ()),
        ("aggregate", "a", "1", (0, 1)),
    ]


async def test_chosen_proposers_and_aggregator() -> None:
    """Members are named in the settings; one that is named twice gives two draws."""
    workflow = MixtureOfAgents(layers=1, proposers=["c", "a", "c"], aggregator="b")
    a, b, c = speaker("a", ["1"]), speaker("b", ["2"]), speaker("c", ["3", "4"])
    discussion = await discussed(workflow, a, b, c)
    assert [(t.speaker, t.sample.draw) for t in discussion.turns] == [
        ("c", 0),
        ("a", 0),
        ("c", 1),
        ("b", 0),
    ]
    assert asked(b) == [reading("3", "1", "4")]
    assert outcome(discussion) == ("2", 0.0, "b as aggregator")


async def test_only_one_model() -> None:
    """A pool of one member reads itself."""
    a = speaker("a", ["1", "2", "3"])
    discussion = await discussed(MixtureOfAgents(), a)
    assert asked(a) == [OPENING, reading("1"), reading("2")]
    assert outcome(discussion) == ("3", 0.0, "a as aggregator")


async def test_nobody_reads_who_is_down() -> None:
    """A failed or silent proposer leaves no reply, and stays in the share."""
    a, b, c = speaker("a", ["1"]), speaker("b", failing), speaker("c", ["<think>1</think>"])
    discussion = await discussed(MixtureOfAgents(), a, b, c)
    assert asked(a) == [OPENING, reading("1"), reading("1")]
    assert discussion.turns[4].heard == (0,)
    assert outcome(discussion) == ("1", 1 / 3, "a as aggregator")
    assert discussion.breaches == {"failed": 2, "silent": 2}


async def test_unreadable_replies_are_read() -> None:
    """What holds no answer is quoted all the same, and counted."""
    a, b = speaker("a", ["1"]), speaker("b", ["hm ?"])
    discussion = await discussed(MixtureOfAgents(), a, b)
    assert asked(a)[1] == reading("1", "hm ?")
    assert discussion.breaches == {"unreadable": 2}


async def test_a_silent_layer_leaves_the_replies_of_the_one_before() -> None:
    """Where a whole layer says nothing, the next reads what was last said."""
    a, b = speaker("a", ["1", "", "3"]), speaker("b", ["2", ""])
    discussion = await discussed(MixtureOfAgents(), a, b)
    assert discussion.turns[-1].heard == (0, 1)
    assert asked(a)[2] == reading("1", "2")
    assert outcome(discussion) == ("3", 0.0, "a as aggregator")


async def test_an_aggregator_without_replies_answers_alone() -> None:
    """Where no proposer ever said anything, the aggregator is asked the question."""
    workflow = MixtureOfAgents(proposers=["a"], aggregator="b")
    b = speaker("b", ["2"])
    discussion = await discussed(workflow, speaker("a", failing), b)
    assert asked(b) == [OPENING]
    assert outcome(discussion) == (
        "2",
        0.0,
        "b as aggregator, alone: no proposer said anything",
    )


@pytest.mark.parametrize(
    ("last", "breach", "why"),
    [
        ("", "silent", "said nothing"),
        ("c'est la vie ?", "unreadable", "gave no readable answer"),
        (None, "failed", "failed"),
    ],
)
async def test_without_an_aggregators_answer_the_last_layer_votes(
    last: str | None, breach: str, why: str
) -> None:
    """An aggregator that fails, is silent or unreadable is replaced by the majority."""
    script = iter(["1", "5"])

    def reply(request: Request) -> Reply:
        return next(script, None) or (failing(request) if last is None else last)

    a = speaker("a", reply, record=0.9)
    discussion = await discussed(
        MixtureOfAgents(), a, speaker("b", ["so 2"]), speaker("c", ["thus 2"], record=0.5)
    )
    assert outcome(discussion) == (
        "2",
        2 / 3,
        f"majority of layer 2 (2 of 3 proposers), since a as aggregator {why}",
    )
    assert discussion.model == "c"
    assert discussion.breaches == {breach: 1}


async def test_a_tie_of_the_last_layer_goes_to_the_best_record() -> None:
    """Of equal classes the one with the best model's reply wins."""
    b = speaker("b", ["1", "2", "?"], record=0.9)
    discussion = await discussed(MixtureOfAgents(), speaker("a", ["1"], record=0.8), b)
    counted = "majority of layer 2 (1 of 2 proposers, tie broken by record)"
    why = "since b as aggregator gave no readable answer"
    assert outcome(discussion) == ("2", 0.5, f"{counted}, {why}")


async def test_an_earlier_layer_votes_where_the_last_cannot_be_read() -> None:
    """The vote goes back to the last layer that holds a readable answer."""
    discussion = await discussed(MixtureOfAgents(), speaker("a", ["1", "?", "?"]))
    assert outcome(discussion) == (
        "1",
        1.0,
        "majority of layer 1 (1 of 1 proposers), since a as aggregator gave no readable answer",
    )


async def test_all_models_down() -> None:
    """Without any completion there is no answer, and that is said."""
    discussion = await discussed(MixtureOfAgents(), speaker("a", failing), speaker("b", failing))
    assert outcome(discussion) == (
        None,
        0.0,
        "no answer can be read in any layer, and a as aggregator failed",
    )
    assert discussion.breaches == {"failed": 5}


async def test_long_replies_are_cut_to_the_readers_context() -> None:
    """The longest replies lose their beginnings, once counted for each message; others read all."""
    a = speaker("a", ["1"], context=300, max_tokens=50)
    b = speaker("b", ["x" * 700 + " 2"], record=0.5)
    discussion = await discussed(MixtureOfAgents(layers=1, aggregator="a"), a, b)
    assert 0 <= 250 * THIRDS - size_of(requests(a)[1].messages) < THIRDS
    assert "Reply 1:\n1\n\nReply 2:\n[...] xxx" in asked(a)[1]
    assert "x 2\n\n" in asked(a)[1]
    assert discussion.breaches == {"cut": 1}
    discussion = await discussed(MixtureOfAgents(layers=1, aggregator="b"), a, b)
    assert discussion.breaches == {}


async def test_a_context_that_holds_nothing_leaves_the_question() -> None:
    """Where no room is left for any reply, the bare opening is asked."""
    a = speaker("a", ["1"], context=8, max_tokens=4)
    discussion = await discussed(MixtureOfAgents(layers=1), a)
    assert asked(a) == [OPENING, OPENING]
    assert discussion.breaches == {"cut": 1}
    assert discussion.turns[1].heard == ()


async def test_a_system_prompt_stays() -> None:
    """What a member is always told stands before what it reads."""
    a = speaker("a", ["1"], system="Be brief.")
    await discussed(MixtureOfAgents(layers=1), a)
    assert [m["content"] for m in requests(a)[1].messages] == ["Be brief.", reading("1")]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            MixtureOfAgents(layers=0),
            "mixture_of_agents: layers is 0, but must be at least 1",
        ),
        (
            MixtureOfAgents(aggregator="quen"),
            "mixture_of_agents: aggregator: 'quen' is not in the pool; did you mean 'qwen'?",
        ),
        (
            MixtureOfAgents(proposers=["qwen", "zzz"]),
            "mixture_of_agents: proposers: 'zzz' is not in the pool; it has qwen, llama",
        ),
        (
            MixtureOfAgents(proposers=[]),
            "mixture_of_agents: proposers is empty; name one member or more",
        ),
    ],
)
def test_settings_that_cannot_be(wrong: MixtureOfAgents, message: str) -> None:
    """A setting that the pool cannot serve is refused with its name and the nearest that can."""
    with pytest.raises(InvalidRequestError) as caught:
        wrong.check(["qwen", "llama"])
    assert str(caught.value) == message


def test_settings_and_calls() -> None:
    """Settings are plain values, made back into the same workflow; calls are exact."""
    workflow = workflow_of("moa", {"proposers": ["a", "b"]})
    assert workflow.settings() == {"layers": 2, "proposers": ["a", "b"], "aggregator": None}
    assert workflow_of("moa", workflow.settings()) == workflow
    assert (workflow.name, workflow.calls(["a", "b", "c"])) == ("mixture_of_agents", 5)
    assert MixtureOfAgents().calls(["a", "b", "c"]) == 7


def echoing(word: str) -> Callable[[Request], Reply]:
    """Say a word and what stands last among the replies that were read, or the word alone."""
    return lambda request: f"{prompt(request)[-99:-90]} {word}".strip() if word else word


@settings(max_examples=20)
@given(
    delays=st.lists(st.sampled_from([0.0, 0.001, 0.002]), min_size=3, max_size=3),
    words=st.lists(st.sampled_from(["1", "2", "?", ""]), min_size=3, max_size=3),
)
def test_it_does_not_depend_on_arrival(delays: Sequence[float], words: Sequence[str]) -> None:
    """However long each model takes, the discussion is the same."""

    def pool(delays: Sequence[float]) -> list[Speaker]:
        return [
            speaker(name, echoing(word), delay=delay)
            for name, word, delay in zip("abc", words, delays, strict=True)
        ]

    async def both() -> tuple[Discussion, Discussion]:
        return (
            timeless(await discussed(MixtureOfAgents(), *pool(delays))),
            timeless(await discussed(MixtureOfAgents(), *pool([0.0] * 3))),
        )

    slow, quick = asyncio.run(both())
    assert slow == quick


@pytest.mark.real_model
async def test_a_real_model_mixes_with_itself(smollm2_gguf: Path) -> None:
    """The smallest model answers, reads itself and writes an answer."""
    async with real_speaker(smollm2_gguf) as one:
        subject = topic(one)
        discussion = await MixtureOfAgents(layers=1).discuss(subject, room(subject))
    assert [(turn.step, turn.heard) for turn in discussion.turns] == [
        ("layer 1", ()),
        ("aggregate", (0,)),
    ]
    assert all(turn.text for turn in discussion.turns)
