"""One limiter per endpoint."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from slm_mux.models.base import Limits
from slm_mux.sampling.limits import Limiter


class Work:
    """Requests that run until they are told to end, and what was seen of them."""

    def __init__(self, limiter: Limiter) -> None:
        self.limiter = limiter
        self.running: list[str] = []
        self.started: list[str] = []
        self.most = 0
        self.end = asyncio.Event()

    async def request(self, model: str = "m") -> None:
        async with self.limiter.slot(model):
            self.running.append(model)
            self.started.append(model)
            self.most = max(self.most, len(self.running))
            await self.end.wait()
            self.running.remove(model)


async def turn() -> None:
    """Let every task that can go on do so."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_no_more_than_the_limit_in_flight() -> None:
    """Requests beyond the limit wait, and all of them run in the end."""
    work = Work(Limiter(Limits(max_in_flight=3)))
    async with asyncio.TaskGroup() as group:
        for _ in range(10):
            group.create_task(work.request())
        await turn()
        assert len(work.running) == 3
        work.end.set()
    assert (work.most, len(work.started), work.limiter.in_flight) == (3, 10, 0)


async def test_models_take_turns_where_they_share_the_cores() -> None:
    """A second model starts when the first one's requests are done, not beside them."""
    work = Work(Limiter(Limits(max_in_flight=2, one_model_at_a_time=True)))
    together: list[set[str]] = []

    async def request(model: str) -> None:
        async with work.limiter.slot(model):
            work.running.append(model)
            await asyncio.sleep(0)
            together.append(set(work.running))
            work.running.remove(model)

    async with asyncio.TaskGroup() as group:
        for model in "aaabbba":
            group.create_task(request(model))
    assert all(len(models) == 1 for models in together)
    assert len(together) == 7


async def test_first_come_first_served() -> None:
    """Requests start in the order in which they asked."""
    work = Work(Limiter(Limits(max_in_flight=1)))
    work.end.set()
    async with asyncio.TaskGroup() as group:
        for name in "abcdef":
            group.create_task(work.request(name))
    assert work.started == list("abcdef")


async def test_a_cancelled_wait_gives_its_place_to_the_next() -> None:
    """Cancelling a waiting request neither blocks nor leaks a place."""
    work = Work(Limiter(Limits(max_in_flight=1)))
    tasks = [asyncio.create_task(work.request(name)) for name in "abc"]
    await turn()
    tasks[1].cancel()
    await turn()
    work.end.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (work.started, work.limiter.in_flight) == (["a", "c"], 0)


async def test_a_request_cancelled_as_it_is_let_through_gives_the_place_back() -> None:
    """A place granted in the same moment as the cancellation is not lost."""
    limiter = Limiter(Limits(max_in_flight=1))
    work = Work(limiter)
    first = asyncio.create_task(work.request("a"))
    second = asyncio.create_task(work.request("b"))
    await turn()
    first.cancel()
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    assert limiter.in_flight == 0
    async with asyncio.timeout(1), limiter.slot("c"):
        assert limiter.in_flight == 1


async def test_requests_per_minute_start_within_any_minute() -> None:
    """With 2 a minute, the third request of a minute waits for the first one's minute to end."""
    now = 100.0
    limiter = Limiter(Limits(requests_per_minute=2), clock=lambda: now)
    work = Work(limiter)
    work.end.set()
    tasks = [asyncio.create_task(work.request()) for _ in range(3)]
    await turn()
    assert len(work.started) == 2
    now += 60.0
    limiter._on_timer()
    await asyncio.gather(*tasks)
    assert len(work.started) == 3


async def test_less_than_one_request_per_minute() -> None:
    """Half a request a minute is one in two minutes, not none."""
    now = 0.0
    limiter = Limiter(Limits(requests_per_minute=0.5), clock=lambda: now)
    work = Work(limiter)
    work.end.set()
    tasks = [asyncio.create_task(work.request()) for _ in range(2)]
    await turn()
    assert len(work.started) == 1
    now += 119.0
    limiter._on_timer()
    await turn()
    assert len(work.started) == 1
    now += 1.0
    limiter._on_timer()
    await asyncio.gather(*tasks)
    assert len(work.started) == 2


async def test_an_endpoint_that_has_had_enough_is_left_alone() -> None:
    """After `hold`, nothing starts until the wait is over."""
    now = 0.0
    limiter = Limiter(Limits(), clock=lambda: now)
    work = Work(limiter)
    work.end.set()
    limiter.hold(5.0)
    task = asyncio.create_task(work.request())
    await turn()
    assert work.started == []
    now = 5.0
    limiter._on_timer()
    await task
    assert work.started == ["m"]


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
