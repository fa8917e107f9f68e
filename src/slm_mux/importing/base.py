"""What an import is made of, and what it comes to.

Each format's module turns one file into `Block`s: one model's draws on one problem, as the log has
them. `slm_mux.importing.merging` turns the blocks of all files into one `Imported`.
"""

from collections.abc import Mapping
from typing import Any, Literal, get_args

from msgspec import Struct

from slm_mux.store.rows import Draw, Series
from slm_mux.types import Message, Problem, ProblemKind

FormatName = Literal["plain", "reference", "lm-eval", "inspect", "own"]

FORMATS: tuple[FormatName, ...] = get_args(FormatName)

DESCRIPTIONS: Mapping[FormatName, str] = {
    "plain": 'the plain table (lines of {"problem", "model", "answers"})',
    "reference": "the JSON of the published SLM-MUX code",
    "lm-eval": "samples of lm-evaluation-harness (--log_samples)",
    "inspect": "a log of Inspect (.eval or .json)",
    "own": "an export of slm-mux (JSONL or Parquet)",
}


class ImportOptions(Struct, frozen=True, kw_only=True):
    """What the user says about the files, because the files do not or say it wrongly."""

    kind: ProblemKind | None = None
    """How answers are read; None: what the format says, else a guess from name and targets."""
    labels: tuple[str, ...] = ()
    """For the kind label."""
    model: str | None = None
    """The model's name for all files, instead of the one in them."""
    split: str | None = None
    """The split of every problem whose file names none."""


class Facts(Struct, frozen=True, kw_only=True):
    """What one place of one file says about a problem; None: it says nothing."""

    id: str
    kind: ProblemKind
    question: str | None = None
    target: str | None = None
    split: str | None = None
    choices: dict[str, str] = {}
    subject: str | None = None


class LoggedDraw(Struct, frozen=True, kw_only=True):
    """One draw as a log has it: a text, an answer that was read already, or a failure."""

    text: str | None = None
    """None: the log keeps the answer alone (or the draw failed)."""
    answer: str | None = None
    """Only where `text` is None: the answer as the log has it; None: unreadable."""
    as_given: bool = False
    """The answer is compared as it stands, without any kind's folding."""
    failure: str | None = None
    """Why there is no completion."""
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    served_model: str | None = None
    reasoning: str | None = None
    seconds: float = 0.0
    collected_at: str | None = None
    uid: str | None = None
    """The log's own name for this very draw, where it has one: the same twice is one draw."""


class Block(Struct, frozen=True, kw_only=True):
    """One model's draws on one problem, from one place of one file."""

    facts: Facts
    model: str
    draws: tuple[LoggedDraw, ...]
    where: str
    """File and line, or file and sample, for messages."""
    messages: tuple[Message, ...] | None = None
    """The prompt; None: the log does not keep it."""
    settings: dict[str, Any] = {}


class ImportedReading(Struct, frozen=True, kw_only=True):
    """An answer that came already read, of one draw."""

    series: str
    draw: int
    answer: str | None
    """None: unreadable."""
    key: str | None
    """The class: the answer as given. None beside an answer: the key is the problem's kind's."""


class Part(Struct, frozen=True, kw_only=True):
    """What one file brought of one model: runs of draws by series."""

    path: str
    member: str
    spans: tuple[tuple[str, int, int], ...]
    """(series digest, first draw, number of draws)."""


class Imported(Struct, frozen=True, kw_only=True):
    """Existing logs as problems, series and draws."""

    formats: tuple[FormatName, ...]
    """In order of appearance."""
    sha256: str
    """Of the sorted sha256 of all files: the same for the same files in any order."""
    problems: tuple[Problem, ...]
    """In order of appearance; ids are unique."""
    series: tuple[tuple[str, Series], ...]
    """(problem id, series); a member has one series for a problem and settings."""
    draws: tuple[Draw, ...]
    """Each series' draws are numbered from 0."""
    readings: tuple[ImportedReading, ...] = ()
    """For the draws whose log keeps an answer and no text; their completion's text is the answer
    (empty where it is unreadable)."""
    parts: tuple[Part, ...] = ()
    notes: tuple[str, ...] = ()
    """What was taken, guessed or left out, in sentences for people."""

    @property
    def members(self) -> tuple[str, ...]:
        """The models' names in order of appearance."""
        return tuple(dict.fromkeys(series.member for _, series in self.series))
