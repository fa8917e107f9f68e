"""Whether an engine still moves, as seen in what it writes to anybody.

One request may stand still for long and rightly so: llama.cpp reads the prompts that came before it
first. While an engine works it writes something to somebody, at every token and for every piece of
a prompt that it has read. When it writes nothing to anybody for long, it has come to a stand.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from slm_mux.errors import RequestTimeoutError

STANDSTILL_SECONDS = 120.0
"""Without a token, or a piece of a prompt read, after which requests are given up."""
LOOKS = 4
"""In a row that must find nothing new. A program that was suspended is late for one look only."""


class StandstillError(Exception):
    """The engine wrote nothing to anybody for too long; the request was given up."""


class EngineStandsStillError(RequestTimeoutError):
    """The engine in this process has come to a stand."""


class Pulse:
    """Signs of life of one engine, for all who wait for it, in any thread."""

    def __init__(self) -> None:
        self._beats = 0
        self.stopped = False
        """Whether a request was given up, and nothing was written since."""

    def beat(self) -> None:
        """The engine wrote something."""
        self._beats += 1
        self.stopped = False

    @asynccontextmanager
    async def watched(self, seconds: float) -> AsyncIterator[None]:
        """Give the body up when there is no sign of life for so long.

        Args:
            seconds: > 0.

        Raises:
            StandstillError: there was none.
        """
        loop = asyncio.get_running_loop()
        seen, in_vain = self._beats, 0
        timer: asyncio.TimerHandle

        def look() -> None:
            nonlocal seen, in_vain, timer
            in_vain = in_vain + 1 if self._beats == seen else 0
            seen = self._beats
            if in_vain == LOOKS:
                limit.reschedule(loop.time())
            else:
                timer = loop.call_later(seconds / LOOKS, look)

        timer = loop.call_later(seconds / LOOKS, look)
        try:
            async with asyncio.timeout(None) as limit:
                yield
        except TimeoutError:
            if not limit.expired():
                raise
            self.stopped = True
            raise StandstillError from None
        finally:
            timer.cancel()


def stands_still(name: str) -> EngineStandsStillError:
    """Build the error for an engine that has come to a stand."""
    return EngineStandsStillError(
        f"{name}: llama.cpp in this process has come to a stand and writes nothing any more; "
        "restart this program, and leave out the JSON schema of the last requests if they had one",
        model=name,
    )
