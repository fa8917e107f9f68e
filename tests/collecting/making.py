"""Small tasks, pools and stores for the tests of collecting."""

from collections.abc import Callable, Sequence
from pathlib import Path

from slm_mux.collecting.asking import Settings
from slm_mux.collecting.collector import collect
from slm_mux.collecting.counts import Collected
from slm_mux.collecting.keeper import StoreKeeper
from slm_mux.collecting.shortfall import MemberNeeds, needs_of
from slm_mux.models.pool import Member, Pool
from slm_mux.models.scripted import ScriptedModel
from slm_mux.readers import Readers
from slm_mux.sampling.keeping import Keeper
from slm_mux.sampling.retries import RetryPolicy
from slm_mux.sampling.sampler import Sampler
from slm_mux.store.rows import Draw
from slm_mux.store.store import Store
from slm_mux.store.writer import StoreWriter
from slm_mux.types import Problem

TASK = "sums"
NO_RETRIES = RetryPolicy(attempts=1)


def problems(count: int) -> list[Problem]:
    return [
        Problem(id=f"q{number}", question=f"What is {number} + 1?", kind="number", target="1")
        for number in range(count)
    ]


def pool(*models: ScriptedModel, samples: int = 2, **settings: object) -> Pool:
    members = [Member(model=model) for model in models]
    return Pool(members, samples=samples, **settings)  # type: ignore[arg-type]


def needs(
    store: Store | None,
    pool: Pool,
    count: int = 3,
    *,
    settings: Settings = Settings(),  # noqa: B008 (frozen)
    retry_failed: bool = False,
) -> list[MemberNeeds]:
    return needs_of(
        TASK,
        problems(count),
        pool,
        store=store,
        readers=Readers(),
        settings=settings,
        retry_failed=retry_failed,
    )


def register(store: Store, wanted: Sequence[MemberNeeds]) -> None:
    """Put into the store what will be asked."""
    asked = [need.asking for member in wanted for need in member.needs]
    store.put_task(
        TASK, list({a.problem.id: a.problem for a in asked}.values()), source="", sha256=""
    )
    store.put_asked(TASK, [(one.problem.id, one.series) for one in asked])


async def collected(
    path: Path,
    pool: Pool,
    count: int = 3,
    *,
    settings: Settings = Settings(),  # noqa: B008 (frozen)
    retry_failed: bool = False,
    around: Callable[[Keeper], Keeper] = lambda keeper: keeper,
    before: Callable[[StoreWriter], None] = lambda _: None,
) -> list[Collected]:
    """Collect as the command line does.

    Args:
        path: of the store.
        pool: whom to ask.
        count: of problems.
        settings: over the pool's.
        retry_failed: whether failed draws are missing.
        around: puts something around the keeper.
        before: is given the writer before anything is drawn.
    """
    with Store.open(path) as store:
        wanted = needs(store, pool, count, settings=settings, retry_failed=retry_failed)
        register(store, wanted)
        writer = StoreWriter(path)
        before(writer)
        try:
            return await collect(
                wanted,
                sampler=Sampler(NO_RETRIES),
                keeper=around(StoreKeeper(store, writer, retry_failed=retry_failed)),
            )
        finally:
            await writer.aclose()


def stored(path: Path) -> list[Draw]:
    """Everything drawn in the store, by problem, member and draw."""
    with Store.open(path, create=False) as store:
        return [record.draw for record in store.records(TASK)]
