"""Who may ask: keys from the environment, compared in constant time and never shown."""

import hashlib
import hmac
import re
from collections.abc import Mapping

from slm_mux.server.settings import SettingsError

SHORTEST = 12
"""Characters; a shorter key can be guessed."""
ANYONE = "anyone"
"""The label of every request where there are no keys."""

_LABELLED = re.compile(r"([A-Za-z0-9_.-]{1,64})=(?!=*$)(.*)", re.DOTALL)
_SENDABLE = re.compile(r"[!-~]+")


class Keys:
    """The keys of one server. Only their hashes are kept.

    Args:
        keys: key by label.
    """

    def __init__(self, keys: Mapping[str, str]) -> None:
        self._digests = {label: _digest(key.encode()) for label, key in keys.items()}

    def __len__(self) -> int:
        return len(self._digests)

    def __repr__(self) -> str:
        return f"Keys({', '.join(self._digests)})"

    @property
    def labels(self) -> tuple[str, ...]:
        """The keys' names in logs and limits."""
        return tuple(self._digests)

    @classmethod
    def parse(cls, text: str, *, source: str) -> "Keys":
        """Read keys that are separated by commas or line breaks, each `KEY` or `LABEL=KEY`.

        Args:
            text: at least one key.
            source: what the keys came from, for messages; those show no key.

        Raises:
            SettingsError: there is none, one is too short or cannot be sent, or two are the same.
        """
        keys: dict[str, str] = {}
        given = [part.strip() for part in re.split(r"[,\r\n]", text)]
        for place, part in enumerate(filter(None, given), start=1):
            labelled = _LABELLED.fullmatch(part)
            label, key = labelled.groups() if labelled else (f"key-{place}", part)
            problem = None
            if len(key) < SHORTEST:
                problem = f"is shorter than {SHORTEST} characters"
            elif not _SENDABLE.fullmatch(key):
                problem = "has a character that no HTTP header can carry"
            elif label in keys:
                problem = "has the label of another one"
            elif key in keys.values():
                problem = "is the same as another one"
            if problem:
                raise SettingsError(f"{source}: the key {label!r} {problem}")
            keys[label] = key
        if not keys:
            raise SettingsError(f"{source}: there is no key in it")
        return cls(keys)

    @classmethod
    def from_environment(cls, name: str | None, environment: Mapping[str, str]) -> "Keys":
        """Read the keys in an environment variable; no name, no keys.

        Raises:
            SettingsError: as `parse`, or the variable is not set.
        """
        if name is None:
            return cls({})
        if name not in environment:
            raise SettingsError(f"the environment variable {name}, for the keys, is not set")
        return cls.parse(environment[name], source=f"the environment variable {name}")

    def owner(self, authorization: str | None) -> str | None:
        """The label of the key in an Authorization header; None where it holds none of them.

        The time it takes depends on the number of keys alone.
        """
        if not self._digests:
            return ANYONE
        scheme, _, given = (authorization or "").partition(" ")
        digest = _digest(given.strip().encode("utf-8", "surrogateescape"))
        found = None
        for label, known in self._digests.items():
            if hmac.compare_digest(digest, known):
                found = label
        return found if scheme.lower() == "bearer" else None


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
