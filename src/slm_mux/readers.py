"""Which answer kind reads whose completions of which problem, and how a reading is told apart."""

import hashlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable

import msgspec

from slm_mux.answers import make_kind
from slm_mux.answers.base import AnswerKind
from slm_mux.types import CodeSpec, KindName, Problem, Style, ToolUse

WITHOUT_STYLE: frozenset[KindName] = frozenset({"code", "tool_call"})
"""Kinds that every model is asked for alike, whatever its style."""


class Readers:
    """Makes answer kinds, and shares those that hold worker processes. Close it when done."""

    def __init__(self) -> None:
        self._shared: dict[tuple[KindName, Style], AnswerKind] = {}

    def of(
        self,
        kind: KindName,
        *,
        style: Style = "words",
        choices: Mapping[str, str] | None = None,
        labels: Sequence[str] = (),
        code: CodeSpec | None = None,
        tools: ToolUse | None = None,
    ) -> AnswerKind:
        """The kind that reads the completions of a model asked in a style.

        Programs that are asked for as answers, and calls of tools, stay the same in both styles.

        Raises:
            InvalidRequestError: as `make_kind` does.
        """
        own = bool(choices or labels or code or tools)
        key = (kind, style)
        if not own and key in self._shared:
            return self._shared[key]
        made = make_kind(kind, choices=choices, labels=labels, code=code, tools=tools)
        if style == "program" and kind not in WITHOUT_STYLE:
            from slm_mux.answers.program import ProgramKind

            made = ProgramKind(made)
        if not own:
            self._shared[key] = made
        return made

    def of_problem(self, problem: Problem, style: Style = "words") -> AnswerKind:
        """The kind that reads the completions of a problem."""
        return self.of(
            problem.kind,
            style=style,
            choices=problem.choices,
            labels=problem.labels,
            code=problem.code,
        )

    def close(self) -> None:
        """End worker processes; reading again starts them anew."""
        shared, self._shared = self._shared, {}
        for kind in shared.values():
            kind.close()


def reader_fingerprint(problem: Problem, style: Style = "words") -> str:
    """Name everything that a reading depends on beside the completion.

    Readings with equal fingerprints of equal completions are equal, so they can be kept.
    """
    special = (problem.choices, problem.labels, problem.code)
    content = msgspec.json.encode((problem.kind, style, *special, code_that_reads()))
    return f"{problem.kind}:{hashlib.blake2b(content, digest_size=12).hexdigest()}"


@cache
def code_that_reads() -> str:
    """Hash the modules that read and that run programs, with the versions that they build on.

    So a reading, or the verdict on a program, is never older than what made it.

    Returns:
        24 hexadecimal digits.
    """
    # Programs run under this Python: what they print may change with it.
    versions = f"sympy {version('sympy')}, Python {sys.version_info[:2]}"
    digest = hashlib.blake2b(versions.encode(), digest_size=12)
    for package in ("answers", "sandbox"):
        for name, module in sorted(_modules(files("slm_mux").joinpath(package), package)):
            digest.update(name.encode() + module)
    # Which kind reads what, and what counts as cut off.
    for name in ("readers.py", "types.py"):
        digest.update(name.encode() + files("slm_mux").joinpath(name).read_bytes())
    return digest.hexdigest()


def _modules(folder: Traversable, name: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir() and entry.name != "__pycache__":
            yield from _modules(entry, f"{name}/{entry.name}")
        elif entry.name.endswith(".py"):
            yield f"{name}/{entry.name}", entry.read_bytes()
