"""Where output goes: results to stdout, everything else to stderr."""

import itertools
import os
import sys
from collections.abc import Mapping, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console

FAILED = 1
WRONG_USAGE = 2
INTERRUPTED = 130
WIDTH_OF_FILES = 110


def make_streams_usable() -> None:
    """Stand in for streams that are closed, and for signs that an encoding does not have."""
    nowhere = Path(os.devnull)
    sys.stdin = sys.stdin or nowhere.open(encoding="utf-8")
    sys.stdout = sys.stdout or nowhere.open("w", encoding="utf-8")
    sys.stderr = sys.stderr or nowhere.open("w", encoding="utf-8")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def results() -> "Console":
    """The console for what was asked for."""
    return _console(sys.stdout)


def messages() -> "Console":
    """The console for progress, warnings and errors."""
    return _console(sys.stderr)


def print_line(out: "Console", text: str, *, style: str | None = None) -> None:
    """Print a line as it stands: without markup in it, and whole however narrow the page is."""
    out.print(text, style=style, markup=False, soft_wrap=True)


def show_warning(message: Warning | str, *_: object, **__: object) -> None:
    """Show a warning of the library's, without the line of code that gave it."""
    print(f"warning: {message}", file=sys.stderr)  # noqa: T201 - it must not need rich


def _console(file: TextIO) -> "Console":
    from rich.console import Console

    # A pipe or a file has no width; the usual 80 columns would only break the lines of tables.
    width = None if file.isatty() or "COLUMNS" in os.environ else WIDTH_OF_FILES
    return Console(file=file, highlight=False, width=width)


def json_is_wanted(arguments: Sequence[str]) -> bool:
    """Whether a command line asks for JSON, so that an error is a document too."""
    options = itertools.takewhile(lambda argument: argument != "--", arguments)
    return "--json" in options


def print_error_json(kind: str, message: str, *, reasons: Mapping[str, str] | None = None) -> None:
    """Print the document that stands for the one an error left out; docs/decision.md explains it.

    Args:
        kind: the error's class, or "UsageError" or "Interrupted".
        message: as on stderr.
        reasons: of a NoAnswerError: what happened to each model, by name.
    """
    error: dict[str, object] = {"type": kind, "message": message}
    if reasons is not None:
        error["reasons"] = dict(reasons)
    print_json({"error": error})


def print_json(document: object) -> None:
    """Print one JSON document on stdout."""
    import json

    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
    sys.stdout.flush()
