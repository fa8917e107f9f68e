"""What methods and other things of a document are called on the page, and how they are drawn."""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct


class Look(Struct, frozen=True, kw_only=True):
    """How a series looks: never by colour alone."""

    name: str
    colour: str
    """Of the theme."""
    shape: str
    dash: tuple[int, ...] = ()
    """Empty: a solid line."""


METHODS: Mapping[str, Look] = MappingProxyType(
    {
        "mux": Look(name="SLM-MUX", colour="blue", shape="circle"),
        "chosen": Look(name="SLM-MUX (chosen models)", colour="sky", shape="circle"),
        "single": Look(
            name="one draw of the best model", colour="grey", shape="square", dash=(2, 3)
        ),
        "single_best_on_evaluated": Look(
            name="one draw of the model that is best here", colour="grey", shape="square"
        ),
        "self_consistency": Look(
            name="self-consistency (equal draws)",
            colour="vermillion",
            shape="triangle-up",
            dash=(8, 4),
        ),
        "self_consistency_equal_tokens": Look(
            name="self-consistency (equal tokens)", colour="vermillion", shape="triangle-down"
        ),
        "self_consistency_at_k": Look(
            name="self-consistency (k draws)", colour="amber", shape="diamond", dash=(6, 3, 2, 3)
        ),
        "agent_forest": Look(
            name="Agent Forest", colour="green", shape="triangle-down", dash=(10, 3)
        ),
        "union": Look(
            name="ceiling: some model is right", colour="purple", shape="cross", dash=(2, 4)
        ),
    }
)
"""By the names that documents have for them."""

FAILURES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "no_answer": ("no answer", "no model has an answer that can be read"),
        "all_confidently_wrong": (
            "all confidently wrong",
            "every model is wrong, and all that answer agree with themselves in every draw",
        ),
        "all_wrong": ("all wrong, some unsure", "every model is wrong, and some are unsure"),
        "tie_break": (
            "lost by tie-break",
            "a model that is right has the winner's confidence, and a worse record",
        ),
        "contradicted": (
            "contradicted",
            "a model is right, and a wrong one is more confident than it",
        ),
    }
)
"""Short and long, by the kinds of `slm_mux.scaling.failures`."""


def look_of(method: str) -> Look:
    """Give a method's look; one that is not known is called by its own name."""
    return METHODS.get(method, Look(name=method, colour="grey", shape="circle"))


def fitted(name: str, most: int) -> str:
    """Shorten a name in its middle: models of one family differ at their ends."""
    if len(name) <= most:
        return name
    tail = (most - 1) * 3 // 5
    return f"{name[: most - 1 - tail]}…{name[len(name) - tail :]}"
