"""The scripted model says what it is told to say."""

import asyncio

import pytest

from slm_mux.errors import InvalidRequestError, RateLimitError
from slm_mux.models.base import Generation, Limits, Model, Request
from slm_mux.models.scripted import ScriptedModel
from slm_mux.types import Completion


def ask(text: str = "?", *, seed: int | None = None, n: int = 1) -> Request:
    """Make a request."""
    return Request(
        messages=({"role": "user", "content": text},), generation=Generation(), seed=seed, n=n
    )


async def texts(model: Model, *requests: Request) -> list[str]:
    """Make these requests at the same time and return the texts."""
    found = await asyncio.gather(*(model.complete(request) for request in requests))
    return [completion.text for one in found for completion in one]


async def test_replies_come_in_order_and_again() -> None:
    """Calls get the replies in the order in which they start; after the last comes the first."""
    model: Model = ScriptedModel("m", ["a", "b", "c"])
    assert await texts(model, *[ask()] * 4) == ["a", "b", "c", "a"]


async def test_delays_do_not_change_the_order() -> None:
    """Replies are given out when calls start, however they overlap."""
    model = ScriptedModel("m", ["a", "b"], delay=0.001)
    assert await texts(model, ask(), ask()) == ["a", "b"]
    assert model.max_in_flight == 2
    assert model.in_flight == 0


async def test_replies_by_seed_do_not_depend_on_order() -> None:
    """With by="seed" a draw gets the reply at its seed modulo their number, in any order."""
    model = ScriptedModel("m", ["a", "b", "c"], by="seed")
    assert await texts(model, *(ask(seed=seed) for seed in (5, 0, 4, 5))) == ["c", "a", "b", "c"]
    with pytest.raises(InvalidRequestError, match="needs a seed"):
        await model.complete(ask())


async def test_a_callable_replies_to_the_request() -> None:
    """A callable is given the request and returns the text, or raises."""
    model = ScriptedModel("m", lambda request: request.messages[0]["content"].upper())
    assert await texts(model, ask("a"), ask("b")) == ["A", "B"]


async def test_one_text_is_said_every_time() -> None:
    """A single text is not taken for a sequence of letters."""
    assert await texts(ScriptedModel("m", "yes"), ask(), ask()) == ["yes", "yes"]


async def test_exceptions_are_raised_in_their_turn() -> None:
    """An exception among the replies is raised; the next call gets the next reply."""
    model = ScriptedModel("m", [RateLimitError("slow down", model="m", retry_after=1.0), "a"])
    with pytest.raises(RateLimitError, match="slow down"):
        await model.complete(ask())
    assert await texts(model, ask()) == ["a"]


async def test_completions_are_given_as_they_are() -> None:
    """A text becomes a finished completion; a whole completion stays what it is."""
    whole = Completion(text="a", finish_reason="length", completion_tokens=3)
    model = ScriptedModel("m", [whole, "b"])
    assert await model.complete(ask()) == [whole]
    assert await model.complete(ask()) == [
        Completion(text="b", finish_reason="stop", served_model="m")
    ]


async def test_several_draws_at_once_are_opt_in() -> None:
    """A model with draws_at_once gives n replies in a row; another refuses n > 1."""
    both = ScriptedModel("m", ["a", "b", "c"], draws_at_once=True)
    assert await texts(both, ask(n=2), ask(n=2)) == ["a", "b", "c", "a"]
    seeded = ScriptedModel("m", ["a", "b", "c"], draws_at_once=True, by="seed")
    assert await texts(seeded, ask(n=2, seed=2)) == ["c", "a"]
    with pytest.raises(InvalidRequestError, match="n is 2"):
        await ScriptedModel("m", ["a"]).complete(ask(n=2))


async def test_requests_are_recorded() -> None:
    """Every request received is kept, in order."""
    model = ScriptedModel("m", ["a"])
    requests = [ask("x", seed=1), ask("y", seed=2)]
    await texts(model, *requests)
    assert model.requests == requests


async def test_cancelled_calls_are_counted() -> None:
    """A call cancelled during its delay is counted, and leaves nothing in flight."""
    model = ScriptedModel("m", ["a"], delay=60.0)
    call = asyncio.create_task(model.complete(ask()))
    await asyncio.sleep(0)
    assert model.in_flight == 1
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert (model.cancelled, model.in_flight) == (1, 0)


async def test_a_scripted_model_says_what_it_is() -> None:
    """Its endpoint is its own; limits are as given; closing is counted and changes nothing."""
    model = ScriptedModel("m", ["a"], limits=Limits(max_in_flight=1))
    assert (model.name, model.endpoint, model.limits.max_in_flight) == ("m", "scripted:m", 1)
    assert repr(model) == "ScriptedModel('m')"
    await model.aclose()
    assert await texts(model, ask()) == ["a"]
    assert model.closed == 1


def test_a_script_needs_a_reply() -> None:
    """No replies and negative delays are refused."""
    with pytest.raises(InvalidRequestError, match="at least one reply"):
        ScriptedModel("m", [])
    with pytest.raises(InvalidRequestError, match="delay is -1"):
        ScriptedModel("m", ["a"], delay=-1)
