"""The samples that exhibits rest on which search: some members' draws on some problems."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from slm_mux.errors import InvalidRequestError
from slm_mux.evaluation.chosen import stated
from slm_mux.evaluation.loading import Progress, silent
from slm_mux.evaluation.ranking import Measured, Record, ranked_by
from slm_mux.evaluation.sampled import SampledTask
from slm_mux.evaluation.validating import measure
from slm_mux.models.pool import Pool
from slm_mux.paper.planning import Plan, part_of
from slm_mux.readers import Readers
from slm_mux.scaling import draw_tokens, scored_part
from slm_mux.store.store import Store
from slm_mux.studies.parts import other_part
from slm_mux.table import FAILED, VoteTable
from slm_mux.tasks.scoring import Scorer
from slm_mux.types import Problem


class Sampled(Struct, frozen=True, kw_only=True, eq=False):
    """k draws of each of some members on each of some problems, read and scored."""

    table: VoteTable
    """Scored problems only; with what ranks the models."""
    k: int
    notes: tuple[str, ...]

    def tokens(self, models: Sequence[str], k: int) -> float | None:
        """Give the tokens that k draws of each of these models take on a problem.

        By the mean of each model's draws here; None where the tokens of one are unknown.
        """
        each = dict(zip(self.table.models, draw_tokens(self.table, self.k), strict=True))
        known = [tokens for name in models if (tokens := each[name]) is not None]
        return k * sum(known) if len(known) == len(models) else None


class Source(Struct, frozen=True, kw_only=True):
    """Where samples are, and what reads and scores them."""

    store: Store
    readers: Readers
    scorer: Scorer
    progress: Progress = silent

    def sampled(
        self, made: Plan, pool: Pool, problems: Sequence[Problem], split: str, k: int
    ) -> Sampled:
        """Load the members' draws on some problems.

        Args:
            made: says how members are asked, and whether fewer draws than k will do.
            pool: the members.
            problems: of the task.
            split: that they are of.
            k: draws of each member, >= 1.

        Raises:
            StoreError: the store has no such task.
            InvalidRequestError: samples are missing, or nothing can be scored.
            SandboxError: programs must be run, and cannot be run safely here.
        """
        work = SampledTask(
            self.store,
            made.question(pool),
            readers=self.readers,
            scorer=self.scorer,
            progress=self.progress,
        )
        there = k if made.exact else _there(work, problems, k)
        names = [member.name for member in pool]
        part, notes = other_part(work, problems, split, names, there)
        if part is None:
            raise InvalidRequestError(notes[0])
        table = scored_part(part.loaded.table.restrict(k=there))
        if there < k:
            notes.append(
                f"{k} draws of each model are wanted on the split {split}, and the store has "
                f"{there}; without --offline the others are drawn"
            )
        failed = int((table.klass == FAILED).sum())
        if failed == table.klass.size:
            raise InvalidRequestError(f"every draw on the split {split} failed")
        if failed:
            notes.append(
                f"{failed / table.klass.size:.1%} of the draws on the split {split} failed; "
                "--retry-failed makes them again"
            )
        return Sampled(table=table, k=there, notes=tuple(notes))

    def there(self, made: Plan, pool: Pool, problems: Sequence[Problem], k: int) -> int:
        """Count the draws that most problems have of every member: at most k, and at least 1.

        Raises:
            StoreError: the store has no such task.
        """
        work = SampledTask(
            self.store, made.question(pool), readers=self.readers, scorer=self.scorer
        )
        return _there(work, problems, k)

    def searched(self, made: Plan) -> Sampled:
        """Load what subsets are chosen on, ranked by itself or by the pool file.

        Raises:
            StoreError, InvalidRequestError, SandboxError: as `sampled` does.
        """
        found = self.sampled(made, made.pool, made.searched, "validation", made.search_k)
        records = records_of_searched(made, found)
        return replace(found, table=_ranked(found.table, records))

    def measured(self, made: Plan, searched: Sampled, members: Sequence[str]) -> Sampled:
        """Load what chosen subsets are measured on, ranked as on the searched problems.

        Raises:
            StoreError, InvalidRequestError, SandboxError: as `sampled` does.
        """
        pool = part_of(made.pool, members)
        found = self.sampled(made, pool, made.measured, "test", made.k)
        return replace(found, table=_ranked(found.table, records_of_searched(made, searched)))


def records_of_searched(made: Plan, searched: Sampled) -> tuple[Record, ...]:
    """What ranks the members: the pool file's accuracy for this task, else that on validation."""
    return ranked_by(
        [stated(member, made.name) for member in made.pool],
        validation=measure(searched.table, searched.k),
        evaluated=Measured(),
    )


def _there(work: SampledTask, problems: Sequence[Problem], k: int) -> int:
    return max(1, min(k, work.choose(problems, without="leave out").usual_draws()))


def _ranked(table: VoteTable, records: Sequence[Record]) -> VoteTable:
    accuracies = {record.model: record.accuracy for record in records}
    return table.with_validation_accuracy([accuracies[name] for name in table.models])
