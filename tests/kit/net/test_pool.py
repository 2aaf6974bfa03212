"""Connections that are used again: a server may close an idle one whenever it likes, and is not charged with it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from functools import partial

import pytest
from tests.kit.net.small_server import client, serving_bytes, target_at

from signalproof.net.failures import HttpFailure
from signalproof.pause import pause

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
REPLY = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n%s\r\n{}"


class Server:
    """Counts connections, and notes each request with the number of its connection; `act` says what follows on it."""

    def __init__(self, act: Callable[[Line, int], None]) -> None:
        self.act = act
        self.connections = 0
        self.requests: list[tuple[int, bytes]] = []

    def line(self) -> Line:
        """Take a connection."""
        self.connections += 1
        return Line(self, self.connections)


class Line(asyncio.Protocol):
    """One connection to the server."""

    def __init__(self, server: Server, number: int) -> None:
        self.server = server
        self.number = number
        self.asked = 0
        self.came = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Act on each whole request."""
        self.came += data
        head, found, body = self.came.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        if found and len(body) >= int(length[1] if length else 0):
            self.came = b""
            self.asked += 1
            self.server.requests.append((self.number, head.split(b" ", 1)[0]))
            self.server.act(self, self.asked)

    def reply(self, header: bytes = b"") -> None:
        """Answer a request."""
        self.transport.write(REPLY % header)


def numbers(server: Server) -> list[int]:
    """Give the connections over which the requests came."""
    return [number for number, _ in server.requests]


async def ask(act: Callable[[Line, int], None], *methods: str, content: bytes = b"{}") -> tuple[Server, list[bool]]:
    """Send requests one after the other; give what came, and which of them had to be sent twice."""
    server = Server(act)
    repeated = []
    async with serving_bytes(server.line) as url, client(target_at(url)) as http:
        for method in methods:
            reply = await http.request(method, "/x", content=None if method == "GET" else content)
            assert (reply.status, reply.body) == (200, b"{}")
            repeated.append(reply.repeated)
    return server, repeated


def test_connections_are_used_again() -> None:
    """As long as the server keeps them."""
    server, repeated = asyncio.run(ask(lambda line, _: line.reply(), "POST", "GET", "POST"))
    assert (numbers(server), repeated) == ([1, 1, 1], [False] * 3)


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("end", [asyncio.Transport.close, asyncio.Transport.abort], ids=["closed", "reset"])
@pytest.mark.parametrize("size", [2, 1_000_000])
def test_a_request_that_meets_a_closing_connection_is_sent_again(
    method: str, end: Callable[[asyncio.Transport], None], size: int
) -> None:
    """Once, whole, on a new connection, and the reply says so."""

    def act(line: Line, asked: int) -> None:
        line.reply() if asked == 1 else end(line.transport)

    server, repeated = asyncio.run(ask(act, method, method, method, content=b" " * size))
    assert numbers(server) == [1, 1, 2, 2, 3]
    assert repeated == [False, True, True]


def test_a_connection_that_is_closed_while_idle_costs_nobody_a_request() -> None:
    """Half a second after each reply, which is when some of the requests come."""
    under_way: list[asyncio.TimerHandle] = []

    def act(line: Line, _: int) -> None:
        line.reply()
        under_way.append(asyncio.get_running_loop().call_later(0.5, line.transport.close))

    async def look() -> Server:
        server = Server(act)
        async with serving_bytes(server.line) as url, client(target_at(url)) as http:

            async def visit(gap: float) -> None:
                for _ in range(3):
                    assert (await http.request("POST", "/x", content=b"{}")).status == 200
                    await pause(gap)

            await asyncio.gather(*(visit(0.49 + step / 1000) for step in range(21)))
        return server

    server = asyncio.run(look())
    assert len(server.requests) == 63
    assert server.connections > 21


def test_what_was_answered_in_part_is_not_sent_again() -> None:
    """The server has begun to act on it."""
    for end in (asyncio.Transport.close, asyncio.Transport.abort):

        def act(line: Line, asked: int, end: Callable[[asyncio.Transport], None] = end) -> None:
            if asked == 1:
                line.reply()
            else:
                line.transport.write(b"HT")
                asyncio.get_running_loop().call_later(0.05, end, line.transport)

        async def look(act: Callable[[Line, int], None]) -> list[int]:
            server = Server(act)
            async with serving_bytes(server.line) as url, client(target_at(url)) as http:
                await http.request("GET", "/x")
                with pytest.raises(HttpFailure):
                    await http.request("GET", "/x")
            return numbers(server)

        assert asyncio.run(look(act)) == [1, 1]


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_request_on_a_new_connection_is_never_sent_again(method: str) -> None:
    """Be it the first or a repeated one: a server that hangs up is told by that."""

    def hang_up(first: int, line: Line, asked: int) -> None:
        line.reply() if line.number == first and asked == 1 else line.transport.close()

    async def look(first: int, requests: int) -> list[int]:
        server = Server(partial(hang_up, first))
        async with serving_bytes(server.line) as url, client(target_at(url)) as http:
            for _ in range(requests - 1):
                await http.request(method, "/x")
            with pytest.raises(HttpFailure, match="Server disconnected"):
                await http.request(method, "/x")
        return numbers(server)

    assert asyncio.run(look(0, 1)) == [1]
    assert asyncio.run(look(1, 2)) == [1, 1, 2]


@pytest.mark.parametrize(
    ("header", "connections"),
    [
        (b"Keep-Alive: timeout=0\r\n", [1, 2, 3]),
        (b"keep-alive: max=100, Timeout = 1\r\n", [1, 2, 3]),
        (b"Keep-Alive: timeout=2, max=5\r\n", [1, 1, 1]),
        (b"Keep-Alive: max=1\r\n", [1, 1, 1]),
        (b"Connection: close\r\n", [1, 2, 3]),
    ],
)
def test_the_word_of_the_server_counts(header: bytes, connections: list[int]) -> None:
    """A connection that it will close within a second or so is not used again."""
    server, repeated = asyncio.run(ask(lambda line, _: line.reply(header), "POST", "POST", "GET"))
    assert (numbers(server), repeated) == (connections, [False] * 3)


def test_an_idle_connection_is_given_up_after_a_second() -> None:
    """Before servers do it."""

    async def look() -> list[int]:
        server = Server(lambda line, _: line.reply())
        async with serving_bytes(server.line) as url, client(target_at(url)) as http:
            for _ in range(2):
                await http.request("POST", "/x")
                await pause(1.2)
        return numbers(server)

    assert asyncio.run(look()) == [1, 2]
