"""Runs the command line: within this process, or as its users do, as a process of its own.

A process of its own takes about a second, most of it for imports. It is for what a process alone
shows: signals, what stands in its environment as Python starts, what is loaded and left behind.
"""

import asyncio
import contextlib
import io
import json
import os
import sys
import threading
from pathlib import Path
from typing import Any, NamedTuple, NoReturn
from unittest import mock

from slm_mux.cli import main

COMMAND = (sys.executable, "-m", "slm_mux")
TIMEOUT = 60.0
TERMINAL = {"COLUMNS": "200", "NO_COLOR": "1"}
READ_AT_START = ("PYTHON", "PATH")
"""How names of variables begin that Python, or what it does only once, reads as it starts."""


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The JSON document on stdout."""
        return json.loads(self.out)


def environment(**extra: str) -> dict[str, str]:
    """The process's environment without terminal settings, with a wide page."""
    kept = {name: value for name, value in os.environ.items() if name != "FORCE_COLOR"}
    return kept | TERMINAL | extra


async def start(*arguments: str, cwd: Path | None = None, **env: str) -> asyncio.subprocess.Process:
    """Start `slm-mux ARGUMENTS`."""
    return await asyncio.create_subprocess_exec(
        *COMMAND,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=cwd,
        env=environment(**env),
    )


async def slm_mux_process(
    *arguments: str, stdin: bytes = b"", cwd: Path | None = None, **env: str
) -> Ended:
    """Run `slm-mux ARGUMENTS` to its end, as a process of its own."""
    process = await start(*arguments, cwd=cwd, **env)
    return await ended(process, stdin)


async def slm_mux(
    *arguments: str, stdin: bytes = b"", cwd: Path | None = None, **env: str
) -> Ended:
    """Run `slm-mux ARGUMENTS` to its end, in a thread of this process where that is the same.

    Streams, working directory and environment are the whole process's, so one runs at a time.
    """
    if any(name.startswith(READ_AT_START) for name in env):
        return await slm_mux_process(*arguments, stdin=stdin, cwd=cwd, **env)
    loop = asyncio.get_running_loop()
    waiting: asyncio.Future[Ended] = loop.create_future()

    def settle(shown: Ended | None, error: BaseException | None) -> None:
        if waiting.done():
            return
        if error is not None:
            waiting.set_exception(error)
        elif shown is not None:
            waiting.set_result(shown)

    def run() -> None:
        shown, failed = None, None
        try:
            shown = _within_this_process(arguments, stdin, cwd, env)
        except BaseException as error:  # noqa: BLE001 - the test is to see it, whatever it is
            failed = error
        with contextlib.suppress(RuntimeError):  # The loop is closed: the test is over.
            loop.call_soon_threadsafe(settle, shown, failed)

    # Unlike an executor's, this thread holds up nothing should it never end.
    threading.Thread(target=run, daemon=True).start()
    async with asyncio.timeout(TIMEOUT):
        return await waiting


_ONE_AT_A_TIME = threading.Lock()


def _within_this_process(
    arguments: tuple[str, ...], stdin: bytes, cwd: Path | None, env: dict[str, str]
) -> Ended:
    if not _ONE_AT_A_TIME.acquire(blocking=False):
        raise RuntimeError("another command runs within this process, or never ended")
    out, err = io.BytesIO(), io.BytesIO()
    streams: dict[str, Any] = {
        "stdin": io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"),
        "stdout": io.TextIOWrapper(out, encoding="utf-8"),
        "stderr": io.TextIOWrapper(
            err, encoding="utf-8", errors="backslashreplace", line_buffering=True
        ),
    }
    try:
        with (
            contextlib.chdir(cwd or Path.cwd()),
            mock.patch.dict(os.environ, TERMINAL | env),
            mock.patch.multiple(sys, argv=["slm-mux", *arguments], **streams),
            mock.patch.object(os, "_exit", _left),
        ):
            os.environ.pop("FORCE_COLOR", None)
            try:
                main()
            except SystemExit as error:
                code = error.code
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
        assert code is None or isinstance(code, int)
        return Ended(code or 0, out.getvalue().decode(), err.getvalue().decode())
    finally:
        _ONE_AT_A_TIME.release()


def _left(code: int) -> NoReturn:
    """Stand in for `os._exit`, which would end the tests."""
    raise SystemExit(code)


async def ended(process: asyncio.subprocess.Process, stdin: bytes = b"") -> Ended:
    """Wait for a command to end; kill it when it does not."""
    try:
        async with asyncio.timeout(TIMEOUT):
            out, err = await process.communicate(stdin)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


def pool_file(folder: Path, *urls: str, **settings: object) -> str:
    """Write a pool file with one model per URL and return its path."""
    lines = [f"{name}: {value}" for name, value in settings.items()]
    lines.append("models:")
    for index, url in enumerate(urls):
        lines += [f"  - name: model-{index}", f"    url: {url}", "    model: m"]
    path = folder / "pool.yaml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)
