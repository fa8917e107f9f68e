"""Every setting of the server, with its default and its range; docs/serving.md explains each."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from slm_mux.errors import InvalidRequestError
from slm_mux.models.base import HIGHEST_TEMPERATURE
from slm_mux.server.wire.caps import Caps

Count = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(gt=0, le=1e6)]
Rate = Annotated[float, Meta(gt=0)]
MEBIBYTE = 2**20


class SettingsError(InvalidRequestError):
    """The server cannot run with these settings; starts with file and line where there is one."""


class KeyLimits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one key may do; None leaves it to the limits for every key."""

    requests_per_minute: Rate | None = None
    max_concurrent: Count | None = None


class ServerSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings of one server."""

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 8383
    """0 for a free one."""
    api_key_env: str | None = None
    """The environment variable that holds the keys."""

    max_body: Count = 20 * MEBIBYTE
    """Bytes of a request's body; images in it count."""
    max_bodies: Count = 256 * MEBIBYTE
    """Bytes of all bodies that are being read and answered at the same time."""
    body_seconds: Seconds = 30.0
    """In which a body must be there."""
    max_messages: Count = 2000
    max_parts: Count = 256
    """Of one message's content."""
    max_text: Count = 2_000_000
    """Characters of all texts of a conversation together."""
    max_tokens: Count = 32_768
    """Of each draw."""
    max_choices: Count = 16
    """n: the runners-up that a reply may hold."""
    max_samples: Count = 32
    """Draws of each model."""
    max_draws: Count = 256
    """Draws of all models together, for one request."""
    max_tools: Count = 128
    max_stops: Count = 16
    """Texts that end a draw."""
    max_labels: Annotated[int, Meta(ge=2)] = 256
    """Choices, or labels, that one question may name."""
    remote_images: bool = True
    """Whether an image may be given by a URL, which the models' endpoints then fetch."""

    max_concurrent: Count = 64
    """Requests that are answered at the same time."""
    max_queue: Annotated[int, Meta(ge=0)] = 256
    """Requests that wait for a place among these."""
    queue_seconds: Seconds = 30.0
    """That a request waits."""
    request_seconds: Seconds = 600.0
    """In which a request that has its place must be answered."""
    heartbeat_seconds: Seconds = 10.0
    """Between the signs of life of a stream."""
    key_requests_per_minute: Rate | None = None
    """Of every key that `keys` says nothing of; without keys, of all requests together."""
    key_max_concurrent: Count | None = None
    keys: dict[str, KeyLimits] = {}
    """Limits by the key's label."""

    temperature_floor: Annotated[float, Meta(ge=0, le=HIGHEST_TEMPERATURE)] = 0.2
    """A lower one is raised where a model is drawn from more than once."""
    breaker_failures: Count = 5
    """Failures in a row after which a model is not asked."""
    breaker_seconds: Seconds = 30.0
    """That it is not asked, before one request tries it again."""
    check_seconds: Seconds = 20.0
    """In which a model must answer the server's own question before its breaker opens."""
    ready_seconds: Seconds = 10.0
    """For which what is known of a model holds."""
    probe_seconds: Seconds = 5.0
    """In which a model must say that it is there."""

    max_connections: Count = 1024
    header_seconds: Seconds = 10.0
    """In which a request's head must be there."""
    idle_seconds: Seconds = 75.0
    """After which a connection without a request is closed."""
    write_seconds: Seconds = 30.0
    """For which a client may take nothing of its reply."""
    shutdown_seconds: Seconds = 30.0
    """That requests at work have left when the server is told to stop."""

    keep_questions: str | None = None
    """The folder for questions that are kept for a link; None to keep none."""
    max_kept: Count = 1000
    """Questions that it may hold."""
    reports: str | None = None
    """The folder of finished reports that the page lists; None for none."""

    allowed_hosts: list[str] = []
    """Names under which the server may be asked, beside those of the loopback."""
    allow_origins: list[str] = []
    """Web pages that may ask it from a browser."""
    metrics_need_key: bool = True
    log_format: Literal["json", "text"] = "json"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_prompts: bool = False


def checked(settings: ServerSettings) -> ServerSettings:
    """Check settings that were made in Python or changed by options.

    Raises:
        SettingsError: a value has another type or is out of its range.
    """
    try:
        return msgspec.convert(msgspec.to_builtins(settings), ServerSettings)
    except msgspec.ValidationError as error:
        message, _, at = str(error).partition(" - at `$.")
        raise SettingsError(f"`{at.rstrip('`')}`: {message[0].lower()}{message[1:]}") from None


def caps_of(settings: ServerSettings) -> Caps:
    """Those of the settings that limit what one request may ask for."""
    return Caps(**{name: getattr(settings, name) for name in Caps.__struct_fields__})
