"""Clients that do not read, do not answer, or send half of something: what they can make the server hold."""

from __future__ import annotations

import asyncio
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import pytest
from tests.server.conftest import LIMIT, OK, Running, Stage, play, serving

from signalproof_server.config import Settings

MIB = 1_048_576
TEXT, PING = 1, 9


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    """A server that the system soon makes wait for its clients."""
    with serving() as running:
        running.server.listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        yield running


@pytest.fixture(scope="module")
def hasty() -> Iterator[Running]:
    """A server that also soon notices when a client has gone."""
    with serving(settings=Settings(ping_interval=1, ping_timeout=1)) as running:
        running.server.listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        yield running


def frame(text: str, opcode: int = TEXT, *, final: bool = True) -> bytes:
    """Write a client's WebSocket frame, masked by zeros."""
    payload = text.encode()
    length = b"\xff" + len(payload).to_bytes(8, "big") if len(payload) > 125 else bytes([0x80 | len(payload)])
    return bytes([opcode | (0x80 if final else 0)]) + length + bytes(4) + payload


class Deaf:
    """A WebSocket client of bytes, which reads when it is told to."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        key = "dGhlIHNhbXBsZSBub25jZQ=="
        connection.sendall(
            b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\n"
            b"upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: " + key.encode() + b"\r\n\r\n"
        )
        self.read_until(b'"maxPayload"')

    def read_until(self, expected: bytes) -> None:
        """Read until these bytes have come."""
        seen = b""
        while expected not in seen:
            piece = self.connection.recv(65_536)
            assert piece, "the server has closed"
            seen += piece

    def log_in(self, login: str) -> None:
        """Log in and read the acknowledgement."""
        self.connection.sendall(frame("40"))
        self.read_until(b"40{")
        self.connection.sendall(frame(f'420["login",{{"login":"{login}"}}]'))
        self.read_until(b'430[{"status":0}]')

    def pour(self, piece: bytes) -> None:
        """Send the same again and again, for as long as the server reads it, and for two seconds at most."""
        self.connection.settimeout(0.5)
        end = time.monotonic() + 2
        with suppress(TimeoutError):
            while time.monotonic() < end:
                self.connection.send(piece)


@contextmanager
def deaf(server: Running) -> Iterator[Deaf]:
    """Connect with the smallest buffers that the system grants."""
    url = httpx.URL(server.url)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(LIMIT)
        connection.connect((url.host, url.port))
        yield Deaf(connection)


def waiting(server: Running) -> tuple[int, int]:
    """How many packets wait for clients, and how many bytes are on their way to them."""
    engine: Any = server.server.app.sockets.sio.eio
    transports = [each.transport for each in list(server.server.server_state.connections)]
    return (
        sum(each.queue.qsize() for each in list(engine.sockets.values())),
        sum(each.get_write_buffer_size() for each in transports),
    )


def websockets(server: Running) -> list[object]:
    """The WebSockets whose transports are open."""
    return [each for each in list(server.server.server_state.connections) if "WebSocket" in type(each).__name__]


def test_events_for_a_client_that_does_not_read_are_bounded(server: Running) -> None:
    """HTTP-12: its connection ends, long before a ping time-out, and others do not notice."""

    async def scene(stage: Stage) -> None:
        with deaf(server) as bob:
            await asyncio.to_thread(bob.log_in, "bob")
            async with stage.user("alice") as alice, stage.user("carol") as carol:
                sent = 0
                while (await stage.offer(alice, "bob", "o" * 65_536)) == OK:
                    sent += 65_536
                    assert sent < 32 * MIB
                await stage.until_offline("bob")
                assert await stage.offer(alice, "carol") == OK
                await carol.next()

    play(server.url, scene)


def test_a_client_that_does_not_read_its_acknowledgements_is_not_read_from(server: Running) -> None:
    """What it may not have room for, it may not ask for."""
    with deaf(server) as bob:
        bob.log_in("bob")
        bob.pour(frame(f'42{"7" * 90}["login",{{"login":"bob"}}]') * 100)
        packets, size = waiting(server)
        assert packets < 100
        assert size < MIB


def test_pongs_for_a_client_that_does_not_read_are_left_out(server: Running) -> None:
    """RFC 6455, 5.5.3: only the latest ping needs an answer."""
    with deaf(server) as bob:
        bob.log_in("bob")
        bob.pour(frame("p" * 100, PING) * 1000)
        assert waiting(server)[1] < MIB


@pytest.mark.parametrize("unread", [True, False], ids=["does not read", "reads"])
def test_a_connection_ends_with_its_ping_time_out(hasty: Running, unread: bool) -> None:
    """The transport ends too: nothing of it is kept, whatever the client does."""

    async def scene(stage: Stage) -> None:
        with deaf(hasty) as bob:
            await asyncio.to_thread(bob.log_in, "bob")
            async with stage.user("alice") as alice:
                while unread and (await stage.offer(alice, "bob", "o" * 65_536)) == OK:
                    pass
                await stage.until_offline("bob")
            async with asyncio.timeout(LIMIT):
                while websockets(hasty):
                    await stage.http.get("/healthz")

    play(hasty.url, scene)


@pytest.mark.parametrize("final", [True, False], ids=["whole", "half"])
def test_the_announced_limit_of_a_message_counts(server: Running, final: bool) -> None:
    """LOGIN-10: what is longer ends the connection, before it is complete."""
    with deaf(server) as mallory, suppress(ConnectionError):
        mallory.connection.sendall(frame("4" + "x" * 1_000_000, final=final))
        while mallory.connection.recv(65_536):
            pass


def test_half_a_message_does_not_keep_a_connection(hasty: Running) -> None:
    """A client that is in the middle of a message cannot answer pings."""
    with deaf(hasty) as mallory:
        mallory.connection.sendall(frame("4" + secrets.token_hex(100_000), final=False))
        while mallory.connection.recv(65_536):
            pass
