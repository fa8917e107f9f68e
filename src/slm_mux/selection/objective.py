"""The paper's objective of a subset, in whole numbers (arXiv 2510.05077, stage 2).

O(S) = UnionAcc(S) - lambda * Contradiction(S). A model's record is two sets of problems: those that
it answers correctly, and those on which it is consistently wrong. Sets are Python integers, one bit
for each problem, so a union is one operation and a value is exact: two subsets are equal or not,
whatever their figures would round to.
"""

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from msgspec import Struct

from slm_mux.errors import InvalidRequestError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]

Subset = tuple[int, ...]
"""Positions of models in the pool, ascending."""


class Quality(Struct, frozen=True, kw_only=True):
    """What a subset is worth by the paper's criterion."""

    union_accuracy: float
    contradiction: float
    objective: float


class Records(Struct, frozen=True, eq=False):
    """What each model of a pool is right about, and consistently wrong about."""

    right: tuple[int, ...]
    """Per model: the problems it answers correctly, as bits."""
    wrong: tuple[int, ...]
    """Per model: the problems it is consistently wrong about, as bits; none of them in `right`."""
    problems: int
    """How many there are, >= 1."""
    gain: int
    """What a problem adds to a value when some model is correct on it, > 0."""
    loss: int
    """What it costs when another model is consistently wrong on it, >= 0: loss / gain = lambda."""

    @classmethod
    def of(
        cls, correct: "Bools", consistently_wrong: "Bools", *, penalty: float = 1.0
    ) -> "Records":
        """Pack what models did.

        Args:
            correct: (models, problems); see `VoteTable.correctness`.
            consistently_wrong: (models, problems); see `VoteTable.consistently_wrong`.
            penalty: lambda, >= 0; taken as the decimal number that it prints as.

        Raises:
            InvalidRequestError: no models or problems, other shapes, a model both correct and
                consistently wrong, or a penalty that is negative or not finite.
        """
        import numpy as np

        check_penalty(penalty)
        right, wrong = np.asarray(correct, dtype=bool), np.asarray(consistently_wrong, dtype=bool)
        if right.ndim != 2 or right.shape != wrong.shape:
            raise InvalidRequestError(
                f"correct has the shape {right.shape} and consistently_wrong {wrong.shape}: both "
                "are (models, problems)"
            )
        if 0 in right.shape:
            raise InvalidRequestError(
                f"{right.shape[0]} models and {right.shape[1]} problems: there is nothing to choose"
            )
        # With "at least r correct draws" a model can be correct by some draws where its candidate
        # is wrong, but never where all its draws are.
        if (right & wrong).any():
            m, q = (int(place) for place in np.argwhere(right & wrong)[0])
            raise InvalidRequestError(
                f"model {m} is both correct and consistently wrong on problem {q}"
            )
        exact = Fraction(str(penalty))
        return cls(
            right=_bits(right),
            wrong=_bits(wrong),
            problems=right.shape[1],
            gain=exact.denominator,
            loss=exact.numerator,
        )

    @property
    def models(self) -> int:
        """How many there are."""
        return len(self.right)

    def union(self, subset: Iterable[int]) -> tuple[int, int]:
        """Give what a subset covers, and what of that it contradicts, as bits."""
        right = wrong = 0
        for m in subset:
            right |= self.right[m]
            wrong |= self.wrong[m]
        return right, right & wrong

    def value(self, subset: Iterable[int]) -> int:
        """Give O(S) in whole numbers: times `problems` and times `gain`."""
        covered, contradicted = self.union(subset)
        return self.gain * covered.bit_count() - self.loss * contradicted.bit_count()

    def as_objective(self, value: int) -> float:
        """Turn a value into O, which is at most 1."""
        return float(Fraction(value, self.gain * self.problems))

    def quality(self, subset: Sequence[int]) -> Quality:
        """Give the parts of O(S)."""
        covered, contradicted = self.union(subset)
        return Quality(
            union_accuracy=covered.bit_count() / self.problems,
            contradiction=contradicted.bit_count() / self.problems,
            objective=self.as_objective(self.value(subset)),
        )

    def identical(self) -> list[list[int]]:
        """Group models with the same record, each group and the groups in pool order.

        No figure can tell the models of a group apart.
        """
        groups: dict[tuple[int, int], list[int]] = {}
        for m, record in enumerate(zip(self.right, self.wrong, strict=True)):
            groups.setdefault(record, []).append(m)
        return list(groups.values())


def check_penalty(penalty: float) -> None:
    """Refuse a lambda that is negative or not finite.

    Raises:
        InvalidRequestError: it is.
    """
    if not (math.isfinite(penalty) and penalty >= 0):
        raise InvalidRequestError(f"penalty is {penalty!r}, but must be a finite number >= 0")


def unpacked(bits: int, problems: int) -> "Bools":
    """Turn a set of problems, as in `Records`, into an array: (problems,)."""
    import numpy as np

    packed = np.frombuffer(bits.to_bytes((problems + 7) // 8, "big"), dtype=np.uint8)
    values: Bools = np.unpackbits(packed)[:problems] == 1
    return values


def _bits(rows: "Bools") -> tuple[int, ...]:
    import numpy as np

    return tuple(int.from_bytes(np.packbits(row).tobytes(), "big") for row in rows)
