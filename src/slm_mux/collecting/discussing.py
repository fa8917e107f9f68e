"""Has questions discussed, as many at once as keep the endpoints busy."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence

from slm_mux.discussion.base import Discussion, Topic, Workflow
from slm_mux.discussion.room import Filing, Room
from slm_mux.sampling.events import Observer
from slm_mux.sampling.keeping import Keeper
from slm_mux.sampling.sampler import Sampler, first_error


async def discuss_all(
    workflow: Workflow,
    topics: Sequence[Topic],
    *,
    sampler: Sampler,
    seed: int,
    keeper: Keeper | None = None,
    filings: Sequence[Filing] | None = None,
    on_discussion: Callable[[Discussion], None] = lambda _: None,
    observe: Observer | None = None,
) -> list[Discussion]:
    """Have questions discussed, as many at once as keep the endpoints busy.

    Args:
        workflow: the method.
        topics: the questions.
        sampler: sends the requests.
        seed: what the draws' own seeds derive from.
        keeper: of samples.
        filings: where the keeper keeps those of each topic; given if and only if it is.
        on_discussion: told of each discussion when it has ended.
        observe: told of requests and retries.

    Returns:
        One for each topic, in order.

    Raises:
        InvalidRequestError: a model cannot be asked this at all.
        StoreError: a sample could not be stored.
    """
    todo = iter(range(len(topics)))
    found: dict[int, Discussion] = {}
    # Questions that are the same share their draws, so one waits for the other.
    alike: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def work() -> None:
        for place in todo:
            topic = topics[place]
            async with alike[topic.problem]:
                room = Room(
                    topic,
                    sampler=sampler,
                    seed=seed,
                    keeper=keeper,
                    filing=None if filings is None else filings[place],
                    observe=observe,
                )
                found[place] = await workflow.discuss(topic, room)
            on_discussion(found[place])

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(discussions_at_once(topics), len(topics))):
                group.create_task(work())
    except BaseExceptionGroup as errors:
        raise first_error(errors) from None
    return [found[place] for place in range(len(topics))]


def discussions_at_once(topics: Sequence[Topic]) -> int:
    """How many discussions keep the endpoints busy: each may have one draw out at a time.

    Half of them may be waiting, to be on disk or for the slowest of a round.
    """
    speakers = {speaker.name: speaker.model for topic in topics for speaker in topic.speakers}
    endpoints = {model.endpoint: model.limits.max_in_flight for model in speakers.values()}
    return 2 * sum(endpoints.values())
