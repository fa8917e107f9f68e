"""What a method's settings are checked by, before anything is asked."""

import difflib
from collections.abc import Sequence

from slm_mux.errors import InvalidRequestError


def check_at_least(method: str, setting: str, value: int | None, lowest: int) -> None:
    """Check a number of a method's settings; None, which leaves the choice open, is fine.

    Raises:
        InvalidRequestError: it is too small.
    """
    if value is not None and value < lowest:
        raise InvalidRequestError(f"{method}: {setting} is {value}, but must be at least {lowest}")


def check_members(method: str, setting: str, given: Sequence[str], names: Sequence[str]) -> None:
    """Check that the members that a method's settings name are in the pool.

    Args:
        method: whose settings they are.
        setting: that names them.
        given: what it names.
        names: of the pool's members, in order.

    Raises:
        InvalidRequestError: one is not there, with the nearest name that is; or none is given.
    """
    if not given:
        raise InvalidRequestError(f"{method}: {setting} is empty; name one member or more")
    for name in given:
        if name not in names:
            close = difflib.get_close_matches(name, names, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(names)}"
            raise InvalidRequestError(f"{method}: {setting}: {name!r} is not in the pool; {hint}")


def check_once(method: str, setting: str, given: Sequence[str]) -> None:
    """Check that a list in a method's settings names nothing twice.

    Raises:
        InvalidRequestError: it does.
    """
    twice = next((one for one in given if given.count(one) > 1), None)
    if twice is not None:
        raise InvalidRequestError(f"{method}: {setting} names {twice!r} twice")
