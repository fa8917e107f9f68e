"""What verifiers look at: one aspect of a solution at a time, each in one short question.

Every question is asked so that a yes speaks for the solution.
"""

from collections.abc import Mapping
from types import MappingProxyType

from slm_mux.types import KindName

ASPECTS: Mapping[str, str] = MappingProxyType(
    {
        "steps": "Does every step follow from the question and from the steps before it?",
        "arithmetic": "Is every calculation right?",
        "result": "Is the final result the very thing that the question asks for, in its unit?",
        "facts": "Is everything that it states as a fact true?",
        "alternatives": "Is every other choice a worse answer to the question?",
        "reasoning": "Does its answer follow from the reasons that it gives?",
        "examples": "Does the program give the stated result for every example in the question?",
        "edge_cases": "Is the program right for empty, very small, very large and unusual inputs?",
        "signature": (
            "Does the program define the function that was asked for, with its name, its "
            "parameters and its kind of result?"
        ),
        "task": "Does it do all that was asked, and nothing else?",
    }
)
"""The question that a verifier is asked, by the aspect's name."""

GENERAL = ("task", "facts", "reasoning")
"""For kinds that have no aspects of their own."""
_BY_KIND: Mapping[KindName, tuple[str, ...]] = MappingProxyType(
    {
        "number": ("steps", "arithmetic", "result"),
        "math": ("steps", "arithmetic", "result"),
        "choice": ("facts", "alternatives", "reasoning"),
        "code": ("examples", "edge_cases", "signature"),
    }
)
ASPECTS_EACH = 3
"""How many aspects every kind has, so that a question costs the same whatever it asks for."""


def aspects_of(kind: KindName) -> tuple[str, ...]:
    """The names of the aspects that solutions of a kind are verified by."""
    return _BY_KIND.get(kind, GENERAL)
