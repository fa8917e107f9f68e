"""What a study of scaling rests on: the measured problems, and those that subsets are chosen on."""

from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from slm_mux.evaluation.describing import data_of, notes_of
from slm_mux.evaluation.loading import Progress, silent
from slm_mux.evaluation.question import TEST, Question
from slm_mux.evaluation.ranking import VALIDATION, Record
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
from slm_mux.table import NOT_DRAWN, VoteTable
from slm_mux.tasks.scoring import Scorer


class ScalingTables(Struct, frozen=True, kw_only=True, eq=False):
    """Samples of the same models, n draws of each on every problem."""

    n: int
    split: str | None
    """The measured one; None is all problems."""
    measured: VoteTable
    """A model with more draws than the others keeps them."""
    searched: VoteTable
    """The first n draws; of the validation split, or of the measured problems."""
    searched_split: str | None
    same_problems: bool
    """Whether subsets are chosen on the measured problems themselves."""
    records: tuple[Record, ...]
    """What ranks the models in both tables; as `evaluate` has it."""
    left_out: int
    """Measured problems on which some model has fewer than n draws."""
    without_draws: int
    """Measured problems that no model was asked."""
    notes: tuple[str, ...]
    members: tuple[dict[str, Any], ...]
    """How each model was asked."""
    data: dict[str, Any]
    """See `describing.data_of`."""


def scaling_tables(
    store: Store,
    asked: Question,
    *,
    readers: Readers,
    scorer: Scorer,
    progress: Progress = silent,
) -> ScalingTables:
    """Load what a study of scaling needs. Nothing is drawn.

    Args:
        store: with the samples.
        asked: task, split (by default test where the task has samples of it, else all), pool,
            draws.
        readers: of answer kinds.
        scorer: of answers.
        progress: told of reading and scoring.

    Raises:
        StoreError: the store has no such task.
        InvalidRequestError: an unknown split, samples are missing, problems were stopped early, or
            none is scored.
        SandboxError: programs must be run, and cannot be run safely here.
    """
    work = SampledTask(store, asked, readers=readers, scorer=scorer, progress=progress)
    notes: list[str] = []
    found = work.choose(work.asked_for, without="refuse", also=work.of_validation)
    if asked.split is None and work.split == TEST and not found.rows:
        notes.append("there are no samples of the split test, so all problems are measured")
        asked = replace(asked, split="all")
        work = SampledTask(store, asked, readers=readers, scorer=scorer, progress=progress)
        found = work.choose(work.asked_for, without="refuse")
    measured = studied_part(work, asked, found=found)
    chosen, loaded, n = measured.chosen, measured.loaded, measured.k
    parts = [measured]
    if work.of_validation:
        models = [member.model for member in chosen.members]
        validation, said = other_part(work, work.of_validation, VALIDATION, models, n)
        notes += said
        parts += [validation] if validation else []
    records = work.records(chosen, n, measure(loaded.table, n))
    accuracies = [record.accuracy for record in records]
    tables = [part.loaded.table.with_validation_accuracy(accuracies) for part in parts]
    first = tables[0].restrict(k=n)
    kept = _spare_draws(tables[0], n)
    return ScalingTables(
        n=n,
        split=work.split,
        measured=kept,
        searched=tables[1].restrict(k=n) if len(tables) > 1 else first,
        searched_split=VALIDATION if len(tables) > 1 else work.split,
        same_problems=len(tables) == 1,
        records=records,
        left_out=measured.left_out,
        without_draws=measured.found.without_draws,
        notes=(
            *(draws_notes(loaded.table, n) if len(set(kept.k)) == 1 else ()),
            *notes_of(
                measured.found,
                first,
                records,
                n,
                stopped=False,
                validation=work.validation_notes,
                provisional=sum(part.provisional for part in parts),
                unkept=work.notebook.trouble,
            ),
            *unreadable_notes(first),
            *notes,
        ),
        members=members_of(work, parts),
        data=data_of(
            store,
            asked.task,
            first,
            [
                *((part.chosen, part.loaded) for part in parts),
                *(work.validated if len(parts) == 1 else ()),
            ],
            records,
        ),
    )


def _spare_draws(table: VoteTable, n: int) -> VoteTable:
    """Leave out draws that are missing on some problem, so that the fewest of a model are n.

    Draws beyond n stay of models that have more than the others: they serve self-consistency.
    """
    import numpy as np

    whole = table.complete_draws()
    kept = tuple(n if draws == min(whole) else draws for draws in whole)
    width = max(kept)
    beyond = np.arange(width) >= np.array(kept)[:, None, None]
    return replace(
        table,
        klass=np.where(beyond, NOT_DRAWN, table.klass[:, :, :width]),
        correct=table.correct[:, :, :width] & ~beyond,
        prompt_tokens=np.where(beyond, np.nan, table.prompt_tokens[:, :, :width]),
        completion_tokens=np.where(beyond, np.nan, table.completion_tokens[:, :, :width]),
        k=kept,
    )
