"""Measuring models on the validation split, each on its own problems."""

from collections.abc import Callable

from slm_mux.evaluation.chosen import Chosen
from slm_mux.evaluation.ranking import Measured
from slm_mux.evaluation.stopped import split_not_used, stopped_early
from slm_mux.table import VoteTable
from slm_mux.wording import counted

COVERAGE = 0.9
"""The least share of the problems on which a measured accuracy is compared with the others'."""


def measure(table: VoteTable, k: int) -> Measured:
    """Measure every model's candidates at k, on problems that have k draws of each."""
    accuracies = table.accuracies((k,) * len(table.models))
    scored = int(table.scored.sum())
    return Measured(
        accuracies=dict(zip(table.models, accuracies, strict=True)),
        problems=dict.fromkeys(table.models, scored),
    )


def measure_each(found: Chosen, k: int, load: Callable[[Chosen], VoteTable]) -> Measured:
    """Measure each model's candidates at k on those problems of which it has k draws.

    A model is not measured that has draws, or k draws, on fewer than 90 % of the problems of which
    any model has. Nobody is measured where problems were stopped early: those are the easy ones.

    Args:
        found: samples of the validation split.
        k: draws of each model.
        load: reads and scores.

    Returns:
        Accuracies, with what is to be said of them.
    """
    split = len(found.problems) + found.without_draws
    counts = found.counts
    able = [name for name, drawn in counts.items() if any(n >= k for n in drawn.values())]
    asked = len({problem for name in able for problem in counts[name]})
    thin = [name for name in able if len(counts[name]) < COVERAGE * asked]
    rest = found.with_members(lambda name: name in able and name not in thin)
    if not rest.members:
        return Measured(notes=_notes(thin, {}, split))
    if early := stopped_early(rest, k):
        return Measured(notes=(split_not_used("the validation split", early),))
    table = load(rest)
    whole = {
        name: {problem for problem, n in counts[name].items() if n >= k} for name in table.models
    }
    reached = len(set().union(*whole.values()))
    right = table.candidates((k,) * len(table.models)).correct
    accuracies: dict[str, float | None] = {}
    problems: dict[str, int] = {}
    used: dict[str, int] = {}
    for m, name in enumerate(table.models):
        if len(whole[name]) < COVERAGE * reached:
            thin.append(name)
            continue
        places = [
            place
            for place, problem in enumerate(table.problems)
            if problem in whole[name] and table.scored[place]
        ]
        problems[name], used[name] = len(places), len(whole[name])
        accuracies[name] = int(right[m, places].sum()) / len(places) if places else None
    return Measured(accuracies=accuracies, problems=problems, notes=_notes(thin, used, split))


def _notes(thin: list[str], used: dict[str, int], split: int) -> tuple[str, ...]:
    notes = []
    if thin:
        notes.append(
            f"{', '.join(thin)}: not measured on the validation split, because other models have "
            "draws of many more of its problems"
        )
    fewer = [f"{name} on {count}" for name, count in used.items() if count < split]
    if fewer:
        notes.append(f"of the {counted(split, 'validation problem')}, measured: {', '.join(fewer)}")
    return tuple(notes)
