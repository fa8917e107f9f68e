"""Have a model label failed debates: what it said before is taken from the store."""

import asyncio
from typing import Any

from msgspec import Struct

from slm_mux.cli.collecting import end_interrupted, run_drawing
from slm_mux.cli.collecting_tables import tell_failures
from slm_mux.cli.console import messages
from slm_mux.cli.discussing_display import DiscussingDisplay
from slm_mux.cli.fetching import fetch_missing_weights
from slm_mux.collecting.counts import Counts
from slm_mux.collecting.filing import Register
from slm_mux.collecting.holding import Held, hold, offline, replay
from slm_mux.collecting.keeper import StoreKeeper
from slm_mux.errors import InvalidRequestError
from slm_mux.models.pool import Pool
from slm_mux.readers import Readers
from slm_mux.sampling.sampler import Sampler
from slm_mux.store.store import Store
from slm_mux.studies.explaining import discussions_of, run_to_explain
from slm_mux.studies.explaining_methods import failed_first
from slm_mux.studies.labelling import Labelling, labelling_subjects, labels_document

DEBATE = "debate"


class Labeller(Struct, frozen=True, kw_only=True):
    """Who labels."""

    pool: Pool
    name: str
    """Of a member of the pool."""


def label_debates(
    store: Store, number: int, labeller: Labeller, readers: Readers, *, as_json: bool
) -> dict[str, Any]:
    """Label a run's failed debates; Ctrl-C ends the process, and what came in is kept.

    Args:
        store: with the run, the task and the texts.
        number: of the run.
        labeller: who labels.
        readers: of answer kinds.
        as_json: whether a JSON document is wanted on stdout.

    Returns:
        See `slm_mux.studies.labelling.labels_document`.

    Raises:
        SlmMuxError: as the parts raise it.
    """
    if store.read_only:
        raise InvalidRequestError(
            f"--label-with: {store.path} cannot be written here, and labels are kept in it"
        )
    run, pool = run_to_explain(store, number), labeller.pool
    failed = failed_first(DEBATE, discussions_of(run, (DEBATE,))[DEBATE])
    task = run["task"]
    subjects = labelling_subjects(store, task, failed, pool, labeller.name, readers)
    workflow, seed = Labelling(), pool.seed
    replayed = asyncio.run(replay(workflow, subjects, store=store, seed=seed))
    answered = offline(workflow, replayed)
    if answered.reason is None:
        return labels_document(failed, subjects, answered, labeller.name)
    fetch_missing_weights(Pool([member for member in pool if member.name == labeller.name]))
    counts, display = Counts(), DiscussingDisplay(messages(), len(subjects))
    found: list[Held] = []

    async def drawing(sampler: Sampler, keeper: StoreKeeper) -> None:
        with display.shown():
            display.begin("labels", over=sum(one is not None for one in replayed))
            found.append(
                await hold(
                    workflow,
                    subjects,
                    replayed,
                    sampler=sampler,
                    keeper=keeper,
                    register=Register(store, task),
                    seed=seed,
                    counts=counts,
                    on_sample=display.on_sample,
                    on_discussion=display.on_discussion,
                    observe=display.observe,
                )
            )

    if run_drawing(store, pool, drawing, nothing_drawn=lambda: not display.any_drawn):
        end_interrupted(
            store,
            "interrupted: every label that came in is kept; the same command asks for the rest",
            as_json=as_json,
        )
    tell_failures(messages(), counts.of([labeller.name]), again="the same command")
    return labels_document(failed, subjects, found[0], labeller.name)
