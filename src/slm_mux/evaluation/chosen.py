"""Which of the store's samples an evaluation is about: the members, their draws, the problems."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from msgspec.structs import replace

from slm_mux.errors import InvalidRequestError
from slm_mux.evaluation.naming import check_one_way, renamed, under_names, ways_of
from slm_mux.evaluation.ranking import Stated
from slm_mux.store.rows import DrawRow, MemberInfo, StoppedSeries
from slm_mux.store.store import Store
from slm_mux.types import Problem, Style

if TYPE_CHECKING:
    from slm_mux.models.pool import Member, Pool

Without = Literal["refuse", "leave out", "keep"]
"""What becomes of a pool's member without samples."""


class Chosen(Struct, frozen=True, kw_only=True, dict=True):
    """Samples of a task, by member and problem."""

    members: tuple[Stated, ...]
    """With what the pool file says of their accuracies."""
    problems: tuple[Problem, ...]
    """In the task's order: those that have a draw of any member, or were stopped before it."""
    rows: tuple[DrawRow, ...]
    styles: dict[int, Style]
    """By `DrawRow.member_id`."""
    stopped: Mapping[tuple[str, str], int] = {}
    """By (member, problem), in order of the problems: the draws that were wanted where some are
    missing because the answer was settled without them."""
    without_draws: int = 0
    """Problems that no member was asked."""
    without_samples: tuple[str, ...] = ()
    """Members that are left out because they have no sample of these problems."""
    folded: dict[str, str] = {}
    """Names that a model had before: its name now by each."""

    def usual_draws(self) -> int:
        """The k that most problems have of every member: the least over members of its mode.

        A problem that was stopped counts with the draws that were wanted.

        Returns:
            0 when a member has no draw at all.
        """
        usual = {name: dict(counts) for name, counts in self.counts.items()}
        for (name, problem), wanted in self.stopped.items():
            usual[name][problem] = wanted
        return min((_mode(counts) for counts in usual.values()), default=0)

    def complete(self, k: int) -> "Chosen":
        """Leave out the problems on which some member has fewer than k draws."""
        counts = self.counts
        kept = {
            problem.id
            for problem in self.problems
            if all(counts[member.model][problem.id] >= k for member in self.members)
        }
        return replace(
            self,
            problems=tuple(problem for problem in self.problems if problem.id in kept),
            rows=tuple(row for row in self.rows if row.problem in kept),
        )

    def with_members(self, keep: Callable[[str], bool]) -> "Chosen":
        """Leave out members by name, with their draws."""
        return replace(
            self,
            members=tuple(member for member in self.members if keep(member.model)),
            rows=tuple(row for row in self.rows if keep(row.member)),
            stopped={at: wanted for at, wanted in self.stopped.items() if keep(at[0])},
        )

    @cached_property
    def counts(self) -> dict[str, Counter[str]]:
        """Per member and problem: how many draws there are from index 0 on without a gap."""
        drawn: dict[tuple[str, str], set[int]] = defaultdict(set)
        for row in self.rows:
            drawn[row.member, row.problem].add(row.draw)
        counts: dict[str, Counter[str]] = {member.model: Counter() for member in self.members}
        for (member, problem), draws in drawn.items():
            count = len(draws)
            if max(draws) >= count:
                count = next(index for index in range(count) if index not in draws)
            if count:
                counts[member][problem] = count
        return counts


Digests = Callable[["Member"], Sequence[str]]
"""The series of a member's samples as it is asked now, one for each problem."""


def choose(
    store: Store,
    task: str,
    problems: Sequence[Problem],
    known: Sequence[MemberInfo],
    *,
    pool: "Pool | None",
    digests: Digests,
    without: Without = "refuse",
    also: Collection[str] = (),
) -> Chosen:
    """Choose the samples of a pool's members, or of all members that a task has.

    Args:
        store: with the task.
        task: its name.
        problems: of which samples are wanted, in order.
        known: the task's members in the store.
        pool: whose members, as they are asked now: the same prompt, settings and seed. None for
            every member in the store that has samples of these problems.
        digests: how a pool's members are asked now.
        without: what becomes of a pool's member without samples.
        also: other problems' ids that count; without a pool, a name is to have one way of asking
            on all of them.

    Raises:
        InvalidRequestError: a member has no samples, or one name stands for several settings.
    """
    among = {problem.id for problem in problems}
    folded: dict[str, str] = {}
    if pool is None:
        by_id = {member.id: member for member in known}
        # A collector that runs beside this may have added a member since `known` was read.
        every = [row for row in store.draw_rows(task) if row.member_id in by_id]
        folded = renamed(every, known)
        ways = {row.member_id for row in every if row.problem in among}
        every = under_names(every, lambda row: (folded.get(row.member, row.member),))
        checked = among.union(also)
        check_one_way([row for row in every if row.problem in checked], by_id)
        rows = [row for row in every if row.problem in among]
        styles = {member.id: style_of(member.settings) for member in known}
        names = dict.fromkeys(folded.get(member.name, member.name) for member in known)
        members = [Stated(model=name) for name in names]
        without = "leave out"

        def names_of(mark: StoppedSeries) -> Collection[str]:
            return (folded.get(mark.member, mark.member),) if mark.member_id in ways else ()

    else:
        wanted: dict[tuple[str, str], list[str]] = defaultdict(list)
        for member in pool:
            for problem, digest in zip(problems, digests(member), strict=True):
                wanted[problem.id, digest].append(member.name)
        # By digest alone: what a model was called when it was asked does not matter.
        found = store.draw_rows(task, series={digest for _, digest in wanted})
        rows = under_names(found, lambda row: wanted.get((row.problem, row.series), ()))
        members = [stated(member, task) for member in pool]
        by_name = {member.name: member.style for member in pool}
        styles = {row.member_id: by_name[row.member] for row in rows}

        def names_of(mark: StoppedSeries) -> Collection[str]:
            return wanted.get((mark.problem, mark.series), ())

    marks = [mark for mark in store.stopped(task) if mark.problem in among]
    stopped = {(name, mark.problem): mark.wanted for mark in marks for name in names_of(mark)}
    speak = {row.member for row in rows}.union(name for name, _ in stopped)
    silent = [member.model for member in members if member.model not in speak]
    if silent and speak and without == "refuse":
        raise InvalidRequestError(_no_samples(silent[0], task, known))
    if without != "keep":
        members = [member for member in members if member.model in speak]
    asked = {row.problem for row in rows}.union(problem for _, problem in stopped)
    return Chosen(
        members=tuple(members),
        problems=tuple(problem for problem in problems if problem.id in asked),
        rows=tuple(rows),
        styles=styles,
        stopped=stopped,
        without_draws=len(problems) - len(asked),
        without_samples=tuple(silent) if without == "leave out" else (),
        folded=folded,
    )


def no_samples_at_all(task: str, pool: "Pool | None", known: Sequence[MemberInfo]) -> str:
    """Say that there is nothing to evaluate, and what to do."""
    if pool is None or not known:
        return f"the store has no samples of these problems of {task}; `slm-mux collect` draws them"
    return _no_samples(next(iter(pool)).name, task, known)


def stated(member: "Member", task: str) -> Stated:
    """What the pool file says of a member's accuracy on a task."""
    from slm_mux.models.pool import DEFAULT_TASK

    return Stated(
        model=member.name,
        for_task=member.validation_accuracy.get(task),
        default=member.validation_accuracy.get(DEFAULT_TASK),
    )


def style_of(settings: Mapping[str, object]) -> Style:
    """The style that a series' settings tell of."""
    return "program" if settings.get("style") == "program" else "words"


def _no_samples(name: str, task: str, known: Sequence[MemberInfo]) -> str:
    ways = [member for member in known if member.name == name and member.draws]
    if not ways:
        names = ", ".join(dict.fromkeys(member.name for member in known)) or "none"
        return (
            f"the store has no samples of {name} on {task} (it has: {names}); "
            "`slm-mux collect` draws them"
        )
    return (
        f"the store has samples of {name} on {task}, but not of these problems drawn as the pool "
        f"file says. It has: {ways_of(ways)}. Use the same prompt, settings and seed, or collect "
        "these too"
    )


def _mode(counts: Mapping[str, int]) -> int:
    """The commonest number of draws; the larger of equally common ones; 0 without any."""
    common = Counter(counts.values())
    return max(common, key=lambda count: (common[count], count), default=0)
