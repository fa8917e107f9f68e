"""Collect under a progress display, then say what each model's samples are worth."""

import asyncio
import contextlib
import os
import warnings
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn, cast

from msgspec import Struct

from slm_mux.cli.collecting_closing import write_the_rest
from slm_mux.cli.collecting_display import CollectingDisplay
from slm_mux.cli.collecting_notes import notes_of, tell_issues
from slm_mux.cli.collecting_tables import show_collected, show_estimates
from slm_mux.cli.console import FAILED, messages, print_error_json, print_line
from slm_mux.cli.fetching import fetch_missing_weights
from slm_mux.cli.interrupts import (
    close_soon,
    ending_at_once,
    ending_while_loading,
    leave,
    presses_cancel,
)
from slm_mux.cli.pauses import fewer_pauses
from slm_mux.collecting.asking import Settings
from slm_mux.collecting.collector import collect
from slm_mux.collecting.counts import Collected, Counts
from slm_mux.collecting.keeper import StoreKeeper
from slm_mux.collecting.shortfall import MemberNeeds, estimate, needs_of
from slm_mux.evaluation.summary import ModelSummary, summarise_samples
from slm_mux.models.embedded import EmbeddedModel
from slm_mux.models.pool import Member, Pool
from slm_mux.questions import check_options
from slm_mux.readers import Readers
from slm_mux.sampling.retries import RetryPolicy
from slm_mux.sampling.sampler import Sampler
from slm_mux.store.store import Store
from slm_mux.store.writer import StoreWriter
from slm_mux.tasks import Task
from slm_mux.types import Problem
from slm_mux.wording import counted

_MANY = 2000
"""Samples whose reading takes long enough to be announced."""


class Wanted(Struct, frozen=True, kw_only=True):
    """What is to be collected."""

    task: Task
    name: str
    """Of the task, in the store."""
    problems: tuple[Problem, ...]
    store: Path
    settings: Settings
    retry_failed: bool = False
    replace: bool = False


def collect_and_show(wanted: Wanted, pool: Pool, *, dry_run: bool, as_json: bool) -> None:
    """Draw what is missing, and print a summary; or what it would take.

    Raises:
        typer.Exit: 1 when a model was given up, or brought nothing but failures.
        SlmMuxError: as the parts raise it.
    """
    import typer

    settings = wanted.settings
    check_options(
        samples=settings.samples,
        temperature=settings.temperature,
        max_tokens=settings.max_tokens,
        seed=settings.seed,
    )
    tell_issues(messages(), wanted.task)
    with contextlib.closing(Readers()) as readers:
        # The store is made, or written to, when everything else is known to be right.
        with _stored(wanted.store, read_only=dry_run) as store:
            needs = needs_for(wanted, pool, store, readers)
            notes = notes_of(wanted.task, wanted.name, store, replace=wanted.replace)
            for note in notes:
                print_line(messages(), f"{wanted.name}: {note}")
            if dry_run:
                estimates = [estimate(member, store=store, task=wanted.name) for member in needs]
                show_estimates(wanted.name, wanted.problems, estimates, notes, as_json=as_json)
                return
        with Store.open(wanted.store) as store:
            register(store, wanted, needs)
            outcome = draw_missing(store, wanted, pool, needs, as_json=as_json)
            summaries = _summaries(store, wanted, needs, readers)
        show_collected(
            wanted.name,
            wanted.problems,
            wanted.store,
            outcome,
            summaries,
            needs,
            notes,
            as_json=as_json,
        )
    if any(member.given_up or (member.failed and not member.completed) for member in outcome):
        raise typer.Exit(FAILED)


@contextlib.contextmanager
def _stored(path: Path, *, read_only: bool) -> Iterator[Store | None]:
    """Open the store, where there is one."""
    # A program that was killed as it made the store left an empty file.
    if not os.path.lexists(path) or (path.is_file() and not path.stat().st_size):
        yield None
        return
    with Store.open(path, create=not read_only, read_only=read_only) as store:
        yield store


def needs_for(
    wanted: Wanted, pool: Pool, store: Store | None, readers: Readers
) -> list[MemberNeeds]:
    """Compare what is wanted with what the store has; see `needs_of`."""
    return needs_of(
        wanted.name,
        wanted.problems,
        pool,
        store=store,
        readers=readers,
        settings=wanted.settings,
        retry_failed=wanted.retry_failed,
    )


def register(store: Store, wanted: Wanted, needs: list[MemberNeeds]) -> None:
    """Put the problems, and what every member will be asked, into the store."""
    task = wanted.task
    # Nothing is drawn yet, so nothing is lost.
    with ending_at_once(), store.transaction():
        store.put_task(
            wanted.name,
            wanted.problems,
            source=task.source,
            sha256=task.sha256,
            data=task.problems,
            replace=wanted.replace,
        )
        store.put_asked(
            wanted.name,
            (
                (need.asking.problem.id, need.asking.series)
                for member in needs
                for need in member.needs
            ),
        )


def draw_missing(
    store: Store, wanted: Wanted, pool: Pool, needs: list[MemberNeeds], *, as_json: bool
) -> list[Collected]:
    """Draw what is missing, under a progress display.

    Ctrl-C ends the process, with 130; every sample that came in is kept.

    Returns:
        What came of it, by member.
    """
    counts = Counts()
    names = [member.member.name for member in needs]
    if not any(member.missing for member in needs):
        return counts.of(names)
    fetch_missing_weights(pool)
    display = CollectingDisplay(messages(), needs)

    async def drawing(sampler: Sampler, keeper: StoreKeeper) -> None:
        with display.shown():
            await collect(
                needs,
                sampler=sampler,
                keeper=keeper,
                counts=counts,
                on_sample=display.on_sample,
                observe=display.observe,
            )

    if run_drawing(
        store,
        pool,
        drawing,
        nothing_drawn=lambda: not display.any_drawn,
        retry_failed=wanted.retry_failed,
    ):
        leave_interrupted(store, needs, as_json=as_json)
    return counts.of(names)


def run_drawing(
    store: Store,
    pool: Pool,
    drawing: Callable[[Sampler, StoreKeeper], Awaitable[object]],
    *,
    nothing_drawn: Callable[[], bool],
    retry_failed: bool = False,
) -> bool:
    """Draw into a store, then close the pool's models.

    After Ctrl-C the process is best left by `leave_interrupted`: a native thread may be at work.

    Args:
        store: where samples are kept.
        pool: whose models draw.
        drawing: draws with a sampler and a keeper.
        nothing_drawn: whether no sample came in yet.
        retry_failed: whether failed draws are made again.

    Returns:
        Whether Ctrl-C ended it.
    """

    async def run() -> bool:
        writer = StoreWriter(store.path)
        keeper = StoreKeeper(store, writer, retry_failed=retry_failed)
        interrupted = False
        with presses_cancel(cast("asyncio.Task[bool]", asyncio.current_task())) as presses:
            try:
                with ending_while_loading(pool, nothing_drawn):
                    await drawing(Sampler(RetryPolicy(total_seconds=pool.retry_seconds)), keeper)
            except asyncio.CancelledError:
                interrupted = True
            finally:
                try:
                    interrupted = await write_the_rest(
                        writer, keeper, presses, path=store.path, interrupted=interrupted
                    )
                finally:
                    # Freeing llama.cpp takes as long as its batch of tokens: after Ctrl-C the
                    # process ends anyway.
                    await (
                        close_soon(
                            _close(m for m in pool if not isinstance(m.model, EmbeddedModel))
                        )
                        if interrupted
                        else _close(pool)
                    )
        return interrupted

    with fewer_pauses():
        try:
            return asyncio.run(run())
        except asyncio.CancelledError:
            # Ctrl-C, when everything was drawn and written.
            raise KeyboardInterrupt from None


async def _close(members: Iterable[Member]) -> None:
    await asyncio.gather(*(member.model.aclose() for member in members), return_exceptions=True)


def leave_interrupted(store: Store, needs: Sequence[MemberNeeds], *, as_json: bool) -> NoReturn:
    """Say that nothing is lost, and end the process after Ctrl-C.

    Args:
        store: where the samples are; it is closed.
        needs: what was to be drawn.
        as_json: whether a JSON document is wanted on stdout.
    """
    wanted = sum(member.total for member in needs)
    # What the last requests brought was written, but nobody waited any more to count it.
    there = sum(_stored_draws(store, member) for member in needs)
    message = (
        f"interrupted: everything that came in is kept, {there:,} of {counted(wanted, 'draw')} "
        f"{'is' if there == 1 else 'are'} in the store; the same command draws the rest"
    )
    end_interrupted(store, message, as_json=as_json)


def end_interrupted(store: Store, message: str, *, as_json: bool) -> NoReturn:
    """Say how things stand, and end the process after Ctrl-C.

    Args:
        store: where the samples are; it is closed.
        message: what is kept.
        as_json: whether a JSON document is wanted on stdout.
    """
    store.close()
    print_line(messages(), message)
    if as_json:
        print_error_json("Interrupted", message)
    leave()


def _stored_draws(store: Store, member: MemberNeeds) -> int:
    digests = [need.asking.series.digest for need in member.needs]
    drawn = store.drawn(digests)
    return sum(draw < member.k for digest in digests for draw in drawn[digest])


def _summaries(
    store: Store, wanted: Wanted, needs: list[MemberNeeds], readers: Readers
) -> list[ModelSummary]:
    if sum(member.total for member in needs) > _MANY:
        messages().print("reading the answers (Ctrl-C leaves that out; the samples are kept)")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        summaries = summarise_samples(
            store,
            wanted.name,
            [
                (member.member, [need.asking.series.digest for need in member.needs])
                for member in needs
            ],
            wanted.problems,
            readers=readers,
        )
    for text in dict.fromkeys(str(warning.message) for warning in caught):
        print_line(messages(), f"warning: {text}", style="yellow")
    return summaries
