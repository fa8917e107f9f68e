"""Where one question is discussed: asks the speakers, keeps what they say, counts what it costs."""

import asyncio
import json
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Protocol

from slm_mux.discussion.base import Discussion, Say, Speaker, Topic, Turn
from slm_mux.discussion.breaches import FAILED, SILENT
from slm_mux.sampling.events import (
    AnswerSettled,
    Event,
    Observer,
    SampleDrawn,
    TurnAsked,
    TurnTaken,
)
from slm_mux.sampling.keeping import Keeper
from slm_mux.sampling.plan import Plan
from slm_mux.sampling.sampler import Sampler, first_error
from slm_mux.sampling.seeds import draw_seed, problem_id
from slm_mux.sampling.tally import Tally
from slm_mux.types import Answer, Message, Sample, Usage


class Filing(Protocol):
    """Knows under which address a prompt's draws are kept."""

    async def address(self, speaker: Speaker, messages: tuple[Message, ...]) -> str:
        """Make the address known to the keeper before anything is drawn, and return it."""
        ...


class Room:
    """The means by which a `Workflow` asks.

    Every draw goes through the sampler, and through the keeper where there is one: what was bought
    before is not bought again, and what is bought is on disk before it is counted. The same prompt
    asked again is a new draw of it.

    Args:
        topic: what is discussed.
        sampler: sends the requests, within each endpoint's limits.
        seed: what the draws' own seeds derive from.
        keeper: of samples.
        filing: where the keeper keeps them; given if and only if there is a keeper.
        observe: told of everything that happens; of turns in place of draws.
    """

    def __init__(
        self,
        topic: Topic,
        *,
        sampler: Sampler,
        seed: int,
        keeper: Keeper | None = None,
        filing: Filing | None = None,
        observe: Observer | None = None,
    ) -> None:
        self.topic = topic
        self.turns: list[Turn] = []
        """Everything that was said, in the order in which it was asked for."""
        self.breaches: Counter[str] = Counter()
        self._sampler = sampler
        self._seed = seed
        self._kept = _Remembering(keeper)
        self._filing = filing
        self._observe = observe
        self._asked: Counter[tuple[str, str]] = Counter()
        self._spent: list[Usage] = []
        self._started = time.monotonic()

    async def hear(self, says: Sequence[Say]) -> list[Turn]:
        """Ask for several things at once, and wait for all of them.

        Returns:
            One turn for each, in order. A draw that failed, or that says nothing, is a turn without
            a text, and is counted among the breaches.

        Raises:
            InvalidRequestError: a model cannot be asked this at all.
        """
        first = len(self.turns)
        alike: dict[tuple[str, str], list[int]] = defaultdict(list)
        for place, say in enumerate(says):
            alike[say.speaker.name, json.dumps(_messages(say))].append(place)
            self._tell(
                TurnAsked(first + place, say.step, say.speaker.name, say.heard, say.reader is None)
            )
        heard: dict[int, Turn] = {}

        async def draw(key: tuple[str, str], places: list[int]) -> None:
            before = self._asked[key]
            self._asked[key] = before + len(places)
            address, drawn = await self._draw(says[places[0]], until=before + len(places))
            for place, sample in zip(places, drawn[before:], strict=True):
                heard[place] = turn = _turn(first + place, says[place], sample, address)
                self._tell(TurnTaken(turn.index, turn.step, sample, turn.heard, turn.to_question))

        try:
            async with asyncio.TaskGroup() as group:
                for key, places in alike.items():
                    group.create_task(draw(key, places))
        except BaseExceptionGroup as errors:
            raise first_error(errors) from None
        turns = [heard[place] for place in range(len(says))]
        self.turns += turns
        for turn in turns:
            if turn.sample.failure is not None:
                self.breaches[FAILED] += 1
            elif turn.text is None:
                self.breaches[SILENT] += 1
        return turns

    def ended(
        self,
        method: str,
        *,
        decided_by: str,
        turn: Turn | None,
        confidence: float = 0.0,
        answer: Answer | None = None,
    ) -> Discussion:
        """Describe what the discussion came to.

        Args:
            method: its name.
            decided_by: what decided.
            turn: whose answer it is; None: there is none.
            confidence: see `Discussion`.
            answer: where it is not the one that was read in the turn.
        """
        return Discussion(
            method=method,
            answer=None if turn is None else answer or turn.answer,
            model=None if turn is None else turn.speaker,
            completion=None if turn is None else turn.sample.completion,
            confidence=confidence if turn is not None else 0.0,
            decided_by=decided_by,
            turns=tuple(self.turns),
            breaches=dict(sorted(self.breaches.items())),
            usage=self.usage(),
        )

    def usage(self) -> Usage:
        """What it has cost so far; draws that were bought before are in the tokens, too."""
        completions = [t.sample.completion for t in self.turns if t.sample.completion is not None]
        return Usage(
            samples=len(completions),
            requests=sum(usage.requests for usage in self._spent),
            prompt_tokens=sum(one.prompt_tokens or 0 for one in completions),
            completion_tokens=sum(one.completion_tokens or 0 for one in completions),
            samples_without_usage=sum(one.completion_tokens is None for one in completions),
            seconds=time.monotonic() - self._started,
        )

    async def _draw(self, say: Say, *, until: int) -> tuple[str, list[Sample]]:
        """The first draws of a prompt, with their address; those that are there are recalled."""
        speaker = say.speaker
        messages = _messages(say)
        # The opening's draws are those that mux has, seeds and all.
        name = self.topic.problem if say.messages is None else problem_id(messages)
        address = problem_id(messages)
        if self._filing is not None:
            address = await self._filing.address(speaker, messages)
        plan = Plan(
            model=speaker.model,
            messages=messages,
            generation=speaker.generation,
            seeds=tuple(draw_seed(self._seed, speaker.name, name, draw) for draw in range(until)),
            kind=say.reader or speaker.reader,
            address=address,
        )
        tally, usage = await self._sampler.draw(
            [plan], stopping="none", observe=self._without_draws(), keeper=self._kept
        )
        self._spent.append(usage)
        return address, _in_order(tally, speaker.name, until)

    def _tell(self, event: Event) -> None:
        if self._observe is not None:
            self._observe(event)

    def _without_draws(self) -> Observer | None:
        """The observer, for the sampler: a draw is told of as the turn that it is, and once."""
        observe = self._observe
        if observe is None:
            return None

        def tell(event: Event) -> None:
            if not isinstance(event, SampleDrawn | AnswerSettled):
                observe(event)

        return tell


class _Remembering:
    """A keeper that also knows what was drawn in this discussion, and needs nobody behind it."""

    def __init__(self, keeper: Keeper | None) -> None:
        self._keeper = keeper
        self._own: dict[tuple[str, str], dict[int, Sample]] = defaultdict(dict)

    async def recall(self, plan: Plan, *, texts: bool) -> Mapping[int, Sample]:
        """Give the plan's samples that need not be drawn again."""
        before = await self._keeper.recall(plan, texts=texts) if self._keeper else {}
        return {**before, **self._own[plan.model.name, plan.address]}

    async def keep(self, plan: Plan, samples: Sequence[Sample]) -> int:
        """Take in samples of a plan."""
        new = await self._keeper.keep(plan, samples) if self._keeper else len(samples)
        self._own[plan.model.name, plan.address].update((one.draw, one) for one in samples)
        return new


def _turn(index: int, say: Say, sample: Sample, address: str) -> Turn:
    return Turn(
        index=index,
        step=say.step,
        sample=sample,
        address=address,
        heard=say.heard,
        to_question=say.reader is None,
    )


def _messages(say: Say) -> tuple[Message, ...]:
    return say.speaker.opening if say.messages is None else say.messages


def _in_order(tally: Tally, model: str, draws: int) -> list[Sample]:
    found = tally.samples_of(model)
    if len(found) != draws:
        # With `stopping="none"` every planned draw ends somehow.
        raise AssertionError(f"{model}: {len(found)} of {draws} draws are in")
    return found
