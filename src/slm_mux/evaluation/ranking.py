"""Where the validation accuracies that rank models come from."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

VALIDATION = "validation"
"""The split that records are taken from."""

STATED = "the pool file, for this task"
"""The most trusted source of a record."""


class Record(Struct, frozen=True, kw_only=True):
    """One model's validation accuracy on a task."""

    model: str
    accuracy: float | None
    source: str
    """For people: where it was taken from."""
    problems: int | None = None
    """How many problems it was measured on; None where it was stated."""
    leaks: bool = False
    """Whether it was measured on the very problems that are evaluated."""


class Measured(Struct, frozen=True, kw_only=True):
    """Accuracies of candidates, by model."""

    accuracies: Mapping[str, float | None] = {}
    problems: Mapping[str, int] = {}
    """How many scored problems each was measured on."""
    notes: tuple[str, ...] = ()
    """What is to be said of them, in sentences."""


class Stated(Struct, frozen=True, kw_only=True):
    """What the pool file says of one model."""

    model: str
    for_task: float | None = None
    default: float | None = None


def ranked_by(
    models: Sequence[Stated], *, validation: Measured, evaluated: Measured
) -> tuple[Record, ...]:
    """Look up each model's validation accuracy, in the order of trust.

    The pool file's value for this task; the store's validation split; the pool file's default; the
    evaluated problems themselves, which leaks. Where one model has the last only, all are ranked
    by it: accuracies on different problems do not compare, and a leaking one is too high.

    Args:
        models: in pool order, with what the pool file says.
        validation: at the same k, on the validation split; empty where that is what is evaluated.
        evaluated: at the same k, on the evaluated problems; empty before they are drawn.
    """
    found = tuple(_record(model, validation, evaluated) for model in models)
    if any(record.leaks for record in found):
        return tuple(_record(Stated(model=each.model), Measured(), evaluated) for each in models)
    return found


def _record(stated: Stated, validation: Measured, evaluated: Measured) -> Record:
    name = stated.model
    if stated.for_task is not None:
        return Record(model=name, accuracy=stated.for_task, source=STATED)
    if (accuracy := validation.accuracies.get(name)) is not None:
        return Record(
            model=name,
            accuracy=accuracy,
            source="the validation split in the store",
            problems=validation.problems.get(name),
        )
    if stated.default is not None:
        return Record(model=name, accuracy=stated.default, source="the pool file's default")
    if (accuracy := evaluated.accuracies.get(name)) is not None:
        return Record(
            model=name,
            accuracy=accuracy,
            source="the evaluated problems themselves",
            problems=evaluated.problems.get(name),
            leaks=True,
        )
    return Record(model=name, accuracy=None, source="nowhere")
