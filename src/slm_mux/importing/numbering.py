"""Importing into a store that has draws of the same models already.

A draw's number is its address, and an address is written once. So a second file of a model would
vanish behind the first, if its draws were numbered from 0 again; and the same file, imported again,
must not count twice.
"""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from slm_mux.importing.base import Imported, Part
from slm_mux.store.rows import Draw

StoredTexts = Callable[[str], Sequence[tuple[int, str | None]]]
"""By series digest: the draws in the store in order, with their texts (None: failed)."""


def continue_numbering(imported: Imported, stored: StoredTexts) -> Imported:
    """Number the draws after those in the store; leave out the files that are in it already.

    A file is in the store when each of its runs of draws stands there as one run of equal texts, on
    all of its problems.

    Args:
        imported: numbered from 0.
        stored: what the store has of a series; empty when it has nothing.
    """
    texts: dict[str, list[str | None]] = {}
    for draw in imported.draws:
        texts.setdefault(draw.series, []).append(_text(draw))
    before = {digest: list(stored(digest)) for digest in texts}
    numbers: dict[tuple[str, int], int] = {}
    following = {
        digest: max((index for index, _ in draws), default=-1) + 1
        for digest, draws in before.items()
    }
    parts: list[Part] = []
    notes: list[str] = []
    for part in imported.parts:
        if all(
            _has_run([text for _, text in before[digest]], texts[digest][start : start + count])
            for digest, start, count in part.spans
        ):
            notes.append(f"{part.path}: the draws of {part.member} are in the store already")
            continue
        spans = []
        for digest, start, count in part.spans:
            first = following[digest]
            following[digest] += count
            numbers.update(((digest, start + step), first + step) for step in range(count))
            spans.append((digest, first, count))
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
        recorded=tuple(
            replace(verdict, draw=number)
            for verdict in imported.recorded
            if (number := numbers.get((verdict.series, verdict.draw))) is not None
        ),
        parts=tuple(parts),
        notes=(*imported.notes, *notes),
    )


def _text(draw: Draw) -> str | None:
    return None if draw.completion is None else draw.completion.text


def _has_run(whole: Sequence[str | None], run: Sequence[str | None]) -> bool:
    return any(
        list(whole[start : start + len(run)]) == list(run)
        for start in range(len(whole) - len(run) + 1)
    )
