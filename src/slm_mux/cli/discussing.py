"""Discussions of an evaluation: replayed from the store, and what is missing held."""

import asyncio
from collections.abc import Sequence

from slm_mux.cli.collecting import end_interrupted, run_drawing
from slm_mux.cli.console import messages
from slm_mux.cli.discussing_display import DiscussingDisplay
from slm_mux.cli.fetching import fetch_missing_weights
from slm_mux.collecting.counts import Collected, Counts
from slm_mux.collecting.filing import Register
from slm_mux.collecting.holding import Held, Subject, hold, offline, replay
from slm_mux.collecting.keeper import StoreKeeper
from slm_mux.discussion.base import Workflow
from slm_mux.evaluation.discussed import subjects_of
from slm_mux.evaluation.evaluate import Prepared
from slm_mux.models.pool import Pool
from slm_mux.readers import Readers
from slm_mux.sampling.sampler import Sampler
from slm_mux.store.store import Store


def hold_discussions(
    store: Store,
    pool: Pool,
    prepared: Prepared,
    workflows: Sequence[Workflow],
    readers: Readers,
    outcome: Sequence[Collected],
    *,
    live: bool,
    retry_failed: bool,
    as_json: bool,
) -> tuple[list[Held], list[Collected]]:
    """Have the evaluated problems discussed; unless live only what is in the store whole.

    Methods come one after another, so that one has the draws that the one before bought. Ctrl-C
    ends the process, with 130; every sample that came in is kept.

    Args:
        store: with the task.
        pool: whose members discuss.
        prepared: says which problems, and what ranks the members.
        workflows: the methods.
        readers: of answer kinds.
        outcome: what was drawn before, by member: who was given up is not asked again.
        live: whether what is missing may be drawn.
        retry_failed: whether, where it may, draws that failed before are tried again.
        as_json: whether a JSON document is wanted on stdout.

    Returns:
        What became of each method, in order, and what was drawn for them, by member.

    Raises:
        SlmMuxError: as the parts raise it.
    """
    subjects = subjects_of(prepared, pool, readers)
    seed, again = prepared.asked.seed_of_all, retry_failed and live

    async def replayed(workflow: Workflow) -> Held:
        found = await replay(workflow, subjects, store=store, seed=seed, retry_failed=again)
        return offline(workflow, found)

    held = [asyncio.run(replayed(workflow)) for workflow in workflows]
    if not live or all(one.reason is None for one in held):
        return held, []
    fetch_missing_weights(pool)
    counts = Counts()
    for member in outcome:
        if member.given_up is not None:
            counts.give_up(member.member, member.given_up)
    display = DiscussingDisplay(messages(), len(subjects))

    async def drawing(sampler: Sampler, keeper: StoreKeeper) -> None:
        register = Register(store, prepared.asked.task)
        with display.shown():
            for place, one in enumerate(held):
                if one.reason is not None:
                    held[place] = await _hold(
                        one.workflow,
                        subjects,
                        store,
                        sampler=sampler,
                        keeper=keeper,
                        register=register,
                        seed=seed,
                        retry_failed=again,
                        counts=counts,
                        display=display,
                    )

    interrupted = run_drawing(
        store,
        pool,
        drawing,
        nothing_drawn=lambda: not display.any_drawn,
        retry_failed=retry_failed,
    )
    if interrupted:
        end_interrupted(
            store,
            "interrupted: everything that came in is kept; the same command goes on with the "
            "discussions that are not over",
            as_json=as_json,
        )
    return held, counts.of([member.name for member in pool])


async def _hold(
    workflow: Workflow,
    subjects: Sequence[Subject],
    store: Store,
    *,
    sampler: Sampler,
    keeper: StoreKeeper,
    register: Register,
    seed: int,
    retry_failed: bool,
    counts: Counts,
    display: DiscussingDisplay,
) -> Held:
    # Methods before this one may have bought what it needs.
    replayed = await replay(workflow, subjects, store=store, seed=seed, retry_failed=retry_failed)
    display.begin(workflow.name, over=sum(one is not None for one in replayed))
    return await hold(
        workflow,
        subjects,
        replayed,
        sampler=sampler,
        keeper=keeper,
        register=register,
        seed=seed,
        counts=counts,
        on_sample=display.on_sample,
        on_discussion=display.on_discussion,
        observe=display.observe,
    )
