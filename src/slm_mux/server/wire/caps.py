"""How much one request may ask for."""

from msgspec import Struct

from slm_mux.server.wire.errors import RefusedError, refused


class Caps(Struct, frozen=True, kw_only=True):
    """What a server lets one request ask for; what is over a cap is refused, never cut down."""

    max_body: int = 20 * 2**20
    """Bytes of the body, >= 1; images in it count."""
    max_messages: int = 2000
    """Messages of a conversation, >= 1."""
    max_parts: int = 256
    """Parts of one message's content, >= 1."""
    max_text: int = 2_000_000
    """Characters of all the conversation's texts together, >= 1."""
    max_tokens: int = 32_768
    """What `max_tokens` may be, per draw, >= 1."""
    max_choices: int = 16
    """What `n` may be, >= 1; of a pool it is also at most the number of its members."""
    max_samples: int = 32
    """What `mux.samples` may be: draws per model, >= 1."""
    max_draws: int = 256
    """Draws of all models together on one request, >= 1."""
    max_tools: int = 128
    """Functions in `tools`, >= 1."""
    max_stops: int = 16
    """Texts in `stop`, >= 1; many endpoints take 4."""
    max_labels: int = 256
    """Entries of `mux.choices` and of `mux.labels`, >= 2."""
    remote_images: bool = True
    """Whether an image may be given by an http(s) URL, which the pool's endpoints then fetch;
    without, only as data."""


def check_draws(draws: int, caps: Caps) -> None:
    """Check the fan-out of one request.

    Args:
        draws: of all models together.
        caps: what the server allows.

    Raises:
        RefusedError: 400.
    """
    if draws > caps.max_draws:
        raise _too_many(draws, caps)


def _too_many(draws: int, caps: Caps) -> RefusedError:
    return refused(
        f"this would take {draws:,} draws of all models together, but a request may have at most "
        f"{caps.max_draws:,}: ask for fewer with `mux.samples`",
        param="mux.samples",
    )
