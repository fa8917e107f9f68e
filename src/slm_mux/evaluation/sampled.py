"""A task's samples in a store: which are meant, what was read in them, what ranks the models."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from slm_mux.evaluation.chosen import Chosen, Without, choose
from slm_mux.evaluation.keeping import Notebook
from slm_mux.evaluation.loading import Loaded, Progress, load_table, silent
from slm_mux.evaluation.question import TEST, Question, split_of
from slm_mux.evaluation.ranking import VALIDATION, Measured, Record, ranked_by
from slm_mux.evaluation.validating import measure_each
from slm_mux.readers import Readers
from slm_mux.store.store import Store
from slm_mux.table import VoteTable
from slm_mux.tasks.scoring import Scorer
from slm_mux.types import Problem

if TYPE_CHECKING:
    from slm_mux.models.pool import Member
    from slm_mux.store.rows import MemberInfo


class SampledTask:
    """Chooses and loads samples of one task. Nothing is drawn.

    Args:
        store: with the samples.
        asked: which task, split, models and draws.
        readers: of answer kinds.
        scorer: of answers.
        progress: told of reading and scoring.
        default_split: the split that is meant where `asked` names none, if the task has it.

    Raises:
        StoreError: the store has no such task.
        InvalidRequestError: an unknown split.
    """

    def __init__(
        self,
        store: Store,
        asked: Question,
        *,
        readers: Readers,
        scorer: Scorer,
        progress: Progress = silent,
        default_split: str = TEST,
    ) -> None:
        self._store = store
        self._asked = asked
        self._readers = readers
        self._scorer = scorer
        self._progress = progress
        self.problems = store.problems(asked.task)
        """All of the task."""
        self.known: Sequence[MemberInfo] = store.members(asked.task)
        self.notebook = Notebook(store)
        self.validation_notes: tuple[str, ...] = ()
        self.validated: list[tuple[Chosen, Loaded]] = []
        """The samples of the validation split, where they were looked at."""
        self.split = split_of(self.problems, asked.task, asked.split, default=default_split)
        """The one that is asked for; None is all problems."""
        self.asked_for = asked.among(self.problems, self.split)
        """The problems that are asked for, in order."""
        ranks = self.split not in (None, VALIDATION)
        self.of_validation = [one for one in self.problems if ranks and one.split == VALIDATION]
        """Problems that can rank the models; none where they are themselves asked for."""

    def choose(
        self, problems: Sequence[Problem], *, without: Without, also: Sequence[Problem] = ()
    ) -> Chosen:
        """Choose samples of some problems; see `chosen.choose`.

        Args:
            problems: in order.
            without: what becomes of a pool's member without samples.
            also: other problems on which a name is to have one way of asking, too.

        Raises:
            InvalidRequestError: a member has no samples, or one name stands for several settings.
        """
        return choose(
            self._store,
            self._asked.task,
            problems,
            self.known,
            pool=self._asked.pool,
            digests=lambda member: self._digests(member, problems),
            without=without,
            also=[one.id for one in also],
        )

    def load(self, chosen: Chosen) -> Loaded:
        """Read and score what is chosen; see `loading.load_table`.

        Raises:
            SandboxError: programs must be run, and cannot be run safely here.
        """
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
        """Look up what ranks the members; see `ranking.ranked_by`.

        Args:
            chosen: samples of the problems that are asked for.
            k: draws of each model.
            evaluated: accuracies on these problems themselves.
        """
        needed = any(member.for_task is None for member in chosen.members)
        validation = self.validation(k) if needed else Measured()
        return ranked_by(chosen.members, validation=validation, evaluated=evaluated)

    def validation(self, k: int) -> Measured:
        """Measure the validation split; nothing where it is itself asked for."""
        if not self.of_validation:
            return Measured()
        found = self.choose(self.of_validation, without="leave out")
        measured = measure_each(found, k, self._load_validation)
        self.validation_notes = measured.notes
        return measured

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

    def _load_validation(self, chosen: Chosen) -> VoteTable:
        loaded = self.load(chosen)
        self.validated = [(chosen, loaded)]
        return loaded.table

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
