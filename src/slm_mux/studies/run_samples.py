"""The samples that a saved run rests on, chosen again in the store by what the run says of them."""

from collections.abc import Collection, Mapping
from fractions import Fraction
from typing import Any

import msgspec
from msgspec import Struct

from slm_mux.dissecting.following import Confidences
from slm_mux.errors import InvalidRequestError
from slm_mux.evaluation.chosen import Chosen, style_of
from slm_mux.evaluation.keeping import Notebook
from slm_mux.evaluation.loading import Progress, load_table, silent
from slm_mux.evaluation.naming import check_one_way, under_names
from slm_mux.evaluation.ranking import Stated
from slm_mux.readers import Readers
from slm_mux.scaling import failures, ranked, scored_part
from slm_mux.store.rows import DrawRow
from slm_mux.store.store import Store
from slm_mux.table import NOT_DRAWN, VoteTable
from slm_mux.tasks.scoring import Scorer
from slm_mux.wording import counted


class RunSamples(Struct, frozen=True, kw_only=True, eq=False):
    """What a run's models drew on its problems, as the store has it now."""

    table: VoteTable
    """All draws there are; the run's validation accuracies rank the models."""
    complete: tuple[str, ...]
    """Ids of the problems on which every model has the run's k draws."""


def samples_of_run(
    store: Store,
    run: Mapping[str, Any],
    *,
    readers: Readers,
    scorer: Scorer,
    progress: Progress = silent,
) -> RunSamples:
    """Load a run's samples. Nothing is drawn.

    Args:
        store: with the run's task.
        run: its document.
        readers: of answer kinds.
        scorer: of answers.
        progress: told of reading and scoring.

    Raises:
        StoreError: the store has no such task any more.
        InvalidRequestError: it has no samples of the run's models, or several ways of asking them.
        SandboxError: programs must be run, and cannot be run safely here.
    """
    found = _chosen(store, run)
    if not found.rows:
        raise InvalidRequestError("the store has none of the run's samples any more")
    loaded = load_table(
        store,
        run["task"],
        found,
        readers=readers,
        scorer=scorer,
        notebook=Notebook(store),
        progress=progress,
    )
    records = {each["model"]: each["accuracy"] for each in run["validation_accuracies"]}
    table = loaded.table.with_validation_accuracy([records.get(name) for name in run["models"]])
    complete = found.complete(run["k"]).problems
    return RunSamples(table=table, complete=tuple(problem.id for problem in complete))


def mux_failures(samples: RunSamples, run: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Sort the problems that mux gets wrong with the run's k draws, as a study of scaling does.

    Args:
        samples: of the run.
        run: its document.

    Returns:
        The failures, see `slm_mux.scaling.failures`, with the names of the scored problems as
        `scored`; and what is to be said of them.

    Raises:
        InvalidRequestError: draws are missing, or nothing is scored.
    """
    k, there = run["k"], len(samples.complete)
    if there < run["problems"] and run["settings"].get("stopping") in ("eager", "frugal"):
        raise InvalidRequestError(
            "the run stopped drawing early, so draws are missing where answers were settled; "
            "`slm-mux collect` draws the rest"
        )
    if not there:
        raise InvalidRequestError(f"no problem has {counted(k, 'draw')} of every model any more")
    part = scored_part(samples.table.restrict(problems=samples.complete, k=k))
    found = failures(part, ranked(part), k)
    notes = []
    if there != run["problems"]:
        notes.append(
            f"the run was of {counted(run['problems'], 'problem')}, and {there:,} have "
            f"{counted(k, 'draw')} of every model in the store now"
        )
    elif (then := _mux_then(run)) not in (None, (found.problems - found.wrong, found.problems)):
        notes.append(
            f"mux was right on {then[0]} of {then[1]} in the run, and is on "
            f"{found.problems - found.wrong} of {found.problems} with the samples that the store "
            "has now"
        )
    # Tuples become lists, so that the document is what its JSON reads as.
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(found))
    return {**plain, "scored": list(part.problems)}, notes


def confidences_in(table: VoteTable) -> Confidences:
    """Say how far each model agrees with itself on each problem, where it was drawn twice or more.

    Returns:
        By (problem, model): the share of its draws in its largest class; 0 without an answer.
    """
    import numpy as np

    drawn = (table.klass != NOT_DRAWN).sum(axis=2)
    largest = table.candidates().count
    return {
        (table.problems[p], table.models[m]): Fraction(int(largest[m, p]), int(drawn[m, p]))
        for m, p in np.argwhere(drawn >= 2).tolist()
    }


def _chosen(store: Store, run: Mapping[str, Any]) -> Chosen:
    """Choose what the run's members drew on its problems."""
    settings, split = run["settings"], run["split"]
    problems = [
        problem
        for problem in store.problems(run["task"])
        if split is None or problem.split == split
    ][: settings.get("limit")]
    among = {problem.id for problem in problems}
    known = {member.id: member for member in store.members(run["task"])}
    names: dict[int, list[str]] = {
        place: [
            each["name"]
            for each in settings["members"]
            if (each["identity"], each["settings"], each["seed"])
            == (member.identity, member.settings, member.seed)
        ]
        for place, member in known.items()
    }

    def names_of(row: DrawRow) -> Collection[str]:
        return dict.fromkeys(names.get(row.member_id, ()))

    drawn = (row for row in store.draw_rows(run["task"]) if row.problem in among)
    rows = under_names(list(drawn), names_of)
    check_one_way(rows, known)
    asked = {row.problem for row in rows}
    return Chosen(
        members=tuple(Stated(model=name) for name in run["models"]),
        problems=tuple(problem for problem in problems if problem.id in asked),
        rows=tuple(rows),
        styles={place: style_of(member.settings) for place, member in known.items()},
    )


def _mux_then(run: Mapping[str, Any]) -> tuple[int, int] | None:
    """Right answers and scored problems of mux in the run; None where it was not evaluated."""
    for row in run["methods"]:
        if row["method"] == "mux" and row.get("correct") is not None:
            return row["correct"], row["total"]
    return None
