"""Methods on a task, from the samples of a store: the document that `eval` prints and saves."""

from typing import TYPE_CHECKING, Any

import msgspec

from slm_mux.errors import InvalidRequestError
from slm_mux.evaluation.chosen import no_samples_at_all, stated
from slm_mux.evaluation.describing import data_of, failed_share, notes_of, unscored_in, versions
from slm_mux.evaluation.loading import Progress, silent
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
from slm_mux.voting import rank_by_record
from slm_mux.wording import counted

if TYPE_CHECKING:
    from slm_mux.models.pool import Pool


def evaluate(
    store: Store,
    asked: Question,
    *,
    readers: Readers,
    scorer: Scorer,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Evaluate methods on samples that are in a store. Nothing is drawn.

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
        if asked.methods != ("mux",):
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
    document = summarise(table, asked.methods, k=k, seed=asked.seed_of_all)
    return {
        **document,
        "split": work.split,
        "models": list(table.models),
        **_ceilings(table, k, stopped=stopped),
        "validation_accuracies": msgspec.to_builtins(records),
        "failed_share": failed_share(table, k),
        "unscored": unscored_in(table),
        "left_out": len(found.problems) - len(table.problems),
        "without_draws": found.without_draws,
        "notes": notes_of(
            found,
            table,
            records,
            k,
            stopped=stopped,
            validation=work.validation_notes,
            provisional=loaded.provisional_readings + loaded.provisional_verdicts,
            unkept=work.notebook.trouble,
        ),
        "settings": {
            "seed": asked.seed_of_all,
            "samples": asked.samples,
            "limit": asked.limit,
            "pool": str(asked.pool.path) if asked.pool and asked.pool.path else None,
            "members": work.members_of(chosen),
        },
        "data": data_of(store, asked.task, table, [(chosen, loaded), *work.validated], records),
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
