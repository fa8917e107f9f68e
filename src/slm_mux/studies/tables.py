"""What a study rests on: a table of the studied problems, and one of problems that are held out."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from slm_mux.errors import InvalidRequestError
from slm_mux.evaluation.chosen import Chosen, no_samples_at_all
from slm_mux.evaluation.describing import data_of, notes_of
from slm_mux.evaluation.loading import Loaded, Progress, silent
from slm_mux.evaluation.question import TEST, Question
from slm_mux.evaluation.ranking import STATED, VALIDATION, Measured, Record
from slm_mux.evaluation.sampled import SampledTask
from slm_mux.evaluation.stopped import split_not_used, stopped_early, were_stopped
from slm_mux.evaluation.validating import measure
from slm_mux.readers import Readers
from slm_mux.store.store import Store
from slm_mux.table import VoteTable
from slm_mux.tasks.scoring import Scorer
from slm_mux.types import Problem
from slm_mux.wording import counted

STUDIED = "the searched problems"
"""Where a validation accuracy comes from that is not stated."""


class Tables(Struct, frozen=True, kw_only=True, eq=False):
    """Samples of the same models, k draws of each on every problem."""

    k: int
    split: str | None
    """The studied one; None is all problems."""
    studied: VoteTable
    held_out: VoteTable | None
    """Of the split test; None where there is none, or the studied problems hold it, or not enough
    is drawn, or nothing is scored: then a note says why."""
    records: tuple[Record, ...]
    """What ranks the models in both tables: the pool file's accuracy for this task, else the
    accuracy at k on the studied problems."""
    left_out: int
    """Studied problems on which some model has fewer than k draws."""
    without_draws: int
    """Studied problems that no model was asked."""
    notes: tuple[str, ...]
    members: tuple[dict[str, Any], ...]
    """How each model was asked."""
    data: dict[str, Any]
    """See `describing.data_of`."""


def study_tables(
    store: Store,
    asked: Question,
    *,
    readers: Readers,
    scorer: Scorer,
    progress: Progress = silent,
) -> Tables:
    """Load what a study needs. Nothing is drawn.

    Args:
        store: with the samples.
        asked: task, split (by default validation where the task has it, else all), pool, draws.
        readers: of answer kinds.
        scorer: of answers.
        progress: told of reading and scoring.

    Raises:
        StoreError: the store has no such task.
        InvalidRequestError: an unknown split, samples are missing, problems were stopped early, or
            none is scored.
        SandboxError: programs must be run, and cannot be run safely here.
    """
    work = SampledTask(
        store, asked, readers=readers, scorer=scorer, progress=progress, default_split=VALIDATION
    )
    of_test = [problem for problem in work.problems if problem.split == TEST]
    # What is studied, or a part of it, is not held out.
    others = [] if work.split in (None, TEST) else of_test
    found = work.choose(work.asked_for, without="refuse", also=others)
    where = _where(asked.task, work.split)
    if not found.rows:
        raise InvalidRequestError(
            no_samples_at_all(asked.task, asked.pool, work.known)
            if work.asked_for
            else f"{where}: there are no problems in this store"
        )
    k = asked.k or max(1, found.usual_draws())
    if early := stopped_early(found, k):
        raise InvalidRequestError(
            f"{were_stopped(where, early, k)}, and which draws are missing depends on the models; "
            "`slm-mux collect` draws the rest"
        )
    chosen = found.complete(k)
    if not chosen.problems:
        raise InvalidRequestError(_none_shared(where, found, k))
    loaded = work.load(chosen)
    if not loaded.table.scored.any():
        raise InvalidRequestError(
            f"{where}: none of {counted(len(chosen.problems), 'problem')} can be scored (no "
            "target, or one that cannot be read), so no model is better than another; add the "
            "targets to the data, and collect or import it again"
        )
    parts = [(chosen, loaded)]
    notes: list[str] = []
    if others:
        test, notes = _held_out(work, others, [member.model for member in chosen.members], k)
        parts += [test] if test else []
    elif of_test:
        among = "is searched itself" if work.split == TEST else "is among the searched problems"
        notes = [f"the split test {among}, so nothing is held out"]
    records = _records(chosen, measure(loaded.table, k))
    accuracies = [record.accuracy for record in records]
    tables = [each.table.restrict(k=k).with_validation_accuracy(accuracies) for _, each in parts]
    return Tables(
        k=k,
        split=work.split,
        studied=tables[0],
        held_out=tables[1] if len(tables) > 1 else None,
        records=records,
        left_out=len(found.problems) - len(chosen.problems),
        without_draws=found.without_draws,
        notes=(
            *_draws_notes(loaded.table, k),
            *notes_of(
                found,
                tables[0],
                records,
                k,
                stopped=False,
                validation=(),
                provisional=sum(
                    each.provisional_readings + each.provisional_verdicts for _, each in parts
                ),
                unkept=work.notebook.trouble,
            ),
            *_unreadable_notes(tables[0]),
            *notes,
        ),
        members=tuple(
            {each["name"]: each for part, _ in parts for each in work.members_of(part)}.values()
        ),
        data=data_of(store, asked.task, tables[0], parts, records),
    )


def _held_out(
    work: SampledTask, problems: Sequence[Problem], models: Sequence[str], k: int
) -> tuple[tuple[Chosen, Loaded] | None, list[str]]:
    """Load the test split, or say why it cannot serve."""
    found = work.choose(problems, without="leave out", also=work.asked_for)
    found = found.with_members(lambda name: name in models)
    there = {member.model for member in found.members}
    if lacking := [name for name in models if name not in there]:
        who = ", ".join(lacking) if there else "any model"
        return None, [f"the split test is not used: there are no samples of {who} on it"]
    if early := stopped_early(found, k):
        return None, [split_not_used("the split test", early)]
    chosen = found.complete(k)
    if not chosen.problems:
        return None, [
            f"the split test is not used: no problem of it has {counted(k, 'draw')} of every model"
        ]
    loaded = work.load(chosen)
    if not loaded.table.scored.any():
        return None, ["the split test is not used: none of its problems can be scored"]
    notes = []
    if left := len(problems) - len(chosen.problems):
        notes.append(
            f"{counted(left, 'problem')} of the split test {'is' if left == 1 else 'are'} left "
            f"out: on each, some model has fewer than {counted(k, 'draw')}"
        )
    if unscored := int((~loaded.table.scored).sum()):
        notes.append(f"{counted(unscored, 'problem')} of the split test cannot be scored")
    return (chosen, loaded), notes


def _records(chosen: Chosen, studied: Measured) -> tuple[Record, ...]:
    return tuple(
        Record(
            model=member.model,
            accuracy=studied.accuracies[member.model],
            source=STUDIED,
            problems=studied.problems[member.model],
        )
        if member.for_task is None
        else Record(model=member.model, accuracy=member.for_task, source=STATED)
        for member in chosen.members
    )


def _draws_notes(table: VoteTable, k: int) -> list[str]:
    if all(draws == k for draws in table.k):
        return []
    if len(set(table.k)) == 1:
        return [f"the first {k} of {table.k[0]} draws count"]
    each = ", ".join(f"{name} {n}" for name, n in zip(table.models, table.k, strict=True))
    return [f"the models have unequal draws ({each}): the first {k} of each count"]


def _unreadable_notes(table: VoteTable) -> list[str]:
    silent_ones = [
        name
        for name, counts in zip(table.models, table.candidates().count, strict=True)
        if not counts.any()
    ]
    if not silent_ones:
        return []
    if len(silent_ones) == len(table.models):
        return ["no draw of any model has a readable answer, so that every figure is 0"]
    return [f"{', '.join(silent_ones)}: not one draw has a readable answer"]


def _where(task: str, split: str | None) -> str:
    return task if split is None else f"{task}, split {split}"


def _none_shared(where: str, found: Chosen, k: int) -> str:
    have = {
        member.model: sum(count >= k for count in found.counts[member.model].values())
        for member in found.members
    }
    each = ", ".join(f"{name} on {count:,}" for name, count in have.items())
    return (
        f"{where}: no problem has {counted(k, 'draw')} of every model (there are: {each}); models "
        "are compared on problems that they share: give a smaller --samples, or --pool with the "
        "models to compare, or collect the rest"
    )
