"""What must not be shown of a request: keys, passwords, the values of headers and of a query."""

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote

from slm_mux.errors import PoolError

HIDDEN = "[hidden]"
_KEY_HEADERS = frozenset({"authorization", "api-key", "x-api-key"})


def spellings(secrets: Mapping[str, int]) -> tuple[str, ...]:
    """List what to hide: the secrets, and their percent-encoded and decoded forms.

    Args:
        secrets: each with the least length at which it is one: hiding every "a" or every
            "application" helps nobody.
    """
    return tuple(
        sorted(
            {
                form
                for secret, least in secrets.items()
                for form in (secret, quote(secret, safe=""), unquote(secret))
                if len(form) >= least
            }
        )
    )


def hide(text: str, secrets: tuple[str, ...]) -> str:
    """Put `HIDDEN` in place of every secret, of two that overlap the longer one.

    Args:
        text: any text.
        secrets: as `spellings` lists them; more than one list may be joined.
    """
    if not secrets:
        return text
    longest_first = sorted(secrets, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, longest_first)), HIDDEN, text)


def header_secrets(headers: Mapping[str, str]) -> dict[str, int]:
    """Take every value of further headers for a secret, and its last word ("Bearer KEY") too."""
    values = [value.strip() for value in headers.values()]
    return dict.fromkeys([*values, *(value.rpartition(" ")[2] for value in values)], 8)


def carry_a_key(headers: Mapping[str, str]) -> bool:
    """Whether one of the headers is known to carry a key."""
    return any(name.lower() in _KEY_HEADERS for name in headers)


def checked_headers(headers: Mapping[str, str], *, where: str) -> dict[str, str]:
    """Strip the values of headers, once it is known that they can be sent.

    Args:
        headers: value by name.
        where: starts the message: what the headers belong to, without secrets.

    Raises:
        PoolError: a name or a value has a character that no header can carry. The message shows
            the name, and no value.
    """
    stripped = {name: value.strip() for name, value in headers.items()}
    for name, value in stripped.items():
        if not re.fullmatch(r"[!-9;-~]+", name) or not re.fullmatch(r"[ -~\t]*", value):
            what = "the key" if name == "Authorization" else f"the header {name!r}"
            raise PoolError(
                f"{where}: {what} has a character that no HTTP header can carry (a line break, or "
                "one outside ASCII); copy it again"
            )
    return stripped
