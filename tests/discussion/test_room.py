"""The room: who is asked, what is kept, what is counted."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest
from msgspec.structs import replace

from slm_mux.discussion.base import Say, Speaker, Topic
from slm_mux.discussion.room import Room
from slm_mux.errors import InvalidRequestError, RequestRefusedError, ServerFaultError
from slm_mux.models.scripted import ScriptedModel
from slm_mux.sampling.events import Event, RequestSent, TurnAsked, TurnTaken
from slm_mux.sampling.plan import Plan
from slm_mux.sampling.retries import RetryPolicy
from slm_mux.sampling.sampler import Sampler
from slm_mux.sampling.seeds import draw_seed, problem_id
from slm_mux.types import Completion, Message, Sample
from tests.discussion.making import failing, requests, room, speaker, topic
from tests.kinds import AsWritten

ASKED: tuple[Message, ...] = ({"role": "user", "content": "Really?"},)


class Shelf:
    """Keeps samples by address and draw, in memory, and notes what was made known first."""

    def __init__(self) -> None:
        self.known: list[tuple[str, str]] = []
        self.samples: dict[tuple[str, str], dict[int, Sample]] = {}

    async def address(self, speaker: Speaker, messages: tuple[Message, ...]) -> str:
        address = problem_id(messages)
        self.known.append((speaker.name, address))
        return address

    async def recall(self, plan: Plan, *, texts: bool) -> Mapping[int, Sample]:
        assert texts
        assert (plan.model.name, plan.address) in self.known
        return self.samples.get((plan.model.name, plan.address), {})

    async def keep(self, plan: Plan, samples: Sequence[Sample]) -> int:
        kept = self.samples.setdefault((plan.model.name, plan.address), {})
        kept.update((sample.draw, replace(sample, answer=None)) for sample in samples)
        return len(samples)


def kept_by(shelf: Shelf, subject: Topic) -> Room:
    """Make a room whose samples go to a shelf."""
    sampler = Sampler(RetryPolicy(attempts=1))
    return Room(subject, sampler=sampler, seed=0, keeper=shelf, filing=shelf)


async def test_several_things_are_asked_at_once_and_come_in_order() -> None:
    """Speakers are asked at the same time; turns are in the order of asking, however slow each."""
    slow, quick = speaker("slow", ["1"], delay=0.01), speaker("quick", ["2"])
    here = room(topic(slow, quick))
    says = [Say(speaker=one, step="s", heard=(7,)) for one in (slow, quick, slow)]
    turns = await here.hear(says)
    assert [(t.index, t.speaker, t.step, t.sample.draw, t.heard) for t in turns] == [
        (0, "slow", "s", 0, (7,)),
        (1, "quick", "s", 0, (7,)),
        (2, "slow", "s", 1, (7,)),
    ]
    assert isinstance(slow.model, ScriptedModel)
    assert slow.model.max_in_flight == 2
    assert await here.hear([]) == []
    assert here.turns == turns


async def test_the_same_prompt_again_is_a_new_draw() -> None:
    """Asked twice at once or one after the other, a prompt has each of its draws once."""
    a = speaker("a", ["1", "2", "3", "4"])
    here = room(topic(a))
    again = Say(speaker=a, step="s", messages=ASKED)
    first = await here.hear([again, again])
    second = await here.hear([Say(speaker=a, step="s"), again])
    assert [t.sample.draw for t in first + second] == [0, 1, 0, 2]
    assert len(requests(a)) == 4
    assert len({request.seed for request in requests(a)}) == 4


async def test_openings_have_the_seeds_of_plain_draws() -> None:
    """An opening's seeds derive from the problem's name, others' from what is asked."""
    a = speaker("a", ["1"])
    here = room(topic(a), seed=3)
    turns = await here.hear([Say(speaker=a, step="s"), Say(speaker=a, step="s", messages=ASKED)])
    assert [turn.sample.seed for turn in turns] == [
        draw_seed(3, "a", "problem", 0),
        draw_seed(3, "a", problem_id(ASKED), 0),
    ]
    assert [request.messages for request in requests(a)] == [a.opening, ASKED]


async def test_what_was_bought_before_is_not_bought_again() -> None:
    """A second room with the same keeper sends nothing, and hears the same."""
    shelf = Shelf()
    a = speaker("a", ["1", "2", "3"])
    says = [Say(speaker=a, step="s"), Say(speaker=a, step="s", messages=ASKED)]
    says.append(says[0])
    first = kept_by(shelf, topic(a))
    heard = await first.hear(says)
    second = kept_by(shelf, topic(a))
    assert await second.hear(says) == heard
    assert len(requests(a)) == 3
    assert (first.usage().samples, first.usage().requests) == (3, 3)
    assert (second.usage().samples, second.usage().requests) == (3, 0)


async def test_a_turn_says_where_its_sample_is_kept() -> None:
    """Its address and draw name the sample, be it kept or not."""
    a, shelf = speaker("a", ["1", "2", "3"]), Shelf()
    says = [Say(speaker=a, step="s", messages=messages) for messages in (ASKED, None, ASKED)]
    for here in (kept_by(shelf, topic(a)), room(topic(a))):
        turns = await here.hear(says)
        assert [(turn.address, turn.sample.draw) for turn in turns] == [
            (problem_id(ASKED), 0),
            (problem_id(a.opening), 0),
            (problem_id(ASKED), 1),
        ]
    assert set(shelf.samples) == {("a", problem_id(ASKED)), ("a", problem_id(a.opening))}


async def test_draws_that_are_missing_are_bought() -> None:
    """Where only some draws of a prompt are there, the others are asked for."""
    shelf = Shelf()
    a = speaker("a", ["1", "2"])
    say = Say(speaker=a, step="s")
    await kept_by(shelf, topic(a)).hear([say])
    turns = await kept_by(shelf, topic(a)).hear([say, say])
    assert [turn.text for turn in turns] == ["1", "2"]
    assert len(requests(a)) == 2


async def test_failures_and_silence_are_counted() -> None:
    """A draw that failed or holds nothing to read is a turn without a text, counted by name."""
    a, b = speaker("a", failing), speaker("b", ["<think>so", "1"])
    here = room(topic(a, b))
    turns = await here.hear([Say(speaker=one, step="s") for one in (a, b, b)])
    assert [turn.text for turn in turns] == [None, None, "1"]
    assert turns[0].sample.failure is not None
    assert dict(here.breaches) == {"failed": 1, "silent": 1}


async def test_a_request_is_tried_again() -> None:
    """The sampler's retries hold, and all requests are in the usage."""
    a = speaker("a", [ServerFaultError("500", model="a"), "1"])
    here = Room(topic(a), sampler=Sampler(RetryPolicy(first_wait=0.0)), seed=0)
    [turn] = await here.hear([Say(speaker=a, step="s")])
    assert turn.text == "1"
    assert (here.usage().samples, here.usage().requests) == (1, 2)


async def test_a_failed_draw_is_not_tried_again_by_a_later_one() -> None:
    """The draw after a failed one is asked for alone."""
    a = speaker("a", [RequestRefusedError("no", model="a"), "1", "2"])
    here = room(topic(a))
    say = Say(speaker=a, step="s")
    texts = [(await here.hear([say]))[0].text for _ in range(3)]
    assert texts == [None, "1", "2"]
    assert len(requests(a)) == 3


async def test_a_turn_is_read_by_its_own_reader() -> None:
    """What is asked beside the question can have another form of answer."""
    a = speaker("a", ["all of it"])
    turns = await room(topic(a)).hear(
        [
            Say(speaker=a, step="s"),
            Say(speaker=a, step="s", messages=ASKED, reader=AsWritten()),
        ]
    )
    assert [turn.answer and turn.answer.text for turn in turns] == ["it", "all of it"]


async def test_usage_adds_up_tokens() -> None:
    """Tokens are those of all turns; completions without counts are numbered apart."""
    counted = Completion(text="1", prompt_tokens=5, completion_tokens=2)
    a = speaker("a", [counted, "2"])
    here = room(topic(a))
    await here.hear([Say(speaker=a, step="s")] * 2)
    usage = here.usage()
    assert (usage.prompt_tokens, usage.completion_tokens) == (5, 2)
    assert (usage.samples, usage.samples_without_usage, usage.requests) == (2, 1, 2)


async def test_everything_is_observed() -> None:
    """The observer is told of each turn when it is asked for and when it is in, and of requests."""
    events: list[Event] = []
    a = speaker("a", ["1"])
    here = Room(topic(a), sampler=Sampler(), seed=0, observe=events.append)
    turns = await here.hear([Say(speaker=a, step="s")] * 2)
    asked = [event for event in events if isinstance(event, TurnAsked)]
    assert asked == [TurnAsked(index, "s", "a", (), True) for index in (0, 1)]
    taken = [event for event in events if isinstance(event, TurnTaken)]
    assert taken == [TurnTaken(turn.index, "s", turn.sample, (), True) for turn in turns]
    others = [event for event in events if not isinstance(event, TurnAsked | TurnTaken)]
    assert others == [RequestSent("a", (0,)), RequestSent("a", (1,))]


async def test_a_model_that_cannot_be_asked_ends_the_discussion() -> None:
    """A request that no endpoint could serve is an error of the caller, with nothing heard."""
    a, b = speaker("a", [InvalidRequestError("no such field")]), speaker("b", ["1"])
    here = room(topic(a, b))
    with pytest.raises(InvalidRequestError, match="no such field"):
        await here.hear([Say(speaker=a, step="s"), Say(speaker=b, step="s")])
    assert here.turns == []


async def test_what_it_came_to() -> None:
    """The turn that decided gives answer, model and completion; without one there is no answer."""
    a = speaker("a", ["so 1", ""])
    here = room(topic(a))
    turn, _ = await here.hear([Say(speaker=a, step="s")] * 2)
    ended = here.ended("m", decided_by="chance", turn=turn, confidence=0.5)
    assert (ended.answer, ended.model, ended.completion) == (
        turn.answer,
        "a",
        turn.sample.completion,
    )
    assert (ended.confidence, ended.decided_by, ended.breaches) == (0.5, "chance", {"silent": 1})
    assert ended.turns == tuple(here.turns)
    nothing = here.ended("m", decided_by="nobody", turn=None, confidence=0.5)
    assert (nothing.answer, nothing.model, nothing.completion) == (None, None, None)
    assert nothing.confidence == 0.0


async def test_rooms_share_a_samplers_limits() -> None:
    """Questions that are discussed at once stay within each endpoint's limit together."""
    a = speaker("a", ["1"], delay=0.001)
    assert isinstance(a.model, ScriptedModel)
    a.model.limits = replace(a.model.limits, max_in_flight=2)
    sampler = Sampler()
    rooms = [Room(topic(a), sampler=sampler, seed=seed) for seed in range(4)]
    await asyncio.gather(*(one.hear([Say(speaker=a, step="s")] * 3) for one in rooms))
    assert a.model.max_in_flight == 2
