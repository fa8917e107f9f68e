"""The whole API, asked everything that its own description allows, and much that it does not."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import requests
import schemathesis.openapi
from hypothesis import HealthCheck, given, seed, settings
from schemathesis import APIOperation, Case, GenerationMode, Response
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.endpoints import answers, status
from tests.server.asking import Asked, asked, endpoints, remote_pool

CHAT = "/v1/chat/completions"
EXAMPLES = {CHAT: 60}
"""Requests of each mode; `FEW` of every other path."""
FEW = 8
AS_PROMISED = [status_code_conformance, content_type_conformance, response_schema_conformance]
"""Status, content type and body are as the description says."""
Operation = APIOperation[Any, Any, Any, Any]
Asking = Case[Operation]
Judge = Callable[[Asking, Response], None]


def replied_as_promised(case: Asking, reply: Response) -> None:
    """Check a reply of a server whose models all answer."""
    assert reply.status_code < 500, reply.text
    case.validate_response(reply, checks=AS_PROMISED)


def replied_without_models(case: Asking, reply: Response) -> None:
    """Check a reply of a server none of whose models answers."""
    assert reply.status_code in (502, 503, 504) or reply.status_code < 500, reply.text
    case.validate_response(reply, checks=AS_PROMISED)


def refused_as_it_should_be(case: Asking, reply: Response) -> None:
    """Check a reply to a request that the description does not allow."""
    replied_as_promised(case, reply)
    if case.method == "POST":
        assert 400 <= reply.status_code < 500, case.as_curl_command()


def fuzz(url: str, operation: Operation, mode: GenerationMode, judge: Judge) -> None:
    """Ask one operation many times.

    Args:
        url: of the server.
        operation: of the description.
        mode: whether the requests are as it says, or not.
        judge: raises where a reply is not what it must be.
    """

    @seed(8383)
    @settings(
        max_examples=EXAMPLES.get(operation.path, FEW),
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def ask(case: Asking) -> None:
        reply = case.call(base_url=url, session=session, timeout=20)
        judge(case, reply)

    with requests.Session() as session:
        ask()


def operations(server_document: Any) -> list[Operation]:
    """Every operation of a description."""
    schema = schemathesis.openapi.from_dict(server_document)
    found = list(schema.get_all_operations())
    assert all(isinstance(one, Ok) for one in found)
    return [one.ok() for one in found if isinstance(one, Ok)]


async def fuzz_all(server: Asked, mode: GenerationMode, judge: Judge) -> None:
    """Ask every operation, in a thread: the server runs in this one."""
    _, document, _ = await server.get("/openapi.json")
    found = operations(document)
    assert len(found) == 7
    for operation in found:
        if mode is GenerationMode.NEGATIVE and not operation.body:
            # Every text may be asked for in a path.
            continue
        await asyncio.to_thread(fuzz, server.url, operation, mode, judge)


@pytest.mark.parametrize(
    ("mode", "judge"),
    [
        (GenerationMode.POSITIVE, replied_as_promised),
        (GenerationMode.NEGATIVE, refused_as_it_should_be),
    ],
)
async def test_the_api_keeps_its_promises(mode: GenerationMode, judge: Judge) -> None:
    """No request brings a 5xx, and every reply has the form that the description gives it."""
    async with endpoints(2) as (a, b):
        a.always = b.always = answers('{"a": "\\boxed{1}"}')
        async with asked(remote_pool(a.url, b.url, samples=1)) as server:
            await fuzz_all(server, mode, judge)
            await server.quiet([a, b])
            await server.ask()


async def test_the_api_keeps_its_promises_without_models() -> None:
    """Where no model answers, no error is another one than those that say so."""
    async with endpoints(1) as (a,):
        a.always = status(500)
        pool = remote_pool(a.url, samples=1, retry_seconds=0)
        async with asked(pool, breaker_failures=10**6) as server:
            await fuzz_all(server, GenerationMode.POSITIVE, replied_without_models)
            await server.quiet([a])
            a.always = answers("\\boxed{1}")
            await server.ask()
