"""Sockets that read in small pieces."""

import socket

import aiohttp

from slm_mux.models.endpoint import Endpoint, Timeouts
from slm_mux.models.sockets import MOST_AT_ONCE, SmallReadsSocket, make_socket
from tests.endpoints import serving


def test_no_read_brings_more_than_its_bound() -> None:
    """However much is asked for, one read brings at most so many bytes; nothing is lost."""
    ours, theirs = socket.socketpair()
    sent = bytes(range(256)) * 512
    with theirs, SmallReadsSocket(fileno=ours.detach()) as small:
        theirs.setblocking(False)
        left, received = memoryview(sent), b""
        while len(received) < len(sent):
            if left:
                left = left[theirs.send(left) :]
            piece = small.recv(2**20)
            assert 0 < len(piece) <= MOST_AT_ONCE
            received += piece
    assert received == sent


def test_the_socket_is_of_the_address_s_family() -> None:
    """An IPv6 address gets an IPv6 socket."""
    for family in (socket.AF_INET, socket.AF_INET6):
        address = (family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("::1", 80))
        with make_socket(address) as made:
            assert (made.family, made.type) == (family, socket.SOCK_STREAM)


async def test_an_endpoint_s_connections_use_them() -> None:
    """What an endpoint opens is such a socket."""
    async with serving() as fake:
        asked = Endpoint(fake.url)
        await asked.send("GET", asked.models_url, timeouts=Timeouts(5.0), user=asked)
        connector = asked._session(asked).connector
        assert isinstance(connector, aiohttp.TCPConnector)
        [[(protocol, _)]] = connector._conns.values()
        assert isinstance(protocol.transport._sock, SmallReadsSocket)  # type: ignore[union-attr]
        await asked.aclose(asked)
