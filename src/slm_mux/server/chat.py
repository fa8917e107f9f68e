"""POST /v1/chat/completions: what becomes of a request."""

import asyncio
import bisect
import time
import uuid
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from msgspec import Struct
from starlette.types import Receive, Scope, Send

from slm_mux.errors import NoAnswerError, SlmMuxError
from slm_mux.sampling.events import (
    Event,
    Observer,
    RequestRetried,
    SampleDrawn,
    TurnTaken,
)
from slm_mux.server.admission import BusyError
from slm_mux.server.answering import answer, models_asked
from slm_mux.server.delivery import stream, while_connected
from slm_mux.server.logs import log_exception
from slm_mux.server.passthrough import forward
from slm_mux.server.replies import JSON, header, media_type, send_error, send_json
from slm_mux.server.rosters import ServedPool
from slm_mux.server.service import Service
from slm_mux.server.wire.errors import ApiError, RefusedError, api_error, timed_out, too_many
from slm_mux.server.wire.names import ModelName
from slm_mux.server.wire.picks import Pick, picks
from slm_mux.server.wire.reply import Head, answer_headers, completion, mux_object
from slm_mux.server.wire.request import ChatAsk, parse_chat, settled
from slm_mux.server.wire.stream import chunks, event
from slm_mux.types import Sample, Usage


class Reply(Struct, frozen=True, kw_only=True):
    """What a request came to, before it is written in one form or the other."""

    picked: Sequence[Pick]
    usage: Usage
    mux: dict[str, Any] | None
    headers: dict[str, str]


class ChatEndpoint:
    """The route, as an ASGI app.

    Args:
        service: the server's parts.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        asking = Asking(self._service, scope)
        try:
            await asking.serve(receive, send)
        except (SlmMuxError, BusyError) as error:
            await send_error(send, asking.explain(error))


class Asking:
    """One request.

    Args:
        service: the server's parts.
        scope: the request's.
        watch: told of everything that happens to the question, too.
    """

    def __init__(self, service: Service, scope: Scope, *, watch: Observer | None = None) -> None:
        self._service = service
        self.scope = scope
        self._watch = watch
        self._id: str = scope["state"]["request_id"]
        self._note: dict[str, Any] = scope["state"]["note"]
        self._failures: set[str] = set()
        """The classes of the errors that draws ended in."""
        self._retry_after: float | None = None
        """Seconds until the first of the models that failed may be asked again, where known."""

    async def serve(self, receive: Receive, send: Send) -> None:
        """Answer it.

        Raises:
            SlmMuxError, BusyError: it cannot be answered, and no reply has begun.
            ClientLeftError: the client left.
        """
        service = self._service
        label = service.door.check(self.scope)
        service.door.count(label)
        _check_content_type(self.scope)
        length = header(self.scope, b"content-length")
        async with service.bodies.reading(receive, announced=length) as body:
            ask, name = self.understood(body)
            head = Head(
                id=f"chatcmpl-{uuid.uuid4().hex}",
                created=int(time.time()),
                model=ask.model,
                fingerprint=service.fingerprint(str(name.pool)),
            )
            work = self.in_place(label, ask, name)
            if ask.stream:
                await stream(
                    work,
                    partial(_events, head, ask),
                    receive,
                    send,
                    every=service.settings.heartbeat_seconds,
                    explain=self.explain,
                )
                return
            reply = await while_connected(work, receive)
            document = completion(head, ask, reply.picked, usage=reply.usage, mux=reply.mux)
            await send_json(send, document, headers=tuple(reply.headers.items()))

    def explain(self, error: Exception) -> ApiError:
        """What the client is told of an error."""
        if isinstance(error, BusyError):
            self._service.metrics.refused(error.reason)
            self._note["refused"] = error.reason
            return too_many(str(error), retry_after=error.retry_after)
        if not isinstance(error, SlmMuxError):
            prompts = self._service.settings.log_prompts
            log_exception("request_failed", error, prompts=prompts, request_id=self._id)
        told = api_error(
            error, request_id=self._id, failures=self._failures, retry_after=self._retry_after
        )
        self._note["error"] = told.code or type(error).__name__
        return told

    def understood(self, body: bytes) -> tuple[ChatAsk, ModelName]:
        """Read the request's body.

        Raises:
            SlmMuxError: it cannot be served as it is.
        """
        service = self._service
        headers = ((k.decode("latin-1"), v.decode("latin-1")) for k, v in self.scope["headers"])
        ask = parse_chat(body, headers, service.caps)
        name = service.names.resolve(ask.model)
        served = service.roster.pools[str(name.pool)]
        guard = served.guards[name.member] if name.member is not None else None
        ask = settled(
            ask,
            name,
            members=1 if guard else models_asked(served, name.method),
            draws_at_once=guard is not None and guard.draws_at_once,
        )
        self._note |= {"model": ask.model, "stream": ask.stream or None}
        if service.settings.log_prompts:
            self._note["conversation"] = ask.conversation
        return ask, name

    async def in_place(self, label: str, ask: ChatAsk, name: ModelName) -> Reply:
        """Wait for a place, then answer within the time that a request has.

        Raises:
            SlmMuxError, BusyError: there is no answer, or no place.
        """
        seconds = self._service.settings.request_seconds
        async with self._service.door.place(label):
            try:
                async with asyncio.timeout(seconds) as limit:
                    return await self._answered(ask, name)
            except TimeoutError:
                if not limit.expired():
                    raise
                raise RefusedError(timed_out(seconds)) from None

    async def _answered(self, ask: ChatAsk, name: ModelName) -> Reply:
        service = self._service
        served = service.roster.pools[str(name.pool)]
        watch = self._watch
        samples: list[Sample] = []
        places: list[int] = []

        def observe(happened: Event) -> None:
            if type(happened) is SampleDrawn:
                samples.append(happened.sample)
            elif type(happened) is TurnTaken:
                # In the order of the discussion, in which they need not come in.
                place = bisect.bisect(places, happened.index)
                places.insert(place, happened.index)
                samples.insert(place, happened.sample)
            elif type(happened) is RequestRetried:
                service.metrics.retried(served.name, happened.model)
            if watch is not None:
                watch(happened)

        try:
            if name.member is not None:
                return await self._forwarded(served, name.member, ask, observe)
            return await self._decided(served, name, ask, samples, observe)
        finally:
            failures = {(s.model, s.failure.error) for s in samples if s.failure is not None}
            self._failures |= {error for _, error in failures}
            waits = [served.guards[model].asked_again_in for model, _ in failures]
            self._retry_after = min((wait for wait in waits if wait is not None), default=None)
            service.metrics.drew(served.name, samples)

    async def _forwarded(
        self, served: ServedPool, member: str, ask: ChatAsk, observe: Observer
    ) -> Reply:
        forwarded = await forward(served, member, ask, observe=observe)
        self._note_answer(forwarded.usage, *(done.text for done in forwarded.completions))
        return Reply(
            picked=[Pick(completion=done) for done in forwarded.completions],
            usage=forwarded.usage,
            mux=None,
            headers=answer_headers(member, forwarded.usage),
        )

    async def _decided(
        self,
        served: ServedPool,
        name: ModelName,
        ask: ChatAsk,
        samples: list[Sample],
        observe: Observer,
    ) -> Reply:
        service = self._service
        try:
            answered = await answer(
                served,
                name,
                ask,
                settings=service.settings,
                caps=service.caps,
                observe=observe,
            )
        except NoAnswerError:
            service.metrics.undecided(served.name, name.method)
            raise
        decision = answered.decision
        service.metrics.decided(served.name, name.method, decision)
        self._note_answer(decision.usage, decision.answer)
        self._note |= {"kind": decision.kind, "winner": decision.model}
        self._note["confidence"] = round(decision.confidence, 4)
        picked = picks(decision, samples, n=ask.n)
        return Reply(
            picked=picked,
            usage=decision.usage,
            mux=mux_object(
                decision,
                ask,
                name,
                temperature_used=answered.temperature_used,
                picked=picked,
                samples=samples,
            ),
            headers=answer_headers(decision.model, decision.usage, confidence=decision.confidence),
        )

    def _note_answer(self, usage: Usage, *answers: str) -> None:
        self._note |= {"samples": usage.samples, "upstream_requests": usage.requests}
        if self._service.settings.log_prompts:
            self._note["answers"] = answers


def _events(head: Head, ask: ChatAsk, reply: Reply) -> Iterator[bytes]:
    return map(event, chunks(head, ask, reply.picked, usage=reply.usage, mux=reply.mux))


def _check_content_type(scope: Scope) -> None:
    """Take JSON only: a web page cannot make a browser send that to another origin unasked.

    Raises:
        RefusedError: it is something else (415).
    """
    coding = header(scope, b"content-encoding")
    problem = None
    if media_type(scope) != JSON:
        problem = "send the request's body with Content-Type: application/json"
    elif coding is not None and coding.strip().lower() != "identity":
        problem = "send the request's body as it is, without Content-Encoding"
    if problem:
        raise RefusedError(ApiError(status=415, message=problem, code="unsupported_media_type"))
