"""The search for the models that belong together, as the document that `slm-mux search` prints."""

import time
from typing import Any

from slm_mux.evaluation.describing import unscored_in, versions
from slm_mux.evaluation.loading import Progress, silent
from slm_mux.evaluation.question import TEST, Question
from slm_mux.readers import Readers
from slm_mux.selection import records_of
from slm_mux.store.store import Store
from slm_mux.studies.costing import budget_of
from slm_mux.studies.rules import SearchRules
from slm_mux.studies.subsets import Figures, find_subsets
from slm_mux.studies.tables import Tables, study_tables
from slm_mux.studies.trusting import trust_in
from slm_mux.tasks.scoring import Scorer
from slm_mux.wording import counted


def search_task(
    store: Store,
    asked: Question,
    rules: SearchRules = SearchRules(),  # noqa: B008 - frozen
    *,
    readers: Readers,
    scorer: Scorer,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Find the subsets of models that do best together on a task's samples. Nothing is drawn.

    Args:
        store: with the samples.
        asked: task, split (by default validation where the task has it, else all), models, draws.
        rules: what makes a subset good.
        readers: of answer kinds.
        scorer: of answers.
        progress: told of reading and scoring.

    Returns:
        A document of plain JSON values; docs/searching.md explains every key.

    Raises:
        StoreError: the store has no such task.
        InvalidRequestError: an option is out of range, samples are missing, problems were stopped
            early, none is scored, or tokens are unknown though there is a cost limit.
        SandboxError: programs must be run, and cannot be run safely here.
    """
    rules.check()
    asked.check()
    tables = study_tables(store, asked, readers=readers, scorer=scorer, progress=progress)
    started = time.perf_counter()
    table, held_out = tables.studied, tables.held_out
    records = records_of(table, penalty=rules.penalty, at_least=rules.at_least)
    figures = Figures(records, table, held_out)
    found = find_subsets(table, records, rules, figures)
    best = found.by_size[str(len(found.best))]
    trust = trust_in(tables, records, found.best, rules, seed=asked.seed_of_all)
    budget = (
        None if rules.cost_limit is None else budget_of(tables, rules.cost_limit, rules.max_models)
    )
    accuracies = {record.model: record.accuracy for record in tables.records}
    return {
        "task": asked.task,
        "split": tables.split,
        "test_split": None if held_out is None else TEST,
        "problems": int(table.scored.sum()),
        "test_problems": None if held_out is None else int(held_out.scored.sum()),
        "left_out": tables.left_out,
        "without_draws": tables.without_draws,
        "unscored": unscored_in(table),
        "k": tables.k,
        "models": list(table.models),
        "penalty": rules.penalty,
        "correct": rules.correct,
        "objective_name": rules.objective,
        "best_by_size": found.by_size,
        "best": best | {"validation_accuracies": {m: accuracies[m] for m in best["models"]}},
        "runners_up": found.runners_up,
        "runners_up_proven": found.runners_up_proven,
        "identical": [figures.names(group) for group in records.identical() if len(group) > 1],
        "trust": trust,
        "budget": budget,
        "validation_accuracies": [
            {
                "model": record.model,
                "accuracy": record.accuracy,
                "source": record.source,
                "problems": record.problems,
            }
            for record in tables.records
        ],
        "settings": {
            "samples": asked.samples,
            "seed": asked.seed_of_all,
            "max_models": rules.max_models,
            "node_limit": rules.limits.nodes,
            "time_limit": rules.limits.seconds,
            "cost_limit": rules.cost_limit,
            "pool": str(asked.pool.path) if asked.pool and asked.pool.path else None,
            "members": list(tables.members),
        },
        "data": tables.data,
        "versions": versions(),
        "notes": [*_notes(tables, rules), *tables.notes],
        "seconds": time.perf_counter() - started,
    }


def _notes(tables: Tables, rules: SearchRules) -> list[str]:
    notes = []
    only = tables.studied.models
    if len(only) == 1:
        notes.append(f"{only[0]} is the only model with samples, so there is nothing to choose")
    if tables.k == 1:
        notes.append(
            "with 1 draw of each model contradiction is 0 everywhere, and the objective is union "
            "accuracy, which only grows with more models: use --samples 2 or more"
        )
    if tables.split is None:
        notes.append(
            f"all {counted(len(tables.studied.problems), 'problem')} are searched: what was chosen "
            "on them looks better on them than it is"
        )
    return notes + rules.notes
