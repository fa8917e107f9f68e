"""What one question sets for all its draws, over the settings of each model."""

from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from slm_mux.models.base import Generation

REPLACING = ("temperature", "top_p", "max_tokens")
"""Settings that replace a model's own where they are given."""
_NEWER = "max_completion_tokens"


class Overrides(Struct, frozen=True, kw_only=True):
    """Settings of one question; what is None, or empty, leaves each model its own."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    """Beside each model's own."""
    extra: dict[str, Any] = {}
    """Beside each model's own; these win where both name a field."""

    def over(self, own: Generation) -> Generation:
        """A model's settings for this question."""
        given = {name: value for name in REPLACING if (value := getattr(self, name)) is not None}
        if not (given or self.stop or self.extra):
            return own
        extra = dict(own.extra)
        if self.max_tokens is not None and _NEWER in extra:
            # Endpoints that know only the newer name refuse the older one.
            extra[_NEWER] = given.pop("max_tokens")
        # A model's own extra fields are written last, so they would undo what is given here.
        for name in (*given, "stop") if self.stop else given:
            extra.pop(name, None)
        return replace(
            own,
            **given,
            stop=tuple(dict.fromkeys((*own.stop, *self.stop))),
            extra=extra | self.extra,
        )
