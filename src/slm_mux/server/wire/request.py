"""A chat request, checked whole before anything is asked of a model.

Every field of OpenAI's is honoured, passed on, or refused by name (`fields`); every other field is
refused. What a server allows is in its `Caps`, and what is over it is refused, never cut down.
"""

import functools
import gc
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from slm_mux.discussion.workflows import WORKFLOWS
from slm_mux.questions import KindRequest
from slm_mux.server.wire.caps import Caps
from slm_mux.server.wire.errors import RefusedError, refused, too_large
from slm_mux.server.wire.fields import Field, body_schema, fields_of, passed_on
from slm_mux.server.wire.messages import conversation_of
from slm_mux.server.wire.names import ModelName
from slm_mux.server.wire.options import DEFAULT_DETAIL, options_from
from slm_mux.server.wire.schema import Schema, check
from slm_mux.server.wire.tools import calls_wanted, tool_fields
from slm_mux.types import Message, Stopping

_HALF_OF_A_PAIR = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]"
)


class ChatAsk(Struct, frozen=True, kw_only=True):
    """What a client asks; None leaves a setting to the pool."""

    model: str
    """As the client wrote it; the reply repeats it."""
    conversation: tuple[Message, ...]
    temperature: float | None = None
    """As asked, in [0, 2]; the caller raises it to the pool's floor."""
    top_p: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] | None = None
    seed: int | None = None
    n: int = 1
    stream: bool = False
    include_usage: bool = False
    """Whether a stream ends with a chunk that has the usage."""
    logprobs: bool = False
    """Whether the reply has the winner's log-probabilities; `extra` asks the endpoints for them."""
    tools: bool = False
    """Whether the models may call tools; `extra` has them."""
    json_reply: bool = False
    """Whether a JSON `response_format` was given: the content is then the document alone."""
    user: str | None = None
    metadata: dict[str, str] | None = None
    service_tier: str | None = None
    extra: dict[str, Any] = {}
    """Further fields of the body for every model's endpoint."""
    kind: KindRequest | None = None
    """None: not given in the body or a header; "tool_call" with tools. `settled` never leaves it
    None."""
    samples: int | None = None
    stopping: Stopping | None = None
    choices: dict[str, str] | None = None
    labels: tuple[str, ...] = ()
    detail: str = DEFAULT_DETAIL
    options: tuple[str, ...] = ()
    """The names of the options of ours that were given."""
    warnings: tuple[str, ...] = ()
    """What the reply's `mux.warnings` has to say of the request itself."""


def parse_chat(body: bytes, headers: Iterable[tuple[str, str]], caps: Caps) -> ChatAsk:
    """Read the body and the headers of a chat request.

    Args:
        body: as it came.
        headers: name and value, all of them, in any spelling.
        caps: what the server allows.

    Raises:
        RefusedError: 400 with the field as `param`, or 413.
    """
    if len(body) > caps.max_body:
        raise RefusedError(too_large(caps.max_body))
    form = _form(caps)
    given = _decoded(body)
    check(given, form.schema)
    options, warnings = options_from(given.get("mux"), headers, caps)
    fields = tool_fields(given)
    json_reply = (given.get("response_format") or {}).get("type") in ("json_object", "json_schema")
    stop = given.get("stop")
    ask = ChatAsk(
        model=given["model"],
        conversation=conversation_of(given["messages"], caps),
        temperature=given.get("temperature"),
        top_p=given.get("top_p"),
        max_tokens=_max_tokens(given),
        stop=(stop,) if isinstance(stop, str) else tuple(stop) if stop else None,
        seed=_whole(given.get("seed")),
        n=_whole(given.get("n")) or 1,
        stream=bool(given.get("stream")),
        include_usage=_include_usage(given),
        logprobs=bool(given.get("logprobs")),
        tools=calls_wanted(fields),
        json_reply=json_reply,
        user=given.get("user"),
        metadata=given.get("metadata"),
        service_tier=None if given.get("service_tier") is None else "default",
        extra=passed_on(form.fields, given) | fields | _logprobs(given) | _format(given),
        kind=options.get("kind"),
        samples=_whole(options.get("samples")),
        stopping=options.get("stopping"),
        choices=options.get("choices"),
        labels=tuple(options.get("labels", ())),
        detail=options.get("detail", DEFAULT_DETAIL),
        options=tuple(options),
        warnings=warnings,
    )
    return replace(ask, kind=_kind(ask))


def settled(
    ask: ChatAsk, name: ModelName, *, members: int = 1, draws_at_once: bool = False
) -> ChatAsk:
    """Fit a request to what it is asked of: the kind is settled, and `stopping` where `n` needs it.

    Args:
        ask: as parsed.
        name: what `Names.resolve` made of its `model`.
        members: how many models the pool has that the method asks; 1 for a member.
        draws_at_once: whether the member that is asked by its own name draws several at once.

    Raises:
        RefusedError: 400; the name's kind and the request's differ, or `n`, `logit_bias` or an
            option of ours cannot be honoured there.
    """
    if "logit_bias" in ask.extra and members > 1:
        raise refused(
            "`logit_bias` names tokens by number, and the models of a pool number theirs "
            "differently: ask one model by its own name",
            param="logit_bias",
            code="unsupported",
        )
    if name.method in WORKFLOWS:
        _check_discussion(ask, name)
    return _for_member(ask, name, draws_at_once) if name.member else _for_pool(ask, name, members)


def _check_discussion(ask: ChatAsk, name: ModelName) -> None:
    """Refuse what does not go with models that read each other."""
    why: dict[str, str] = {}
    if ask.tools or ask.conversation[-1].get("role") == "tool":
        why["tools"] = "its models read what others write, and a call of a tool is not written"
    if ask.n > 1:
        why["n"] = "a discussion comes to one answer"
    if ask.samples is not None:
        why["mux.samples"] = "its settings in the pool file say how many draws it makes"
    if ask.stopping not in (None, "none"):
        why["mux.stopping"] = "it needs all its draws, so that it cannot stop early"
    for field, reason in why.items():
        raise refused(
            f"`{field}` does not go with {name}: {reason}; leave it out, or ask `mux`",
            param=field,
            code="unsupported",
        )


def _for_member(ask: ChatAsk, name: ModelName, draws_at_once: bool) -> ChatAsk:
    taken = [option for option in ask.options if option != "detail"]
    if taken:
        raise refused(
            f"`mux.{taken[0]}` goes with a pool, but {name} is one model, asked once: leave it "
            "out, or ask `mux`",
            param=f"mux.{taken[0]}",
        )
    if ask.n > 1 and not draws_at_once:
        raise refused(
            f"`n` is {ask.n}, but {name} draws one answer per request: ask several times, or set "
            "n: true for it in the pool file if its endpoint can",
            param="n",
            code="unsupported",
        )
    return replace(ask, kind=ask.kind or "auto")


def _for_pool(ask: ChatAsk, name: ModelName, members: int) -> ChatAsk:
    if ask.n > members:
        what = "one model" if members == 1 else f"{members} models"
        raise refused(
            f"`n` is {ask.n}, but {name} asks {what}, and each gives at most one of the distinct "
            "answers",
            param="n",
            code="unsupported",
        )
    kind = ask.kind or name.kind
    if name.kind not in ("auto", kind):
        why = {"tool_call": "`tools`"}.get(kind) or (
            "`response_format`" if ask.json_reply else "`mux.kind`"
        )
        raise refused(
            f"the model {ask.model!r} asks for the kind {name.kind}, and {why} for {kind}: leave "
            "one of them out",
            param="model",
        )
    stopping = ask.stopping
    if ask.n > 1 and stopping is None:
        # A draw that cannot change the answer may well be a runner-up's.
        stopping = "none"
    return replace(ask, kind=kind, stopping=stopping)


def _kind(ask: ChatAsk) -> KindRequest | None:
    """Settle the kind from the request alone."""
    if ask.tools:
        for option in ("kind", "choices", "labels"):
            if option in ask.options:
                raise refused(
                    f"`mux.{option}` does not go with `tools`: what is compared there are calls "
                    "(with tool_choice 'none' it does)",
                    param=f"mux.{option}",
                )
        return "tool_call"
    if ask.json_reply:
        if ask.kind not in (None, "auto", "json") or ask.choices or ask.labels:
            option = "kind" if "kind" in ask.options else "choices" if ask.choices else "labels"
            raise refused(
                f"`mux.{option}` does not go with a JSON `response_format`, whose kind is json",
                param=f"mux.{option}",
            )
        return "json"
    return None if ask.kind == "auto" else ask.kind


class _Form(Struct, frozen=True):
    fields: tuple[Field, ...]
    schema: Schema


@functools.lru_cache(maxsize=16)
def _form(caps: Caps) -> _Form:
    fields = fields_of(caps)
    return _Form(fields, body_schema(fields))


def _decoded(body: bytes) -> Mapping[str, Any]:
    if not body.strip():
        raise refused("the request's body is empty, but must be a JSON object")
    # A body of millions of empty lists would be walked through again and again while it is read:
    # nine tenths of three seconds, for nothing, since JSON holds no cycles.
    collects = gc.isenabled()
    gc.disable()
    try:
        given = msgspec.json.decode(body)
    except (ValueError, RecursionError) as error:
        what = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        if _HALF_OF_A_PAIR.search(body):
            what = "an escape in it is half of a surrogate pair, which no text can hold"
        raise refused(
            f"the request's body is not JSON that can be read ({what})", code="invalid_json"
        ) from None
    finally:
        if collects:
            gc.enable()
    if not isinstance(given, dict):
        raise refused("the request's body must be a JSON object")
    return given


def _max_tokens(given: Mapping[str, Any]) -> int | None:
    older, newer = _whole(given.get("max_tokens")), _whole(given.get("max_completion_tokens"))
    if older is not None and newer is not None and older != newer:
        raise refused(
            f"`max_tokens` is {older} and `max_completion_tokens` is {newer}: give one of them",
            param="max_tokens",
        )
    return older if newer is None else newer


def _include_usage(given: Mapping[str, Any]) -> bool:
    options = given.get("stream_options")
    if options is None:
        return False
    if not given.get("stream"):
        raise refused("`stream_options` goes with `stream`: true only", param="stream_options")
    return bool(options.get("include_usage"))


def _logprobs(given: Mapping[str, Any]) -> dict[str, Any]:
    if given.get("logprobs"):
        return {
            name: given[name]
            for name in ("logprobs", "top_logprobs")
            if given.get(name) is not None
        }
    if given.get("top_logprobs") is not None:
        raise refused("`top_logprobs` goes with `logprobs`: true only", param="top_logprobs")
    return {}


def _format(given: Mapping[str, Any]) -> dict[str, Any]:
    form = given.get("response_format")
    return {} if form is None or form["type"] == "text" else {"response_format": form}


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)
