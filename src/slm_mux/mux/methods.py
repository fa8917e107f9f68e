"""The methods by which a question can be asked, and the draws that each makes of a pool."""

from collections.abc import Mapping
from types import MappingProxyType

from slm_mux.discussion.workflows import ALIASES, WORKFLOWS
from slm_mux.errors import InvalidRequestError
from slm_mux.models.pool import Member, Pool
from slm_mux.questions import Asked, check_name
from slm_mux.types import Stopping
from slm_mux.voting import rank_by_record

DEFAULT_METHOD = "mux"
METHODS: Mapping[str, str] = MappingProxyType(
    {
        "mux": "the model that agrees with itself most is believed",
        "single": "one draw of the model with the best record",
        "self_consistency": "the majority of many draws of the model with the best record",
        "agent_forest": "the majority of all draws of all models",
        **WORKFLOWS,
    }
)
"""What each of them does, in one line. In the last ones the models read each other."""
OF_ONE_MODEL = frozenset({"single", "self_consistency"})
"""Those that ask the model with the best record alone."""


def method_named(name: str) -> str:
    """The full name of a method.

    Args:
        name: of `METHODS`, or a short one ("moa").

    Raises:
        InvalidRequestError: there is no such method; names the nearest.
    """
    check_name("method", name, (*METHODS, *ALIASES))
    return ALIASES.get(name, name)


def check_fits(
    method: str, *, samples: int | None = None, stopping: Stopping | None = None
) -> None:
    """Check that options of a question go with its method.

    Raises:
        InvalidRequestError: a method that makes all its draws cannot stop early, and where the
            method says how many draws there are, `samples` cannot.
    """
    if method in WORKFLOWS:
        if samples is not None:
            raise InvalidRequestError(
                f"{method} makes as many draws as its settings say, which stand in the pool file "
                f"below `methods`: samples is {samples}, but must be left out"
            )
        if stopping not in (None, "none"):
            raise InvalidRequestError(
                f"{method} needs all its draws, so that it cannot stop early: stopping is "
                f"{stopping!r}, but must be 'none' or left out"
            )
    elif method == "single" and samples not in (None, 1):
        raise InvalidRequestError(
            f"single makes one draw: samples is {samples}, but must be 1 or left out; "
            "self_consistency makes many of the same model"
        )
    # What settles mux's answer does not settle that of a vote of all draws.
    elif method == "agent_forest" and stopping not in (None, "none"):
        raise InvalidRequestError(
            f"agent_forest counts every draw, so that it cannot stop early: stopping is "
            f"{stopping!r}, but must be 'none' or left out"
        )


def check_can_be_discussed(method: str, asked: Asked) -> None:
    """Check that models can tell each other what they make of a question.

    Raises:
        InvalidRequestError: what is asked for is a call of a tool.
    """
    if asked.kind == "tool_call" or asked.conversation[-1].get("role") == "tool":
        raise InvalidRequestError(
            f"in {method} models read what others write, and a call of a tool is not written: ask "
            "for mux, or leave the tools out"
        )


def ranked(pool: Pool, task: str | None = None) -> list[int]:
    """Positions of the members, best record first.

    Args:
        pool: with at least one.
        task: whose validation accuracies count; their default by default.
    """
    return rank_by_record([member.accuracy_on(task) for member in pool])


def draws_of(
    pool: Pool, method: str, *, samples: int | None = None, task: str | None = None
) -> list[tuple[Member, int]]:
    """Which members a method asks, each with its number of draws; not for discussions.

    Args:
        pool: whose.
        method: mux, single, self_consistency or agent_forest.
        samples: k for every member; None for the pool's own. Self-consistency makes as many draws
            of one member as mux does of all together.
        task: as in `ranked`.
    """
    each = [
        (member, samples or (pool.samples if member.samples is None else member.samples))
        for member in pool
    ]
    if method in OF_ONE_MODEL:
        best = pool.members[ranked(pool, task)[0]]
        return [(best, 1 if method == "single" else sum(k for _, k in each))]
    return each
