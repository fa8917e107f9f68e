"""Sockets that read in small pieces.

asyncio asks a socket for 256 KiB at a time. The C library takes so much memory from the system and
gives it back for each reply, however short; the page faults cost up to a tenth of a local request.
"""

import socket
from typing import Any

MOST_AT_ONCE = 64 * 2**10
"""Bytes; below what the usual allocators take from the system each time."""


class SmallReadsSocket(socket.socket):
    """A socket that never reads more than `MOST_AT_ONCE` bytes at a time."""

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """Read what is there, at most `MOST_AT_ONCE` bytes of it."""
        return super().recv(min(bufsize, MOST_AT_ONCE), flags)


def make_socket(address: tuple[Any, ...]) -> socket.socket:
    """Make the socket for an address as `socket.getaddrinfo` gives it."""
    family, kind, protocol, *_ = address
    return SmallReadsSocket(family, kind, protocol)
