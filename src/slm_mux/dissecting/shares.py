"""Shares with their intervals, and paired counts with their test, as the documents have them."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from slm_mux import metrics


class Share(Struct, frozen=True, kw_only=True):
    """So many of so many."""

    count: int
    total: int
    share: float | None
    """None of nothing."""
    ci95: tuple[float, float]
    """Wilson's interval; (0, 1) of nothing."""


class Paired(Struct, frozen=True, kw_only=True):
    """How often one of two was right alone."""

    only_first: int
    only_second: int
    p: float
    """Two-sided exact McNemar test; 1 where nothing tells them apart."""


class Kind(Struct, frozen=True, kw_only=True):
    """The failures of one kind."""

    kind: str
    count: int
    share_of_wrong: float | None
    """None where nothing is wrong."""
    ci95: tuple[float, float]
    """Of that share; Wilson's."""
    problems: tuple[str, ...]
    """Their ids, sorted."""


def share_of(count: int, total: int) -> Share:
    """Make a share."""
    return Share(
        count=count,
        total=total,
        share=count / total if total else None,
        ci95=metrics.wilson(count, total),
    )


def paired(pairs: Iterable[tuple[bool, bool]]) -> Paired:
    """Compare two that were tried on the same things.

    Args:
        pairs: of each thing, whether the first is right, and whether the second.
    """
    import numpy as np

    both = np.array(list(pairs), dtype=np.bool_).reshape(-1, 2)
    found = metrics.mcnemar(both[:, 0], both[:, 1])
    return Paired(only_first=found.only_first, only_second=found.only_second, p=found.p)


def kinds_of(kinds: Sequence[str], failed: Iterable[tuple[str, str]]) -> tuple[Kind, ...]:
    """Count failures by kind.

    Args:
        kinds: all there are, in order; each gets a row.
        failed: problem and kind of each failure.
    """
    problems: dict[str, list[str]] = {kind: [] for kind in kinds}
    for problem, kind in failed:
        problems[kind].append(problem)
    wrong = sum(map(len, problems.values()))
    found = []
    for kind, names in problems.items():
        share = share_of(len(names), wrong)
        found.append(
            Kind(
                kind=kind,
                count=share.count,
                share_of_wrong=share.share,
                ci95=share.ci95,
                problems=tuple(sorted(names)),
            )
        )
    return tuple(found)
