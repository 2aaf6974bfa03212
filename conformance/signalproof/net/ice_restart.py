"""Peers that can restart ICE, which aiortc cannot (RFC 8445, section 2.4; RFC 9429, section 5.2.1).

A second aioice connection takes over sending and receiving below DTLS, which goes on meanwhile. That goes by private
names, so only the peers of the check that restarts ICE are of this kind.
"""

from __future__ import annotations

import asyncio
import contextlib
import re

import aioice
from aiortc import RTCIceTransport

from signalproof.errors import KitError
from signalproof.net.aiortc_internals import first_connection, receive_by, send_by
from signalproof.net.description import marked_description, sdp_of
from signalproof.net.peer import Peer
from signalproof.protocol.wire import Marked

__all__ = ["RestartablePeer"]


class _Path:
    """The way of packets below DTLS: the first ICE connection, then the one that a restart made."""

    def __init__(self, transport: RTCIceTransport) -> None:
        self._transport = transport
        self._first = first_connection(transport)
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._pumps: list[asyncio.Task[None]] = []
        self.restarted: aioice.Connection | None = None
        receive_by(transport, self._receive)

    async def _receive(self) -> bytes:
        if not self._pumps:
            self._pump(self._first)
        packet = await self._queue.get()
        if packet is None:
            raise ConnectionError("the ICE connection closed")
        return packet

    def _pump(self, connection: aioice.Connection) -> None:
        self._pumps.append(asyncio.create_task(self._carry(connection)))

    async def _carry(self, connection: aioice.Connection) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                self._queue.put_nowait(await connection.recv())
        self._queue.put_nowait(None)

    async def gather(self) -> aioice.Connection:
        """Gather for the restart: new user fragment, password and candidates."""
        self.restarted = aioice.Connection(ice_controlling=self._first.ice_controlling, stun_server=None)
        await self.restarted.gather_candidates()
        return self.restarted

    async def take_over(self, user: str, password: str, candidates: list[str]) -> None:
        """Connect to the other side's new credentials and move all packets there."""
        connection = self.restarted
        if connection is None:
            raise KitError("the ICE restart was not gathered")
        connection.remote_username, connection.remote_password = user, password
        for line in candidates:
            await connection.add_remote_candidate(aioice.Candidate.from_sdp(line))
        await connection.add_remote_candidate(None)
        await connection.connect()
        self._pump(connection)
        send_by(self._transport, connection.send)

    async def close(self) -> None:
        """Close what the restart opened."""
        if self.restarted is not None:
            await self.restarted.close()
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)


class RestartablePeer(Peer):
    """A peer whose packets can be moved to another ICE connection."""

    _path: _Path | None = None

    def prepare(self, transport: RTCIceTransport) -> None:
        """Stand below DTLS before its first packet."""
        self._path = _Path(transport)

    async def restart_offer(self, marker: str) -> Marked:
        """Make an offer that restarts ICE."""
        return await self._restarted_description("offer", marker)

    async def restart_answer(self, offer: str, marker: str) -> Marked:
        """Answer an offer that restarts ICE, and begin to connect."""
        answer = await self._restarted_description("answer", marker)
        self._spawn(self.restart_accept(offer))
        return answer

    async def restart_accept(self, description: str) -> None:
        """Connect to the other side's new ICE credentials; packets move there when checks succeed."""
        sdp = sdp_of(description)
        user = re.search(r"a=ice-ufrag:(\S+)", sdp)
        password = re.search(r"a=ice-pwd:(\S+)", sdp)
        if self._path is None or user is None or password is None:
            raise KitError("an ICE restart needs a connected peer and a description with credentials")
        candidates = list(dict.fromkeys(re.findall(r"a=candidate:([^\r\n]+)", sdp)))
        await self._path.take_over(user[1], password[1], candidates)
        self._changed.set()
        self._report("ICE restarted")

    async def _restarted_description(self, kind: str, marker: str) -> Marked:
        if self._path is None:
            raise KitError("an ICE restart needs a connected peer")
        connection = await self._path.gather()
        lines: list[str] = []
        for line in self._pc.localDescription.sdp.split("\r\n"):
            if line.startswith("a=ice-ufrag:"):
                lines.append(f"a=ice-ufrag:{connection.local_username}")
                lines += [f"a=candidate:{candidate.to_sdp()}" for candidate in connection.local_candidates]
            elif line.startswith("a=ice-pwd:"):
                lines.append(f"a=ice-pwd:{connection.local_password}")
            elif not line.startswith("a=candidate:"):
                lines.append(line)
        return marked_description(kind, "\r\n".join(lines), marker)

    async def close(self) -> None:
        """Close both paths and the connection."""
        if self._path is not None:
            await self._path.close()
        await super().close()
