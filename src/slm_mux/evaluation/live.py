"""Drawing for an evaluation with lossless stopping: what cannot change an answer is not bought."""

import asyncio
from collections.abc import Callable, Iterator, Sequence

from msgspec.structs import replace

from slm_mux.collecting.asking import Asking
from slm_mux.collecting.counting import CountingKeeper
from slm_mux.collecting.counts import Collected, Counts
from slm_mux.collecting.shortfall import MemberNeeds
from slm_mux.sampling.events import Observer
from slm_mux.sampling.keeping import Keeper
from slm_mux.sampling.plan import Plan
from slm_mux.sampling.sampler import Sampler, first_error
from slm_mux.sampling.tally import Tally
from slm_mux.store.store import Store
from slm_mux.types import Sample, Stopping


async def draw_until_settled(
    members: Sequence[MemberNeeds],
    *,
    stopping: Stopping,
    sampler: Sampler,
    store: Store,
    keeper: Keeper,
    accuracies: Sequence[float | None],
    on_problem: Callable[[], None] = lambda: None,
    on_sample: Callable[[Sample], None] = lambda _: None,
    observe: Observer | None = None,
) -> list[Collected]:
    """Draw every problem until mux's answer is settled; every sample is kept.

    Series that lack draws then are marked as stopped in the store.

    A member that only fails is given up, as in collecting: further problems are drawn without it,
    those that it might have decided stay unsettled, and what it lacks is not marked.

    Args:
        members: what each member is asked, all on the same problems in the same order.
        stopping: eager or frugal.
        sampler: sends the requests.
        store: where the members' series are registered.
        keeper: over that store; takes in each sample before it is counted.
        accuracies: validation accuracies by member: they rank the models when settling.
        on_problem: called when a problem is settled.
        on_sample: told of each sample, once it is on disk.
        observe: told of requests and retries.

    Returns:
        What was drawn now, one for each member, in order.

    Raises:
        StoreError: a sample or a mark could not be stored.
        InvalidRequestError: a model cannot be asked this at all.
    """
    counts = Counts()
    counting = CountingKeeper(keeper, counts, on_sample)
    rows = [[need.asking for need in member.needs] for member in members]
    problems = iter(list(zip(*rows, strict=True)))
    # Enough problems at once to keep the widest endpoint busy.
    most = max(
        -(-member.member.model.limits.max_in_flight // max(member.k, 1)) for member in members
    )

    async def work(todo: Iterator[tuple[Asking, ...]]) -> None:
        for asked in todo:
            plans = [
                _plan(one, accuracy)
                for one, accuracy in zip(asked, accuracies, strict=True)
                if not counts.is_down(one.plan.model.name)
            ]
            if plans:
                tally, _ = await sampler.draw(
                    plans, stopping=stopping, observe=observe, keeper=counting
                )
                if wanted := _stopped(plans, tally):
                    # In a thread: a commit waits for the disk, and other draws go on.
                    await asyncio.to_thread(store.put_stopped, wanted)
            on_problem()

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(most):
                group.create_task(work(problems))
    except BaseExceptionGroup as errors:
        raise first_error(errors) from None
    return counts.of([member.member.name for member in members])


def _plan(asked: Asking, accuracy: float | None) -> Plan:
    return replace(asked.plan, kind=asked.kind, validation_accuracy=accuracy)


def _stopped(plans: Sequence[Plan], tally: Tally) -> dict[str, int]:
    """The draws wanted of each series, where the answer was settled before they were all in."""
    lacking = any(progress.remaining for progress in tally.progress)
    if not lacking or not tally.settlement().settled:
        return {}
    return {plan.address: len(plan.seeds) for plan in plans}
