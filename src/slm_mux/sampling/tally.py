"""The draws of one question as they come in, and the votes they make at any moment."""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from slm_mux.stopping import Progress, Settlement, settle
from slm_mux.types import Answer, Missing, ModelIssue, Sample, Usage, Vote
from slm_mux.voting import rank_by_record, vote


class Drawer(Struct, frozen=True):
    """What voting needs to know of a model before its first draw."""

    model: str
    k: int
    """>= 1."""
    validation_accuracy: float | None = None


class Tally:
    """Counts samples; it draws none.

    Args:
        drawers: the models, in pool order.

    Raises:
        InvalidRequestError: a k below 1.
    """

    def __init__(self, drawers: Sequence[Drawer]) -> None:
        self.drawers = tuple(drawers)
        self._samples: list[list[Sample | None]] = [[None] * drawer.k for drawer in drawers]
        self._index = {drawer.model: index for index, drawer in enumerate(drawers)}
        self._ranked = rank_by_record([drawer.validation_accuracy for drawer in drawers])
        self._progress = [Progress(drawers[index].k) for index in self._ranked]
        self._rows = {
            drawers[index].model: (self._progress[place], self._samples[index])
            for place, index in enumerate(self._ranked)
        }

    def __iter__(self) -> Iterator[Sample]:
        return (sample for row in self._samples for sample in row if sample is not None)

    @property
    def has_answer(self) -> bool:
        """Whether a draw that is in is readable."""
        return any(sample.answer is not None for sample in self)

    def record(self, sample: Sample) -> None:
        """Take in one draw, once."""
        key = sample.answer.key if sample.answer is not None else None
        progress, samples = self._rows[sample.model]
        progress.record(sample.draw, key)
        samples[sample.draw] = sample

    def sample(self, model: str, draw: int) -> Sample | None:
        """The draw with that index, or None while it is not in."""
        return self._samples[self._index[model]][draw]

    def samples_of(self, model: str) -> list[Sample]:
        """The model's draws that are in, in draw order."""
        return [sample for sample in self._samples[self._index[model]] if sample is not None]

    @property
    def progress(self) -> Sequence[Progress]:
        """The draws in the form `slm_mux.stopping` reads: one per model, best record first."""
        return self._progress

    def drawer_at(self, place: int) -> int:
        """The position in the pool of the model at a place in rank order."""
        return self._ranked[place]

    def settlement(self) -> Settlement:
        """Whether the draws that are in settle the answer."""
        return settle(self._progress)

    def votes(self) -> list[Vote]:
        """One vote per model, in pool order; draws not in count as not drawn."""
        return [
            vote(
                drawer.model,
                [outcome_of(sample) for sample in row],
                validation_accuracy=drawer.validation_accuracy,
            )
            for drawer, row in zip(self.drawers, self._samples, strict=True)
        ]

    def issues(self) -> tuple[ModelIssue, ...]:
        """Failed draws, gathered by model and reason."""
        return issues_of(self)

    def usage(self, *, requests: int = 0, cancelled: int = 0, seconds: float = 0.0) -> Usage:
        """Add up what the draws that are in have cost."""
        completions = [sample.completion for sample in self if sample.completion is not None]
        return Usage(
            samples=len(completions),
            requests=requests,
            prompt_tokens=sum(completion.prompt_tokens or 0 for completion in completions),
            completion_tokens=sum(completion.completion_tokens or 0 for completion in completions),
            samples_without_usage=sum(
                completion.completion_tokens is None for completion in completions
            ),
            cancelled=cancelled,
            seconds=seconds,
        )


def issues_of(samples: Iterable[Sample]) -> tuple[ModelIssue, ...]:
    """Gather failed draws by model and reason."""
    failures: dict[tuple[str, str, str], list[int]] = {}
    for sample in samples:
        if (failure := sample.failure) is not None:
            key = (sample.model, failure.error, failure.message)
            failures.setdefault(key, []).append(failure.tries)
    return tuple(
        ModelIssue(model=model, error=error, message=message, draws=len(tries), tries=max(tries))
        for (model, error, message), tries in failures.items()
    )


def outcome_of(sample: Sample | None) -> Answer | Missing | None:
    """What a draw gives a vote; None where nothing could be read."""
    if sample is None:
        return Missing.NOT_DRAWN
    return Missing.FAILED if sample.failure is not None else sample.answer
