"""What a study is made of: the scored problems of a complete table, and models in rank order."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slm_mux.errors import InvalidRequestError
from slm_mux.table import VoteTable
from slm_mux.voting import rank_by_record

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


def scored_part(table: VoteTable) -> VoteTable:
    """Give the table without the problems that are not scored.

    Raises:
        InvalidRequestError: there are no models, draws are missing, or nothing is scored.
    """
    if not table.models:
        raise InvalidRequestError(f"{table.task}: there is no model to study")
    table.require_complete()
    scored = [name for name, yes in zip(table.problems, table.scored.tolist(), strict=True) if yes]
    if not scored:
        raise InvalidRequestError(
            f"{table.task}: none of the {len(table.problems)} problems is scored, so nothing can "
            "be said about accuracy"
        )
    return table.restrict(problems=scored)


def ranked(table: VoteTable, names: Sequence[str] | None = None) -> tuple[int, ...]:
    """Find models by name: their positions, best record first; all models by default.

    Raises:
        InvalidRequestError: no name, one twice, or one that is not in the table.
    """
    order = rank_by_record(table.validation_accuracy)
    if names is None:
        return tuple(order)
    if isinstance(names, str):
        raise InvalidRequestError(f"give a list of models, not the text {names!r}")
    if not names:
        raise InvalidRequestError("a subset needs at least one model")
    for name in names:
        if name not in table.models:
            raise InvalidRequestError(
                f"there is no model {name!r} in the table: it has {', '.join(table.models)}"
            )
        if list(names).count(name) > 1:
            raise InvalidRequestError(f"the model {name!r} is in a subset twice")
    return tuple(m for m in order if table.models[m] in names)


def first_alike(klass: "Ints") -> "Ints":
    """Number classes by where they first appear, so that equal patterns become equal rows.

    Args:
        klass: (rows, draws); negative where there is no answer.

    Returns:
        (rows, draws): the place of the first draw of the same class; -1 where there is no answer.
    """
    import numpy as np

    labels = np.full(klass.shape, -1, dtype=np.int64)
    for d in range(klass.shape[1]):
        # The first one to claim a place keeps it.
        same = (klass == klass[:, d : d + 1]) & (klass >= 0) & (labels < 0)
        labels[same] = d
    return labels


def distinct(rows: "Ints") -> "tuple[Ints, Ints]":
    """Find the different rows.

    Args:
        rows: (rows, anything).

    Returns:
        The place of one row of each sort, and per row the sort it is of.
    """
    import numpy as np

    _, places, sort = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    return places, sort.reshape(-1)
