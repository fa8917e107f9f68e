"""What more draws and more models buy on a task, as the document that `slm-mux scale` prints."""

import time
from typing import Any

import msgspec
from msgspec import Struct

from slm_mux.errors import InvalidRequestError
from slm_mux.evaluation.describing import unscored_in, versions
from slm_mux.evaluation.loading import Progress, silent
from slm_mux.evaluation.question import Question
from slm_mux.questions import check_name
from slm_mux.readers import Readers
from slm_mux.scaling import (
    ScalingStudy,
    draw_tokens,
    ranked,
    scaling_study,
    scored_part,
    token_costs,
)
from slm_mux.scaling.resampling import RESAMPLES
from slm_mux.selection import error_correlation, records_of
from slm_mux.store.store import Store
from slm_mux.studies.rules import SearchRules
from slm_mux.studies.scaling_tables import ScalingTables, scaling_tables
from slm_mux.studies.subsets import Figures, Subsets, find_subsets
from slm_mux.table import VoteTable
from slm_mux.tasks.scoring import Scorer
from slm_mux.wording import counted

MOST_RESAMPLES = 100_000
"""Beyond that an interval is no better, and the resamples take much memory."""

_OF_A_SIZE = ("models", "objective", "union_accuracy", "contradiction", "value", "proven")


class ScaleRules(Struct, frozen=True, kw_only=True):
    """Which subsets are studied, and how well their intervals are known."""

    search: SearchRules = SearchRules()
    """By which the best subset of each size is found; without the cost limit."""
    models: tuple[str, ...] | None = None
    """The subset to say more about; None: the best that is found."""
    resamples: int = RESAMPLES
    """Of the problems, 1 .. `MOST_RESAMPLES`."""

    def check(self) -> None:
        """Refuse numbers out of range, and a subset that is none.

        Raises:
            InvalidRequestError: names the option.
        """
        self.search.check()
        if not 1 <= self.resamples <= MOST_RESAMPLES:
            raise InvalidRequestError(
                f"--resamples is {self.resamples}, but must be in 1 .. {MOST_RESAMPLES:,}"
            )
        if self.models is None:
            return
        if not self.models or not all(self.models):
            raise InvalidRequestError("--models: give one name or several, as in a,b,c")
        for name in self.models:
            if self.models.count(name) > 1:
                raise InvalidRequestError(f"--models: {name!r} is in it twice")


def scale_task(
    store: Store,
    asked: Question,
    rules: ScaleRules = ScaleRules(),  # noqa: B008 - frozen
    *,
    readers: Readers,
    scorer: Scorer,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Study what more draws and more models buy on a task's samples. Nothing is drawn.

    Args:
        store: with the samples.
        asked: task, split (by default test where the task has samples of it, else all), models,
            draws.
        rules: which subsets are studied.
        readers: of answer kinds.
        scorer: of answers.
        progress: told of reading and scoring.

    Returns:
        A document of plain JSON values; docs/scaling.md explains every key.

    Raises:
        StoreError: the store has no such task.
        InvalidRequestError: an option is out of range, an unknown model, samples are missing,
            problems were stopped early, none is scored, or nothing can be read.
        SandboxError: programs must be run, and cannot be run safely here.
    """
    rules.check()
    asked.check()
    tables = scaling_tables(store, asked, readers=readers, scorer=scorer, progress=progress)
    started = time.perf_counter()
    for name in rules.models or ():
        check_name("model", name, tables.measured.models)
    part = scored_part(tables.measured)
    found = _search(tables, rules.search)
    best = [tables.searched.models[m] for m in found.best]
    chosen = best if rules.models is None else list(rules.models)
    study = scaling_study(
        part,
        subsets={int(size): row["models"] for size, row in found.by_size.items()},
        chosen=chosen,
        seed=asked.seed_of_all,
        resamples=rules.resamples,
    )
    document = {
        **msgspec.to_builtins(study),
        "split": tables.split,
        "unscored": unscored_in(tables.measured),
        "left_out": tables.left_out,
        "without_draws": tables.without_draws,
        "search": {
            "split": tables.searched_split,
            "problems": int(tables.searched.scored.sum()),
            "same_problems": tables.same_problems,
            "objective_name": rules.search.objective,
            "penalty": rules.search.penalty,
            "correct": rules.search.correct,
            "best": best,
            "best_by_size": {
                size: {key: row[key] for key in _OF_A_SIZE} for size, row in found.by_size.items()
            },
        },
        "tokens": _tokens(part, study),
        "error_correlation": msgspec.to_builtins(error_correlation(part, k=study.n)),
        "validation_accuracies": msgspec.to_builtins(tables.records),
        "settings": {
            "samples": asked.samples,
            "seed": asked.seed_of_all,
            "resamples": rules.resamples,
            "max_models": rules.search.max_models,
            "models": None if rules.models is None else list(rules.models),
            "pool": str(asked.pool.path) if asked.pool and asked.pool.path else None,
            "members": list(tables.members),
        },
        "data": tables.data,
        "versions": versions(),
        "notes": [
            *_notes(tables, rules),
            *study.notes,
            *tables.notes,
            *_token_notes(part, study.n),
        ],
    }
    return {**_plain(document), "seconds": time.perf_counter() - started}


def _search(tables: ScalingTables, rules: SearchRules) -> Subsets:
    records = records_of(tables.searched, penalty=rules.penalty, at_least=rules.at_least)
    return find_subsets(tables.searched, records, rules, Figures(records, tables.searched, None))


def _plain(value: Any) -> Any:
    """Write a value as JSON has it: sizes that are keys as text, and lists."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _tokens(part: VoteTable, study: ScalingStudy) -> dict[str, Any]:
    """What draws cost: per model, and per subset and k."""
    costs: dict[tuple[str, ...], Any] = {}

    def of(models: tuple[str, ...]) -> Any:
        if models not in costs:
            costs[models] = msgspec.to_builtins(token_costs(part, ranked(part, models), study.n))
        return costs[models]

    return {
        "per_draw": dict(zip(part.models, draw_tokens(part, study.n), strict=True)),
        "subsets": {size: of(curves.models) for size, curves in study.subsets.items()},
        "chosen": of(study.chosen.models),
    }


def _token_notes(part: VoteTable, n: int) -> list[str]:
    import numpy as np

    unknown = np.isnan(part.tokens()[:, :, :n]).sum(axis=(1, 2)).tolist()
    who = [
        f"{name} ({count} of {n * len(part.problems)} draws)"
        for name, count in zip(part.models, unknown, strict=True)
        if count
    ]
    return [f"tokens are unknown, so what draws cost is too: {', '.join(who)}"] if who else []


def _notes(tables: ScalingTables, rules: ScaleRules) -> list[str]:
    notes = []
    only = tables.measured.models
    if len(only) == 1:
        notes.append(f"{only[0]} is the only model with samples: there is nothing to combine")
    elif tables.same_problems:
        problems = counted(len(tables.measured.problems), "problem")
        notes.append(
            f"the subsets are chosen on the measured {problems} themselves, so they look better on "
            "them than they are"
        )
    return notes + rules.search.notes
