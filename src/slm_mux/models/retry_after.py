"""The wait that an endpoint asks for before the next request."""

import math
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime


def retry_after(headers: Mapping[str, str], *, now: float | None = None) -> float | None:
    """Read the wait, in seconds >= 0, or None where there is none.

    Reads `retry-after-ms`, then `Retry-After` in seconds or as an HTTP date; a date is measured
    against the reply's own `Date` where there is one, so that clocks need not agree.

    Args:
        headers: of the reply.
        now: seconds since the epoch, where the reply has no date; the clock's by default.
    """
    for field, unit in (("retry-after-ms", 1e-3), ("Retry-After", 1.0)):
        value = headers.get(field, "").strip()
        if re.fullmatch(r"\d+(\.\d+)?", value):
            seconds = float(value) * unit
            return seconds if math.isfinite(seconds) else None
    until = _moment(headers.get("Retry-After"))
    if until is None:
        return None
    since = _moment(headers.get("Date"))
    if since is None:
        since = time.time() if now is None else now
    return max(0.0, until - since)


def _moment(date: str | None) -> float | None:
    """Read an HTTP date, in seconds since the epoch."""
    try:
        return parsedate_to_datetime(date).timestamp() if date else None
    except (ValueError, OverflowError):
        return None
