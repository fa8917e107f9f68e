"""One task of a table or figure of the paper: draw what is missing, compute."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from slm_mux.cli.collecting import Wanted as ToCollect
from slm_mux.cli.collecting import draw_missing, needs_for, register
from slm_mux.cli.collecting_tables import tell_failures
from slm_mux.cli.console import messages, print_line
from slm_mux.cli.discussing import hold_discussions
from slm_mux.cli.evaluation_failures import failing_discussions
from slm_mux.cli.pauses import fewer_pauses
from slm_mux.cli.reproduced_task import OneTask
from slm_mux.cli.stored_task import WorkBar, open_store
from slm_mux.collecting.counts import Collected
from slm_mux.collecting.holding import Held
from slm_mux.discussion.of_pool import workflows_of
from slm_mux.errors import InvalidRequestError, StoreError
from slm_mux.evaluation.discussed import judge
from slm_mux.evaluation.evaluate import Prepared, describe
from slm_mux.paper.computing import found_in, found_of, members_to_measure, prepared_for
from slm_mux.paper.describing import section
from slm_mux.paper.exhibits import DISCUSSIONS
from slm_mux.paper.planning import Draws, Plan, first_draws, later_draws
from slm_mux.paper.sections import Found
from slm_mux.paper.tables import Source
from slm_mux.readers import Readers
from slm_mux.store.store import Store
from slm_mux.tasks.scoring import Scorer


class Job(Struct, frozen=True, kw_only=True):
    """One task of the exhibit."""

    one: OneTask
    path: Path
    """Of the store."""
    made: Plan
    retry_failed: bool
    as_json: bool


class Ran(Struct, frozen=True, kw_only=True):
    """What became of one task."""

    section: dict[str, Any]
    spoiled: bool = False
    """Whether a model brought nothing but failures."""
    complaints: tuple[str, ...] = ()
    """Why the figures count as failed all the same, in sentences without an end."""


def run(job: Job, readers: Readers, scorer: Scorer, bar: WorkBar) -> Ran:
    """Draw and compute one task. Ctrl-C ends the process, with 130; nothing is lost.

    Args:
        job: what.
        readers: of answer kinds.
        scorer: of answers.
        bar: of reading and scoring.

    Raises:
        SlmMuxError: as the parts raise it.
    """
    made = job.made
    if made.gap is not None:
        return Ran(section=section(made, None, made.gap) | {"store": str(job.path)})
    outcome: list[Collected] = []
    complaints: tuple[str, ...] = ()
    with open_store(job.path, job.one) as store:
        source = Source(store=store, readers=readers, scorer=scorer, progress=bar.show)
        for draws in first_draws(made):
            outcome += _draw(job, draws, store, readers, bar)
        try:
            for draws in later_draws(made, _whose(source, job)):
                outcome += _draw(job, draws, store, readers, bar)
            if made.exhibit.searches:
                with fewer_pauses():
                    found = found_in(source, made)
            else:
                found, drawn, complaints = _table1(job, source, outcome, bar)
                outcome += drawn
            described = section(made, found)
        except InvalidRequestError as error:
            described = section(made, None, str(error))
    spoiled = any(
        member.given_up is not None or (member.failed and not member.completed)
        for member in outcome
    )
    return Ran(section=described | {"store": str(job.path)}, spoiled=spoiled, complaints=complaints)


def _whose(source: Source, job: Job) -> list[str]:
    """Whose further draws are needed; offline none are made, so that nobody's are."""
    made = job.made
    if job.one.offline or not (made.exhibit.searches or "self_consistency" in made.lines):
        return []
    with fewer_pauses():
        return members_to_measure(source, made)


def _draw(job: Job, draws: Draws, store: Store, readers: Readers, bar: WorkBar) -> list[Collected]:
    """Draw what is missing of one set of draws. Ctrl-C ends the process, and loses nothing."""
    if job.one.offline:
        return []
    bar.stop()
    made = job.made
    wanted = ToCollect(
        task=made.task,
        name=made.name,
        problems=draws.problems,
        store=store.path,
        settings=replace(made.settings, samples=draws.k),
        retry_failed=job.retry_failed,
    )
    needs = needs_for(wanted, draws.pool, store, readers)
    register(store, wanted, needs)
    if any(member.missing for member in needs):
        print_line(messages(), f"{made.name}, {draws.what}:")
    outcome = draw_missing(store, wanted, draws.pool, needs, as_json=job.as_json)
    tell_failures(messages(), outcome, again="the same command")
    return outcome


def discussions_of(made: Plan) -> list[str]:
    """The methods of discussion that are wanted, in the order of the table."""
    return [line for line in DISCUSSIONS if line in made.lines]


def _table1(
    job: Job, source: Source, outcome: Sequence[Collected], bar: WorkBar
) -> tuple[Found, list[Collected], tuple[str, ...]]:
    """Evaluate for table 1, with the discussions, and save the run.

    Returns:
        What it came to; what was drawn for the discussions, by member; and of which discussions too
        many calls failed.
    """
    made, store = job.made, source.store
    with fewer_pauses():
        prepared = prepared_for(source, made, discussions_of(made))
    held, drawn = _held(job, prepared, source, outcome, bar)
    with fewer_pauses():
        judged = judge(prepared, held, store=store, scorer=source.scorer)
        document = describe(store, prepared, judged)
    if document["failed_share"] == 1:
        raise InvalidRequestError("every draw failed")
    document["settings"]["stopping"] = None
    document["run"] = None
    if not store.read_only:
        try:
            document["run"] = store.put_run({"command": "eval", **document})
        except StoreError as error:
            # The figures are there, and may have taken long.
            document["notes"].append(f"the run is not saved: {error}")
    return found_of(made, prepared, document), drawn, tuple(failing_discussions(document))


def _held(
    job: Job, prepared: Prepared, source: Source, outcome: Sequence[Collected], bar: WorkBar
) -> tuple[list[Held], list[Collected]]:
    """Hold the discussions that are wanted, as `slm-mux eval` does."""
    made = job.made
    if not (names := discussions_of(made)):
        return [], []
    bar.stop()
    held, drawn = hold_discussions(
        source.store,
        made.pool,
        prepared,
        workflows_of(made.pool, names),
        source.readers,
        outcome,
        live=not job.one.offline,
        retry_failed=job.retry_failed,
        as_json=job.as_json,
    )
    tell_failures(messages(), drawn, again="the same command")
    return held, drawn
