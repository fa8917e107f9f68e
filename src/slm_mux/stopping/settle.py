"""Tell whether the draws that are in settle the answer.

Write c(y) for the number of a model's draws that came in as class y, f(y) for the lowest index
among them, r for its draws not yet in, u for the lowest index among those, and L for its largest
c(y).

- Class y is *possible* for the model, with final count m = c(y) + r >= 1, when the model could end
  with y as its candidate: for every other class z it has, m > c(z), or m = c(z) and the lower of
  f(y) and (if r > 0) u is below f(z). One class the model has not drawn (c = 0) stands for all.
- The pair (model i, y) *can win* when for every other model j: L_j / k_j < m / k_i, or they are
  equal and i ranks before j.
- The answer is settled when the pairs that can win name exactly one class, and none is a class new
  to its model. No draw still out can change it then.

The rule is exact in both directions: a settled answer is the answer of every way the missing draws
can end, and an answer that is the same in all of them is settled.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from msgspec import Struct

from slm_mux.errors import InvalidRequestError


class Progress:
    """The draws of one model that are in, on one problem.

    Args:
        k: the draws this model is given, >= 1, fixed before the first one.
        drawn: draws already in: index to class key, or to None for a draw that was unreadable or
            failed.

    Raises:
        InvalidRequestError: k < 1, or a draw index outside 0 .. k - 1.
    """

    __slots__ = ("_candidate", "_count", "_drawn", "_first", "_k", "_lowest_missing")

    def __init__(self, k: int, drawn: Mapping[int, str | None] | None = None) -> None:
        if k < 1:
            raise InvalidRequestError(f"k is {k}, but a model needs at least one draw")
        self._k = k
        self._drawn: dict[int, str | None] = {}
        self._count: dict[str, int] = {}
        self._first: dict[str, int] = {}
        self._candidate: str | None = None
        self._lowest_missing = 0
        for draw, key in (drawn or {}).items():
            self.record(draw, key)

    def record(self, draw: int, key: str | None) -> None:
        """Take in one draw; draws may come in any order.

        Args:
            draw: its index, 0 .. k - 1.
            key: its class; None when it was unreadable or failed.

        Raises:
            InvalidRequestError: there is no such draw, or it is already in.
        """
        if not 0 <= draw < self._k:
            raise InvalidRequestError(f"draw {draw} is not one of the {self._k} draws")
        if draw in self._drawn:
            raise InvalidRequestError(f"draw {draw} is already in")
        self._drawn[draw] = key
        while self._lowest_missing in self._drawn:
            self._lowest_missing += 1
        if key is None:
            return
        if key in self._count:
            self._count[key] += 1
            self._first[key] = min(draw, self._first[key])
        else:
            self._count[key] = 1
            self._first[key] = draw
        best = self._candidate
        if best is None or (
            best != key
            and (self._count[key], -self._first[key]) > (self._count[best], -self._first[best])
        ):
            self._candidate = key

    def record_next(self, keys: Iterable[str | None]) -> None:
        """Take in draws at the lowest indices that are missing, in order.

        Raises:
            InvalidRequestError: more keys than missing draws.
        """
        for key in keys:
            self.record(self._lowest_missing, key)

    def copy(self) -> "Progress":
        """Make an independent copy, to try out what would be."""
        return Progress(self._k, self._drawn)

    @property
    def k(self) -> int:
        """The draws this model is given."""
        return self._k

    @property
    def drawn(self) -> Mapping[int, str | None]:
        """The draws that are in, by index (a read-only view)."""
        return MappingProxyType(self._drawn)

    @property
    def remaining(self) -> int:
        """r: the number of draws not yet in, 0 .. k."""
        return self._k - len(self._drawn)

    @property
    def missing(self) -> tuple[int, ...]:
        """The indices of the draws not yet in, lowest first."""
        lowest = self._lowest_missing
        return tuple(draw for draw in range(lowest, self._k) if draw not in self._drawn)

    @property
    def candidate(self) -> str | None:
        """The largest class so far (ties: the lowest draw index), or None without one."""
        return self._candidate

    @property
    def least(self) -> int:
        """L: the least count its final candidate can have."""
        return 0 if self._candidate is None else self._count[self._candidate]

    @property
    def most(self) -> int:
        """L + r: the greatest count its final candidate can have."""
        return self.least + self.remaining

    def possible(self) -> list[tuple[str | None, int]]:
        """List the classes that the model can still end with as its candidate.

        Returns:
            Each with its greatest final count m >= 1; None stands for every class that the model
            has not drawn so far. Empty when all draws are in and none is readable.
        """
        remaining, least = self.remaining, self.least
        if remaining == 0:
            # With all draws in, the candidate is what it is.
            return [] if self._candidate is None else [(self._candidate, least)]
        # A class that draws level wins the tie from a lower index than the candidate's. It is never
        # the candidate itself, since that has remaining > 0 draws to gain.
        bar = -1 if self._candidate is None else self._first[self._candidate]
        early = self._lowest_missing < bar
        found: list[tuple[str | None, int]] = [
            (key, count + remaining)
            for key, count in self._count.items()
            if count + remaining > least
            or (count + remaining == least and (early or self._first[key] < bar))
        ]
        if remaining > least or (remaining == least and early):
            found.append((None, remaining))
        return found


class Pair(Struct, frozen=True):
    """A model and a class that can still win together."""

    model: int
    """Its place in rank order, best record first."""
    key: str | None
    """The class; None for every class that the model has not drawn so far."""
    count: int
    """The greatest number of the model's draws that can end in the class."""


class Settlement(Struct, frozen=True):
    """What the draws that are in have settled."""

    settled: bool
    """No draw still out can change the answer's class, or there is none to wait for.

    Also true when every draw is in and none is readable: there is no answer, and never will be.
    """
    answer: str | None
    """The class key of the settled answer; None while open, and when there is no answer."""
    winner: int | None
    """The winning model's place in rank order, once neither it nor the answer can change."""
    pairs: tuple[Pair, ...]
    """The pairs that can still win, in rank order. Empty only when there is no answer."""


def scales(models: Sequence[Progress]) -> list[int]:
    """Factors that turn counts into ranks across models with unequal k, in integers.

    With s = `scales(models)` and n models, `count * s[i] + n - 1 - i` orders (count / k_i, rank)
    over all models: the greater fraction is greater, and of equal fractions the better ranked. Two
    models never have the same value, and any count >= 1 is above any count of 0.

    Args:
        models: in rank order.
    """
    common = math.lcm(*(model.k for model in models)) * len(models)
    return [common // model.k for model in models]


def settle(models: Sequence[Progress]) -> Settlement:
    """Work out whether the draws that are in settle the answer.

    Args:
        models: each model's draws, best record first (see `slm_mux.voting.rank_by_record`); their
            k may differ.
    """
    scale = scales(models)
    behind = len(models) - 1
    floors = [model.least * scale[i] + behind - i for i, model in enumerate(models)]
    highest = max(floors, default=-1)
    second = max((floor for floor in floors if floor != highest), default=-1)
    pairs = [
        Pair(i, key, count)
        for i, model in enumerate(models)
        # Skip early what cannot pass: most models are out long before the end.
        if model.most * scale[i] + behind - i >= highest
        for key, count in model.possible()
        if count * scale[i] + behind - i > (second if floors[i] == highest else highest)
    ]
    keys = {pair.key for pair in pairs}
    if not keys:
        return Settlement(settled=True, answer=None, winner=None, pairs=())
    if len(keys) > 1 or None in keys:
        return Settlement(settled=False, answer=None, winner=None, pairs=tuple(pairs))
    first = pairs[0]
    alone = all(pair.model == first.model for pair in pairs)
    return Settlement(
        settled=True,
        answer=first.key,
        winner=first.model if alone else None,
        pairs=tuple(pairs),
    )
