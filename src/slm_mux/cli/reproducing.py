"""Run a table or figure of the paper: draw what is missing, compute, print."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import typer
from msgspec import Struct

from slm_mux.cli.console import FAILED, messages, print_json, print_line, results
from slm_mux.cli.options import pool_at
from slm_mux.cli.reproduced_task import OneTask, data_of, opened, problems_of
from slm_mux.cli.reproducing_task import Job, discussions_of, run
from slm_mux.cli.stored_task import WorkBar, store_path
from slm_mux.discussion.of_pool import workflows_of
from slm_mux.errors import InvalidRequestError
from slm_mux.evaluation.describing import versions
from slm_mux.evaluation.scorers import make_scorer
from slm_mux.models.pool import Pool
from slm_mux.paper.estimating import estimated
from slm_mux.paper.exhibits import Exhibit, check_pool, exhibit_of, lines_of
from slm_mux.paper.figures import BENCHMARKS
from slm_mux.paper.planning import Choices, plan
from slm_mux.readers import Readers


class Wanted(Struct, frozen=True, kw_only=True):
    """What the command line asks for; None leaves the choice to the rules of each."""

    exhibit: str
    pool: Path | None
    tasks: tuple[str, ...]
    data: Path | None
    limit: int | None
    samples: int | None
    only: tuple[str, ...]
    large: str | None
    store: Path | None
    offline: bool
    dry_run: bool
    retry_failed: bool
    seed: int | None


def reproduce_and_show(wanted: Wanted, *, as_json: bool) -> None:
    """Run an exhibit on each task, print it, or what it would take.

    Raises:
        typer.Exit: 1 when no task came to a figure, a model was given up, or too many calls of a
            discussion failed.
        SlmMuxError: as the parts raise it.
    """
    exhibit = exhibit_of(wanted.exhibit)
    if wanted.retry_failed and wanted.offline:
        raise InvalidRequestError("--retry-failed draws, and --offline does not")
    pool = pool_at(wanted.pool)
    jobs = _jobs(wanted, exhibit, pool, as_json=as_json)
    with closing(Readers()) as readers:
        if wanted.dry_run:
            _show_estimates(exhibit, jobs, readers, as_json=as_json)
            return
        with make_scorer() as scorer, WorkBar() as bar:
            done = [run(job, readers, scorer, bar) for job in jobs]
    sections = [each.section for each in done]
    document = {
        "exhibit": exhibit.name,
        "title": exhibit.title,
        "pool": None if pool.path is None else str(pool.path),
        "tasks": sections,
        "versions": versions(),
    }
    if as_json:
        print_json(document)
    else:
        from slm_mux.cli.reproducing_display import show_exhibit

        show_exhibit(results(), messages(), document)
    spoiled = any(each.spoiled for each in done)
    if spoiled:
        print_line(
            messages(),
            "a model brought nothing but failures, so figures are missing or rest on fewer "
            "problems; the same command with --retry-failed draws what is missing",
            style="red",
        )
    complaining = [each for each in done if each.complaints]
    for each in complaining:
        print_line(
            messages(),
            f"{each.section['task']}: {', and '.join(each.complaints)}; --retry-failed makes those "
            "calls again",
            style="red",
        )
    if spoiled or complaining or all(one["gap"] is not None for one in sections):
        raise typer.Exit(FAILED)


def _jobs(wanted: Wanted, exhibit: Exhibit, pool: Pool, *, as_json: bool) -> list[Job]:
    """Plan every task before anything is drawn for one."""
    tasks = tuple(dict.fromkeys(wanted.tasks)) or BENCHMARKS
    chosen = Choices(
        samples=wanted.samples,
        limit=wanted.limit,
        seed=wanted.seed,
        large=wanted.large,
        lines=lines_of(exhibit, wanted.only),
        offline=wanted.offline,
    )
    jobs = []
    for task in tasks:
        one = OneTask(
            task=task,
            store=wanted.store,
            offline=wanted.offline,
            data=data_of(task, wanted.data, alone=len(tasks) == 1),
        )
        path = store_path(one)
        name, problems = problems_of(one, path)
        made = plan(exhibit, problems, name, pool, chosen)
        check_pool(exhibit, made.pool)
        workflows_of(made.pool, discussions_of(made))
        jobs.append(
            Job(
                one=one,
                path=path,
                made=made,
                retry_failed=wanted.retry_failed,
                as_json=as_json,
            )
        )
    return jobs


def _show_estimates(
    exhibit: Exhibit, jobs: Sequence[Job], readers: Readers, *, as_json: bool
) -> None:
    found = []
    for job in jobs:
        with opened(job.path) as store:
            found.append((job.made, estimated(job.made, store, readers)))
    if as_json:
        print_json(
            {
                "exhibit": exhibit.name,
                "tasks": [
                    {"task": made.name, "gap": made.gap, **each.document()} for made, each in found
                ],
            }
        )
        return
    from slm_mux.cli.reproducing_estimates import show_exhibit_estimates

    show_exhibit_estimates(results(), messages(), exhibit, found)
