"""What an exhibit comes to on one task: rows of ours beside the paper's, in blocks."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from msgspec import Struct

from slm_mux.metrics import Interval
from slm_mux.paper.figures import Stated

Unit = Literal["share", "points"]
"""A share in [0, 1], or a difference of two in [-1, 1]."""


class Row(Struct, frozen=True, kw_only=True):
    """One figure of ours, and the paper's."""

    label: str
    value: float | None = None
    """None: there is none; `reason` says why."""
    ci95: Interval | None = None
    paper: Stated | None = None
    unit: Unit = "share"
    models: tuple[str, ...] = ()
    """Whose it is, where that differs from row to row."""
    draws: float | None = None
    """Per problem."""
    tokens: float | None = None
    """Per problem."""
    reason: str | None = None

    def document(self) -> dict[str, Any]:
        """Set ours beside the paper's.

        Returns:
            Plain values; the difference is ours minus the paper's, its interval ours shifted by it,
            and `inside` whether the paper's figure is within ours.
        """
        difference = interval = inside = None
        if self.value is not None and self.paper is not None:
            difference = self.value - self.paper.value
            if self.ci95 is not None:
                low, high = self.ci95
                interval = [low - self.paper.value, high - self.paper.value]
                inside = low <= self.paper.value <= high
        return {
            "label": self.label,
            "unit": self.unit,
            "ours": self.value,
            "ci95": None if self.ci95 is None else list(self.ci95),
            "paper": None
            if self.paper is None
            else {
                "value": self.paper.value,
                "where": self.paper.where,
                "read_off": self.paper.read_off,
            },
            "difference": difference,
            "difference_ci95": interval,
            "inside": inside,
            "models": list(self.models),
            "draws": self.draws,
            "tokens": self.tokens,
            "reason": self.reason,
        }


class Block(Struct, frozen=True, kw_only=True):
    """Rows under one heading."""

    title: str
    rows: tuple[Row, ...]

    def document(self) -> dict[str, Any]:
        """Plain values."""
        return {"title": self.title, "rows": [row.document() for row in self.rows]}


class Found(Struct, frozen=True, kw_only=True):
    """What an exhibit came to on one task."""

    blocks: tuple[Block, ...]
    measured: int | None
    """Problems that count; None where nothing is measured."""
    searched: int | None
    """Problems that subsets were chosen on; None where nothing was."""
    k: int | None
    search_k: int | None
    ranking: tuple[dict[str, Any], ...]
    """Per model what ranks it: "model", "accuracy", "source"."""
    notes: tuple[str, ...]
    run: int | None = None
    """That the figures are saved as, for `slm-mux runs` and `slm-mux explain`."""


def picked(rows: Iterable[tuple[str, Row]], lines: Sequence[str]) -> tuple[Row, ...]:
    """The rows of some lines, in their order."""
    return tuple(row for line, row in rows if line in lines)
