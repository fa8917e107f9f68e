"""Places, the queue for them, and what one key may do."""

import asyncio
import random

import pytest

from slm_mux.server.admission import Admission, Allowances, BusyError
from slm_mux.server.settings import KeyLimits, ServerSettings


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_places_are_given_in_order() -> None:
    """No more at the same time than there are, and who came first goes first."""
    admission = Admission(2, queue=10, longest_wait=60)
    order: list[int] = []
    go = asyncio.Event()

    async def work(number: int) -> None:
        async with admission.place():
            order.append(number)
            await go.wait()

    tasks = [asyncio.create_task(work(number)) for number in range(6)]
    await asyncio.sleep(0)
    assert (order, admission.at_work, admission.waiting) == ([0, 1], 2, 4)
    go.set()
    await asyncio.gather(*tasks)
    assert order == list(range(6))
    assert (admission.at_work, admission.waiting) == (0, 0)


async def test_a_queue_that_is_full() -> None:
    """One too many is told so at once, with a time that follows from how long places are held."""
    clock = Clock()
    admission = Admission(1, queue=0, longest_wait=60, clock=clock)
    for _ in range(100):
        async with admission.place():
            clock.now += 20
    async with admission.place():
        with pytest.raises(BusyError) as caught:
            async with admission.place():
                raise AssertionError
    assert caught.value.reason == "queue"
    assert 19 <= caught.value.retry_after <= 21
    async with admission.place():
        pass


async def test_places_survive_any_order_of_events() -> None:
    """Whoever is cancelled or waits too long, whenever: no place is lost, and none given twice."""
    dice = random.Random(5)
    admission = Admission(3, queue=20, longest_wait=0.01)
    at_work = most = 0

    async def work() -> None:
        nonlocal at_work, most
        try:
            async with admission.place():
                at_work += 1
                most = max(most, at_work)
                try:
                    await asyncio.sleep(dice.random() * 0.008)
                finally:
                    at_work -= 1
        except BusyError:
            pass

    tasks = []
    for _ in range(300):
        tasks.append(asyncio.create_task(work()))
        if dice.random() < 0.5:
            dice.choice(tasks).cancel()
        if dice.random() < 0.3:
            await asyncio.sleep(dice.random() * 0.004)
    await asyncio.gather(*tasks, return_exceptions=True)
    assert most == 3
    assert (at_work, admission.at_work, admission.waiting) == (0, 0, 0)


async def test_one_who_waits_in_vain() -> None:
    """After the longest wait the request is turned away."""
    admission = Admission(1, queue=5, longest_wait=0.01)
    async with admission.place():
        with pytest.raises(BusyError, match="no place became free"):
            async with admission.place():
                raise AssertionError
        assert (admission.at_work, admission.waiting) == (1, 0)


def test_requests_a_minute() -> None:
    """A key may ask as often as it may in a burst, and then as fast as its allowance grows."""
    clock = Clock()
    allowances = Allowances(ServerSettings(key_requests_per_minute=2), clock=clock)
    allowances.count("a")
    allowances.count("a")
    with pytest.raises(BusyError) as caught:
        allowances.count("a")
    assert (caught.value.reason, caught.value.retry_after) == ("rate", 30)
    allowances.count("b")
    clock.now = 30
    allowances.count("a")
    with pytest.raises(BusyError):
        allowances.count("a")


def test_limits_of_one_key_come_before_those_of_all() -> None:
    """What `keys` says of a label holds for it; what it leaves out is everybody's."""
    settings = ServerSettings(
        key_max_concurrent=1,
        key_requests_per_minute=1,
        keys={"vip": KeyLimits(requests_per_minute=100)},
    )
    allowances = Allowances(settings)
    for _ in range(50):
        allowances.count("vip")
    with allowances.one("vip"):
        with pytest.raises(BusyError) as caught, allowances.one("vip"):
            raise AssertionError
        assert caught.value.reason == "key"
        with allowances.one("other"):
            pass
    with allowances.one("vip"):
        pass
