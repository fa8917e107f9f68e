"""A task of three models in two splits, as a pool asks them, for the exhibits."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from slm_mux.models.pool import Pool
from slm_mux.paper.exhibits import EXHIBITS
from slm_mux.paper.planning import Choices, Plan, plan
from slm_mux.paper.tables import Source
from slm_mux.store import Store
from slm_mux.tasks import Task
from tests.evaluation.making import TASK, pool_of, put_answers, reading_and_scoring
from tests.studies.making import DRAWN, both_splits

POOL = pool_of("a", "b", "c", samples=3)


def toy(name: str = TASK) -> Task:
    """Four problems of each split."""
    return Task(name=name, problems=tuple(both_splits()), source="made up", sha256="00")


def planned(exhibit: str, *, task: Task | None = None, pool: Pool = POOL, **chosen: Any) -> Plan:
    """A plan of an exhibit, with all of its lines."""
    wanted = EXHIBITS[exhibit]
    made = task or toy()
    return plan(wanted, made, made.name, pool, Choices(**{"lines": wanted.lines} | chosen))


@contextmanager
def drawn(path: Path, pool: Pool = POOL) -> Iterator[Source]:
    """A store with three draws of each model on each problem."""
    with Store.open(path) as store, reading_and_scoring() as tools:
        problems = both_splits()
        store.put_task(TASK, problems, source="made up", sha256="00")
        for member in pool:
            put_answers(store, member, problems, DRAWN[member.name])
        yield Source(store=store, **tools)
