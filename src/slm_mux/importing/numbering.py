"""Importing into a store that has draws of the same models already.

A draw's number is its address, and an address is written once. So a second file of a model would
vanish behind the first, if its draws were numbered from 0 again; and the same file, imported again,
must not count twice, even when it has grown since. The store has no names of files, so a file is
known by its texts.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Final

from msgspec.structs import replace

from slm_mux.importing.base import Imported, Part
from slm_mux.store.rows import Draw
from slm_mux.wording import counted


class Taken(Enum):
    """In the place of a stored text that accounts for a draw already."""

    TAKEN = 0


TAKEN: Final = Taken.TAKEN

StoredTexts = Callable[[str], Sequence[tuple[int, str | None]]]
"""By series digest: the draws in the store in order, with their texts (None: failed)."""


def continue_numbering(imported: Imported, stored: StoredTexts) -> Imported:
    """Number the draws after those in the store; leave out those that are in it already.

    A model's draws in a file are in the store when on every problem of which the store has draws of
    the model, the file's run of texts stands there, or begins with all that is there (the file has
    grown). On one problem alone that would be chance: a run of its own that agrees on one problem
    differs on another. A stored draw accounts for one draw of the files at most, so two files of
    equal texts are both in the store only where it has both.

    Args:
        imported: numbered from 0.
        stored: what the store has of a series; empty when it has nothing.
    """
    texts: dict[str, list[str | None]] = {}
    for draw in imported.draws:
        texts.setdefault(draw.series, []).append(_text(draw))
    before = {digest: list(stored(digest)) for digest in texts}
    left: dict[str, list[str | Taken | None]] = {
        digest: [text for _, text in draws] for digest, draws in before.items()
    }
    numbers: dict[tuple[str, int], int] = {}
    following = {
        digest: max((index for index, _ in draws), default=-1) + 1
        for digest, draws in before.items()
    }
    there = _there(imported.parts, texts, left)
    parts: list[Part] = []
    notes: list[str] = []
    # What has grown goes on before other files do, so that it stands together.
    for place in sorted(range(len(imported.parts)), key=lambda place: place not in there):
        part, known = imported.parts[place], there.get(place, {})
        spans = []
        for digest, (start, count) in _whole_runs(part).items():
            more = range(start + known.get(digest, 0), start + count)
            if more:
                first = following[digest]
                following[digest] += len(more)
                numbers.update(((digest, old), first + step) for step, old in enumerate(more))
                spans.append((digest, first, len(more)))
        if not spans:
            notes.append(f"{part.path}: the draws of {part.member} are in the store already")
            continue
        if known:
            there_already = counted(
                sum(known.values()), f"draw of {part.member} is", f"draws of {part.member} are"
            )
            notes.append(
                f"{part.path}: {there_already} in the store already; only the others were added"
            )
        parts.append(replace(part, spans=tuple(spans)))
    return replace(
        imported,
        draws=tuple(
            replace(draw, draw=number)
            for draw in imported.draws
            if (number := numbers.get((draw.series, draw.draw))) is not None
        ),
        readings=tuple(
            replace(reading, draw=number)
            for reading in imported.readings
            if (number := numbers.get((reading.series, reading.draw))) is not None
        ),
        parts=tuple(parts),
        notes=(*imported.notes, *notes),
    )


def _whole_runs(part: Part) -> dict[str, tuple[int, int]]:
    """A file's run of draws by series: (first, number). Its runs of one series are neighbours."""
    runs: dict[str, tuple[int, int]] = {}
    for digest, start, count in part.spans:
        first, before = runs.get(digest, (start, 0))
        runs[digest] = (first, before + count)
    return runs


def _text(draw: Draw) -> str | None:
    return None if draw.completion is None else draw.completion.text


def _there(
    parts: Sequence[Part],
    texts: Mapping[str, Sequence[str | None]],
    left: Mapping[str, list[str | Taken | None]],
) -> dict[int, dict[str, int]]:
    """Which parts are in the store: how many first draws of each series, by the part's place.

    Those that are there whole come first; what they leave may be the beginning of one that grew.
    """
    found: dict[int, dict[str, int]] = {}
    for grown in (False, True):
        for place, part in enumerate(parts):
            if place in found:
                continue
            ranges = {
                digest: _accounted_for(
                    left[digest], texts[digest][start : start + count], grown=grown
                )
                for digest, (start, count) in _whole_runs(part).items()
                if left[digest]
            }
            if ranges and all(ranges.values()):
                found[place] = {digest: len(taken) for digest, taken in ranges.items()}
                for digest, taken in ranges.items():
                    left[digest][taken.start : taken.stop] = [TAKEN] * len(taken)
    return found


def _accounted_for(
    stored: Sequence[str | Taken | None], run: Sequence[str | None], *, grown: bool
) -> range:
    """Where the store has a run or, of one that may have grown, its beginning; else empty."""
    for start in range(len(stored) - len(run) + 1):
        if list(stored[start : start + len(run)]) == list(run):
            return range(start, start + len(run))
    tail = len(stored)
    while tail and stored[tail - 1] is not TAKEN:
        tail -= 1
    last = stored[tail:]
    if grown and last and list(last) == list(run[: len(last)]):
        return range(tail, len(stored))
    return range(0)
