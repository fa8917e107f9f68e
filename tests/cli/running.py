"""Runs the command line as its users do: as a process of its own."""

import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any, NamedTuple

COMMAND = (sys.executable, "-m", "slm_mux")
TIMEOUT = 60.0


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
    return kept | {"COLUMNS": "200", "NO_COLOR": "1"} | extra


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


async def slm_mux(
    *arguments: str, stdin: bytes = b"", cwd: Path | None = None, **env: str
) -> Ended:
    """Run `slm-mux ARGUMENTS` to its end."""
    process = await start(*arguments, cwd=cwd, **env)
    return await ended(process, stdin)


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
