"""Deadlines: many requests, one timer."""

import asyncio

import pytest

from slm_mux.models.deadlines import Deadlines

LONG = 60.0


async def test_a_body_that_takes_too_long_ends_in_a_timeout_error() -> None:
    """The body is cancelled and the caller sees TimeoutError, as with asyncio.timeout."""
    with pytest.raises(TimeoutError), Deadlines(0.01).deadline():
        await asyncio.sleep(LONG)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_body_that_ends_in_time_is_left_alone() -> None:
    """What ended before its deadline is not cancelled when that passes."""
    deadlines = Deadlines(0.01)
    with deadlines.deadline():
        pass
    await asyncio.sleep(0.03)


async def test_someone_elses_cancellation_stays_one() -> None:
    """A task that is cancelled under a deadline ends cancelled."""

    async def body() -> None:
        with Deadlines(LONG).deadline():
            await asyncio.sleep(LONG)

    task = asyncio.create_task(body())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_beside_a_timeout_wins() -> None:
    """A task that was being cancelled anyway does not turn that into a timeout."""

    async def body() -> None:
        try:
            await asyncio.sleep(LONG)
        except asyncio.CancelledError:
            with Deadlines(0.01).deadline():
                await asyncio.sleep(LONG)

    task = asyncio.create_task(body())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(TimeoutError):
        await task
    assert task.cancelling() == 1


async def test_an_error_of_the_body_passes() -> None:
    """What the body raises is what the caller sees."""
    with pytest.raises(KeyError), Deadlines(LONG).deadline():
        raise KeyError


async def test_each_task_has_its_own_deadline() -> None:
    """Those that began earlier end earlier; one that is quick is not touched."""
    deadlines = Deadlines(0.05)
    ended: list[str] = []

    async def body(name: str, seconds: float) -> None:
        try:
            with deadlines.deadline():
                await asyncio.sleep(seconds)
            ended.append(f"{name} done")
        except TimeoutError:
            ended.append(f"{name} late")

    async with asyncio.TaskGroup() as group:
        group.create_task(body("first", LONG))
        group.create_task(body("quick", 0.001))
        await asyncio.sleep(0.02)
        group.create_task(body("second", LONG))
    assert ended == ["quick done", "first late", "second late"]


async def test_deadlines_may_be_nested() -> None:
    """The inner one's timeout is not the outer one's, and leaves the outer one running."""
    inner, outer = Deadlines(0.01), Deadlines(LONG)
    with outer.deadline():
        with pytest.raises(TimeoutError), inner.deadline():
            await asyncio.sleep(LONG)
        await asyncio.sleep(0)


async def test_all_can_be_broken_off() -> None:
    """What is under way ends at once, what comes after is not touched, and nobody is cancelled."""
    deadlines = Deadlines(LONG)
    begun = asyncio.Event()

    async def body() -> str:
        try:
            with deadlines.deadline():
                begun.set()
                await asyncio.Event().wait()
        except ConnectionAbortedError:
            current = asyncio.current_task()
            return f"broken off, {current.cancelling() if current else None} cancellations"
        return "ended"

    task = asyncio.create_task(body())
    await begun.wait()
    deadlines.break_off()
    deadlines.break_off()
    assert await task == "broken off, 0 cancellations"
    with deadlines.deadline():
        await asyncio.sleep(0)


def test_a_deadline_needs_a_task() -> None:
    """Outside of a task there is nothing to cancel, and that is said."""

    async def make() -> Deadlines:
        return Deadlines(1.0)

    deadlines = asyncio.run(make())
    with pytest.raises(RuntimeError), deadlines.deadline():
        pass
