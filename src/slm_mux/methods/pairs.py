"""The methods that count votes, and which method an evaluation compares with which."""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

METHODS: Mapping[str, str] = MappingProxyType(
    {
        "mux": "SLM-MUX: the most self-consistent model is believed",
        "single": "one answer of one model: the best on validation, and every model beside it",
        "self_consistency": "the majority of many draws of the best model, at mux's budget",
        "agent_forest": "the majority of all models' draws in one pool",
    }
)
"""The methods that need nothing but a vote table, by the names that `summarise` takes."""

SPEND_ALL = ("mux", "agent_forest")
"""The methods that take the same draws of every model."""

_BASELINES = (
    "single",
    "self_consistency",
    "self_consistency_equal_tokens",
    "self_consistency_at_k",
    "agent_forest",
)


def family(name: str) -> str:
    """Give the name in `METHODS` that a variant belongs to."""
    return next(one for one in METHODS if name.startswith(one))


def pairs(
    methods: Collection[str], there: Collection[str], discussing: Sequence[str]
) -> list[tuple[str, str]]:
    """List each comparison, a method and its baseline, in the order of results.

    Args:
        methods: names of `METHODS` that are asked for.
        there: the methods and variants that baselines are taken from, asked for or not.
        discussing: methods in which models read each other. Mux is compared with each of them,
            asked for or not, and each of them with `single`.
    """
    compared = [
        (name, baseline)
        for name in METHODS
        if name in methods and name != "single"
        for baseline in _BASELINES[: 1 if name == "self_consistency" else None]
        if baseline in there and baseline != name
    ]
    # What is compared with mux comes in one group.
    at = sum(first == "mux" for first, _ in compared)
    compared[at:at] = [("mux", other) for other in discussing]
    return compared + [(each, "single") for each in discussing]
