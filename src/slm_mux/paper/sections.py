"""What an exhibit comes to on one task: rows of ours beside the paper's, in blocks."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from slm_mux.metrics import Interval, difference_interval
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
    breaches: Mapping[str, int] | None = None
    """Of a discussion: how often its format was broken, by `slm_mux.discussion.breaches`."""
    reason: str | None = None

    def document(self) -> dict[str, Any]:
        """Set ours beside the paper's.

        Returns:
            Plain values; the difference is ours minus the paper's. Its interval is Newcombe's where
            the paper's figure is an accuracy over a known number of problems; else that figure
            counts as exact, and ours is shifted by it. `inside` is whether 0 is in it.
        """
        difference = interval = inside = None
        if self.value is not None and self.paper is not None:
            difference = self.value - self.paper.value
            if self.ci95 is not None:
                low, high = less_stated(self.value, self.ci95, self.paper)
                interval = [low, high]
                inside = low <= 0 <= high
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
                "problems": self.paper.problems,
            },
            "difference": difference,
            "difference_ci95": interval,
            "inside": inside,
            "models": list(self.models),
            "draws": self.draws,
            "tokens": self.tokens,
            "breaches": None if self.breaches is None else dict(self.breaches),
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


def less_stated(value: float, ci95: Interval, paper: Stated) -> Interval:
    """Give the 95 % interval of a figure of ours less one of the paper's."""
    if (theirs := paper.ci95) is None:
        return (ci95[0] - paper.value, ci95[1] - paper.value)
    return difference_interval(value, ci95, paper.value, theirs)


def picked(rows: Iterable[tuple[str, Row]], lines: Sequence[str]) -> tuple[Row, ...]:
    """The rows of some lines, in their order."""
    return tuple(row for line, row in rows if line in lines)
