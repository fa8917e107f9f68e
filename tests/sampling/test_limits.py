"""One limiter per endpoint.

Where time matters, the scenario runs in an event loop that skips idle time: the limiter's timers
are the loop's own and fire when they are due, but nobody waits for them.
"""

import asyncio
import contextvars
import itertools
import selectors
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import NamedTuple, TypeVar, TypeVarTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from slm_mux.models.base import Limits
from slm_mux.sampling.limits import TURN, Limiter

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


INFINITY = float("inf")


class IdleForeverError(AssertionError):
    """Everything waits, and no timer is set that would end it."""


class SkippingLoop(asyncio.SelectorEventLoop):
    """An event loop that moves its clock to the next timer instead of waiting for it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[asyncio.TimerHandle] = []
        super().__init__(SkippingSelector(self))

    def time(self) -> float:
        return self.now

    def call_at(
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        timer = super().call_at(when, callback, *args, context=context)
        self.timers.append(timer)
        return timer

    @property
    def due(self) -> list[float]:
        """When the timers still to come are due."""
        return sorted(t.when() for t in self.timers if not t.cancelled() and t.when() > self.now)


class SkippingSelector(selectors.SelectSelector):
    """Where the loop would wait, its clock moves on."""

    def __init__(self, loop: SkippingLoop) -> None:
        super().__init__()
        self.loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise IdleForeverError
        self.loop.now += timeout
        return super().select(0)


class Arrival(NamedTuple):
    """A request, and what it does once it may start."""

    at: float
    model: str = "m"
    seconds: float = 0.0
    """How long it holds its place."""
    patience: float = INFINITY
    """How long it waits for one."""


def starts(
    limits: Limits, arrivals: Sequence[Arrival], holds: Sequence[tuple[float, float]] = ()
) -> list[float | None]:
    """Run the arrivals, given in order of time, and tell when each started; None: it gave up.

    Args:
        limits: the endpoint's.
        arrivals: in order of time.
        holds: when the endpoint had enough, and for how many seconds.
    """
    loop = SkippingLoop()

    async def scenario() -> list[float | None]:
        limiter = Limiter(limits, clock=loop.time)

        async def request(arrival: Arrival) -> float | None:
            gives_up = arrival.at + arrival.patience
            try:
                async with asyncio.timeout_at(None if arrival.patience == INFINITY else gives_up):
                    await limiter.acquire(arrival.model)
            except TimeoutError:
                return None
            started = loop.time()
            await asyncio.sleep(arrival.seconds)
            limiter.release()
            return started

        for at, seconds in holds:
            loop.call_at(at, limiter.hold, seconds)
        tasks = []
        for arrival in arrivals:
            await asyncio.sleep(arrival.at - loop.time())
            tasks.append(asyncio.create_task(request(arrival)))
        started = [await task for task in tasks]
        assert limiter.in_flight == 0
        assert len(loop.due) == sum(at > loop.time() for at, _ in holds), "a timer is left"
        return started

    return run(scenario, loop)


def run(scenario: Callable[[], Coroutine[object, object, T]], loop: SkippingLoop) -> T:
    """Run to the end in a loop that skips idle time."""
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(scenario())


async def turn() -> None:
    """Let every task that can go on do so."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_no_more_than_the_limit_in_flight() -> None:
    """Requests beyond the limit wait, and all of them run in the end."""
    arrivals = [Arrival(0, seconds=10)] * 7
    assert starts(Limits(max_in_flight=3), arrivals) == [0, 0, 0, 10, 10, 10, 20]


def test_models_take_turns_where_they_share_the_cores() -> None:
    """A second model starts when the first one's requests are done, not beside them."""
    limits = Limits(max_in_flight=2, one_model_at_a_time=True)
    arrivals = [Arrival(0, model, 10) for model in "aaabbb"]
    assert starts(limits, arrivals) == [0, 0, 10, 20, 20, 30]


def test_the_model_at_work_goes_on_until_it_has_had_its_turn() -> None:
    """Its requests pass those of another, which would leave places empty, but only so many."""
    limits = Limits(max_in_flight=2, one_model_at_a_time=True)
    alternating = [Arrival(0, model, 10) for model in "abababababab"]
    assert starts(limits, alternating) == [0, 20, 0, 20, 10, 30, 10, 30, 40, 50, 40, 50]


def test_a_place_that_comes_free_is_filled_at_once() -> None:
    """While a long request of the model at work runs, others of it go on beside it."""
    limits = Limits(max_in_flight=2, one_model_at_a_time=True)
    arrivals = [
        Arrival(0, "a", 10),
        Arrival(0, "a", 20),
        Arrival(1, "b", 5),
        Arrival(2, "a", 5),
        Arrival(3, "a", 4),
        Arrival(4, "a", 1),
    ]
    assert starts(limits, arrivals) == [0, 0, 20, 10, 15, 25]


def test_a_cancelled_wait_gives_its_place_to_the_next() -> None:
    """Cancelling a waiting request neither blocks nor leaks a place."""
    arrivals = [Arrival(0, seconds=10), Arrival(1, patience=2), Arrival(2)]
    assert starts(Limits(max_in_flight=1), arrivals) == [0, None, 10]
    together = Limits(max_in_flight=2, one_model_at_a_time=True)
    ahead = [Arrival(0, "a", 10), Arrival(1, "b", patience=2), Arrival(2, "a")]
    assert starts(together, ahead) == [0, None, 2]


async def test_a_request_cancelled_as_it_is_let_through_gives_the_place_back() -> None:
    """A place granted in the same moment as the cancellation is not lost."""
    limiter = Limiter(Limits(max_in_flight=1))
    await limiter.acquire("a")
    waiting = asyncio.create_task(limiter.acquire("b"))
    await turn()
    limiter.release()
    assert limiter.in_flight == 1
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert (waiting.cancelled(), limiter.in_flight) == (True, 0)
    async with asyncio.timeout(1), limiter.slot("c"):
        assert limiter.in_flight == 1


def test_requests_per_minute_start_within_any_minute() -> None:
    """With 2 a minute, the third request of a minute waits for the first one's minute to end."""
    limits = Limits(requests_per_minute=2)
    assert starts(limits, [Arrival(0)] * 5) == [0, 0, 60, 60, 120]
    late = [Arrival(0), Arrival(50), Arrival(55), Arrival(61), Arrival(200)]
    assert starts(limits, late) == [0, 50, 60, 110, 200]


def test_less_than_one_request_per_minute() -> None:
    """Half a request a minute is one in two minutes, not none."""
    assert starts(Limits(requests_per_minute=0.5), [Arrival(0)] * 3) == [0, 120, 240]


def test_a_request_waits_for_a_place_and_for_the_rate() -> None:
    """Whichever of the two takes longer decides."""
    limits = Limits(max_in_flight=1, requests_per_minute=1)
    assert starts(limits, [Arrival(0, seconds=10)] * 3) == [0, 60, 120]
    assert starts(limits, [Arrival(0, seconds=90)] * 3) == [0, 90, 180]


def test_an_endpoint_that_has_had_enough_is_left_alone() -> None:
    """After `hold` nothing starts until the wait is over, then all that waited does."""
    arrivals = [Arrival(0), Arrival(2), Arrival(3), Arrival(9)]
    assert starts(Limits(), arrivals, holds=[(1, 5)]) == [0, 6, 6, 9]


def test_of_two_holds_the_later_end_counts() -> None:
    """A hold lengthens one that is under way and never shortens it."""
    assert starts(Limits(), [Arrival(1)], holds=[(0, 5), (3, 10)]) == [13]
    assert starts(Limits(), [Arrival(1), Arrival(5)], holds=[(0, 10), (3, 1)]) == [10, 10]


def test_a_hold_while_a_shorter_wait_is_under_way() -> None:
    """A request that waits for its minute waits for the hold as well, and then starts."""
    limits = Limits(requests_per_minute=1)
    assert starts(limits, [Arrival(0), Arrival(1), Arrival(2)], [(10, 100)]) == [0, 110, 170]
    assert starts(limits, [Arrival(0), Arrival(1)], holds=[(10, 5)]) == [0, 60]


def test_one_that_gives_up_does_not_stop_the_others() -> None:
    """The rest of the queue starts when it would have, and a place no one took is not counted."""
    limits = Limits(requests_per_minute=1)
    arrivals = [Arrival(0), Arrival(1, patience=20), Arrival(2), Arrival(3)]
    assert starts(limits, arrivals) == [0, None, 60, 120]


def test_a_queue_that_everyone_has_left_keeps_no_timer() -> None:
    """Once every waiting request is cancelled, nothing of the limiter is left in the loop."""
    loop = SkippingLoop()

    async def scenario() -> None:
        limiter = Limiter(Limits(), clock=loop.time)
        limiter.hold(100)
        tasks = [asyncio.create_task(limiter.acquire(name)) for name in "abc"]
        await turn()
        assert loop.due == [100]
        tasks[0].cancel()
        await turn()
        assert loop.due == [100]
        tasks[1].cancel()
        tasks[2].cancel()
        await turn()
        assert loop.due == []
        await limiter.acquire("d")
        assert (loop.time(), limiter.in_flight) == (100, 1)

    run(scenario, loop)


def test_a_limiter_goes_on_in_another_event_loop() -> None:
    """A wait that ended with its event loop does not keep the next loop's requests waiting."""
    limiter = Limiter(Limits())
    limiter.hold(0.05)

    async def ends_while_it_waits() -> None:
        waiting = asyncio.create_task(limiter.acquire("a"))
        await turn()
        assert not waiting.done()

    async def starts_in_time() -> None:
        async with asyncio.timeout(10):
            await limiter.acquire("b")

    asyncio.run(ends_while_it_waits())
    asyncio.run(starts_in_time())
    assert limiter.in_flight == 1


async def test_the_clock_of_the_machine() -> None:
    """Without a clock of its own a limiter goes by monotonic time, and its loop lets it through."""
    limiter = Limiter(Limits())
    limiter.hold(0.02)
    over = time.monotonic() + 0.02
    async with asyncio.timeout(10):
        await asyncio.gather(*(limiter.acquire(name) for name in "abc"))
    assert time.monotonic() >= over - 1e-3


# Parts of seconds of their own keep a hold and a give-up apart from everything else that happens.
HOLD_PART, PATIENCE_PART = 1 / 64, 1 / 4096


def earliest_starts(
    limits: Limits, arrivals: Sequence[Arrival], holds: Sequence[tuple[float, float]]
) -> list[float | None]:
    """Compute when each request starts, from the rules alone.

    Each starts at the first moment at which it has asked, no one is before it, a place is free, the
    rate allows it, and no hold is under way. Models do not take turns.
    """
    rate = limits.requests_per_minute
    burst = max(1, int(rate)) if rate else 0
    found: list[float | None] = []
    running: list[tuple[float, float]] = []
    front = 0.0
    for arrival in arrivals:
        now = max(front, arrival.at)
        while True:
            active = [end for _, end in running if end > now]
            later = now
            if len(active) >= limits.max_in_flight:
                later = min(active)
            elif rate and len(running) >= burst:
                later = max(now, running[-burst][0] + 60.0 * burst / rate)
            if later == now:
                later = max([now, *(at + wait for at, wait in holds if at <= now)])
            if later == now:
                break
            now = later
        front = min(now, max(front, arrival.at + arrival.patience))
        found.append(now if now <= arrival.at + arrival.patience else None)
        if found[-1] is not None:
            running.append((now, now + arrival.seconds))
    return found


@settings(deadline=None, max_examples=300)
@given(
    limits=st.builds(
        Limits,
        max_in_flight=st.integers(1, 4),
        requests_per_minute=st.sampled_from([None, 0.5, 1.5, 1, 2, 3]),
    ),
    asked=st.lists(
        st.tuples(
            st.integers(0, 40),
            st.sampled_from("ab"),
            st.integers(0, 90),
            st.one_of(st.just(INFINITY), st.integers(0, 150)),
        ),
        min_size=1,
        max_size=10,
    ),
    held=st.lists(st.tuples(st.integers(0, 100), st.integers(1, 90)), max_size=3),
)
def test_every_request_starts_at_the_first_moment_it_may(
    limits: Limits, asked: list[tuple[int, str, int, float]], held: list[tuple[int, int]]
) -> None:
    """However limits, holds and give-ups fall together, no one starts early, late or never."""
    arrivals = [
        Arrival(at, model, seconds, patience + (index + 1) * PATIENCE_PART)
        for index, (at, model, seconds, patience) in enumerate(sorted(asked))
    ]
    holds = [(at + (index + 1) * HOLD_PART, wait) for index, (at, wait) in enumerate(held)]
    assert starts(limits, arrivals, holds) == earliest_starts(limits, arrivals, holds)


@settings(deadline=None, max_examples=200)
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 30), st.integers(1, 20)), max_size=25
    ),
    st.integers(1, 3),
)
def test_turns_are_in_order_and_end(requests: list[tuple[str, int, int]], limit: int) -> None:
    """Each turn is that of the model whose request waits longest, and ends after so many."""
    # Nobody asks in the very moment in which another ends.
    arrivals = [
        Arrival(at + (index + 1) * PATIENCE_PART, model, seconds)
        for index, (at, model, seconds) in enumerate(sorted((r[1], r[0], r[2]) for r in requests))
    ]
    loop = SkippingLoop()
    asked: list[int] = []
    started: list[tuple[int, frozenset[int]]] = []

    async def scenario() -> None:
        limiter = Limiter(Limits(max_in_flight=limit, one_model_at_a_time=True), clock=loop.time)

        async def request(index: int) -> None:
            await asyncio.sleep(arrivals[index].at)
            asked.append(index)
            async with limiter.slot(arrivals[index].model):
                begun = {one for one, _ in started}
                started.append((index, frozenset(asked) - begun))
                await asyncio.sleep(arrivals[index].seconds)

        async with asyncio.TaskGroup() as group:
            for index in range(len(arrivals)):
                group.create_task(request(index))

    run(scenario, loop)
    assert sorted(index for index, _ in started) == list(range(len(arrivals)))
    passing = 0
    for (before, _), (index, waiting) in itertools.pairwise(started):
        model = arrivals[index].model
        longest = min(waiting, key=asked.index)
        if arrivals[before].model != model:
            assert index == longest
            passing = 0
        passing += arrivals[longest].model != model
        assert passing <= TURN * limit


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.booleans()), max_size=20),
    st.integers(1, 4),
    st.booleans(),
)
def test_every_place_comes_back(
    requests: list[tuple[str, int, bool]], limit: int, one_model: bool
) -> None:
    """However requests run, fail and are cancelled, limits hold and no place is lost."""

    async def scenario() -> None:
        limiter = Limiter(Limits(max_in_flight=limit, one_model_at_a_time=one_model))
        running: list[str] = []

        async def request(model: str, turns: int) -> None:
            async with limiter.slot(model):
                running.append(model)
                assert len(running) <= limit
                assert not one_model or len(set(running)) == 1
                try:
                    for _ in range(turns):
                        await asyncio.sleep(0)
                finally:
                    running.remove(model)

        tasks = []
        for model, turns, cancel in requests:
            task = asyncio.create_task(request(model, turns))
            tasks.append(task)
            await asyncio.sleep(0)
            if cancel:
                task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert not [o for o in outcomes if isinstance(o, Exception)], outcomes
        assert limiter.in_flight == 0

    asyncio.run(scenario())
