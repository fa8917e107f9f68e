"""The task file: a small YAML file that names a data file and says how to read it.

name: capitals
data: capitals.csv              # beside this file
kind: text
fields: {question: q, target: a}
prompt: "Answer in one word. {question}"
splits: {validation: 0.5, seed: 0}
"""

import hashlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from slm_mux.errors import TaskDataError
from slm_mux.tasks.base import TASKS, Task, TaskOptions
from slm_mux.tasks.checks import PLACE
from slm_mux.tasks.rows import Row
from slm_mux.tasks.sources import from_path
from slm_mux.tasks.user import load_data
from slm_mux.tasks.yaml_lines import YamlFile, read_yaml
from slm_mux.types import ProblemKind


class Fields(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The names of the data's fields."""

    question: str | None = None
    target: str | None = None
    id: str | None = None
    split: str | None = None
    choices: str | None = None


class TaskFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file; every key but `data` may be left out."""

    data: str
    """A path; a relative one starts at the task file's folder."""
    name: str | None = None
    """The task's name; the file's, without its ending, where it is left out."""
    kind: ProblemKind | None = None
    fields: Fields = Fields()
    labels: list[str] = []
    prompt: str | None = None
    splits: dict[str, Any] = {}
    """By split, the value or values of the split's field; or the share of one split and a seed."""


def load_task_file(path: Path, data: Path | None, options: TaskOptions) -> Task:
    """Load what a task file describes; options that are set win over its keys.

    Args:
        path: a YAML file.
        data: in place of its `data`.
        options: how to read the data.

    Raises:
        TaskDataError: the task file or the data is wrong; the message starts with file and line.
        InvalidRequestError: an option is wrong.
    """
    written = read_yaml(path)
    try:
        content = msgspec.convert(written.content, TaskFile)
    except msgspec.ValidationError as error:
        raise written.explained(str(error), {(): TaskFile, ("fields",): Fields}) from None
    if content.name is not None and not content.name.strip():
        raise written.error(("name",), "`name` is empty: a task needs a name")
    name = options.name or content.name or path.stem
    if name in TASKS:
        raise written.error(
            ("name",), f"{name!r} is a benchmark's name: give the task another `name`"
        )
    if content.prompt is not None and PLACE not in content.prompt:
        raise written.error(
            ("prompt",), f"`prompt` has no {PLACE}: it says where the question stands"
        )
    splits = _Splits(content.splits, written)
    options = msgspec.structs.replace(
        options,
        kind=options.kind or content.kind,
        question_field=options.question_field or content.fields.question,
        target_field=options.target_field or content.fields.target,
        id_field=options.id_field or content.fields.id,
        split_field=options.split_field or content.fields.split,
        choices_field=options.choices_field or content.fields.choices,
        labels=options.labels or tuple(content.labels),
        prompt=options.prompt or content.prompt,
    )
    file = data or path.parent / Path(content.data).expanduser()
    try:
        found = from_path(file, split=options.split)
    except TaskDataError as error:
        raise (written.error(("data",), str(error)) if data is None else error) from None
    task = load_data(name, found, options, split_of=splits.split_of if content.splits else None)
    return msgspec.structs.replace(task, notes=(*task.notes, *splits.notes()))


class _Splits:
    """Which split a problem belongs to, by the value of a field or by a seeded share."""

    def __init__(self, splits: Mapping[str, Any], written: YamlFile) -> None:
        self._by_value: dict[str, str] = {}
        self._counts: Counter[str] = Counter()
        numbers = {key: value for key, value in splits.items() if isinstance(value, int | float)}
        self._seed = numbers.pop("seed", 0)
        if not isinstance(self._seed, int):
            raise written.error(("splits", "seed"), "`seed` must be a whole number")
        self._share: tuple[str, float] | None = None
        if numbers:
            [(name, share), *more] = numbers.items()
            if more or len(splits) > 1 + ("seed" in splits):
                raise written.error(
                    ("splits",), "give the share of one split alone; all else is the other"
                )
            if name not in ("validation", "test") or not 0 < share < 1:
                raise written.error(
                    ("splits", name), "a share is above 0 and below 1, of `validation` or `test`"
                )
            self._share = (name, share)
            return
        if "seed" in splits:
            raise written.error(("splits", "seed"), "`seed` goes with a share: `validation: 0.5`")
        for name, values in splits.items():
            for value in values if isinstance(values, list) else [values]:
                if not isinstance(value, str):
                    raise written.error(
                        ("splits", name), "must be a value of the split's field, or a share"
                    )
                if value in self._by_value:
                    raise written.error(("splits", name), f"{value!r} is given twice")
                self._by_value[value] = name

    def split_of(self, row: Row, stated: str | None, question: str) -> str | None:
        """Give a problem's split; by share, added or moved lines change no other problem's."""
        if self._share is None:
            if stated is None:
                raise row.error("no split is given here, but the task file's `splits` needs one")
            return self._by_value.get(stated)
        name, share = self._share
        digest = hashlib.blake2b(f"{self._seed}\n{question}".encode(), digest_size=8).digest()
        inside = int.from_bytes(digest) < share * 2**64
        other = "test" if name == "validation" else "validation"
        split = name if inside else other
        self._counts[split] += 1
        return split

    def notes(self) -> list[str]:
        """Say how the problems were shared out."""
        if self._share is None:
            return []
        counts = ", ".join(f"{count} {split}" for split, count in sorted(self._counts.items()))
        return [f"split by seed {self._seed} ({self._share[1]:g} {self._share[0]}): {counts}"]
