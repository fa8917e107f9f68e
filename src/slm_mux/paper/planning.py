"""What one exhibit takes of one task: which problems, which members, how many draws of each."""

from collections.abc import Sequence

from msgspec import Struct

from slm_mux.collecting.asking import Settings
from slm_mux.errors import InvalidRequestError
from slm_mux.evaluation.question import TEST, Question
from slm_mux.evaluation.ranking import VALIDATION
from slm_mux.models.pool import Member, Pool
from slm_mux.paper.exhibits import Exhibit
from slm_mux.paper.figures import BENCHMARKS, PROBLEMS, VALIDATION_PROBLEMS
from slm_mux.questions import check_name, check_options
from slm_mux.tasks import Task
from slm_mux.types import Problem


class Choices(Struct, frozen=True, kw_only=True):
    """What a user may choose; None leaves it to the pool file, then to the paper."""

    samples: int | None = None
    """Draws of each model."""
    limit: int | None = None
    """Problems of each split, the first ones, at most."""
    seed: int | None = None
    large: str | None = None
    """The member of the pool that table 4 compares with."""
    lines: tuple[str, ...] = ()
    """Of the exhibit."""
    offline: bool = False


class Plan(Struct, frozen=True, kw_only=True):
    """One exhibit of one task."""

    exhibit: Exhibit
    task: Task
    name: str
    """Of the task, in the store."""
    pool: Pool
    """Without the large model."""
    large: Member | None
    measured: tuple[Problem, ...]
    split: str | None
    """That they are of; None: the task has no split named test, so all problems are measured."""
    searched: tuple[Problem, ...]
    """Of the validation split; none where the task has none."""
    k: int
    """Draws of each model on the measured problems."""
    search_k: int
    """On the searched ones."""
    exact: bool
    """Whether fewer draws than these will not do."""
    seed: int | None
    lines: tuple[str, ...]

    @property
    def benchmark(self) -> str | None:
        """The paper's name of the task; None where it has none."""
        return self.name if self.name in BENCHMARKS else None

    @property
    def gap(self) -> str | None:
        """Why nothing can be said of this task; None: something can."""
        if self.exhibit.searches and not self.searched:
            return (
                f"{self.name} has no validation split, and {self.exhibit.name} is of models that "
                "are chosen on one; give its training problems too (--data), or a task of your own "
                "with the splits validation and test"
            )
        if self.exhibit.searches and self.exhibit.measures and self.split is None:
            return (
                f"{self.name} has no split named test: everything would be measured on the "
                "problems that it was chosen on"
            )
        if not (self.measured if self.exhibit.measures else self.searched):
            return f"{self.name} has no problems for it"
        return None

    @property
    def settings(self) -> Settings:
        """What is set over the pool file, besides draws."""
        return Settings(seed=self.seed)

    @property
    def large_draws(self) -> int:
        """Of the large model: what the pool file gives it, else one."""
        return 1 if self.large is None else self.large.samples or 1

    def question(self, pool: Pool | None = None) -> Question:
        """Ask for some members' samples of all problems, as they are asked now."""
        return Question(task=self.name, split="all", pool=pool or self.pool, seed=self.seed)


class Draws(Struct, frozen=True, kw_only=True):
    """Draws that an exhibit takes: so many of each of these members on each of these problems."""

    what: str
    """For people."""
    problems: tuple[Problem, ...]
    pool: Pool
    k: int


def plan(exhibit: Exhibit, task: Task, name: str, pool: Pool, chosen: Choices) -> Plan:
    """Work out what an exhibit takes of a task.

    Args:
        exhibit: which.
        task: its problems; as many of each split are taken as the paper has.
        name: the task's, in the store.
        pool: whom to ask, the large model among them.
        chosen: by the user.

    Raises:
        InvalidRequestError: a number is out of range, or no member has the large model's name.
    """
    large = _large(exhibit, pool, chosen.large)
    others = pool if large is None else part_of(pool, [one.name for one in pool if one != large])
    stated = ("samples",) in pool.lines.known
    check_options(samples=chosen.samples)
    k = pool.samples if stated else exhibit.draws
    if chosen.samples is not None:
        k = chosen.samples
    split = TEST if TEST in task.splits else None
    measured = task.select(split, chosen.limit)
    searched = task.select(VALIDATION, chosen.limit) if VALIDATION in task.splits else ()
    if split is None and exhibit.measures:
        searched = ()  # They are among the measured ones.
    if name in BENCHMARKS:
        measured, searched = measured[: PROBLEMS[name]], searched[:VALIDATION_PROBLEMS]
    made = Plan(
        exhibit=exhibit,
        task=task,
        name=name,
        pool=others,
        large=large,
        measured=measured,
        split=split,
        searched=searched,
        k=k,
        search_k=min(k, pool.samples) if exhibit.searches else k,
        exact=chosen.samples is not None or not chosen.offline,
        seed=chosen.seed,
        lines=chosen.lines,
    )
    made.question().check()
    return made


def first_draws(made: Plan) -> list[Draws]:
    """The draws that are known to be needed before anything is drawn."""
    if made.gap is not None:
        return []
    found = []
    stated = all(made.name in member.validation_accuracy for member in made.pool)
    if made.searched and (made.exhibit.searches or not stated):
        found.append(
            Draws(what="validation", problems=made.searched, pool=made.pool, k=made.search_k)
        )
    if not made.exhibit.searches:
        found.append(Draws(what="test", problems=made.measured, pool=made.pool, k=made.k))
    if made.large is not None:
        found.append(
            Draws(
                what=f"test, {made.large.name}",
                problems=made.measured,
                pool=part_of(made.pool, [], made.large),
                k=made.large_draws,
            )
        )
    return found


def later_draws(made: Plan, members: Sequence[str]) -> list[Draws]:
    """The draws whose members are known only when the first ones are in.

    Args:
        made: the plan.
        members: of an exhibit that searches, those of the chosen subsets; else the best member on
            validation, whose self-consistency has as many draws as mux has of all.
    """
    if made.gap is not None or not made.exhibit.measures or not members:
        return []
    pool = part_of(made.pool, members)
    if made.exhibit.searches:
        return [Draws(what="test", problems=made.measured, pool=pool, k=made.k)]
    if "self_consistency" not in made.lines:
        return []
    return [
        Draws(
            what="test, self-consistency at mux's draws",
            problems=made.measured,
            pool=pool,
            k=made.k * len(made.pool),
        )
    ]


def part_of(pool: Pool, names: Sequence[str], *more: Member) -> Pool:
    """Some members of a pool, in its order, and others after them, with the pool's settings."""
    return pool.with_members([*(member for member in pool if member.name in names), *more])


def _large(exhibit: Exhibit, pool: Pool, name: str | None) -> Member | None:
    if name is None:
        return None
    if exhibit.name != "table4":
        raise InvalidRequestError(f"--large goes with table4, not with {exhibit.name}")
    check_name("model in the pool", name, [member.name for member in pool])
    return next(member for member in pool if member.name == name)
