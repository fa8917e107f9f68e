"""An OpenAI-compatible endpoint in a process of its own that always gives the same answer.

It serves the model `m`, and lists it.
"""

import asyncio
import contextlib
import json
import multiprocessing
from collections.abc import Iterator
from multiprocessing.connection import Connection

REPLY = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "Step by step. " * 40 + "\\boxed{102}",
                },
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 120, "completion_tokens": 130, "total_tokens": 250},
    }
).encode()
LISTED = json.dumps({"object": "list", "data": [{"id": "m", "object": "model"}]}).encode()


class LocalEndpoint(asyncio.Protocol):
    """Answers every question with the same reply, once its body is there and the delay is over.

    Args:
        delay: seconds.
    """

    HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._received = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each whole request in what has come."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end].lower()
            if head.startswith(b"get "):
                self._received = self._received[end + 4 :]
                self._answer(LISTED)
                continue
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0])
            if len(self._received) < end + 4 + length:
                return
            self._received = self._received[end + 4 + length :]
            if self._delay:
                asyncio.get_running_loop().call_later(self._delay, self._answer, REPLY)
            else:
                self._answer(REPLY)

    def _answer(self, body: bytes) -> None:
        assert self._transport is not None
        self._transport.write(self.HEAD % len(body) + body)


def serve(pipe: Connection, delay: float) -> None:
    """Serve until terminated; sends the port through the pipe."""

    async def forever() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: LocalEndpoint(delay), "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(forever())


@contextlib.contextmanager
def local_endpoint(*, delay: float = 0.0) -> Iterator[str]:
    """Run an endpoint in another process; yields its base URL.

    Args:
        delay: seconds between a request and its reply.
    """
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs, delay))
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}/v1"
    finally:
        process.terminate()
        process.join()
