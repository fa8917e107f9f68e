"""Reading stored completions: each once, kept in the store under its reader's fingerprint.

What a limit by wall time cut short counts as read this time, and is not kept.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from msgspec import Struct

from slm_mux.answers.base import AnswerKind
from slm_mux.evaluation.keeping import Notebook
from slm_mux.provisional import watching
from slm_mux.readers import Readers, reader_fingerprint
from slm_mux.store.rows import GIVEN, DrawRow, Reading
from slm_mux.store.store import Store
from slm_mux.types import Answer, Problem, Style

BATCH = 500
"""Texts read between two writes: what was read is kept when the rest is interrupted."""


class Read(Struct, frozen=True):
    """The answers of completed samples."""

    answers: dict[int, Answer | None]
    """By sample id; None is unreadable."""
    as_given: frozenset[int]
    """Samples whose answers were imported to be compared as they stand, with targets too."""
    provisional: frozenset[int] = frozenset()
    """Samples whose reading met a limit by wall time; another time it may come out otherwise."""


def read_samples(
    store: Store,
    rows: Sequence[DrawRow],
    problems: Mapping[str, Problem],
    styles: Mapping[int, Style],
    *,
    readers: Readers,
    notebook: Notebook,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Read:
    """Read the answers of completed samples; those read before come from the store.

    Args:
        store: where texts and readings are.
        rows: the samples; failed ones are left out.
        problems: by id, every one that a row names.
        styles: how each member was asked, by `DrawRow.member_id`; words where it is not there.
        readers: of answer kinds.
        notebook: where new readings are kept.
        progress: called with how many of the samples that need reading are read.
    """
    completed = [row for row in rows if row.status == "completed"]
    answers: dict[int, Answer | None] = {}
    given = store.readings(GIVEN, (row.sample_id for row in completed))
    as_given = frozenset(sample for sample, reading in given.items() if reading.key is not None)
    groups: dict[str, list[DrawRow]] = defaultdict(list)
    fingerprints: dict[tuple[str, Style], str] = {}
    for row in completed:
        problem, style = problems[row.problem], styles.get(row.member_id, "words")
        if row.sample_id in given:
            kind = readers.of_problem(problem)
            answers[row.sample_id] = _as_given(given[row.sample_id], kind)
            continue
        if (row.problem, style) not in fingerprints:
            fingerprints[row.problem, style] = reader_fingerprint(problem, style)
        groups[fingerprints[row.problem, style]].append(row)
    unread: dict[str, list[DrawRow]] = {}
    for fingerprint, group in groups.items():
        known = store.readings(fingerprint, (row.sample_id for row in group))
        answers.update((sample, _answer(reading)) for sample, reading in known.items())
        if left := [row for row in group if row.sample_id not in known]:
            unread[fingerprint] = left
    provisional: set[int] = set()
    total, done = sum(map(len, unread.values())), 0
    progress(done, total)
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as threads:
        for fingerprint, group in unread.items():
            for batch in _batches(group):
                texts = store.texts(row.sample_id for row in batch)
                kinds = [
                    readers.of_problem(problems[row.problem], styles.get(row.member_id, "words"))
                    for row in batch
                ]
                read, unsure = _read(batch, kinds, texts, threads)
                sure = {sample: read[sample] for sample in read if sample not in unsure}
                notebook.put_readings(fingerprint, _readings(sure))
                answers.update(read)
                provisional |= unsure
                done += len(batch)
                progress(done, total)
    return Read(answers, as_given, frozenset(provisional))


def _read(
    batch: Sequence[DrawRow],
    kinds: Sequence[AnswerKind],
    texts: Mapping[int, str],
    threads: ThreadPoolExecutor,
) -> tuple[dict[int, Answer | None], set[int]]:
    """Read a batch; also gives the samples whose reading is provisional."""
    unsure: set[int] = set()

    def read(row: DrawRow, kind: AnswerKind) -> Answer | None:
        with watching() as watch:
            answer = kind.read(texts[row.sample_id], cut_off=row.finish_reason == "length")
        if watch.provisional:
            unsure.add(row.sample_id)
        return answer

    # Quick kinds are read in microseconds; the others wait for processes of their own.
    apply = threads.map if any(kind.may_block for kind in kinds) else map
    samples = (row.sample_id for row in batch)
    return dict(zip(samples, apply(read, batch, kinds), strict=True)), unsure


def _batches(rows: Sequence[DrawRow]) -> Iterator[Sequence[DrawRow]]:
    return (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))


def _readings(read: Mapping[int, Answer | None]) -> Iterable[tuple[int, Reading]]:
    for sample, answer in read.items():
        if answer is None:
            yield sample, Reading(None, None)
        else:
            yield sample, Reading(answer.text, answer.key)


def _answer(reading: Reading) -> Answer | None:
    if reading.answer is None or reading.key is None:
        return None
    return Answer(text=reading.answer, key=reading.key)


def _as_given(reading: Reading, kind: AnswerKind) -> Answer | None:
    """An imported answer; one without a key of its own has the key of its problem's kind."""
    if reading.answer is None:
        return None
    key = kind.canonical(reading.answer) if reading.key is None else reading.key
    return None if key is None else Answer(text=reading.answer, key=key)
