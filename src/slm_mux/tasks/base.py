"""A task: the problems of one data set, where they came from, and how they are chosen from."""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

from slm_mux.errors import InvalidRequestError
from slm_mux.types import Problem, ProblemKind
from slm_mux.wording import did_you_mean

TASKS: Mapping[str, str] = MappingProxyType(
    {
        "demo": "80 short problems of four kinds, shipped with the package",
        "gsm8k": "grade school word problems; the answer is a number",
        "math": "competition mathematics (MATH-500, or the full set); LaTeX answers",
        "gpqa": "graduate level science, multiple choice",
        "humaneval": "164 Python functions to write, checked by tests",
    }
)
"""The names that `load_task` knows, and what they are."""


class TaskOptions(Struct, frozen=True, kw_only=True):
    """How a data file is read.

    The fields from `kind` to `labels` describe a file of the user's own and go with no benchmark.
    """

    kind: ProblemKind | None = None
    """Of every problem; None: by choices, labels, or the question's words."""
    question_field: str | None = None
    target_field: str | None = None
    id_field: str | None = None
    split_field: str | None = None
    choices_field: str | None = None
    labels: tuple[str, ...] = ()
    prompt: str | None = None
    """A text around each question, with `{question}` where it stands."""
    shuffle_seed: int = 0
    """For GPQA's official file, whose choices have no order of their own."""
    name: str | None = None
    """The task's name for problems of the user's own, and so the start of their ids; by default the
    file's, without its ending."""
    split: str | None = None
    """Where a data set has one file per split: read this one alone. For a single file that names no
    split: the split of its problems."""


class Task(Struct, frozen=True, kw_only=True):
    """Problems under one name."""

    name: str
    problems: tuple[Problem, ...]
    """In the order of the file."""
    source: str
    """Where the data came from, for people: a path, or a place on the hub, or a package."""
    sha256: str
    """Of the bytes as read, hexadecimal; of several files: of their hashes, one after another."""
    notes: tuple[str, ...] = ()
    """What was done to the data: "choices shuffled with seed 0"."""
    issues: tuple[str, ...] = ()
    """What is wrong with single problems: those left unscored, and repeated questions."""

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of the splits, in order of appearance."""
        return tuple(dict.fromkeys(p.split for p in self.problems if p.split is not None))

    def select(self, split: str | None = None, limit: int | None = None) -> tuple[Problem, ...]:
        """Take the first problems of a split, in the order of the file.

        Args:
            split: its name; None for all problems.
            limit: how many at most; None for all.

        Raises:
            InvalidRequestError: there is no such split, or the limit is below 1.
        """
        if limit is not None and limit < 1:
            raise InvalidRequestError(f"limit is {limit}, but must be at least 1")
        chosen = self.problems
        if split is not None:
            if split not in self.splits:
                has = f"has {', '.join(self.splits)}" if self.splits else "has no splits"
                hint = did_you_mean(split, self.splits)
                raise InvalidRequestError(f"{self.name} has no split {split!r}: it {has}{hint}")
            chosen = tuple(problem for problem in chosen if problem.split == split)
        return chosen if limit is None else chosen[:limit]


def refuse_file_options(task: str, options: TaskOptions) -> None:
    """Refuse the options that describe a file of the user's own, for a benchmark.

    Raises:
        InvalidRequestError: one of them is set.
    """
    plain = TaskOptions(
        prompt=options.prompt,
        shuffle_seed=options.shuffle_seed,
        name=options.name,
        split=options.split,
    )
    for field in TaskOptions.__struct_fields__:
        if getattr(options, field) != getattr(plain, field):
            raise InvalidRequestError(
                f"`{field}` goes with a data file of your own; the form of {task} is known"
            )
