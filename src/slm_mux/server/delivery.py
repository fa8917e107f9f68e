"""Waits for an answer while the client waits too: heartbeats for a stream, and who leaves is seen.

The client's connection is watched from the end of its request on. When it closes, the work is
cancelled, and with it every request to a model.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar, cast

from starlette.types import Receive, Send

from slm_mux.server.bodies import ClientLeftError
from slm_mux.server.replies import EVENTS, finish, start
from slm_mux.server.wire.errors import ApiError, unavailable
from slm_mux.server.wire.stream import DONE, HEARTBEAT, error_event

T = TypeVar("T")

STREAM_HEADERS = (("Cache-Control", "no-cache"), ("X-Accel-Buffering", "no"))
"""Nobody on the way may keep a stream back."""


async def while_connected(work: Coroutine[Any, Any, T], receive: Receive) -> T:
    """Wait for the work, or for the client to leave.

    Raises:
        ClientLeftError: it left first; the work is cancelled and has ended.
        Exception: what the work raised.
    """
    # In this task: one more for the work would be a fair part of what a request costs.
    here = cast("asyncio.Task[Any]", asyncio.current_task())
    left = False

    def leave(_: asyncio.Task[None]) -> None:
        nonlocal left
        left = True
        here.cancel()

    gone = asyncio.create_task(_disconnected(receive))
    gone.add_done_callback(leave)
    try:
        return await work
    except asyncio.CancelledError:
        if left and not here.uncancel():
            raise ClientLeftError from None
        raise
    finally:
        gone.remove_done_callback(leave)
        gone.cancel()


async def stream(
    work: Coroutine[Any, Any, T],
    events: Callable[[T], Iterable[bytes]],
    receive: Receive,
    send: Send,
    *,
    every: float,
    explain: Callable[[Exception], ApiError],
) -> None:
    """Send what the work comes to as a stream of events.

    The reply starts with the result, or with the first heartbeat: until then an error still has its
    own status.

    Args:
        work: what is waited for.
        events: what is sent of its result.
        receive: watched for a client that leaves.
        send: takes the reply.
        every: seconds between heartbeats.
        explain: what a client is told of an error, once the stream has begun.

    Raises:
        ClientLeftError: the client left first.
        Exception: what the work raised before the stream had begun.
    """
    begun = False
    try:
        async with _both(work, receive) as (task, gone):
            while not (task.done() or gone.done()):
                await asyncio.wait({task, gone}, timeout=every, return_when=asyncio.FIRST_COMPLETED)
                if task.done() or gone.done():
                    break
                if not begun:
                    begun = True
                    await start(send, 200, EVENTS, STREAM_HEADERS)
                await send({"type": "http.response.body", "body": HEARTBEAT, "more_body": True})
            written = b"".join(events(_result(task)))
    except ClientLeftError:
        raise
    except asyncio.CancelledError:
        if not begun:
            raise
        await finish(send, error_event(unavailable("the server is shutting down")))
    except Exception as error:
        if not begun:
            raise
        await finish(send, error_event(explain(error)))
    else:
        if not begun:
            await start(send, 200, EVENTS, STREAM_HEADERS)
        await finish(send, written + DONE)


def _result(task: asyncio.Task[T]) -> T:
    if not task.done():
        raise ClientLeftError
    return task.result()


@asynccontextmanager
async def _both(
    work: Coroutine[Any, Any, T], receive: Receive
) -> AsyncIterator[tuple[asyncio.Task[T], asyncio.Task[None]]]:
    """The work and the watch on the connection, as tasks that have ended when the block has."""
    task = asyncio.create_task(work)
    gone = asyncio.create_task(_disconnected(receive))
    try:
        yield task, gone
    finally:
        task.cancel()
        gone.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
