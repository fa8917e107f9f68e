"""Methods on a task, from the samples of a store: the document that `eval` prints and saves."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from slm_mux.errors import InvalidRequestError
from slm_mux.evaluation.chosen import Chosen, Without, choose, no_samples_at_all, stated
from slm_mux.evaluation.describing import data_of, failed_share, notes_of, versions
from slm_mux.evaluation.keeping import Notebook
from slm_mux.evaluation.loading import Loaded, Progress, load_table, silent
from slm_mux.evaluation.question import Question, fewest_samples, split_of
from slm_mux.evaluation.ranking import VALIDATION, Measured, Record, ranked_by
from slm_mux.evaluation.stopped import stopped_early
from slm_mux.evaluation.validating import measure, measure_each
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
    from slm_mux.models.pool import Member, Pool
    from slm_mux.store.rows import MemberInfo


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
    work = _Evaluation(store, asked, readers, scorer, progress)
    found = work.choose(work.evaluated, without="keep" if asked.stopped else "refuse")
    if not found.rows:
        raise InvalidRequestError(no_samples_at_all(asked.task, asked.pool, work.known))
    k = asked.k or found.usual_draws()
    chosen = found if asked.stopped else found.complete(k)
    stopped = asked.stopped
    if not stopped and (early := stopped_early(found, k)):
        if asked.methods != ("mux",):
            raise InvalidRequestError(_were_stopped(asked.task, len(early), k))
        stopped, chosen = True, found
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
        "unscored": [
            name for name, can in zip(table.problems, table.scored, strict=True) if not can
        ],
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
    work = _Evaluation(store, asked, readers, scorer, silent)
    members = [stated(member, asked.task) for member in pool]
    k = asked.k or fewest_samples(pool)
    return ranked_by(members, validation=work.validation(k), evaluated=Measured())


class _Evaluation:
    """What the parts of one evaluation share."""

    def __init__(
        self, store: Store, asked: Question, readers: Readers, scorer: Scorer, progress: Progress
    ) -> None:
        self._store = store
        self._asked = asked
        self._readers = readers
        self._scorer = scorer
        self._progress = progress
        self._problems = store.problems(asked.task)
        self.known: Sequence[MemberInfo] = store.members(asked.task)
        self.notebook = Notebook(store)
        self.validation_notes: tuple[str, ...] = ()
        self.validated: list[tuple[Chosen, Loaded]] = []
        """The samples of the validation split, where they were looked at."""
        self.split = split_of(self._problems, asked.task, asked.split)
        self.evaluated = asked.among(self._problems, self.split)
        self._of_validation = [one for one in self._problems if one.split == VALIDATION]
        self._validates_nothing = self.split in (None, VALIDATION) or not self._of_validation

    def choose(self, problems: Sequence[Problem], *, without: Without) -> Chosen:
        return choose(
            self._store,
            self._asked.task,
            problems,
            self.known,
            pool=self._asked.pool,
            digests=lambda member: self._digests(member, problems),
            without=without,
            also=() if self._validates_nothing else [one.id for one in self._of_validation],
        )

    def load(self, chosen: Chosen) -> Loaded:
        return load_table(
            self._store,
            self._asked.task,
            chosen,
            readers=self._readers,
            scorer=self._scorer,
            notebook=self.notebook,
            progress=self._progress,
        )

    def records(self, chosen: Chosen, k: int, evaluated: Measured) -> tuple[Record, ...]:
        needed = any(member.for_task is None for member in chosen.members)
        validation = self.validation(k) if needed else Measured()
        return ranked_by(chosen.members, validation=validation, evaluated=evaluated)

    def validation(self, k: int) -> Measured:
        """Measure the validation split."""
        if self._validates_nothing:
            return Measured()
        found = self.choose(self._of_validation, without="leave out")
        measured = measure_each(found, k, self._load_validation)
        self.validation_notes = measured.notes
        return measured

    def _load_validation(self, chosen: Chosen) -> VoteTable:
        loaded = self.load(chosen)
        self.validated = [(chosen, loaded)]
        return loaded.table

    def members_of(self, chosen: Chosen) -> list[dict[str, Any]]:
        """Describe how each member was asked."""
        used = dict.fromkeys((row.member_id, row.member) for row in chosen.rows)
        return [
            {
                "name": name,
                "identity": member.identity,
                "settings": member.settings,
                "seed": member.seed,
            }
            for member in self.known
            for place, name in used
            if place == member.id
        ]

    def _digests(self, member: "Member", problems: Sequence[Problem]) -> list[str]:
        from slm_mux.collecting.asking import Settings, asking

        return [
            asking(
                member,
                problem,
                k=1,
                seed=self._asked.seed_of_all,
                settings=Settings(),
                readers=self._readers,
            ).series.digest
            for problem in problems
        ]


def _were_stopped(task: str, early: int, k: int) -> str:
    return (
        f"{task}: {counted(early, 'problem was', 'problems were')} stopped early: mux's answer was "
        f"settled before every model had {counted(k, 'draw')}. Without "
        f"{'it' if early == 1 else 'them'} the hard problems would count more; `slm-mux collect` "
        "draws the rest, or evaluate mux alone with --method mux (--stopping), or fewer problems "
        "with --limit"
    )


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
