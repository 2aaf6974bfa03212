"""Clients of the slow kind: those that stop in the middle of a request, and those that read nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from signalproof.errors import NonConformance
from signalproof.judge.transcript import SERVER, Channel
from signalproof.net.failures import SocketFailure
from signalproof.net.raw_stream import RawStream, frame, head, upgrade
from signalproof.protocol.wire import Body, login_payload

if TYPE_CHECKING:
    from signalproof.cast.company import Company

__all__ = ["SlowAccess"]


class SlowAccess:
    """What a slow client, or one that goes in the middle, does to the target of a check."""

    def __init__(self, company: Company) -> None:
        self._company = company
        self._streams: list[RawStream] = []

    async def _open(self, url: str, *, narrow: bool = False) -> RawStream:
        setting = self._company.setting
        try:
            stream = await RawStream.open(setting.target, setting.http, url, narrow=narrow)
        except SocketFailure as failure:
            self._company.raw.failed = True
            raise NonConformance(
                "HTTP-12", expected="the target to take one more connection", received=str(failure)
            ) from failure
        self._streams.append(stream)
        return stream

    async def half(self, path: str, body: Body, authorization: Mapping[str, str]) -> RawStream:
        """Send the head of a POST and half of its body, and leave it there."""
        target = self._company.target
        headers = {**authorization, "Content-Type": body.content_type or "", "Content-Length": str(len(body.content))}
        stream = await self._open(target.url)
        what = f"half of POST {path}"
        self._company.transcript.add("slow", SERVER, what, channel=Channel.HTTP, content=body.content)
        await stream.send(head(target, "POST", f"{target.url}{path}", headers))
        await stream.send(body.content[: len(body.content) // 2])
        return stream

    def leave(self, stream: RawStream, *, reset: bool = False) -> None:
        """Go in the middle of a request: in order, or killed."""
        what = "is killed in the middle of a request" if reset else "goes in the middle of a request"
        self._company.transcript.add("slow", SERVER, what, channel=Channel.HTTP)
        stream.close(reset=reset)

    async def deaf(self, name: str) -> str:
        """Log in on a WebSocket that takes little and of which nothing is read any more; give its login."""
        company = self._company
        stream, login = await self._open(company.target.socket_url, narrow=True), company.login(name)
        try:
            await stream.send(upgrade(company.target))
            await stream.until(b'"sid"')
            await stream.send(frame(await company.raw.connect_packet(name)))
            await stream.until(b'40{"sid"')
            await stream.send(frame(f"420{json.dumps(['login', login_payload(login)])}"))
            await stream.until(b"430")
        except SocketFailure as failure:
            raise NonConformance(
                "LOGIN-1", expected="a Socket.IO connection over WebSocket", received=str(failure)
            ) from failure
        stream.stop_reading()
        company.transcript.note(name, "logs in, and reads nothing from now on")
        return login

    def close(self) -> None:
        """Let go of all of them."""
        for stream in self._streams:
            stream.close(reset=True)
