"""Draws the samples of questions: the only owner of concurrency, retries and cancellation."""

from collections.abc import Iterator, Sequence

from slm_mux.errors import SlmMuxError, StoreError
from slm_mux.sampling.events import Observer
from slm_mux.sampling.keeping import Keeper
from slm_mux.sampling.limits import Limiter
from slm_mux.sampling.plan import Plan
from slm_mux.sampling.question import QuestionDraws
from slm_mux.sampling.retries import RetryPolicy
from slm_mux.sampling.sending import Sender
from slm_mux.sampling.tally import Tally
from slm_mux.types import Stopping, Usage


class Sampler:
    """Draws from models, each endpoint within its own limits.

    One sampler serves any number of questions at once; its limiters hold across all of them. It
    belongs to one event loop.

    Args:
        retries: when a failed request is sent again.
        limiters: by endpoint, for samplers that share them; one that is missing is made with the
            limits of the first model that is asked. This sampler's own by default.
    """

    def __init__(
        self, retries: RetryPolicy | None = None, *, limiters: dict[str, Limiter] | None = None
    ) -> None:
        self._sender = Sender(retries or RetryPolicy(), {} if limiters is None else limiters)
        self._one_draw_only: set[str] = set()

    async def draw(
        self,
        plans: Sequence[Plan],
        *,
        stopping: Stopping,
        observe: Observer | None = None,
        keeper: Keeper | None = None,
    ) -> tuple[Tally, Usage]:
        """Draw until the answer is settled, or, with `stopping="none"`, until all draws are in.

        Every planned draw ends as an answer, as unreadable or as failed, or is not drawn because
        it could no longer change the answer.

        Args:
            plans: one per model, in pool order.
            stopping: eager starts all draws at once and cancels; frugal draws in waves.
            observe: told of everything that happens.
            keeper: what was bought before comes from it; what is bought goes to it before it is
                counted.

        Raises:
            InvalidRequestError: a model cannot be asked this at all.
            Exception: what the observer, or a model of the caller's own, raised.
        """
        question = QuestionDraws(self._sender, self._one_draw_only, plans, observe, keeper)
        try:
            if stopping == "frugal":
                await question.draw_in_waves()
            else:
                await question.draw_everything(stop_when_settled=stopping == "eager")
        except BaseExceptionGroup as errors:
            error = first_error(errors)
            raise error from (None if isinstance(error, SlmMuxError) else errors)
        return question.tally, question.usage()


def first_error(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error of a group: all its tasks met the same mistake, or only one did.

    A StoreError comes before any other: samples that were paid for may not have been kept.
    """
    found = list(_errors(errors))
    return next((error for error in found if isinstance(error, StoreError)), found[0])


def _errors(errors: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in errors.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _errors(error)
        else:
            yield error
