"""Runs a worked page: its blocks in order, in one folder, and what they print compared.

Blocks of sh and python are run; all others are only shown. The text block that follows one is what
it prints, `...` being any lines left out. Where a comment follows the text block,

    <!-- alike: calculator | decided by | tokens -->

only these parts must be there, one after the other: in what is printed, and in what is shown.
"""

import contextlib
import io
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

LEFT_OUT = "..."
BLOCK = re.compile(
    r"^```(?P<language>\w+)\n(?P<code>.*?)^```\n(?:\n*<!-- alike: (?P<alike>.*?) -->)?",
    re.MULTILINE | re.DOTALL,
)


class Step(NamedTuple):
    """A block of a page that is run."""

    language: str
    code: str
    shown: str | None
    """The text block after it, if any."""
    alike: tuple[str, ...] = ()
    """The parts that count; empty: all of it counts."""


def steps(page: str) -> Iterator[Step]:
    """Every block that is run, with the text block that follows it."""
    blocks = list(BLOCK.finditer(page))
    for block, after in zip(blocks, [*blocks[1:], None], strict=True):
        if block["language"] in ("sh", "python"):
            if after is None or after["language"] != "text":
                yield Step(block["language"], block["code"], None)
            else:
                alike = tuple((after["alike"] or "").split(" | ")) if after["alike"] else ()
                yield Step(block["language"], block["code"], after["code"], alike)


def shows(shown: str, printed: str) -> bool:
    """Whether the page's lines are what was printed, `...` being any lines."""
    parts = [
        r"(?:.*\n)*?" if line == LEFT_OUT else re.escape(line.rstrip()) + r" *\n"
        for line in shown.splitlines()
    ]
    if not printed.endswith("\n"):  # as what curl prints
        printed += "\n"
    return re.fullmatch("".join(parts), printed) is not None


def has(parts: tuple[str, ...], text: str) -> bool:
    """Whether a text has these parts, one after the other."""
    return re.search(".*?".join(re.escape(part) for part in parts), text, re.DOTALL) is not None


class Runner:
    """Runs a page's steps in a folder; on leaving it, ends what they left running.

    Args:
        folder: where the blocks run.
        replaced: what stands in the page for what is different here, such as a port.
    """

    def __init__(self, folder: Path, replaced: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        self._replaced = dict(replaced or {})
        self._names: dict[str, Any] = {"__name__": "the_page"}
        self._groups: list[int] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for group in self._groups:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGTERM)

    def check(self, step: Step) -> None:
        """Run a step; what it prints must be what the page shows."""
        printed = self.run(step)
        if step.shown is None:
            return
        if step.alike:
            assert has(step.alike, step.shown), f"{step.alike}\nare not in\n{step.shown}"
            assert has(step.alike, printed), f"{step.code}\nprints\n{printed}"
        else:
            assert shows(step.shown, printed), f"{step.code}\nprints\n{printed}"

    def run(self, step: Step) -> str:
        """Run a step; gives what it prints on stdout."""
        code = step.code
        for before, after in self._replaced.items():
            code = code.replace(before, after)
        return self._python(code) if step.language == "python" else self._shell(code)

    def _python(self, code: str) -> str:
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.chdir(self._folder):
            exec(compile(code, "the page", "exec"), self._names)
        return out.getvalue()

    def _shell(self, code: str) -> str:
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        # Files, since a pipe would stay open as long as what runs in the background.
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            process = subprocess.Popen(
                ["sh", "-e", "-c", code],
                cwd=self._folder,
                env={**os.environ, "PATH": path, "COLUMNS": "100"},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
            self._groups.append(process.pid)
            ended = process.wait()
            out.seek(0)
            err.seek(0)
            assert ended == 0, f"{code}{err.read()}"
            return out.read()
