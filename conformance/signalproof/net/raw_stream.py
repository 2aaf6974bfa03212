"""Bytes to the target, at leisure: requests that stop in the middle, and a WebSocket that nobody reads."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from base64 import b64encode
from os import urandom
from urllib.parse import urlsplit

from signalproof.config.target import Target
from signalproof.net.failures import SocketFailure, reason_of
from signalproof.net.http import UserAgent

__all__ = ["RawStream", "frame", "head", "upgrade"]

NARROW_BUFFER, NARROW_SEGMENT = 2_048, 536
"""Bytes of the receive buffer and of a segment of a client that takes little: the rest waits at the target."""


class RawStream:
    """A TCP connection, with TLS where the target has it, on which bytes are sent as they are."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, timeout: float) -> None:
        self._reader = reader
        self._writer = writer
        self._timeout = timeout

    @classmethod
    async def open(cls, target: Target, agent: UserAgent, url: str, *, narrow: bool = False) -> RawStream:
        """Connect to where `url` leads; raises `SocketFailure`."""
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        tls = (target.tls or ssl.create_default_context()) if secure else None
        await agent.pace.turn()
        try:
            async with asyncio.timeout(target.timeout):
                line = await _connect(str(parts.hostname), parts.port or (443 if secure else 80), narrow=narrow)
                name = parts.hostname if secure else None
                reader, writer = await asyncio.open_connection(sock=line, ssl=tls, server_hostname=name, limit=1_024)
        except (OSError, TimeoutError) as error:
            raise SocketFailure(reason_of(error)) from error
        return cls(reader, writer, target.timeout)

    async def send(self, data: bytes) -> None:
        """Send some bytes; a connection that the target has closed is not an error here."""
        with contextlib.suppress(OSError, TimeoutError):
            self._writer.write(data)
            async with asyncio.timeout(self._timeout):
                await self._writer.drain()

    async def until(self, text: bytes) -> None:
        """Read until `text` has come; raises `SocketFailure` when it does not."""
        try:
            async with asyncio.timeout(self._timeout):
                await self._reader.readuntil(text)
        except (OSError, TimeoutError, EOFError, asyncio.LimitOverrunError) as error:
            raise SocketFailure(f"no {text.decode()!r} came") from error

    def stop_reading(self) -> None:
        """Leave whatever comes from now on to the buffers on the way."""
        self._writer.transport.pause_reading()  # type: ignore[attr-defined]  # every transport of a stream has it

    def close(self, *, reset: bool = False) -> None:
        """Close the connection: in order, or as a process that is killed does."""
        line = self._writer.get_extra_info("socket")
        if reset and line is not None:
            with contextlib.suppress(OSError, ValueError):  # it may be closed already
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._writer.transport.abort()
        else:
            self._writer.close()


async def _connect(host: str, port: int, *, narrow: bool) -> socket.socket:
    """Connect a socket to the first address that lets it."""
    loop = asyncio.get_running_loop()
    failure: OSError = OSError(f"{host} has no address")
    for family, kind, number, _, address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        line = socket.socket(family, kind, number)
        line.setblocking(False)
        if narrow:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, NARROW_BUFFER)
            with contextlib.suppress(OSError, AttributeError):
                line.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, NARROW_SEGMENT)
        try:
            await loop.sock_connect(line, address)
        except OSError as error:
            line.close()
            failure = error
        else:
            return line
    raise failure


def head(target: Target, method: str, url: str, headers: dict[str, str]) -> bytes:
    """Write the head of a request."""
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    lines = [f"{method} {parts.path or '/'}{query} HTTP/1.1", f"Host: {parts.netloc}"]
    lines += [f"{name}: {value}" for name, value in {**dict(target.headers), **headers}.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def upgrade(target: Target) -> bytes:
    """Write the handshake of a WebSocket to the Engine.IO endpoint of the target."""
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": b64encode(urandom(16)).decode(),
    }
    return head(target, "GET", f"{target.socket_url}/socket.io/?EIO=4&transport=websocket", headers)


def frame(text: str) -> bytes:
    """Write a text frame, masked as a client's has to be (RFC 6455, section 5.3)."""
    payload, mask = text.encode(), urandom(4)
    size = bytes([0x80 | len(payload)]) if len(payload) < 126 else struct.pack("!BH", 0x80 | 126, len(payload))
    return b"\x81" + size + mask + bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))
