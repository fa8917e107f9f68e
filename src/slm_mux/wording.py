"""Words of messages that depend on a number, or on names."""

from collections.abc import Sequence


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """Write a number with its noun: "1 problem", "2,000 problems".

    Args:
        count: how many.
        noun: for one.
        plural: for any other number; by default the noun with an s.
    """
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def listed(names: Sequence[str]) -> str:
    """List names: "a", "a and b", "a, b and c"."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def did_you_mean(name: str, valid: Sequence[str]) -> str:
    """Give "; did you mean `gsm8k`?" where a valid name is near, else nothing."""
    # Only mistakes need it.
    import difflib

    close = difflib.get_close_matches(name, valid, n=1, cutoff=0.5)
    return f"; did you mean `{close[0]}`?" if close else ""
