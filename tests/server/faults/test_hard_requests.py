"""Requests that are too large, too deep, malformed, or written to be read in two ways."""

import asyncio
import io
import json
from typing import Any

from tests.endpoints import answers
from tests.server.asking import WITHIN, Asked, asked, endpoints, question_body, remote_pool

CHAT = "/v1/chat/completions"
MEGABYTE = 10**6
QUESTION = json.dumps(question_body()).encode()


def fields(**other: Any) -> bytes:
    """A question with other fields beside it."""
    return json.dumps(question_body(**other)).encode()


def messages(*contents: Any) -> bytes:
    """A question of these messages."""
    return json.dumps(
        {"model": "mux", "messages": [{"role": "user", "content": one} for one in contents]}
    ).encode()


BODIES: dict[str, tuple[bytes, int, str | None]] = {
    "fifty megabytes": (messages("x" * 50 * MEGABYTE), 413, "request_too_large"),
    "ten thousand messages": (messages(*["hi"] * 10_000), 400, None),
    "a message of three million characters": (messages("x" * 3 * MEGABYTE), 400, None),
    "lists without end": (b'{"messages":' + b"[" * MEGABYTE, 400, "invalid_json"),
    "a million empty lists": (
        b'{"model":"mux","messages":[' + b"[]," * MEGABYTE + b"[]]}",
        400,
        None,
    ),
    "a million fields": (
        json.dumps({str(index): 1 for index in range(MEGABYTE)}).encode(),
        400,
        None,
    ),
    "a number of a million digits": (
        QUESTION[:-1] + b', "seed": ' + b"9" * MEGABYTE + b"}",
        400,
        "invalid_json",
    ),
    "a fraction of a million digits": (
        QUESTION[:-1] + b', "temperature": 0.' + b"1" * MEGABYTE + b"}",
        200,
        None,
    ),
    "no number": (QUESTION[:-1] + b', "temperature": NaN}', 400, "invalid_json"),
    "infinity": (QUESTION[:-1] + b', "temperature": 1e999}', 400, "invalid_json"),
    "bytes that are no UTF-8": (QUESTION.replace(b"What", b"\xff\xfe"), 400, "invalid_json"),
    "half a surrogate pair as bytes": (
        QUESTION.replace(b"What", b"\xed\xa0\x80"),
        400,
        "invalid_json",
    ),
    "half a surrogate pair in a field's name": (
        QUESTION[:-1] + b', "\\ud800": 1}',
        400,
        "invalid_json",
    ),
    "UTF-16": (QUESTION.decode().encode("utf-16"), 400, "invalid_json"),
    "two questions in one body": (QUESTION * 2, 400, "invalid_json"),
    "a NUL in the question": (messages("6 * 7\x00?"), 200, None),
    "a billion choices": (fields(n=10**9), 400, None),
    "a million texts to stop at": (fields(stop=["a"] * MEGABYTE), 400, None),
    "a model's name of a megabyte": (fields(model="m" * MEGABYTE), 400, None),
    "a model's name of many parts": (fields(model="mux@" * 100), 404, "model_not_found"),
    "a model's name that is a path": (fields(model="../../etc/passwd"), 404, "model_not_found"),
    "choices of two megabytes": (
        fields(mux={"choices": {str(index): "y" * 8000 + str(index) for index in range(250)}}),
        400,
        None,
    ),
    "labels of two hundred kilobytes": (
        fields(mux={"labels": ["y" * 900 + str(index) for index in range(250)]}),
        400,
        None,
    ),
    "types of every other kind": (
        fields(temperature=[], n={}, stop=1, stream="yes", tools="f", mux=7),
        400,
        None,
    ),
    "a list in the question's place": (b"[" + QUESTION + b"]", 400, None),
    "a role of a megabyte": (
        json.dumps({"model": "mux", "messages": [{"role": "r" * MEGABYTE}]}).encode(),
        400,
        None,
    ),
}


async def post_bytes(server: Asked, body: bytes) -> tuple[int, Any]:
    """Ask with a body of any size, in pieces."""
    headers = {"Content-Type": "application/json"}
    data = io.BytesIO(body)
    async with server.client.post(server.url + CHAT, data=data, headers=headers) as reply:
        return reply.status, json.loads(await reply.read())


async def test_bodies_that_ask_for_too_much() -> None:
    """Each is answered as what it is, and what is refused costs no draw."""
    async with endpoints(1) as (a,), asked(remote_pool(a.url, samples=1)) as server:
        for what, (body, expected, named) in BODIES.items():
            before = a.requests
            code, reply = await post_bytes(server, body)
            assert (what, code) == (what, expected), reply
            if code == 200:
                continue
            assert a.requests == before, what
            assert named is None or reply["error"]["code"] == named, what
            assert len(json.dumps(reply)) < 2000, what
        await server.ask()
        await server.quiet([a])
        assert server.service.bodies.held == 0


async def test_ten_thousand_messages() -> None:
    """A server that allows so many asks the models with all of them."""
    async with (
        endpoints(1) as (a,),
        asked(remote_pool(a.url, samples=1), max_messages=10_000) as server,
    ):
        code, _, _ = await server.post(messages(*["hi"] * 10_000))
        assert code == 200
        assert len(a.bodies[0]["messages"]) == 10_000


async def raw(server: Asked, sent: bytes, *, at_once: int = 2**20) -> bytes:
    """Send bytes, so many at once, and return all that comes back until the server closes."""
    host = server.url.removeprefix("http://")
    sent = sent.replace(b"HOST", host.encode())
    reader, writer = await asyncio.open_connection(*host.split(":"))
    for at in range(0, len(sent), at_once):
        writer.write(sent[at : at + at_once])
        # Lets the server read, which runs in this event loop too.
        await asyncio.sleep(0)
    async with asyncio.timeout(WITHIN):
        reply = await reader.read()
    writer.close()
    return reply


def post(*headers: str, target: str = CHAT, version: str = "1.1", body: bytes = QUESTION) -> bytes:
    """A whole request whose connection is closed after it."""
    lines = [
        f"POST {target} HTTP/{version}",
        "Host: HOST",
        "Content-Type: application/json",
        "Connection: close",
        *headers,
    ]
    if not any("Content-Length" in line or "Transfer-Encoding" in line for line in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def chunked(body: bytes) -> bytes:
    """A body in chunks of one byte."""
    pieces = (b"1\r\n%c\r\n" % byte for byte in body)
    return b"".join([*pieces, b"0\r\n\r\n"])


SMUGGLED = b"0\r\n\r\nGET /v1/models HTTP/1.1\r\nHost: HOST\r\n\r\n"
TRICKS: dict[str, tuple[bytes, list[int]]] = {
    "one byte to a chunk": (post("Transfer-Encoding: chunked", body=chunked(QUESTION)), [200]),
    "a chunk of a size that is none": (post("Transfer-Encoding: chunked", body=b"x\r\n"), [400]),
    "two lengths": (post("Content-Length: 5", "Content-Length: 50"), [400]),
    "a length with a sign": (post("Content-Length: +5"), [400]),
    "a length of a thousand digits": (post("Content-Length: " + "9" * 1000), [400]),
    "a length of twenty digits": (post("Content-Length: " + "9" * 20), [413]),
    "a header of 100 KB": (post("X-Long: " + "x" * 100_000), [400]),
    "ten thousand headers": (post(*["X-Many: 1"] * 10_000), [400]),
    "a header that goes on in the next line": (post("X-Mux-Set-Samples: 1\r\n 1"), [400]),
    "a header with a NUL": (post("X-Odd: a\x00b"), [400]),
    "a space before the colon": (post("X-Odd : 1"), [400]),
    "letters beyond ASCII in a header": (post("X-Mux-Set-Kind: zahl\xe4"), [400]),
    "an id of another line": (post("X-Request-Id: a%0d%0aSet-Cookie: b"), [200]),
    "an id of ten thousand letters": (post("X-Request-Id: " + "x" * 10_000), [200]),
    "another server's address": (post(target="http://elsewhere.example" + CHAT), [404]),
    "a path with two slashes": (post(target="/" + CHAT), [404]),
    "a path upwards": (post(target="/v1/../v1/chat/completions"), [404]),
    "a path in other letters": (post(target=CHAT.upper()), [404]),
    "a query beside the path": (post(target=CHAT + "?api-version=1"), [200]),
    "HTTP/1.0": (post(version="1.0"), [200]),
    "an upgrade to WebSocket": (
        post("Upgrade: websocket", "Sec-WebSocket-Key: eA==", "Sec-WebSocket-Version: 13"),
        [200],
    ),
    "an expectation that nobody knows": (post("Expect: miracles"), [200]),
    "a compressed body": (post("Content-Encoding: gzip"), [415]),
    "a body of another type": (
        post("Content-Type: text/plain").replace(b"Content-Type: application/json\r\n", b""),
        [415],
    ),
    "two types": (post("Content-Type: text/plain"), [200]),
    "an option twice": (post("X-Mux-Set-Samples: 1", "X-Mux-Set-Samples: 1"), [400]),
    "an option of another form": (post("X-Mux-Set-Samples: one"), [400]),
    "options that are no JSON": (post("X-Mux-Set-Choices: {"), [400]),
    "a method that is none": (b"BREW / HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n", [405]),
    "no host": (b"GET /health HTTP/1.1\r\nConnection: close\r\n\r\n", [400]),
    "the mark of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [421, 400]),
    "the start of TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 50, [400]),
    "two requests at once": (
        post().replace(b"Connection: close\r\n", b"") + post(),
        [200, 200],
    ),
}


async def test_heads_that_are_tricks() -> None:
    """Each has one reading: it is served as that, or refused, and the connection ends."""
    async with endpoints(1) as (a,), asked(remote_pool(a.url, samples=1)) as server:
        for what, (sent, expected) in TRICKS.items():
            reply = await raw(server, sent)
            codes = [int(part[:3]) for part in reply.split(b"HTTP/1.1 ")[1:]]
            assert (what, codes) == (what, expected), reply[:500]
            assert b"set-cookie" not in reply.lower(), what
        await server.ask()
        await server.quiet([a])


async def test_a_request_within_a_request() -> None:
    """With a length and with chunks at once, no proxy and this server can differ over its end."""
    sent = post("Content-Length: 5", "Transfer-Encoding: chunked", body=SMUGGLED)
    async with endpoints(1) as (a,), asked(remote_pool(a.url, samples=1)) as server:
        for tried in (sent, sent.replace(b"Connection: close\r\n", b"", 1)):
            reply = await raw(server, tried)
            assert reply.count(b"HTTP/1.1 ") == 1
            assert reply.startswith(b"HTTP/1.1 400 ")
        await server.ask()


async def test_a_body_that_comes_a_byte_at_a_time() -> None:
    """It is answered where it is there in time."""
    async with endpoints(1) as (a,), asked(remote_pool(a.url, samples=1)) as server:
        a.always = answers("\\boxed{42}")
        reply = await raw(server, post(), at_once=1)
        assert reply.startswith(b"HTTP/1.1 200 ")
