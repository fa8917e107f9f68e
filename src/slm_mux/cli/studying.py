"""What commands that study samples have in common: their options, and the store opened."""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import ClassVar

from msgspec import Struct

from slm_mux.cli.pauses import fewer_pauses
from slm_mux.cli.stored_task import WorkBar, open_store, store_path, stored_name
from slm_mux.errors import InvalidRequestError
from slm_mux.evaluation.loading import Progress
from slm_mux.evaluation.question import Question
from slm_mux.evaluation.scorers import make_scorer
from slm_mux.models.pool import Pool
from slm_mux.readers import Readers
from slm_mux.selection import Limits
from slm_mux.store.store import Store
from slm_mux.studies.rules import SearchRules
from slm_mux.tasks.scoring import Scorer


class StudyWanted(Struct, frozen=True, kw_only=True):
    """What the command line asks for; None leaves the choice to the rules of each."""

    task: str
    store: Path | None
    pool: Path | None
    split: str | None
    max_models: int
    objective: str
    penalty: float
    correct: str
    samples: int | None
    seed: int | None
    name: str | None

    live: ClassVar[bool] = False
    can_draw: ClassVar[bool] = False
    data: ClassVar[None] = None
    """A benchmark's data is not needed: the store has its problems."""

    def search_rules(
        self, *, limits: Limits | None = None, cost_limit: float | None = None
    ) -> SearchRules:
        """Put together what makes a subset good.

        Raises:
            InvalidRequestError: --correct is neither of its forms.
        """
        return SearchRules(
            objective=self.objective,
            penalty=self.penalty,
            at_least=_at_least(self.correct),
            max_models=self.max_models,
            limits=limits or Limits(),
            cost_limit=cost_limit,
        )


class Study(Struct, frozen=True, kw_only=True):
    """What a study is made with."""

    store: Store
    asked: Question
    readers: Readers
    scorer: Scorer
    progress: Progress


@contextmanager
def study_of(wanted: StudyWanted) -> Iterator[Study]:
    """Open what a study is made with, and close it again.

    Raises:
        PoolError: the pool file is wrong.
        StoreError: there is no such store, or it has no such task.
        TaskDataError: a file is not what the task of its name was collected from.
        InvalidRequestError: a name was given for what has one.
    """
    pool = None if wanted.pool is None else Pool.load(wanted.pool)
    with (
        closing(Readers()) as readers,
        make_scorer() as scorer,
        open_store(store_path(wanted), wanted) as store,
        WorkBar() as bar,
    ):
        asked = Question(
            task=stored_name(store, wanted),
            split=wanted.split,
            pool=pool,
            samples=wanted.samples,
            seed=wanted.seed,
        )
        with fewer_pauses():
            yield Study(store=store, asked=asked, readers=readers, scorer=scorer, progress=bar.show)


def _at_least(correct: str) -> int | None:
    if correct == "modal":
        return None
    match = re.fullmatch(r"at-least:([1-9][0-9]{0,8})", correct)
    if match is None:
        raise InvalidRequestError(
            f"--correct is {correct!r}, but must be modal, or at-least:R with R draws, at least 1"
        )
    return int(match[1])
