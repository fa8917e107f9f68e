"""From files of samples to the store: recognised, read, numbered on; stored whole or not at all.

What is imported is good for everything that samples of one's own are good for.
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from slm_mux.errors import InvalidRequestError, TaskDataError
from slm_mux.importing.base import FormatName, Imported, ImportOptions
from slm_mux.importing.detect import detect_format, read_import
from slm_mux.importing.numbering import continue_numbering
from slm_mux.importing.unscored import Unscored, unscored
from slm_mux.store.exchange import Format, import_samples
from slm_mux.store.rows import GIVEN, Reading, TaskInfo
from slm_mux.store.store import Store
from slm_mux.types import Problem


class ModelImport(Struct, frozen=True, kw_only=True):
    """What files brought of one model."""

    model: str
    problems: int
    samples: int


class ImportSummary(Struct, frozen=True, kw_only=True):
    """What came out of files, and what of it is new."""

    tasks: tuple[str, ...]
    """In order of appearance."""
    formats: tuple[FormatName, ...]
    problems: int
    """Of these tasks after the import, those that were in the store before included."""
    samples: int
    """In the files; a draw that stands in two of them counts once."""
    new: int
    """Samples that the store had not."""
    models: tuple[ModelImport, ...]
    """Of the new samples in files of other tools."""
    notes: tuple[str, ...]
    """What was taken, guessed or left out."""
    unscored: tuple[Unscored, ...]
    """The problems of these tasks that cannot be scored, in order."""


class _Logs(Struct, frozen=True, kw_only=True):
    """What came out of files of other tools; see `ImportSummary`."""

    formats: tuple[FormatName, ...]
    samples: int
    new: int
    models: tuple[ModelImport, ...]
    notes: tuple[str, ...]


def import_files(
    store: Store,
    paths: Sequence[Path],
    *,
    task: str | None,
    format: str = "auto",  # noqa: A002 - the option's name
    options: ImportOptions | None = None,
) -> ImportSummary:
    """Import files of any of the formats: all of them or, on any error, nothing.

    Args:
        store: where the samples go.
        paths: one file or more.
        task: the name that the problems get. None: the one in the files, which only our own form
            has.
        format: "auto", or the format of all files.
        options: what files of other tools do not say.

    Raises:
        InvalidRequestError: no file, an unknown format, a missing task, or options for files that
            need none.
        TaskDataError: a file cannot be read or contradicts another, or a model was asked a problem
            in more than one way.
        StoreError: the store has a problem with other content, or cannot be written.
    """
    if not paths:
        raise InvalidRequestError("name at least one file to import")
    own, others = _sorted_out(paths, format)
    if others and (task is None or not task.strip()):
        raise InvalidRequestError(f"{others[0]}: give the task a name with --task NAME")
    if own and options is not None and options != ImportOptions():
        raise InvalidRequestError(
            f"{own[0]}: an export of slm-mux says all of that itself; kind, labels, model and "
            "split are for files of other tools"
        )
    with store.transaction():
        reports = [import_samples(store, path, task=task, format=_own_form(path)) for path in own]
        found = _import_logs(store, others, task or "", format, options) if others else None
        tasks = dict.fromkeys(name for report in reports for name in report.tasks)
        if found is not None:
            tasks[task or ""] = None
        problems = {name: store.problems(name) for name in tasks}
        return ImportSummary(
            tasks=tuple(tasks),
            formats=(*(("own",) if own else ()), *(found.formats if found else ())),
            problems=sum(map(len, problems.values())),
            samples=sum(report.rows for report in reports) + (found.samples if found else 0),
            new=sum(report.new for report in reports) + (found.new if found else 0),
            models=found.models if found else (),
            notes=found.notes if found else (),
            unscored=tuple(
                each for name, known in problems.items() for each in unscored(name, known)
            ),
        )


def _sorted_out(paths: Sequence[Path], form: str) -> tuple[list[Path], list[Path]]:
    """Tell our own exports from files of other tools."""
    if form not in ("auto", "own"):
        return [], list(paths)
    own = [path for path in paths if form == "own" or detect_format(path) == "own"]
    return own, [path for path in paths if path not in own]


def _own_form(path: Path) -> Format:
    try:
        with path.open("rb") as file:
            return "parquet" if file.read(4) == b"PAR1" else "jsonl"
    except OSError as error:
        raise TaskDataError(f"{path}: it cannot be read: {error.strerror or error}") from error


def _import_logs(
    store: Store, paths: Sequence[Path], task: str, form: str, options: ImportOptions | None
) -> _Logs:
    info = next((info for info in store.tasks() if info.name == task), None)
    known = store.problems(task) if info else []
    imported = read_import(paths, task=task, format=form, options=options, known=known)
    _check_one_way(imported, store.asked(task) if info else ())
    read = sum(count for part in imported.parts for _, _, count in part.spans)
    numbered = continue_numbering(
        imported,
        lambda digest: [
            (draw.draw, None if draw.completion is None else draw.completion.text)
            for draw in store.draws_of(digest)
        ],
    )
    source, sha256 = _origin(info, known, numbered, paths)
    store.put_task(
        task,
        numbered.problems,
        source=source,
        sha256=sha256,
        fill_in=True,
    )
    store.put_asked(task, numbered.series)
    new = store.put_draws(numbered.draws)
    _put_given(store, task, numbered)
    return _Logs(
        formats=numbered.formats,
        samples=read,
        new=new,
        models=_by_model(numbered),
        notes=numbered.notes,
    )


def _check_one_way(imported: Imported, stored: Sequence[tuple[str, str, str]]) -> None:
    """Refuse a model that would have two series on one problem: nothing says which is meant."""
    series: dict[tuple[str, str], str] = {
        (problem, member): digest for problem, member, digest in stored
    }
    for problem, asked in imported.series:
        before = series.setdefault((problem, asked.member), asked.digest)
        if before != asked.digest:
            path = next(
                part.path
                for part in imported.parts
                if any(digest == asked.digest for digest, _, _ in part.spans)
            )
            raise TaskDataError(
                f"{path}: {asked.member} was asked {problem!r} in another way than in an earlier "
                "file (another prompt, other settings, or a log of another tool), so these are not "
                "more draws of the same; import this file alone, under another name of the model "
                "(--model NAME) or into another task"
            )


def _origin(
    info: TaskInfo | None, known: Sequence[Problem], imported: Imported, paths: Sequence[Path]
) -> tuple[str, str]:
    """Say where the task's problems are from, with those that it had before."""
    source = f"import of {', '.join(map(str, paths))}"
    if info is None:
        return source, imported.sha256
    if len(imported.problems) == len(known):
        return info.source, info.sha256
    both = hashlib.sha256(f"{info.sha256}{imported.sha256}".encode()).hexdigest()
    return f"{info.source}; {source}", both


def _put_given(store: Store, task: str, imported: Imported) -> None:
    """Keep the answers of draws whose log has no text."""
    if not imported.readings:
        return
    digests = {reading.series for reading in imported.readings}
    samples: Mapping[tuple[str, int], int] = {
        (row.series, row.draw): row.sample_id for row in store.draw_rows(task, series=digests)
    }
    store.put_readings(
        GIVEN,
        [
            (samples[reading.series, reading.draw], Reading(reading.answer, reading.key))
            for reading in imported.readings
        ],
    )


def _by_model(imported: Imported) -> tuple[ModelImport, ...]:
    member = {series.digest: series.member for _, series in imported.series}
    draws: dict[str, int] = defaultdict(int)
    answered: dict[str, set[str]] = defaultdict(set)
    for draw in imported.draws:
        draws[member[draw.series]] += 1
        answered[member[draw.series]].add(draw.series)
    return tuple(
        ModelImport(model=name, problems=len(answered[name]), samples=draws[name])
        for name in imported.members
        if draws[name]
    )
