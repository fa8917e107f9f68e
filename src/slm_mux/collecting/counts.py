"""What collecting has brought so far, by member, and which members are down."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from msgspec import Struct

from slm_mux.errors import RequestRefusedError
from slm_mux.types import Sample

GIVE_UP_AFTER = 10
"""Failed draws of one member in a row, with none that succeeded between them; a request that was
refused for what it asks says nothing about the others, and does not count."""
GIVE_UP_PROBLEMS = 3
"""Problems that these are spread over: all draws of one can fail for a reason of its own, such as
an answer that takes too long."""


class Collected(Struct, frozen=True, kw_only=True):
    """What became of one member's missing draws."""

    member: str
    completed: int
    failed: int
    reasons: dict[str, int]
    """How many draws failed for which reason, the most frequent one first."""
    given_up: str | None
    """Why the rest was not drawn: the last failure's reason; None when nothing was left out."""


class _Member:
    """One member's counts."""

    def __init__(self) -> None:
        self.completed = 0
        self.reasons: Counter[str] = Counter()
        self.given_up: str | None = None
        self.in_a_row = 0
        self.problems: set[str] = set()
        """Those that the failures in a row belong to."""


class Counts:
    """Counts samples as they are kept."""

    def __init__(self) -> None:
        self._members: dict[str, _Member] = defaultdict(_Member)

    def take(self, sample: Sample, problem: str, *, new: bool = True) -> None:
        """Count one sample.

        Args:
            sample: one that is on disk.
            problem: anything that tells its problem from the member's others.
            new: whether the store had no completion for it; another program may have been first.
        """
        member = self._members[sample.model]
        if sample.failure is None:
            member.completed += new
            member.in_a_row = 0
            member.problems.clear()
            return
        member.reasons[sample.failure.message] += 1
        if sample.failure.error == RequestRefusedError.__name__:
            # That one request was wrong, its prompt too long for instance; others may be answered.
            return
        member.in_a_row += 1
        member.problems.add(problem)
        if member.in_a_row >= GIVE_UP_AFTER and len(member.problems) >= GIVE_UP_PROBLEMS:
            member.given_up = sample.failure.message

    def give_up(self, member: str, reason: str) -> None:
        """Count a member as down that was given up before."""
        self._members[member].given_up = reason

    def is_down(self, member: str) -> bool:
        """Whether a member has only failed for so long that it is not worth asking."""
        return member in self._members and self._members[member].given_up is not None

    def of(self, members: Sequence[str]) -> list[Collected]:
        """The counts of these members, in their order."""
        return [_collected(name, self._members.get(name) or _Member()) for name in members]


def _collected(name: str, member: _Member) -> Collected:
    return Collected(
        member=name,
        completed=member.completed,
        failed=member.reasons.total(),
        reasons=dict(member.reasons.most_common()),
        given_up=member.given_up,
    )
