"""Methods on a task, from the samples of a store: the document that `eval` prints and saves."""

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from slm_mux.errors import InvalidRequestError
from slm_mux.evaluation.chosen import Chosen, no_samples_at_all, stated
from slm_mux.evaluation.describing import data_of, failed_share, notes_of, unscored_in, versions
from slm_mux.evaluation.discussed import Judged
from slm_mux.evaluation.loading import Loaded, Progress, silent
from slm_mux.evaluation.question import Question, fewest_samples
from slm_mux.evaluation.ranking import Measured, Record, ranked_by
from slm_mux.evaluation.sampled import SampledTask
from slm_mux.evaluation.stopped import stopped_early, were_stopped
from slm_mux.evaluation.validating import measure
from slm_mux.methods import ceilings, summarise
from slm_mux.methods.settled import unsettled
from slm_mux.readers import Readers
from slm_mux.store.store import Store
from slm_mux.table import VoteTable
from slm_mux.tasks.scoring import Scorer
from slm_mux.types import Problem
from slm_mux.voting import rank_by_record
from slm_mux.wording import counted

if TYPE_CHECKING:
    from slm_mux.models.pool import Pool

_NOTHING_HELD = Judged()


class Prepared(Struct, frozen=True, kw_only=True):
    """Everything that an evaluation rests on, read and scored; discussions may follow."""

    asked: Question
    work: SampledTask
    found: Chosen
    """Everything that was chosen."""
    chosen: Chosen
    """What of it has enough draws."""
    loaded: Loaded
    table: VoteTable
    """What is evaluated, with what ranks the models."""
    records: tuple[Record, ...]
    """Validation accuracies."""
    k: int
    stopped: bool
    """Whether draws that could not change mux's answer may be missing."""

    @property
    def problems(self) -> list[Problem]:
        """The evaluated problems, in the table's order."""
        by_id = {problem.id: problem for problem in self.chosen.problems}
        return [by_id[name] for name in self.table.problems]


def evaluate(
    store: Store,
    asked: Question,
    *,
    readers: Readers,
    scorer: Scorer,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Evaluate methods that count votes on samples that are in a store. Nothing is drawn.

    Args:
        store: with the samples.
        asked: what.
        readers: of answer kinds.
        scorer: of answers.
        progress: told of reading and scoring.

    Returns:
        A document of plain JSON values; docs/evaluating.md explains every key.

    Raises:
        StoreError: the store has no such task.
        InvalidRequestError: an unknown split or method, or samples are missing.
        SandboxError: programs must be run, and cannot be run safely here.
    """
    prepared = prepare(store, asked, readers=readers, scorer=scorer, progress=progress)
    return describe(store, prepared)


def prepare(
    store: Store,
    asked: Question,
    *,
    readers: Readers,
    scorer: Scorer,
    progress: Progress = silent,
) -> Prepared:
    """Choose, read, score and rank; see `evaluate`.

    Raises:
        StoreError, InvalidRequestError, SandboxError: as `evaluate` does.
    """
    asked.check()
    work = SampledTask(store, asked, readers=readers, scorer=scorer, progress=progress)
    found = work.choose(
        work.asked_for,
        without="keep" if asked.stopped else "refuse",
        also=work.of_validation,
    )
    if not found.rows:
        raise InvalidRequestError(no_samples_at_all(asked.task, asked.pool, work.known))
    k = asked.k or found.usual_draws()
    stopped = asked.stopped
    if not stopped and (early := stopped_early(found, k)):
        if asked.methods != ("mux",) or asked.workflows:
            raise InvalidRequestError(
                f"{were_stopped(asked.task, early, k)}; `slm-mux collect` draws the rest, or "
                "evaluate mux alone with --method mux (--stopping), or fewer problems with --limit"
            )
        stopped = True
    chosen = found if stopped else found.complete(k)
    if not chosen.problems:
        raise InvalidRequestError(
            f"{asked.task}: no problem has {counted(k, 'draw')} of every model; give a smaller "
            f"--samples (most problems have {found.usual_draws()}), or collect the rest"
        )
    loaded = work.load(chosen)
    # Where draws are missing the models are not measured on the same problems, nor at the same k.
    here = Measured() if stopped else measure(loaded.table, k)
    records = asked.records or work.records(chosen, k, here)
    table = loaded.table.with_validation_accuracy([record.accuracy for record in records])
    if stopped:
        table = _settled_problems(table, k)
        if not table.problems:
            raise InvalidRequestError(f"{asked.task}: no problem's answer is settled")
    return Prepared(
        asked=asked,
        work=work,
        found=found,
        chosen=chosen,
        loaded=loaded,
        table=table,
        records=records,
        k=k,
        stopped=stopped,
    )


def describe(store: Store, prepared: Prepared, judged: Judged = _NOTHING_HELD) -> dict[str, Any]:
    """Do the arithmetic, and describe what it rests on.

    Args:
        store: with the task.
        prepared: what `prepare` gave.
        judged: the discussions about its problems.

    Returns:
        As `evaluate` does.
    """
    asked, work, table, loaded = prepared.asked, prepared.work, prepared.table, prepared.loaded
    document = summarise(
        table,
        asked.methods,
        k=prepared.k,
        seed=asked.seed_of_all,
        discussed=judged.methods,
        budget=asked.budget,
    )
    # A budget may afford fewer draws.
    k, stopped = int(document["k"]), prepared.stopped
    return {
        **document,
        "split": work.split,
        "models": list(table.models),
        **_ceilings(table, k, stopped=stopped),
        "validation_accuracies": msgspec.to_builtins(prepared.records),
        "failed_share": failed_share(table, k),
        "unscored": unscored_in(table),
        "left_out": len(prepared.found.problems) - len(table.problems),
        "without_draws": prepared.found.without_draws,
        "discussions": judged.documents,
        "notes": notes_of(
            prepared.found,
            table,
            prepared.records,
            k,
            stopped=stopped,
            validation=work.validation_notes,
            discussed=[one.name for one in judged.methods],
            provisional=loaded.provisional_readings
            + loaded.provisional_verdicts
            + judged.provisional,
            unkept=work.notebook.trouble,
        ),
        "settings": {
            "seed": asked.seed_of_all,
            "samples": asked.samples,
            "limit": asked.limit,
            "pool": str(asked.pool.path) if asked.pool and asked.pool.path else None,
            "members": work.members_of(prepared.chosen),
            "methods": {name: one["settings"] for name, one in judged.documents.items()},
        },
        "data": data_of(
            store,
            asked.task,
            table,
            [(prepared.chosen, loaded), *work.validated],
            prepared.records,
            judged.documents,
        ),
        "versions": versions(),
    }


def known_before(
    store: Store, asked: Question, pool: "Pool", *, readers: Readers, scorer: Scorer
) -> tuple[Record, ...]:
    """Look up the validation accuracies that are known before anything is drawn, by member.

    Drawing that stops early needs them: they rank the models. What `ranked_by` would take from the
    evaluated problems themselves is not there yet.
    """
    work = SampledTask(store, asked, readers=readers, scorer=scorer)
    members = [stated(member, asked.task) for member in pool]
    k = asked.k or fewest_samples(pool)
    return ranked_by(members, validation=work.validation(k), evaluated=Measured())


def _ceilings(table: VoteTable, k: int, *, stopped: bool) -> dict[str, float | None]:
    """Union and oracle accuracy; null where draws are missing, since those are not random."""
    if stopped and table.lacking((k,) * len(table.models)):
        return dict.fromkeys(("union_accuracy", "oracle_accuracy", "contradiction"))
    return ceilings(table, k=k)


def _settled_problems(table: VoteTable, k: int) -> VoteTable:
    """Leave out the problems whose drawing was interrupted before mux's answer was settled."""
    ranking = rank_by_record(table.validation_accuracy)
    open_ones = set(unsettled(table, (k,) * len(table.models), ranking))
    kept = [name for place, name in enumerate(table.problems) if place not in open_ones]
    return table.restrict(problems=kept)
