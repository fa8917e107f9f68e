"""Draw what a live evaluation needs: everything, or until mux's answers are settled."""

from typing import TYPE_CHECKING, cast

from msgspec import Struct
from msgspec.structs import replace

from slm_mux.cli.collecting import Wanted as ToCollect
from slm_mux.cli.collecting import (
    draw_missing,
    leave_interrupted,
    needs_for,
    register,
    run_drawing,
)
from slm_mux.cli.console import messages
from slm_mux.cli.evaluated_task import check_questions, task_to_ask
from slm_mux.cli.evaluating import Wanted
from slm_mux.cli.fetching import fetch_missing_weights
from slm_mux.cli.settling_display import SettlingDisplay
from slm_mux.collecting.asking import Settings
from slm_mux.collecting.counts import Collected
from slm_mux.collecting.keeper import StoreKeeper
from slm_mux.collecting.shortfall import MemberNeeds
from slm_mux.errors import InvalidRequestError
from slm_mux.evaluation.evaluate import known_before
from slm_mux.evaluation.live import draw_until_settled
from slm_mux.evaluation.question import Question, split_among
from slm_mux.evaluation.ranking import Record
from slm_mux.models.pool import Pool
from slm_mux.readers import Readers
from slm_mux.sampling.sampler import Sampler
from slm_mux.store.store import Store
from slm_mux.tasks.scoring import Scorer

if TYPE_CHECKING:
    from slm_mux.types import Stopping


class Drawn(Struct, frozen=True, kw_only=True):
    """What became of the first draws."""

    question: Question
    """With what was fixed before drawing."""
    collecting: ToCollect
    """What was asked for: the task with its problems."""
    outcome: list[Collected]
    """What was drawn, by member."""


def draw(
    store: Store,
    wanted: Wanted,
    pool: Pool,
    question: Question,
    readers: Readers,
    scorer: Scorer,
    *,
    as_json: bool,
) -> Drawn:
    """Draw what the evaluation needs.

    Ctrl-C ends the process, with 130; every sample that came in is kept.

    Raises:
        SlmMuxError: as the parts raise it.
    """
    if wanted.stops_early:
        # Draws beyond those that decide would serve the other methods alone.
        question = replace(question, samples=question.k)
    collecting = _to_collect(store, wanted, question)
    needs = needs_for(collecting, pool, store, readers)
    register(store, collecting, needs)
    # The task may hold other problems from before; these are the ones that were asked for.
    only = frozenset(problem.id for problem in collecting.problems)
    question = replace(question, task=collecting.name, only=only)
    if wanted.stops_early:
        records = known_before(store, question, pool, readers=readers, scorer=scorer)
        question = replace(question, stopped=True, records=records)
        fetch_missing_weights(pool)
        outcome = _draw_settling(store, wanted, pool, needs, records, as_json=as_json)
    else:
        outcome = draw_missing(store, collecting, pool, needs, as_json=as_json)
    return Drawn(question=question, collecting=collecting, outcome=outcome)


def _to_collect(store: Store, wanted: Wanted, question: Question) -> ToCollect:
    name, task = task_to_ask(store, wanted)
    problems = task.select(split_among(task.splits, wanted.split), wanted.limit)
    if not problems:
        raise InvalidRequestError(f"{name}: there are no problems to evaluate")
    check_questions(store, name, problems)
    return ToCollect(
        task=task,
        name=name,
        problems=problems,
        store=store.path,
        settings=Settings(samples=question.samples, seed=question.seed),
        retry_failed=wanted.retry_failed,
    )


def _draw_settling(
    store: Store,
    wanted: Wanted,
    pool: Pool,
    needs: list[MemberNeeds],
    records: tuple[Record, ...],
    *,
    as_json: bool,
) -> list[Collected]:
    """Draw until all answers are settled; returns what was drawn, by member."""
    outcome: list[Collected] = []
    display = SettlingDisplay(messages(), needs)

    async def drawing(sampler: Sampler, keeper: StoreKeeper) -> None:
        with display.shown():
            outcome[:] = await draw_until_settled(
                needs,
                stopping=cast("Stopping", wanted.stopping),
                sampler=sampler,
                store=store,
                keeper=keeper,
                accuracies=[record.accuracy for record in records],
                on_problem=display.on_problem,
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
    return outcome
