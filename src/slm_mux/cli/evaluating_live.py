"""Draw what a live evaluation needs: everything, or until mux's answers are settled."""

from pathlib import Path
from typing import cast

from msgspec.structs import replace

from slm_mux.cli.collecting import Wanted as ToCollect
from slm_mux.cli.collecting import (
    draw_missing,
    leave_interrupted,
    needs_for,
    register,
    run_drawing,
)
from slm_mux.cli.evaluating import Wanted, WorkBar
from slm_mux.cli.fetching import fetch_missing_weights
from slm_mux.collecting.asking import Settings
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
from slm_mux.tasks import TASKS, load_task
from slm_mux.tasks.scoring import Scorer
from slm_mux.types import Stopping


def draw(
    store: Store,
    wanted: Wanted,
    pool: Pool,
    question: Question,
    readers: Readers,
    scorer: Scorer,
    *,
    as_json: bool,
) -> Question:
    """Draw what the evaluation needs; returns the question with what was fixed before drawing.

    Ctrl-C ends the process, with 130; every sample that came in is kept.

    Raises:
        SlmMuxError: as the parts raise it.
    """
    stops = wanted.stopping in ("eager", "frugal")
    if stops:
        # Draws beyond those that decide would serve the other methods alone.
        question = replace(question, samples=question.k)
    collecting = _to_collect(store, wanted, question)
    needs = needs_for(collecting, pool, store, readers)
    register(store, collecting, needs)
    # The task may hold other problems from before; these are the ones that were asked for.
    only = frozenset(problem.id for problem in collecting.problems)
    question = replace(question, task=collecting.name, only=only)
    if not stops:
        _, interrupted = draw_missing(store, collecting, pool, needs)
        if interrupted:
            leave_interrupted(store, needs, as_json=as_json)
        return question
    records = known_before(store, question, pool, readers=readers, scorer=scorer)
    fetch_missing_weights(pool)
    stopping = cast("Stopping", wanted.stopping)
    if _draw_settling(store, pool, needs, stopping, records):
        leave_interrupted(store, needs, as_json=as_json)
    return replace(question, stopped=True, records=records)


def _to_collect(store: Store, wanted: Wanted, question: Question) -> ToCollect:
    known = {info.name for info in store.tasks()}
    if wanted.task in known and wanted.task not in TASKS and not Path(wanted.task).exists():
        raise InvalidRequestError(
            f"{wanted.task} was imported, or collected from a file that is not named here; "
            "evaluate it with --offline"
        )
    task = load_task(wanted.task, data=wanted.data)
    problems = task.select(split_among(task.splits, wanted.split), wanted.limit)
    if not problems:
        raise InvalidRequestError(f"{task.name}: there are no problems to evaluate")
    return ToCollect(
        task=task,
        name=task.name,
        problems=problems,
        store=store.path,
        settings=Settings(samples=question.samples, seed=question.seed),
    )


def _draw_settling(
    store: Store,
    pool: Pool,
    needs: list[MemberNeeds],
    stopping: Stopping,
    records: tuple[Record, ...],
) -> bool:
    """Draw until all answers are settled; returns whether Ctrl-C ended it."""
    done = 0
    with WorkBar() as bar:

        def on_problem() -> None:
            nonlocal done
            done += 1
            bar.show("drawing", done, len(needs[0].needs))

        async def drawing(sampler: Sampler, keeper: StoreKeeper) -> None:
            await draw_until_settled(
                needs,
                stopping=stopping,
                sampler=sampler,
                keeper=keeper,
                accuracies=[record.accuracy for record in records],
                on_problem=on_problem,
            )

        return run_drawing(store, pool, drawing, nothing_drawn=lambda: done == 0)
