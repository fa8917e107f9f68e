"""The best subset of every size by any criterion, as plain JSON values with the models' names."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from slm_mux.selection import Best, Records, Standings, Subset, choose, search
from slm_mux.studies.rules import SearchRules
from slm_mux.table import VoteTable


class Figures:
    """What is reported of a subset, by names.

    Args:
        records: of the searched problems.
        studied: these problems.
        held_out: others of the same models; None for none.
    """

    def __init__(self, records: Records, studied: VoteTable, held_out: VoteTable | None) -> None:
        self._models = studied.models
        self._records = records
        self._studied = Standings.of(studied)
        self._held_out = None if held_out is None else Standings.of(held_out)

    def of(self, subset: Subset) -> dict[str, Any]:
        """Give the figures of a subset: objective and accuracies."""
        held_out = self._held_out
        return {
            "models": self.names(subset),
            **msgspec.to_builtins(self._records.quality(subset)),
            "accuracy": float(self._studied.correct(subset).mean()),
            "test_accuracy": None if held_out is None else float(held_out.correct(subset).mean()),
        }

    def names(self, subset: Sequence[int]) -> list[str]:
        """Name the models of a subset."""
        return [self._models[m] for m in subset]


class Subsets(Struct, frozen=True, kw_only=True):
    """What a search found."""

    by_size: dict[str, dict[str, Any]]
    """The best by size, as text."""
    best: Subset
    """Of all sizes."""
    runners_up: list[dict[str, Any]]
    """The next best."""
    runners_up_proven: bool
    """Whether nothing better than them was missed."""


def find_subsets(
    table: VoteTable, records: Records, rules: SearchRules, figures: Figures
) -> Subsets:
    """Search by the rules' criterion.

    Args:
        table: of the searched problems.
        records: of the same.
        rules: what makes a subset good.
        figures: of the same.

    Raises:
        InvalidRequestError: the criterion cannot judge these models.
    """
    if rules.objective != "objective":
        choice = choose(
            table,
            rules.objective,
            max_models=rules.max_models,
            limits=rules.limits,
        )
        return Subsets(
            by_size={
                str(len(picked.models)): figures.of(picked.models)
                | {
                    "value": picked.value,
                    "proven": picked.proven,
                    "bound": picked.value if picked.proven else None,
                    "gap": 0.0 if picked.proven else None,
                    "greedy": None,
                }
                for picked in choice.by_size
            },
            best=choice.models,
            runners_up=[
                figures.of(subset) | {"value": value} for subset, value in choice.runners_up
            ],
            runners_up_proven=choice.proven,
        )
    found = search(records, max_models=rules.max_models, limits=rules.limits)
    return Subsets(
        by_size={str(len(best.models)): _described(best, figures) for best in found.by_size},
        best=found.best,
        runners_up=[
            figures.of(subset) | {"value": quality.objective}
            for subset, quality in found.runners_up
        ],
        runners_up_proven=found.runners_up_proven,
    )


def _described(best: Best, figures: Figures) -> dict[str, Any]:
    return figures.of(best.models) | {
        "value": best.quality.objective,
        "proven": best.proven,
        "bound": best.bound,
        "gap": best.gap,
        "greedy": {"models": figures.names(best.greedy), "objective": best.greedy_objective},
    }
