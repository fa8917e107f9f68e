"""Which JSON schemas the engine in this process is given.

llama.cpp makes a grammar of a schema and walks through it at every token. Some small schemas make
that take for ever, and the engine then answers nobody any more, also when the request that brought
the schema is gone. What is known to do so is refused here.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

LONGEST = 20_000
"""Characters of all schemas of a request together; 90,000 of an enum take half a minute."""
MOST_REPEATED = 100
"""How often a group of a pattern may be repeated by count, repetitions inside it multiplied in;
900 optional ones take for ever."""

_COUNTS = re.compile(r"\{(\d*),?(\d*)\}")
_GROUP_REPEATED = re.compile(r"\)\{\d*,?\d*\}")


def schema_problem(extra: Mapping[str, Any]) -> str | None:
    """Say why the engine is not given the schemas of a request; None where it is.

    Args:
        extra: the request's further fields; those that may hold schemas are looked at.
    """
    given = [extra[name] for name in ("response_format", "tools") if extra.get(name)]
    if not given:
        return None
    try:
        size = len(msgspec.json.encode(given))
    except (TypeError, ValueError, RecursionError) as error:
        return f"its schemas cannot be written as JSON ({error})"
    if size > LONGEST:
        return (
            f"its schemas have {size:,} characters, and a model in this process takes at most "
            f"{LONGEST:,}"
        )
    for pattern in _patterns(given):
        if _GROUP_REPEATED.search(pattern) and _repeated(pattern) > MOST_REPEATED:
            return (
                f"a pattern in its schemas repeats a group more than {MOST_REPEATED} times, which "
                "a model in this process does not take"
            )
    return None


def _repeated(pattern: str) -> int:
    product = 1
    for low, high in _COUNTS.findall(pattern):
        # Digits beyond these are more than enough either way.
        product = min(product * max(int((high or low)[:6] or 1), 1), MOST_REPEATED + 1)
    return product


def _patterns(value: Any) -> Iterator[str]:
    """Every value named `pattern`, at any depth."""
    left = [value]
    while left:
        here = left.pop()
        if isinstance(here, Mapping):
            if isinstance(here.get("pattern"), str):
                yield here["pattern"]
            left += here.values()
        elif isinstance(here, list | tuple):
            left += here
