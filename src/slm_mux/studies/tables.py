"""What a study rests on: a table of the studied problems, and one of problems that are held out."""

from typing import Any

from msgspec import Struct

from slm_mux.evaluation.chosen import Chosen
from slm_mux.evaluation.describing import data_of, notes_of
from slm_mux.evaluation.loading import Progress, silent
from slm_mux.evaluation.question import TEST, Question
from slm_mux.evaluation.ranking import STATED, VALIDATION, Measured, Record
from slm_mux.evaluation.sampled import SampledTask
from slm_mux.evaluation.validating import measure
from slm_mux.readers import Readers
from slm_mux.store.store import Store
from slm_mux.studies.parts import (
    draws_notes,
    members_of,
    other_part,
    studied_part,
    unreadable_notes,
)
from slm_mux.table import VoteTable
from slm_mux.tasks.scoring import Scorer

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
    studied = studied_part(work, asked, also=others)
    chosen, loaded, k = studied.chosen, studied.loaded, studied.k
    parts = [studied]
    notes: list[str] = []
    if others:
        models = [member.model for member in chosen.members]
        test, notes = other_part(work, others, TEST, models, k)
        parts += [test] if test else []
    elif of_test:
        among = "is searched itself" if work.split == TEST else "is among the searched problems"
        notes = [f"the split test {among}, so nothing is held out"]
    records = _records(chosen, measure(loaded.table, k))
    accuracies = [record.accuracy for record in records]
    tables = [
        part.loaded.table.restrict(k=k).with_validation_accuracy(accuracies) for part in parts
    ]
    return Tables(
        k=k,
        split=work.split,
        studied=tables[0],
        held_out=tables[1] if len(tables) > 1 else None,
        records=records,
        left_out=studied.left_out,
        without_draws=studied.found.without_draws,
        notes=(
            *draws_notes(loaded.table, k),
            *notes_of(
                studied.found,
                tables[0],
                records,
                k,
                stopped=False,
                validation=(),
                provisional=sum(part.provisional for part in parts),
                unkept=work.notebook.trouble,
            ),
            *unreadable_notes(tables[0]),
            *notes,
        ),
        members=members_of(work, parts),
        data=data_of(
            store, asked.task, tables[0], [(part.chosen, part.loaded) for part in parts], records
        ),
    )


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
