"""What is to be evaluated: task, split, models, methods, and how many draws count."""

import math
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from slm_mux.errors import InvalidRequestError
from slm_mux.evaluation.ranking import Record
from slm_mux.methods import METHODS
from slm_mux.questions import check_options
from slm_mux.types import Problem

if TYPE_CHECKING:
    from slm_mux.models.pool import Pool


TEST = "test"
"""The split that is evaluated where a task has it."""


class Question(Struct, frozen=True, kw_only=True):
    """What is to be evaluated."""

    task: str
    split: str | None = None
    """None: the split named test where the task has one, else all problems; "all": all problems."""
    limit: int | None = None
    """At most so many problems of the split, the first ones; >= 1."""
    only: frozenset[str] | None = None
    """Only problems with these ids."""
    pool: "Pool | None" = None
    """None: every model whose samples the store has."""
    methods: tuple[str, ...] = tuple(METHODS)
    """Those that count votes."""
    workflows: tuple[str, ...] = ()
    """Those in which models read each other."""
    budget: float | None = None
    """Tokens that a question may cost on average, whatever the method; >= 1. None for no limit."""
    samples: int | None = None
    """k, the draws of each model that count; >= 1. None: see `k`."""
    seed: int | None = None
    """Of the draws of a pool's members, and of the bootstrap; None: the pool's, else 0."""
    stopped: bool = False
    """Whether draws that could not change mux's answer may be missing; then only mux has an
    answer."""
    records: tuple[Record, ...] | None = None
    """Validation accuracies by model, where they were needed before the first draw."""

    @property
    def k(self) -> int | None:
        """Draws per model: those asked for, else the fewest that the pool gives a model.

        None without both: then it is what most problems have of every model.
        """
        if self.samples is not None:
            return self.samples
        return None if self.pool is None else fewest_samples(self.pool)

    @property
    def seed_of_all(self) -> int:
        """The seed of the draws and of the bootstrap."""
        if self.seed is not None:
            return self.seed
        return 0 if self.pool is None else self.pool.seed

    def check(self) -> None:
        """Refuse numbers that no evaluation or study can use.

        Raises:
            InvalidRequestError: no draws, or a seed that nothing can be resampled with.
        """
        check_options(samples=self.samples, seed=self.seed)
        if self.budget is not None and not 1 <= self.budget < math.inf:
            raise InvalidRequestError(
                f"the budget is {self.budget:g} tokens a question, but must be at least 1"
            )
        if self.seed_of_all < 0:
            raise InvalidRequestError(
                f"the seed is {self.seed_of_all}, but must be at least 0 to resample problems"
            )

    def among(self, problems: Sequence[Problem], split: str | None) -> list[Problem]:
        """Pick the problems to evaluate, in their order."""
        of_split = [problem for problem in problems if split is None or problem.split == split]
        if self.only is not None:
            of_split = [problem for problem in of_split if problem.id in self.only]
        return of_split[: self.limit]


def fewest_samples(pool: "Pool") -> int:
    """The k at which the members of a pool can be compared: the least of their draws."""
    return min(member.samples or pool.samples for member in pool)


def split_of(
    problems: Sequence[Problem], task: str, wanted: str | None, *, default: str = TEST
) -> str | None:
    """The split that is meant, of those that the problems have; see `split_among`.

    Raises:
        InvalidRequestError: the task has no such split.
    """
    known = dict.fromkeys(problem.split for problem in problems)
    split = split_among(known, wanted, default=default)
    if split is None or split in known:
        return split
    names = ", ".join(name for name in known if name) or "none"
    raise InvalidRequestError(f"{task} has no split {wanted!r} in this store; it has: {names}")


def split_among(
    known: Collection[str | None], wanted: str | None, *, default: str = TEST
) -> str | None:
    """The split that is meant: the one named, else the default where there is one, else all (None).

    "all" names all too, unless there is a split of that name. Any other name is taken as it is.
    """
    if wanted is None:
        return default if default in known else None
    return None if wanted == "all" and "all" not in known else wanted
