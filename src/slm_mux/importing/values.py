"""JSON values of a log, read with distrust: what has another form than expected is not there."""

from typing import Any

from slm_mux.types import Message


class Numeral(str):
    """A JSON number as it was written."""

    __slots__ = ()


def as_text(value: Any) -> str | None:
    """A text, number or truth value as text; None for anything else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    return None


def as_number(value: Any) -> int | float | None:
    """A number, also one kept as it was written; None for anything else and for NaN."""
    if isinstance(value, bool) or not isinstance(value, int | float | Numeral):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    if number != number or number in (float("inf"), float("-inf")):
        return None
    return int(number) if number.is_integer() else number


def as_count(value: Any) -> int | None:
    """A number of tokens; None for anything but a whole number above 0."""
    number = as_number(value)
    return number if isinstance(number, int) and number > 0 else None


def as_object(value: Any) -> dict[str, Any]:
    """An object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def as_messages(value: Any) -> tuple[Message, ...] | None:
    """A prompt in messages; None for anything but a list of objects with role and content."""
    if not isinstance(value, list) or not value:
        return None
    fit = all(isinstance(one, dict) and {"role", "content"} <= set(one) for one in value)
    return tuple(dict(one) for one in value) if fit else None


def as_settings(
    *, temperature: Any, top_p: Any = None, max_tokens: Any = None, stop: Any = None
) -> dict[str, Any]:
    """The settings of a draw under our names, without those that the log does not tell."""
    settings = {
        "temperature": as_number(temperature),
        "top_p": as_number(top_p),
        "max_tokens": as_count(max_tokens),
        "stop": [str(text) for text in stop] if isinstance(stop, list) and stop else None,
    }
    return {name: value for name, value in settings.items() if value is not None}
