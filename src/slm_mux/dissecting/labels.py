"""What a model called failures on reading them, beside the kinds that were computed."""

from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec import Struct

from slm_mux.dissecting.shares import Share, share_of


class Row(Struct, frozen=True, kw_only=True):
    """The failures of one computed kind."""

    kind: str
    labelled: dict[str, int]
    """How many of them were given each label, all labels in order."""
    unlabelled: int
    """How many have none: the draw failed, or named none of the labels."""


class Agreement(Struct, frozen=True, kw_only=True):
    """Labels and computed kinds, side by side."""

    labelled: Share
    """Of all failures, those that have a label."""
    same: Share
    """Of these, those whose label is the computed kind."""
    capitulations: Share
    """Of these, those that were labelled a capitulation."""
    table: tuple[Row, ...]
    """One row for each kind, in order."""


def agreement(
    kinds: Sequence[str], computed: Mapping[str, str], labelled: Mapping[str, str | None]
) -> Agreement:
    """Compare labels with computed kinds.

    Args:
        kinds: all there are, in order; the labels are the same.
        computed: the kind of each failure, by problem.
        labelled: the label of each; None, or missing: it has none.
    """
    counts = Counter((kind, labelled.get(name)) for name, kind in computed.items())
    clear = [(kind, label) for name, kind in computed.items() if (label := labelled.get(name))]
    return Agreement(
        labelled=share_of(len(clear), len(computed)),
        same=share_of(sum(kind == label for kind, label in clear), len(clear)),
        capitulations=share_of(sum(label == "capitulation" for _, label in clear), len(clear)),
        table=tuple(
            Row(
                kind=kind,
                labelled={label: counts[kind, label] for label in kinds},
                unlabelled=counts[kind, None],
            )
            for kind in kinds
        ),
    )
