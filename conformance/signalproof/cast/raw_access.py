"""Requests and frames outside the ordinary: any HTTP request, and WebSockets that send what they are told."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from time import perf_counter
from typing import TYPE_CHECKING

from signalproof.cast.label import of_reply
from signalproof.errors import NonConformance
from signalproof.judge.transcript import SERVER, Channel
from signalproof.net.failures import HttpFailure, SocketFailure
from signalproof.net.http import HttpReply
from signalproof.net.raw_socket import RawSocket
from signalproof.pause import pause
from signalproof.protocol.wire import Body, connect_auth, login_payload
from signalproof.text.redact import cut
from signalproof.text.untrusted import read_json

if TYPE_CHECKING:
    from signalproof.cast.company import Company

__all__ = ["VISITS", "Guest", "Patience", "RawAccess", "Visit", "Way"]


class Patience(StrEnum):
    """For how long a visitor waits for the acknowledgement of its login."""

    WHOLE = "the acknowledgement awaited"
    HALF = "the acknowledgement half awaited"
    NONE = "no acknowledgement awaited"


class Way(StrEnum):
    """How a visitor closes its connection: each is a graceful close (spec/transport.md)."""

    TRANSPORT = "closed by the transport alone"
    NAMESPACE = "closed by DISCONNECT alone"
    BOTH = "closed by DISCONNECT and the transport"


VISITS = {f"{patience}, {way}": (patience, way) for patience, way in product(Patience, Way)}
"""All ways to come for a moment, by name."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What a visitor has left: its login, its sid, and the token of its login, if there is one."""

    login: str
    sid: str
    authorization: str | None


@dataclass(frozen=True, slots=True)
class Guest:
    """A connection that is there to leave."""

    socket: RawSocket

    async def leave(self, way: Way, *, after: float = 0.0) -> None:
        """Close it, after so many seconds."""
        await pause(after)
        await _leave(self.socket, way)


class RawAccess:
    """The way around the participants of a check."""

    def __init__(self, company: Company) -> None:
        self._company = company
        self._target = company.target
        self._http = company.setting.http
        self._sockets: list[RawSocket] = []
        self._silent: dict[str, RawSocket] = {}
        self._ack_seconds = 0.01
        self.failed = False
        """Whether a request got no reply, or a socket did not open."""

    def _login(self, name: str) -> str:
        """Give the login of a name, of which connections may stay that nobody else tells of."""
        login = self._company.login(name)
        self._company.setting.ledger.attendance.elsewhere.add(login)
        return login

    async def http(
        self, method: str, path: str, *, body: Body | None = None, headers: dict[str, str] | None = None
    ) -> HttpReply:
        """Send any HTTP request; a missing reply breaches HTTP-12."""
        content_type = {"content-type": body.content_type} if body and body.content_type else {}
        content = body.content if body else b""
        transcript = self._company.transcript
        detail = f"{body.content_type or 'without a content type'}, {len(content):,} bytes" if body else ""
        transcript.add("kit", SERVER, f"{method} {path}", channel=Channel.HTTP, content=content, detail=detail)
        try:
            reply = await self._http.request(
                method,
                path,
                headers={**content_type, **(headers or {})},
                content=body.content if body else None,
            )
        except HttpFailure as failure:
            self.failed = True
            transcript.note("kit", str(failure), Channel.HTTP)
            raise NonConformance("HTTP-12", expected=f"a reply to {method} {path}", received=str(failure)) from failure
        told = of_reply(reply.status, path, len(content), self._company.setting.ledger.largest_taken)
        transcript.add(SERVER, "kit", f"HTTP {reply.status}", channel=Channel.HTTP, content=reply.body, detail=told)
        return reply

    async def socket(self) -> RawSocket:
        """Open a WebSocket on which any frame can be sent; failure breaches LOGIN-1."""
        try:
            socket = await RawSocket.open(self._target, self._http.user_agent())
        except SocketFailure as failure:
            self.failed = True
            raise NonConformance(
                "LOGIN-1", expected="a WebSocket without polling first", received=str(failure)
            ) from failure
        self._sockets.append(socket)
        return socket

    async def send(self, socket: RawSocket, who: str, packet: str | bytes) -> None:
        """Send a frame on a raw socket, and let the ladder show it."""
        shown = cut(packet if isinstance(packet, str) else repr(packet), 60)
        self._company.transcript.add(who, SERVER, f"frame {shown}", content=packet)
        await socket.send(packet)

    async def handshake(self, name: str) -> tuple[str | bytes | None, str | bytes | None]:
        """Open a WebSocket and CONNECT on it; give the open packet and the answer; silence breaches LOGIN-1."""
        socket = await self.socket()
        try:
            opened = await socket.receive(self._target.timeout)
            await socket.send(await self.connect_packet(name))
            return opened, await socket.receive(self._target.timeout)
        except SocketFailure as failure:
            raise NonConformance("LOGIN-1", expected="the Engine.IO handshake", received=str(failure)) from failure

    async def connect_packet(self, name: str) -> str:
        """Give the Socket.IO CONNECT packet that a raw socket has to send for `name`, with its token if need be."""
        token = await self._company.token(self._login(name))
        return "40" if token is None else f"40{json.dumps(connect_auth(token))}"

    async def expect_connect_error(self, auth: object, requirement: str) -> None:
        """Expect that a CONNECT with the payload `auth` is answered with CONNECT_ERROR or a closed transport."""
        socket = await self.socket()
        answer: object = None
        try:
            await socket.receive(self._target.timeout)
            await socket.send("40" if auth is None else f"40{json.dumps(auth)}")
            answer = await socket.receive(self._target.timeout)
        except SocketFailure as failure:
            answer = str(failure)
        self._company.expect(
            requirement,
            isinstance(answer, str) and answer.startswith("44"),
            expected="CONNECT_ERROR (44…) for a connection without a valid token",
            received=cut(str(answer), 80),
        )

    async def visit(self, name: str, patience: Patience, way: Way) -> Visit:
        """Connect, log in and close at once, waiting for the acknowledgement or not."""
        company, login, limit = self._company, self._login(name), self._target.timeout
        socket = await self.socket()
        try:
            await socket.receive(limit)
            await socket.send(await self.connect_packet(name))
            sid = _sid(await socket.receive(limit))
            company.setting.ledger.sids.append(sid)
            company.setting.ledger.pseudonyms.of("sid", sid)
            began = perf_counter()
            await socket.send(f"420{json.dumps(['login', login_payload(login)])}")
            if patience is Patience.WHOLE:
                await socket.receive(limit)
                self._ack_seconds = perf_counter() - began
            elif patience is Patience.HALF:
                await pause(self._ack_seconds / 2)
            await _leave(socket, way)
            company.transcript.note(name, f"logs in and leaves: {patience}, {way}")
            token = await company.token(login)
            return Visit(login, sid, None if token is None else f"Bearer {token}")
        except SocketFailure as failure:
            raise NonConformance(
                "LOGIN-1", expected="a Socket.IO connection over WebSocket", received=str(failure)
            ) from failure

    async def guest(self, name: str) -> Guest:
        """Bring on one more connection of a user, on which nothing that comes is read."""
        return Guest(await self._come(name, self._login(name)))

    async def _come(self, name: str, login: str) -> RawSocket:
        """Open a socket and log in on it; what is missing is another check's matter."""
        socket = await self.socket()
        for packet in (await self.connect_packet(name), f"420{json.dumps(['login', login_payload(login)])}"):
            await socket.receive(self._target.timeout)
            await socket.send(packet)
        await socket.receive(self._target.timeout)
        return socket

    async def silent_connection(self, name: str) -> str:
        """Log in on a socket that will answer no ping, as a device that drops off the network; give its login."""
        login = self._login(name)
        socket = await self._come(name, login)
        self._company.transcript.note(name, "logs in, then falls silent")
        self._silent[login] = socket
        return login

    async def until_noticed(self, login: str) -> None:
        """Wait until the target lets go of a silent connection, or has had the time to."""
        await self._silent[login].dropped(self._target.limits["silent_loss_seconds"])

    async def close(self) -> None:
        """Close the raw sockets."""
        await asyncio.gather(*(socket.close() for socket in self._sockets), return_exceptions=True)


async def _leave(socket: RawSocket, way: Way) -> None:
    if way is not Way.TRANSPORT:
        await socket.send("41")
    if way is Way.NAMESPACE:
        # As clients do that have other namespaces on the same transport: it stays, and answers pings.
        socket.keep_open()
    else:
        await socket.close()


def _sid(packet: str | bytes | None) -> str:
    """Read the sid in the answer to CONNECT; raises `SocketFailure` when there is none."""
    try:
        content = read_json(str(packet).removeprefix("40"))
    except ValueError:
        content = None
    if not isinstance(content, dict) or not isinstance(content.get("sid"), str):
        raise SocketFailure("CONNECT was answered without a sid")
    return str(content["sid"])
