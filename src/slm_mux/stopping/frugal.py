"""What to draw next, so that a question is settled with few draws."""

from collections.abc import Sequence

from msgspec import Struct

from slm_mux.errors import InvalidRequestError
from slm_mux.stopping.settle import Progress, scales, settle


class Wave(Struct, frozen=True):
    """Draws to start together."""

    model: int
    """The model's place in rank order."""
    draws: tuple[int, ...]
    """Indices of its draws, lowest first; never empty, and all of them still missing."""


def next_wave(models: Sequence[Progress]) -> Wave | None:
    """Choose which model to draw from next, and how often: the frugal rule.

    *Which.* The model whose attainable confidence (L + r) / k is highest; of equals, the better
    ranked. While the question is open that model has draws left: with all its draws in, nobody
    could beat it any more.

    *How often.* The lesser of two numbers, so at least 1 and at most r:

    - the fewest draws after which the question is settled if they turn out best, that is if they
      all fall into one class, whichever class suits;
    - the fewest draws after which the model is no longer in front if they turn out worst, that is
      if none of them can be read. It drops out then: another model's attainable confidence is
      higher, or equal and better ranked. (All r, where no other model is that close.)

    Before either number is reached, a policy of one draw at a time would draw from this model
    again whatever came in, so a wave never costs a draw more than going one by one. A draw that
    fails or cannot be read is a draw: record it as None, and ask again.

    Args:
        models: each model's draws, in rank order. Draws in flight are not in: ask again when the
            wave before is in.

    Returns:
        The wave, at the model's lowest missing indices, or None when the question is settled.
    """
    if settle(models).settled:
        return None
    front = front_runner(models)
    longest = draws_to_fall_behind(models, front)
    wave = draws_to_settle(models, front, at_most=longest) or longest
    return Wave(front, models[front].missing[:wave])


def front_runner(models: Sequence[Progress]) -> int:
    """Find the model with the highest attainable confidence; of equals, the better ranked.

    Args:
        models: at least one, in rank order.
    """
    scale = scales(models)
    return max(range(len(models)), key=lambda i: (models[i].most * scale[i], -i))


def draws_to_fall_behind(models: Sequence[Progress], model: int) -> int:
    """Count the further draws of the front runner after which it can be overtaken.

    That is, the fewest that lose it the front if none of them can be read.

    Returns:
        1 .. r; r also where it would still be in front with all its draws in.

    Raises:
        InvalidRequestError: the model has no draws left.
    """
    remaining = _remaining(models, model)
    scale = scales(models)
    behind = len(models) - 1
    reach = [other.most * scale[i] + behind - i for i, other in enumerate(models)]
    rival = max((value for i, value in enumerate(reach) if i != model), default=-1)
    # Each unreadable draw takes one count from the reach; a readable one takes no more.
    for draws in range(1, remaining):
        if reach[model] - draws * scale[model] < rival:
            return draws
    return remaining


def draws_to_settle(
    models: Sequence[Progress], model: int, *, at_most: int | None = None
) -> int | None:
    """Count the further draws of one model after which the question can be settled.

    Best for settling it on a class is that all of them fall into that class: this raises what the
    model has surely reached, leaves the least room for its other classes, and helps no other
    model. So it is enough to try the classes that can win, each alone.

    Args:
        models: in rank order; the question is open.
        model: the one to draw from.
        at_most: look no further than this many draws, 1 .. r; r by default.

    Returns:
        1 .. at_most, or None when so many draws of this model alone cannot settle it.

    Raises:
        InvalidRequestError: the model has no draws left.
    """
    remaining = _remaining(models, model)
    pairs = settle(models).pairs
    # Longer than every key there is, so it is a class of its own.
    new = "".join(sorted({key for other in models for key in other.drawn.values() if key})) + "'"
    keys = {new if pair.key is None else pair.key for pair in pairs}
    trials = []
    for key in keys:
        trial = list(models)
        trial[model] = models[model].copy()
        trials.append((key, trial))
    for draws in range(1, (remaining if at_most is None else at_most) + 1):
        for key, trial in trials:
            trial[model].record_next([key])
            if settle(trial).settled:
                return draws
    return None


def _remaining(models: Sequence[Progress], model: int) -> int:
    remaining = models[model].remaining
    if not remaining:
        raise InvalidRequestError(f"model {model} has no draws left")
    return remaining
