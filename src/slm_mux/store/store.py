"""The store: one file that holds every sample bought."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from slm_mux.store import caches, discussed, drawing, problems, runs, samples, series
from slm_mux.store import records as whole
from slm_mux.store import salvage as saving
from slm_mux.store import stopped as stops
from slm_mux.store import verify as checks
from slm_mux.store.connection import BUSY_SECONDS, Connection
from slm_mux.store.packing import Packer
from slm_mux.store.rows import (
    Draw,
    DrawRow,
    MemberInfo,
    Reading,
    Record,
    RunInfo,
    Series,
    Status,
    StoppedSeries,
    StoreInfo,
    TaskInfo,
)
from slm_mux.store.salvage import SalvageReport
from slm_mux.store.verify import VerifyReport
from slm_mux.types import Problem


class Store:
    """Tasks, samples, and what was made of them, in one SQLite file.

    What a method has stored is on the disk when the method returns. Several processes, and the
    threads of each, may use one file at once. Every method raises StoreError, with the file's name
    and a remedy, when the file cannot be used: locked, full disk, damaged, closed.

    Use `Store.open`; the constructor takes the connection that it makes.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        create: bool = True,
        read_only: bool = False,
        busy_seconds: float = BUSY_SECONDS,
    ) -> Self:
        """Open a store, and bring an older one up to date.

        Args:
            path: the file.
            create: make the file when there is none.
            read_only: nothing can be written, not even the files SQLite puts beside it. What is
                left of a damaged file can be read, too.
            busy_seconds: how long a write waits for another process's; >= 0.

        Raises:
            StoreError: there is no such file, it is not a store, it is newer than this program, it
                is locked or damaged.
        """
        return cls(
            Connection(Path(path), create=create, read_only=read_only, busy_seconds=busy_seconds)
        )

    @classmethod
    def open_to_read(cls, path: str | os.PathLike[str]) -> Self:
        """Open a store that is there; read-only where the file or its folder cannot be written.

        Raises:
            StoreError: as `open` does.
        """
        file = Path(path)
        writable = os.access(file, os.W_OK) and os.access(file.absolute().parent, os.W_OK)
        return cls.open(file, create=False, read_only=file.exists() and not writable)

    @property
    def read_only(self) -> bool:
        """Whether nothing can be stored."""
        return self._connection.read_only

    @property
    def path(self) -> Path:
        """The file."""
        return self._connection.path

    def close(self) -> None:
        """Close the file. Closing twice is allowed."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make everything stored within all or nothing.

        Other writers wait until it ends, so keep it short, and do not await within it: what other
        coroutines store through this object meanwhile would be part of it.
        """
        with self._connection.writing():
            yield

    # Tasks

    def put_task(
        self,
        task: str,
        given: Sequence[Problem],
        *,
        source: str,
        sha256: str,
        data: Sequence[Problem] | None = None,
        replace: bool = False,
        fill_in: bool = False,
    ) -> None:
        """Register a task's problems; what is there already stays.

        Positions are those in the data where that holds every problem of the task that is stored;
        otherwise new problems come behind the stored ones.

        Args:
            task: its name.
            given: its problems, or some of them, in order.
            source: where the data came from, for people.
            sha256: of the data, hexadecimal.
            data: all problems of the data, where `given` are some of them.
            replace: overwrite problems whose content changed. Where more than target, split and
                subject changed, the samples of the old question no longer belong to the problem.
                With `data`, this goes for every stored problem of it, and those that it has not
                leave the task. No sample leaves the store: it is found again by its address.
            fill_in: target, split, subject and question may be missing on either side (a question
                is, where the id stands in its place): what one side has counts, and all samples
                stay the problem's.

        Raises:
            StoreError: a problem of that id is stored with other content; names the problem.
        """
        with self._connection.writing() as db:
            problems.put_task(
                db,
                task,
                given,
                source=source,
                sha256=sha256,
                data=data,
                replace=replace,
                fill_in=fill_in,
            )

    def problems(self, task: str, split: str | None = None) -> list[Problem]:
        """Return a task's problems in order; of one split, or all.

        Raises:
            StoreError: there is no such task; names those there are.
        """
        with self._connection.snapshot() as db:
            return [problem for _, problem in problems.stored_problems(db, task, split)]

    def tasks(self) -> list[TaskInfo]:
        """Return the tasks in order of first appearance."""
        with self._connection.snapshot() as db:
            return problems.tasks(db)

    # Samples

    def put_asked(self, task: str, asked: Iterable[tuple[str, Series]]) -> None:
        """Register which series answer which problems (by id) of a task; again is no change.

        Raises:
            StoreError: the task has no such problem.
            InvalidRequestError: messages or settings of a series are no JSON values.
        """
        with self._connection.writing() as db:
            series.put_asked(db, task, asked)

    def put_discussed(self, task: str, method: str, asked: Iterable[tuple[str, Series]]) -> None:
        """Register follow-ups of a method as `put_asked` does; what is asked plainly stays so."""
        with self._connection.writing() as db:
            discussed.put_discussed(db, task, method, asked)

    def put_draws(self, draws: Sequence[Draw]) -> int:
        """Store draws, durably and all or none.

        A stored completion is never overwritten; a stored failure gives way to a completion or a
        later failure.

        Returns:
            How many (series, draw) have a row, or a completion, that they had not.

        Raises:
            StoreError: the series of a draw is not registered.
            InvalidRequestError: a draw has not exactly one of completion and failure.
        """
        packer = Packer()
        prepared = [drawing.prepare(draw, packer) for draw in draws]
        with self._connection.writing() as db:
            rows = series.known_rows(db, (draw.series for draw in prepared))
            return sum(drawing.write(db, prepared, rows))

    def drawn(self, digests: Iterable[str]) -> dict[str, dict[int, Status]]:
        """Say which draws of which series are stored, and how each ended.

        Returns:
            An entry for every digest given, empty where nothing is stored.
        """
        with self._connection.snapshot() as db:
            return samples.drawn(db, digests)

    def members(self, task: str) -> list[MemberInfo]:
        """Return the models that were asked in a task, in order of first appearance."""
        with self._connection.snapshot() as db:
            return series.members(db, task)

    def asked(self, task: str, split: str | None = None) -> list[tuple[str, str, str]]:
        """Return (problem id, member name, series digest) of a task, in order of the problems."""
        with self._connection.snapshot() as db:
            return series.asked(db, task, split)

    def draw_rows(
        self,
        task: str,
        split: str | None = None,
        members: Iterable[str] | None = None,
        *,
        series: Iterable[str] | None = None,
    ) -> list[DrawRow]:
        """Return a task's samples without their texts, by problem, member and draw.

        Args:
            task: its name.
            split: one split, or all.
            members: only these names.
            series: only these digests; where a name was asked with several settings or prompts,
                this says which are meant.
        """
        with self._connection.snapshot() as db:
            return samples.draw_rows(db, task, split, members, series)

    def texts(self, sample_ids: Iterable[int]) -> dict[int, str]:
        """Return completions' texts; failed and unknown samples have none.

        Raises:
            StoreError: a text is damaged.
        """
        with self._connection.snapshot() as db:
            return samples.texts(db, list(sample_ids))

    def draws_of(self, series: str) -> list[Draw]:
        """Return a series' draws with their texts, in order; none where it is not registered."""
        with self._connection.snapshot() as db:
            return samples.draws_of(db, series)

    def records(self, task: str, split: str | None = None) -> Iterator[Record]:
        """Yield a task's samples with everything they belong to, by problem, member and draw.

        Raises:
            StoreError: there is no such task, or a sample is damaged.
        """
        iterator = whole.records(self._connection.db, task, split)
        while True:
            # The connection's turn is given back between two records.
            with self._connection.snapshot():
                record = next(iterator, None)
            if record is None:
                return
            yield record

    def put_records(self, given: Iterable[Record]) -> tuple[int, list[str]]:
        """Store samples with everything they belong to, all or none; what is there already stays.

        Returns:
            How many samples are new, and the tasks in order of appearance.

        Raises:
            StoreError: a problem is stored with other content.
        """
        with self._connection.writing() as db:
            return whole.put_records(db, given)

    def put_stopped(self, wanted: Mapping[str, int]) -> None:
        """Mark series that are not drawn to the end because the answer is settled.

        A series that has all the draws wanted is not marked; of several marks, the highest stays.

        Args:
            wanted: how many draws were wanted, by the series' digest; >= 1.

        Raises:
            StoreError: a series is not registered.
        """
        with self._connection.writing() as db:
            stops.put_stopped(db, wanted)

    def stopped(self, task: str, split: str | None = None) -> list[StoppedSeries]:
        """Return a task's marked series that still lack draws, in order of the problems."""
        with self._connection.snapshot() as db:
            return stops.stopped(db, task, split)

    # What was made of the samples

    def readings(self, reader: str, sample_ids: Iterable[int]) -> dict[int, Reading]:
        """Return what a reader has made of samples already.

        Args:
            reader: a fingerprint of everything that a reading depends on beside the text.
            sample_ids: `DrawRow.sample_id`s.
        """
        with self._connection.snapshot() as db:
            return caches.readings(db, reader, list(sample_ids))

    def put_readings(self, reader: str, read: Iterable[tuple[int, Reading]]) -> None:
        """Keep readings; the later one of a sample counts.

        Raises:
            StoreError: there is no such sample.
        """
        with self._connection.writing() as db:
            caches.put_readings(db, reader, read)

    def verdicts(self, scorer: str) -> dict[tuple[str, str], bool | None]:
        """Return a scorer's verdicts by (answer, target); None: the target cannot be read."""
        with self._connection.reading() as db:
            return caches.verdicts(db, scorer)

    def put_verdicts(self, scorer: str, given: Mapping[tuple[str, str], bool | None]) -> None:
        """Keep verdicts; the later one of an (answer, target) counts."""
        with self._connection.writing() as db:
            caches.put_verdicts(db, scorer, given)

    # Runs

    def put_run(self, document: dict[str, Any]) -> int:
        """Save a run.

        Returns:
            Its number, from 1.

        Raises:
            InvalidRequestError: the document is no JSON object.
        """
        with self._connection.writing() as db:
            return runs.put_run(db, document)

    def runs(self) -> list[RunInfo]:
        """Return the saved runs, oldest first."""
        with self._connection.snapshot() as db:
            return runs.runs(db)

    def run(self, number: int) -> dict[str, Any]:
        """Return a saved run's document.

        Raises:
            StoreError: there is no such run.
        """
        with self._connection.snapshot() as db:
            return runs.run(db, number)

    # The file

    def info(self) -> StoreInfo:
        """Say what is in the store."""
        with self._connection.snapshot() as db:
            return runs.info(db, self.path)

    def verify(self) -> VerifyReport:
        """Read everything and compare it with its checksums; names every damaged sample."""
        with self._connection.reading() as db:
            return checks.verify(db, self.path)

    def salvage(self, to_path: str | os.PathLike[str]) -> SalvageReport:
        """Copy everything that is sound into a new store; this one stays as it is.

        Raises:
            StoreError: there is a file at `to_path` already, or it cannot be written.
        """
        return saving.salvage(self._connection, Path(to_path))

    def vacuum(self) -> int:
        """Rewrite the file without gaps; needs as much free disk as the file takes.

        Returns:
            How many bytes smaller it is (negative: larger).
        """
        with self._connection.reading() as db:
            return runs.vacuum(db, self.path)
