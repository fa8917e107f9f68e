"""Writing what came in, at the end of drawing and after Ctrl-C: it was paid for."""

import asyncio
import concurrent.futures
import sys
import threading
from typing import NoReturn

from slm_mux.cli.console import json_is_wanted, messages, print_error_json, print_line
from slm_mux.cli.interrupts import Presses, leave
from slm_mux.collecting.keeper import StoreKeeper
from slm_mux.store.writer import StoreWriter
from slm_mux.wording import counted

QUIETLY = 1.0
"""Seconds after Ctrl-C that writing may take without a word."""


async def write_the_rest(
    writer: StoreWriter, keeper: StoreKeeper, presses: Presses, *, path: object, interrupted: bool
) -> bool:
    """Write what came in, and close the writer.

    After Ctrl-C, where another program keeps the store locked, this says that it waits; one more
    Ctrl-C ends the process, and says how many completions are lost.

    Args:
        writer: to be closed.
        keeper: of this writer.
        presses: of Ctrl-C.
        path: of the store, for messages.
        interrupted: whether Ctrl-C came already.

    Returns:
        Whether Ctrl-C came by now.

    Raises:
        StoreError: without Ctrl-C: samples that came in could not be stored.
    """
    closing = _closing(writer)
    if not interrupted:
        try:
            await asyncio.shield(closing)
        except asyncio.CancelledError:
            pass
        else:
            return False
    await asyncio.wait([closing], timeout=QUIETLY)
    if not closing.done() and (count := keeper.unwritten()):
        print_line(
            messages(),
            f"{path}: still writing {counted(count, 'completion')} that came in; another program "
            "may keep it locked (Ctrl-C again gives up what is not written then)",
        )
        another = asyncio.create_task(presses.another())
        await asyncio.wait([closing, another], return_when=asyncio.FIRST_COMPLETED)
        another.cancel()
    error = closing.exception() if closing.done() else None
    if (error is not None or not closing.done()) and (count := keeper.unwritten()):
        _leave_with_loss(count, str(error or f"{path}: another program may keep it locked"))
    return True


def _closing(writer: StoreWriter) -> asyncio.Future[None]:
    """Close a writer in a thread that nobody waits for: SQLite may wait long for a lock."""
    closed: concurrent.futures.Future[None] = concurrent.futures.Future()

    def close() -> None:
        try:
            asyncio.run(writer.aclose())
        except Exception as error:  # noqa: BLE001 (whatever it is, who waits must hear of it)
            closed.set_exception(error)
        else:
            closed.set_result(None)

    threading.Thread(target=close, name="slm-mux-closing", daemon=True).start()
    return asyncio.wrap_future(closed)


def _leave_with_loss(count: int, why: str) -> NoReturn:
    them = "it" if count == 1 else "them"
    message = (
        f"interrupted: {counted(count, 'completion')} that came in could not be written and "
        f"{'is' if count == 1 else 'are'} lost; the same command draws {them} again ({why})"
    )
    print_line(messages(), message, style="red")
    if json_is_wanted(sys.argv[1:]):
        print_error_json("Interrupted", message)
    leave()
