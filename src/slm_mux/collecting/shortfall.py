"""What a task needs of a pool that the store does not have yet."""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from slm_mux.collecting.asking import Asking, Settings, asking
from slm_mux.errors import PoolError
from slm_mux.models.base import identity_of
from slm_mux.models.pool import Member, Pool
from slm_mux.readers import Readers
from slm_mux.store.rows import DrawRow, Status
from slm_mux.store.store import Store
from slm_mux.types import Problem

CHARACTERS_PER_TOKEN = 4.0
"""Of English text, roughly; for the estimate of a prompt nobody has sent yet."""


class Need(Struct, frozen=True, kw_only=True):
    """One member on one problem."""

    asking: Asking
    have: frozenset[int]
    """Draws that need not be made: completed, or failed and not to be tried again."""
    failed: int
    """Draws that failed before."""

    @property
    def missing(self) -> int:
        """Draws to be made."""
        return len(self.asking.plan.seeds) - len(self.have)


class MemberNeeds(Struct, frozen=True, kw_only=True):
    """One member on all problems, in their order."""

    member: Member
    k: int
    needs: tuple[Need, ...]

    @property
    def missing(self) -> int:
        """Draws to be made."""
        return sum(need.missing for need in self.needs)

    @property
    def total(self) -> int:
        """Draws wanted, those in the store included."""
        return self.k * len(self.needs)

    @property
    def failed(self) -> int:
        """Draws that failed before."""
        return sum(need.failed for need in self.needs)

    def incomplete(self) -> Iterator[Asking]:
        """Problems that have draws missing."""
        return (need.asking for need in self.needs if need.missing)


class Estimate(Struct, frozen=True, kw_only=True):
    """What a member's missing draws would take."""

    member: str
    draws: int
    prompt_tokens: float
    completion_tokens: float | None
    """None: no draw of it is stored, and it has no token limit."""
    completion_tokens_at_most: int | None
    """By the token limit; None without one."""
    measured: bool
    """Whether tokens are those of stored draws; else the prompt's are its characters over 4, and
    the completion's its limit."""
    cost: float | None
    """In the currency of the pool file's prices; None without prices."""


def needs_of(
    task: str,
    problems: Sequence[Problem],
    pool: Pool,
    *,
    store: Store | None,
    readers: Readers,
    settings: Settings,
    retry_failed: bool = False,
) -> list[MemberNeeds]:
    """Compare what is wanted with what the store has.

    Args:
        task: its name, for validation accuracies.
        problems: the problems wanted.
        pool: whom to ask.
        store: what is there; None where there is no store yet.
        readers: of answer kinds.
        settings: over the pool's own.
        retry_failed: whether a failed draw is missing.

    Raises:
        PoolError: two members would be asked the same in the same way: one would repeat the
            other's samples.
    """
    seed = pool.seed if settings.seed is None else settings.seed
    askings: list[tuple[Member, int, list[Asking]]] = []
    for member in pool:
        k = settings.samples or member.samples or pool.samples
        # Looking up an embedded model's may mean hashing its file.
        identity = identity_of(member.model)
        asked = [
            asking(
                member,
                problem,
                k=k,
                seed=seed,
                settings=settings,
                readers=readers,
                task=task,
                identity=identity,
            )
            for problem in problems
        ]
        askings.append((member, k, asked))
    _check_distinct(askings)
    digests = [item.series.digest for _, _, asked in askings for item in asked]
    drawn = {} if store is None else store.drawn(digests)
    return [
        MemberNeeds(
            member=member,
            k=k,
            needs=_needs_of(asked, drawn, k, retry_failed),
        )
        for member, k, asked in askings
    ]


def _needs_of(
    asked: Sequence[Asking],
    drawn: Mapping[str, Mapping[int, Status]],
    k: int,
    retry_failed: bool,
) -> tuple[Need, ...]:
    needs = []
    before: set[str] = set()
    for item in asked:
        digest = item.series.digest
        found = {draw: status for draw, status in drawn.get(digest, {}).items() if draw < k}
        failed = {draw for draw, status in found.items() if status == "failed"}
        have = found.keys() - failed if retry_failed else found.keys()
        # A question that stands in the data twice has its samples in common.
        needs.append(
            Need(
                asking=item,
                have=frozenset(range(k) if digest in before else have),
                failed=len(failed),
            )
        )
        before.add(digest)
    return tuple(needs)


def _check_distinct(askings: Sequence[tuple[Member, int, list[Asking]]]) -> None:
    seen: dict[str, str] = {}
    for member, _, asked in askings:
        for item in asked:
            other = seen.setdefault(item.series.digest, member.name)
            if other != member.name:
                raise PoolError(
                    f"`{other}` and `{member.name}` are the same model with the same settings and "
                    "prompt: the second would repeat the samples of the first. Give one of them "
                    "another `system`, `style` or `temperature`, or take it out"
                )


def estimate(needs: MemberNeeds, *, store: Store | None, task: str) -> Estimate:
    """Say what a member's missing draws would take, by its stored draws where it has some.

    Args:
        needs: of one member.
        store: where draws may be; None where there is no store yet.
        task: its name.
    """
    member, draws = needs.member, needs.missing
    rows = [] if store is None else _with_tokens(store, task, needs)
    limit = needs.needs[0].asking.plan.generation.max_tokens if needs.needs else None
    if rows:
        prompt = draws * sum(row.prompt_tokens or 0 for row in rows) / len(rows)
        completion: float | None = (
            draws * sum(row.completion_tokens or 0 for row in rows) / len(rows)
        )
    else:
        prompt = sum(
            need.missing
            * sum(len(str(message.get("content") or "")) for message in need.asking.plan.messages)
            / CHARACTERS_PER_TOKEN
            for need in needs.needs
        )
        completion = None if limit is None else float(draws * limit)
    price = member.price
    cost = None
    if price is not None and completion is not None:
        cost = price.of(round(prompt), round(completion))
    return Estimate(
        member=member.name,
        draws=draws,
        prompt_tokens=prompt,
        completion_tokens=completion,
        completion_tokens_at_most=None if limit is None else draws * limit,
        measured=bool(rows),
        cost=cost,
    )


def _with_tokens(store: Store, task: str, needs: MemberNeeds) -> list[DrawRow]:
    if all(info.name != task for info in store.tasks()):
        return []
    digests = [need.asking.series.digest for need in needs.needs]
    return [
        row
        for row in store.draw_rows(task, series=digests)
        if row.prompt_tokens is not None and row.completion_tokens is not None
    ]
