"""Holds the discussions of a task: what was drawn before is replayed, the rest is drawn and kept.

A discussion is a function of its draws, so one whose draws are all in the store is not held but
replayed: nobody is asked, nothing is written, and it comes to the same.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

from msgspec import Struct
from msgspec.structs import replace

from slm_mux.collecting.counting import CountingKeeper
from slm_mux.collecting.counts import Counts
from slm_mux.collecting.discussing import discuss_all
from slm_mux.collecting.filing import Register, StoreFiling
from slm_mux.collecting.keeper import StoreKeeper
from slm_mux.discussion.base import Discussion, Topic, Workflow
from slm_mux.discussion.room import Room
from slm_mux.models.base import Limits, Model, Request, identity_of
from slm_mux.sampling.events import Observer
from slm_mux.sampling.keeping import Keeper
from slm_mux.sampling.plan import Plan
from slm_mux.sampling.sampler import Sampler, first_error
from slm_mux.store.store import Store
from slm_mux.types import Sample

_REPLAYED_AT_ONCE = 16
"""Programs that are read again wait for processes of their own."""


class Subject(Struct, frozen=True, kw_only=True):
    """A problem of a task that is discussed."""

    problem: str
    """Its id."""
    topic: Topic


class Held(Struct, frozen=True, kw_only=True):
    """What became of one method."""

    workflow: Workflow
    discussions: tuple[Discussion, ...] = ()
    """One for each subject, in order; none where it is unavailable."""
    reason: str | None = None
    """Why it is unavailable; None: it is not."""


class NotDrawnError(Exception):
    """A discussion needs a draw that is not in the store."""


class GivenUpError(Exception):
    """A discussion needs a model that was given up; says which, and why."""


async def replay(
    workflow: Workflow,
    subjects: Sequence[Subject],
    *,
    store: Store,
    seed: int,
    retry_failed: bool = False,
) -> list[Discussion | None]:
    """Go through discussions by the draws in a store; nobody is asked, and nothing is written.

    Args:
        workflow: the method.
        subjects: what is discussed.
        store: with the draws.
        seed: what the draws' own seeds derive from.
        retry_failed: whether a failed draw counts as missing.

    Returns:
        One for each subject, in order; None where a draw is missing.

    Raises:
        StoreError: a draw is damaged.
    """
    sampler, keeper = Sampler(), StoreKeeper(store, None, retry_failed=retry_failed)
    found: dict[int, Discussion | None] = {}
    todo = iter(range(len(subjects)))

    async def work() -> None:
        for place in todo:
            subject = subjects[place]
            silent = {speaker.name: _not_drawn for speaker in subject.topic.speakers}
            filing = StoreFiling(problem=subject.problem, method=workflow.name, seed=seed)
            room = Room(
                _without(subject.topic, silent),
                sampler=sampler,
                seed=seed,
                keeper=keeper,
                filing=filing,
            )
            try:
                found[place] = await workflow.discuss(room.topic, room)
            except NotDrawnError:
                found[place] = None

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(_REPLAYED_AT_ONCE):
                group.create_task(work())
    except BaseExceptionGroup as errors:
        raise first_error(errors) from None
    return [found[place] for place in range(len(subjects))]


async def hold(
    workflow: Workflow,
    subjects: Sequence[Subject],
    replayed: Sequence[Discussion | None],
    *,
    sampler: Sampler,
    keeper: Keeper,
    register: Register,
    seed: int,
    counts: Counts,
    on_sample: Callable[[Sample], None] = lambda _: None,
    on_discussion: Callable[[Discussion], None] = lambda _: None,
    observe: Observer | None = None,
) -> Held:
    """Hold the discussions that could not be replayed.

    Every sample is kept. A model that only fails is given up; then a method that needs it is
    unavailable.

    Args:
        workflow: the method.
        subjects: what is discussed.
        replayed: what `replay` gave.
        sampler: sends the requests.
        keeper: takes in each sample before it is counted.
        register: of follow-ups, in the keeper's store.
        seed: what the draws' own seeds derive from.
        counts: where samples are counted; says which models are given up.
        on_sample: told of each sample, once it is on disk.
        on_discussion: told of each discussion that was held, when it has ended.
        observe: told of requests and retries.

    Raises:
        StoreError: a sample could not be stored.
        InvalidRequestError: a model cannot be asked this at all.
    """
    missing = [place for place, one in enumerate(replayed) if one is None]
    silent = {
        speaker.name: _given_up(down)
        for place in missing
        for speaker in subjects[place].topic.speakers
        if (down := why_given_up(counts, speaker.name)) is not None
    }
    found = list(replayed)
    try:
        held = await discuss_all(
            workflow,
            [_without(subjects[place].topic, silent) for place in missing],
            sampler=sampler,
            seed=seed,
            keeper=_EndingKeeper(keeper, counts, on_sample),
            filings=[
                StoreFiling(
                    problem=subjects[place].problem,
                    method=workflow.name,
                    seed=seed,
                    register=register,
                )
                for place in missing
            ],
            on_discussion=on_discussion,
            observe=observe,
        )
    except GivenUpError as error:
        return Held(workflow=workflow, reason=str(error))
    for place, discussion in zip(missing, held, strict=True):
        found[place] = discussion
    return Held(workflow=workflow, discussions=tuple(one for one in found if one is not None))


def offline(workflow: Workflow, replayed: Sequence[Discussion | None]) -> Held:
    """What a method comes to where nothing may be drawn: all of its discussions, or none."""
    there = tuple(one for one in replayed if one is not None)
    if len(there) == len(replayed):
        return Held(workflow=workflow, discussions=there)
    missing = len(replayed) - len(there)
    return Held(
        workflow=workflow,
        reason=f"{missing:,} of {len(replayed):,} problems' discussions are not in the store; "
        "without --offline they are drawn",
    )


def why_given_up(counts: Counts, name: str) -> str | None:
    """Say why a model was given up; None: it was not."""
    if not counts.is_down(name):
        return None
    reason = counts.of([name])[0].given_up
    return f"{name} was given up after failing again and again: {reason}"


class _EndingKeeper(CountingKeeper):
    """Ends the discussions when a model only fails."""

    async def keep(self, plan: Plan, samples: Sequence[Sample]) -> int:
        new = await super().keep(plan, samples)
        if (why := why_given_up(self._counts, plan.model.name)) is not None:
            raise GivenUpError(why)
        return new


class _SilentModel:
    """Stands for a model that is not to be asked."""

    def __init__(self, model: Model, refuse: Callable[[], NoReturn]) -> None:
        self.name = model.name
        self.endpoint = f"{model.endpoint} (silent)"
        self.identity = identity_of(model)
        self.limits = Limits()
        self.draws_at_once = model.draws_at_once
        self._refuse = refuse

    async def complete(self, request: Request) -> NoReturn:  # noqa: ARG002 (no request is answered)
        self._refuse()

    async def aclose(self) -> None:
        """Nothing to close."""


def _without(topic: Topic, silent: Mapping[str, Callable[[], NoReturn]]) -> Topic:
    """The same topic, where some of the models cannot be asked."""
    if not silent:
        return topic
    speakers = tuple(
        replace(speaker, model=_SilentModel(speaker.model, silent[speaker.name]))
        if speaker.name in silent
        else speaker
        for speaker in topic.speakers
    )
    return replace(topic, speakers=speakers)


def _not_drawn() -> NoReturn:
    raise NotDrawnError


def _given_up(why: str) -> Callable[[], NoReturn]:
    def refuse() -> NoReturn:
        raise GivenUpError(why)

    return refuse
