"""Draws what is missing: all models at once, each within its endpoint's limits, none stopped early.

A study needs every draw: those of a question that was settled early are not missing at random.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from slm_mux.collecting.asking import Asking
from slm_mux.collecting.counting import CountingKeeper
from slm_mux.collecting.counts import Collected, Counts
from slm_mux.collecting.shortfall import MemberNeeds
from slm_mux.models.base import identity_of
from slm_mux.sampling.events import Event, SampleDrawn
from slm_mux.sampling.keeping import Keeper
from slm_mux.sampling.plan import Plan
from slm_mux.sampling.sampler import Sampler, first_error
from slm_mux.types import Sample


class MemberDownError(Exception):
    """One member failed so often in a row that asking it again is in vain."""


class _EndingKeeper(CountingKeeper):
    """Ends a member's drawing when it only fails."""

    async def keep(self, plan: Plan, samples: Sequence[Sample]) -> int:
        new = await super().keep(plan, samples)
        if self._counts.is_down(plan.model.name):
            raise MemberDownError
        return new


async def collect(
    members: Sequence[MemberNeeds],
    *,
    sampler: Sampler,
    keeper: Keeper,
    counts: Counts | None = None,
    on_sample: Callable[[Sample], None] = lambda _: None,
    observe: Callable[[Event], None] | None = None,
) -> list[Collected]:
    """Draw everything that is missing.

    Members whose endpoint takes one model at a time come one after another. A member that only
    fails is given up; the others go on.

    Args:
        members: what is missing, by member.
        sampler: sends the requests.
        keeper: takes in each sample before it is counted.
        counts: where samples are counted, for a caller that reads them although this was cancelled.
        on_sample: told of each sample, once it is on disk.
        observe: told of requests and retries.

    Returns:
        One for each member, in order.

    Raises:
        StoreError: a sample could not be stored.
        InvalidRequestError: a model cannot be asked this at all.
    """
    counts = Counts() if counts is None else counts
    counting = _EndingKeeper(keeper, counts, on_sample)
    try:
        async with asyncio.TaskGroup() as group:
            for line in _lines(members):
                group.create_task(_one_after_another(line, sampler, counting, observe))
        # The last draws of a member that was given up were on their way to the disk.
        await counting.count_the_rest()
    except BaseExceptionGroup as errors:
        raise first_error(errors) from None
    return counts.of([needs.member.name for needs in members])


def _lines(members: Sequence[MemberNeeds]) -> list[list[MemberNeeds]]:
    """Put the members that must take turns into one line, each other one into its own."""
    lines: dict[tuple[bool, str], list[MemberNeeds]] = defaultdict(list)
    for needs in members:
        if needs.missing:
            model = needs.member.model
            turns = model.limits.one_model_at_a_time
            lines[turns, model.endpoint if turns else model.name].append(needs)
    return list(lines.values())


async def _one_after_another(
    line: Sequence[MemberNeeds],
    sampler: Sampler,
    keeper: Keeper,
    observe: Callable[[Event], None] | None,
) -> None:
    for needs, following in zip(line, [*line[1:], None], strict=True):
        try:
            async with asyncio.TaskGroup() as group:
                todo = needs.incomplete()
                for _ in range(_problems_at_once(needs)):
                    group.create_task(_work(todo, sampler, keeper, observe))
        except* MemberDownError:
            # The counts know why.
            pass
        # A group that ends by an error forgets that it was cancelled meanwhile.
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError
        # Two embedded models need not be in memory at once; one file under two prompts stays.
        model = needs.member.model
        if following and identity_of(following.member.model) != identity_of(model):
            await model.aclose()


def _problems_at_once(needs: MemberNeeds) -> int:
    """How many problems keep the endpoint busy though each may have one draw missing.

    Half of them may be waiting, to be on disk or to be sent again.
    """
    return 2 * needs.member.model.limits.max_in_flight


async def _work(
    todo: Iterator[Asking],
    sampler: Sampler,
    keeper: Keeper,
    observe: Callable[[Event], None] | None,
) -> None:
    for item in todo:
        # Nothing is read here: reading could hold up the requests, and can be done at any time.
        await sampler.draw(
            [item.plan], stopping="none", observe=_without_samples(observe), keeper=keeper
        )


def _without_samples(observe: Callable[[Event], None] | None) -> Callable[[Event], None] | None:
    """Pass on requests and retries: samples are told when they are on disk, once."""
    if observe is None:
        return None

    def pass_on(event: Event) -> None:
        if not isinstance(event, SampleDrawn):
            observe(event)

    return pass_on
