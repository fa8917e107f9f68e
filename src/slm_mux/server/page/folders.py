"""The two folders that pages are read from: kept questions, and finished reports."""

import os
import re
import secrets
import stat
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

LONGEST = 8 * 2**20
"""Bytes of a question that is kept."""
REPORT_POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data:; connect-src 'none'; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
"""Of a report, which is a file that anybody may have made.

A report's own policy stands in the file and names its scripts by their hashes; a page must satisfy
both, so this one need not name them. It adds what a file cannot: in the sandbox the report is of no
origin, so that nothing in it can act as this server's page does."""

_FORM = 1
_ID = re.compile(r"[A-Za-z0-9_-]{32}")
_RANDOM_BYTES = 24


class NotKeptError(Exception):
    """A question could not be kept; the message says why."""


class KeptQuestions:
    """Finished questions as files, found by their ids alone.

    Args:
        folder: made when the first one is kept, readable by its owner only.
        most: questions that it may hold.
    """

    def __init__(self, folder: Path, *, most: int) -> None:
        self._folder = folder
        self._most = most

    def keep(self, question: str, mux: Mapping[str, Any]) -> str:
        """Keep a question and return its id, which nobody can guess.

        Args:
            question: as it was asked.
            mux: the reply's `mux` object, with every draw.

        Raises:
            NotKeptError: there is no room, or the file cannot be written.
        """
        document = {
            "form": _FORM,
            "kept": int(time.time()),
            "question": question,
            "mux": mux,
        }
        written = msgspec.json.encode(document)
        if len(written) > LONGEST:
            raise NotKeptError("its texts are too long to be kept")
        name = secrets.token_urlsafe(_RANDOM_BYTES)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if sum(1 for _ in self._folder.glob("*.json")) >= self._most:
                raise NotKeptError("the server keeps as many questions as it may")
            # Whole or not at all; and such a file is its owner's alone.
            with tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as file:
                file.write(written)
            Path(file.name).replace(self._folder / f"{name}.json")
        except OSError as error:
            raise NotKeptError(f"it could not be written: {error.strerror}") from None
        return name

    def read(self, name: str) -> dict[str, Any] | None:
        """The document with that id; None where there is none."""
        if not _ID.fullmatch(name):
            return None
        try:
            written = (self._folder / f"{name}.json").read_bytes()
            document = msgspec.json.decode(written)
        except (OSError, msgspec.DecodeError):
            return None
        whole = isinstance(document, dict) and document.get("form") == _FORM
        return document if whole else None


class Report(Struct, frozen=True, kw_only=True):
    """One file of the folder of reports."""

    name: str
    bytes: int
    changed: float
    """Seconds since 1970."""

    @property
    def day(self) -> str:
        """When it was written, in UTC."""
        return minute_of(self.changed)

    @property
    def size(self) -> str:
        """Its length for people."""
        return (
            f"{self.bytes / 2**20:.1f}\u00a0MB"
            if self.bytes >= 2**20
            else (f"{max(1, self.bytes // 1024)}\u00a0kB")
        )


class Reports:
    """Finished reports: the files that lie in the folder itself and end in .html.

    Args:
        folder: looked at anew whenever it is asked for.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def listed(self) -> list[Report]:
        """All reports, the newest first."""
        found = []
        try:
            for entry in os.scandir(self._folder):
                # A link could lead anywhere.
                about = entry.stat(follow_symlinks=False)
                if entry.name.endswith(".html") and stat.S_ISREG(about.st_mode):
                    found.append(
                        Report(name=entry.name, bytes=about.st_size, changed=about.st_mtime)
                    )
        except OSError:
            return []
        return sorted(found, key=lambda report: (-report.changed, report.name))

    def path(self, name: str) -> Path | None:
        """The file of a report; None where there is none of that name."""
        known = any(report.name == name for report in self.listed())
        return self._folder / name if known else None


def minute_of(seconds: float) -> str:
    """Write a time since 1970 to the minute, in UTC."""
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(seconds))
