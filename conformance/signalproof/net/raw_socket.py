"""WebSocket frames to the Engine.IO endpoint of the target, well-formed or not."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import aiohttp

from signalproof.config.target import Target
from signalproof.net.failures import Redirected, SocketFailure, reason_of
from signalproof.net.http import UserAgent
from signalproof.net.web_socket import OVERRUN, TOO_LONG, HandshakeRedirected, Overrun

__all__ = ["RawSocket"]


class RawSocket:
    """A WebSocket to the Engine.IO endpoint that sends what it is told, well-formed or not (LOGIN-10)."""

    def __init__(self, session: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._session = session
        self._socket = socket
        self._keeping_open: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, target: Target, agent: UserAgent) -> RawSocket:
        """Open the WebSocket without polling first; raises `SocketFailure`."""
        url = f"{target.socket_url}/socket.io/?EIO=4&transport=websocket"
        await agent.pace.turn()
        session = agent.new_session()
        try:
            opening = session.ws_connect(url, max_msg_size=TOO_LONG)
            return cls(session, await asyncio.wait_for(opening, target.timeout))
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            await session.close()
            if isinstance(error, HandshakeRedirected):
                raise Redirected(str(error)) from error
            raise SocketFailure(reason_of(error)) from error

    async def send(self, packet: str | bytes) -> None:
        """Send one frame; a connection that the target has closed is not an error here."""
        with contextlib.suppress(aiohttp.ClientError, OSError):
            if isinstance(packet, str):
                await self._socket.send_str(packet)
            else:
                await self._socket.send_bytes(packet)

    async def receive(self, timeout: float) -> str | bytes | None:
        """Give the next frame that is no ping, or None when the target closed the connection.

        Pings on the way are answered. Raises `SocketFailure` when nothing comes within `timeout` seconds, or more
        than the kit reads.
        """
        try:
            async with asyncio.timeout(timeout):
                while (message := await self._socket.receive()).data == "2":
                    await self.send("3")
        except TimeoutError as error:
            raise SocketFailure(f"no frame within {timeout:.1f} s", late=True) from error
        except Overrun as error:
            raise SocketFailure(OVERRUN) from error
        data: Any = message.data
        return data if message.type in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY} else None

    async def dropped(self, timeout: float) -> None:
        """Answer nothing until the target closes the connection, or `timeout` seconds are over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while (await self._socket.receive()).type in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
                    pass

    def keep_open(self) -> None:
        """Answer pings from now on, in the background, and read nothing else."""
        self._keeping_open = asyncio.create_task(self._answer_pings())

    async def _answer_pings(self) -> None:
        with contextlib.suppress(aiohttp.ClientError, OSError):
            while (message := await self._socket.receive()).type in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
                if message.data == "2":
                    await self.send("3")

    async def close(self) -> None:
        """Close the WebSocket and its session."""
        if self._keeping_open is not None:
            self._keeping_open.cancel()
            await asyncio.wait([self._keeping_open])
        await self._socket.close()
        await self._session.close()
