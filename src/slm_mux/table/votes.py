"""The table itself: what each model drew, and what its draws come to."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct, structs

from slm_mux.errors import InvalidRequestError
from slm_mux.types import Answer, Missing, Vote
from slm_mux.voting import vote

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int32]

UNREADABLE, FAILED, NOT_DRAWN = -1, -2, -3
"""Values of `VoteTable.klass` that are no class."""


class Candidates(Struct, frozen=True, eq=False):
    """What each model's vote comes to on each problem. Arrays are (models, problems)."""

    klass: "Ints"
    """The candidate's class; -1: no readable draw."""
    count: "Ints"
    """Draws in it; 0 without a candidate."""
    draw: "Ints"
    """Its lowest draw; -1 without a candidate."""
    correct: "Bools"
    """The verdict on that draw; False without a candidate, and on problems that are not scored."""


class VoteTable(Struct, frozen=True, kw_only=True, eq=False):
    """Samples of some models on some problems of one task. M models, P problems, D draws."""

    task: str
    models: tuple[str, ...]
    """In pool order."""
    problems: tuple[str, ...]
    splits: tuple[str | None, ...]
    """Per problem."""
    klass: "Ints"
    """(M, P, D): the class within the problem; -1 unreadable, -2 failed, -3 not drawn."""
    correct: "Bools"
    """(M, P, D): the verdict on each draw; False on draws without an answer, and on problems that
    are not scored. Draws of one class may differ."""
    scored: "Bools"
    """(P,): False where the target cannot be read, or there is none."""
    prompt_tokens: "Floats"
    """(M, P, D); NaN unknown."""
    completion_tokens: "Floats"
    """(M, P, D); NaN unknown."""
    k: tuple[int, ...]
    """Draws per model, >= 1; D is the largest. Beyond a model's k everything is not drawn."""
    answers: tuple[tuple[Answer, ...], ...]
    """Per problem and class: as written at the class's lowest draw (then pool order), and key."""
    validation_accuracy: tuple[float | None, ...]
    """Per model, in [0, 1]."""

    @classmethod
    def from_records(
        cls,
        records: Iterable[Mapping[str, Any]],
        *,
        task: str = "records",
        validation_accuracy: Mapping[str, float | None] | None = None,
    ) -> "VoteTable":
        """Make a table of plain records, in which answers are compared as they are written.

        Args:
            records: one for each model and problem, in any order: `problem` and `model` (names),
                `answers` (texts by draw, None where unreadable), and where they are known `target`
                (the answer that is right), `correct` (a verdict on each answer, in place of the
                target) and `split`. Other fields are not read. Models and problems are in the
                order in which they first appear.
            task: the table's name.
            validation_accuracy: by model, in [0, 1].

        Raises:
            InvalidRequestError: a record lacks a field or contradicts an earlier one; names it by
                its place, from 0.
        """
        from slm_mux.table.plain_records import table_of_records

        return table_of_records(records, task=task, validation_accuracy=validation_accuracy)

    @property
    def common_draws(self) -> int:
        """The most draws that every model has on every problem; 0 where some have none."""
        return min(self.complete_draws(), default=0)

    def complete_draws(self) -> tuple[int, ...]:
        """Give per model the most first draws of which none is missing on any problem."""
        missing = (self.klass == NOT_DRAWN).any(axis=1)
        return tuple(
            int(row.argmax()) if row[:k].any() else k
            for row, k in zip(missing, self.k, strict=True)
        )

    def lacking(self, draws: Sequence[int]) -> str | None:
        """Say why the table has not the first `draws[m]` draws of every model m; None: it has."""
        for m, wanted in enumerate(draws):
            name = self.models[m]
            if wanted > self.k[m]:
                return f"{name}: {wanted} draws are needed, and there are {self.k[m]}"
            missing = (self.klass[m, :, :wanted] == NOT_DRAWN).sum(axis=1)
            if missing.any():
                first = int((missing > 0).argmax())
                return (
                    f"{name}: {int(missing.sum())} of {len(missing) * wanted} draws are missing "
                    f"(the first on the problem {self.problems[first]!r})"
                )
        return None

    def require_complete(self, draws: Sequence[int] | None = None) -> None:
        """Refuse a table with draws that were not made.

        Draws that are missing because a question settled early are not missing at random, so
        search and scaling would be biased by them.

        Args:
            draws: how many first draws of each model are needed; all k by default.

        Raises:
            InvalidRequestError: names the model and the first problem.
        """
        if (reason := self.lacking(self.k if draws is None else draws)) is not None:
            raise InvalidRequestError(f"{self.task}: {reason}: collect them first")

    def drawn(
        self, model: int, problem: int, draws: int | None = None
    ) -> list[Answer | Missing | None]:
        """Give a model's first draws on a problem (all k by default), as `voting.vote` wants.

        Draws that the table has no room for were not made.
        """
        classes = self.answers[problem]
        k = self.k[model] if draws is None else draws
        special = (Missing.NOT_DRAWN, Missing.FAILED, None)
        drawn = [
            classes[c] if c >= 0 else special[c + 3]
            for c in self.klass[model, problem, :k].tolist()
        ]
        return drawn + [Missing.NOT_DRAWN] * (k - len(drawn))

    def votes(self, problem: int, draws: Sequence[int] | None = None) -> list[Vote]:
        """Count the votes on a problem, in pool order.

        Args:
            problem: its position.
            draws: how many first draws of each model count (all k by default); a model with 0
                gives no vote.
        """
        return [
            vote(
                self.models[m],
                self.drawn(m, problem, k),
                validation_accuracy=self.validation_accuracy[m],
            )
            for m, k in enumerate(self.k if draws is None else draws)
            if k
        ]

    def candidates(self, draws: Sequence[int] | None = None) -> Candidates:
        """Find every model's candidate on every problem at once, as `voting.vote` does.

        Args:
            draws: how many first draws of each model count; all k by default.
        """
        import numpy as np

        klass = self.klass
        if draws is not None:
            klass = np.where(self._among(draws), klass, NOT_DRAWN)
        readable = klass >= 0
        size = np.zeros(klass.shape, dtype=np.int32)
        for d in range(klass.shape[2]):
            size += klass == klass[:, :, d : d + 1]
        size[~readable] = 0
        if klass.shape[2] == 0:
            none = np.full(klass.shape[:2], -1, dtype=np.int32)
            return Candidates(none, none * 0, none, none > 0)
        # The first draw of a largest class is the lowest draw of all the largest classes.
        first = size.argmax(axis=2)[:, :, None]
        count = np.take_along_axis(size, first, axis=2)[:, :, 0]
        speaks = count > 0
        return Candidates(
            klass=np.where(speaks, np.take_along_axis(klass, first, axis=2)[:, :, 0], -1),
            count=count,
            draw=np.where(speaks, first[:, :, 0], -1).astype(np.int32),
            correct=speaks & np.take_along_axis(self.correct, first, axis=2)[:, :, 0],
        )

    def correctness(self, *, at_least: int | None = None) -> "Bools":
        """Say which models are correct on which problems (paper, stage 2).

        Args:
            at_least: count a model as correct where at least so many of its draws are; by default
                where its candidate is.

        Returns:
            (M, P).

        Raises:
            InvalidRequestError: `at_least` is below 1.
        """
        if at_least is None:
            return self.candidates().correct
        if at_least < 1:
            raise InvalidRequestError(f"at least {at_least} correct draws: give 1 or more")
        right: Bools = self.correct.sum(axis=2) >= at_least
        return right

    def consistently_wrong(self) -> "Bools":
        """Say which models are consistently wrong on which problems (paper, stage 2).

        k >= 2, all k draws readable, one class, and wrong (by its lowest draw). Never so on
        problems that are not scored.

        Returns:
            (M, P).
        """
        import numpy as np

        k = np.asarray(self.k, dtype=np.int32)[:, None]
        found = self.candidates()
        wrong: Bools = (found.count == k) & (k >= 2) & ~found.correct & self.scored
        return wrong

    def accuracies(self, draws: Sequence[int] | None = None) -> tuple[float | None, ...]:
        """Give per model the share of the scored problems whose candidate is correct.

        Taken on a validation split this is the validation accuracy. None: nothing is scored.
        """
        total = int(self.scored.sum())
        right = self.candidates(draws).correct.sum(axis=1)
        return tuple(int(count) / total if total else None for count in right)

    def tokens(self) -> "Floats":
        """Give prompt and completion tokens of each draw: 0 where there is no completion.

        Returns:
            (M, P, D); NaN where there is one whose tokens are unknown.
        """
        import numpy as np

        spent = self.prompt_tokens + self.completion_tokens
        return np.where(self.klass >= UNREADABLE, spent, 0.0)

    def with_validation_accuracy(self, accuracies: Sequence[float | None]) -> "VoteTable":
        """Give the same table with other records, one per model."""
        check_records(accuracies, self.models)
        return structs.replace(self, validation_accuracy=tuple(accuracies))

    def restrict(
        self,
        *,
        models: Sequence[str] | None = None,
        problems: Sequence[str] | None = None,
        k: int | None = None,
    ) -> "VoteTable":
        """Give a part of the table; models and problems stay in the table's order.

        Args:
            models: names; all by default.
            problems: ids; all by default.
            k: the first k draws of each model; all by default.

        Raises:
            InvalidRequestError: an unknown name or id, or a model has fewer than k draws.
        """
        import numpy as np

        kept = _positions(models, self.models, "model")
        rows = _positions(problems, self.problems, "problem")
        draws = [self.k[m] for m in kept]
        if k is not None:
            fewest = min(draws, default=k)
            if not 1 <= k <= fewest:
                raise InvalidRequestError(
                    f"k is {k}, but must be in 1 .. {fewest}, the fewest draws of a model here"
                )
            draws = [k] * len(kept)
        part = np.ix_(kept, rows, range(max(draws, default=0)))
        return structs.replace(
            self,
            models=tuple(self.models[m] for m in kept),
            problems=tuple(self.problems[p] for p in rows),
            splits=tuple(self.splits[p] for p in rows),
            klass=self.klass[part],
            correct=self.correct[part],
            scored=self.scored[rows],
            prompt_tokens=self.prompt_tokens[part],
            completion_tokens=self.completion_tokens[part],
            k=tuple(draws),
            answers=tuple(self.answers[p] for p in rows),
            validation_accuracy=tuple(self.validation_accuracy[m] for m in kept),
        )

    def _among(self, draws: Sequence[int]) -> "Bools":
        """Mark the first draws of each model: (M, 1, D)."""
        import numpy as np

        among = np.arange(self.klass.shape[2]) < np.asarray(draws, dtype=np.int64)[:, None]
        return among[:, None, :]


def check_records(accuracies: Sequence[float | None], models: Sequence[str]) -> None:
    """Refuse records that no ranking can use.

    Raises:
        InvalidRequestError: not one for each model, or one outside [0, 1] or NaN.
    """
    if len(accuracies) != len(models):
        raise InvalidRequestError(
            f"{len(accuracies)} validation accuracies for {len(models)} models: give one for each, "
            "None where there is none"
        )
    for name, accuracy in zip(models, accuracies, strict=True):
        if accuracy is not None and not 0 <= accuracy <= 1:
            raise InvalidRequestError(
                f"{name}: the validation accuracy is {accuracy!r}, but must be a number in [0, 1]"
            )


def _positions(wanted: Sequence[str] | None, there: Sequence[str], what: str) -> list[int]:
    """Find names, in the order of what is there."""
    if wanted is None:
        return list(range(len(there)))
    if isinstance(wanted, str):
        raise InvalidRequestError(f"give a list of {what}s, not the text {wanted!r}")
    names = set(wanted)
    if unknown := names.difference(there):
        raise InvalidRequestError(f"there is no {what} {min(unknown)!r} in the table")
    return [position for position, name in enumerate(there) if name in names]
