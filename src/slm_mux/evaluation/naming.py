"""Names in a store: several of one model, and one of several ways of asking."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence

from msgspec.structs import replace

from slm_mux.errors import InvalidRequestError
from slm_mux.store.rows import DrawRow, MemberInfo


def renamed(rows: Sequence[DrawRow], known: Sequence[MemberInfo]) -> dict[str, str]:
    """Find models that have several names: their samples are the same ones.

    Two names are one model where they share a problem, and have the same series on every problem
    that they share. A series says what serves a model and how it is asked, but not its name.

    Args:
        rows: all of a task.
        known: the task's members, in order of appearance.

    Returns:
        The latest name by each earlier one.
    """
    series: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for row in rows:
        series[row.member][row.problem].add(row.series)
    latest: dict[str, str] = {}
    names = [name for name in dict.fromkeys(member.name for member in known) if name in series]
    for place, name in enumerate(names):
        for earlier in names[:place]:
            if earlier not in latest and _same(series[earlier], series[name]):
                latest[earlier] = name
    for name in reversed(names):
        if name in latest:
            latest[name] = latest.get(latest[name], latest[name])
    return latest


def under_names(
    rows: Sequence[DrawRow], names_of: Callable[[DrawRow], Collection[str]]
) -> list[DrawRow]:
    """Give rows the names that their samples go by, each sample once for each of them.

    A sample that is there under its name already is not taken from another.
    """
    found: dict[tuple[str, str, str, int], DrawRow] = {}
    for row in rows:
        for name in names_of(row):
            key = (name, row.problem, row.series, row.draw)
            if row.member == name:
                found[key] = row
            elif key not in found:
                found[key] = replace(row, member=name)
    return list(found.values())


def check_one_way(rows: Sequence[DrawRow], known: Mapping[int, MemberInfo]) -> None:
    """Refuse a name that stands for two ways of asking.

    Imported logs say nothing of how they were drawn. Of them, a name may have one way for each
    problem.

    Raises:
        InvalidRequestError: names the ways.
    """
    series: dict[tuple[str, str], str] = {}
    drawn: dict[str, set[int]] = defaultdict(set)
    for row in rows:
        if series.setdefault((row.member, row.problem), row.series) != row.series:
            ways = [way for way in known.values() if way.name == row.member and way.draws]
            raise InvalidRequestError(
                f"{row.member} was asked {row.problem} in more than one way ({ways_of(ways)}); "
                "give --pool to say which is meant"
            )
        drawn[row.member].add(row.member_id)
    for name, places in drawn.items():
        ways = [known[place] for place in sorted(places)]
        described = {ways_of([way]): None for way in ways if way.seed is not None or way.settings}
        if len(described) > 1:
            raise InvalidRequestError(
                f"{name} was asked these problems, or those of the validation split, in more than "
                f"one way ({'; '.join(described)}); give --pool to say which is meant"
            )


def ways_of(ways: Sequence[MemberInfo]) -> str:
    """Describe ways of asking, for people."""
    return "; ".join(
        ", ".join(
            [
                *(f"{name} {value}" for name, value in way.settings.items()),
                *(() if way.seed is None else (f"seed {way.seed}",)),
                f"served by {way.identity}",
            ]
        )
        for way in ways
    )


def _same(one: Mapping[str, set[str]], other: Mapping[str, set[str]]) -> bool:
    shared = one.keys() & other.keys()
    return bool(shared) and all(one[problem] == other[problem] for problem in shared)
