"""Steps with generated input: what clients never send, at every endpoint and event, among ordinary steps.

None of it may get a server error, reach anybody or disturb the ordinary steps around it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from signalproof.cast.participant import Participant
from signalproof.errors import NonConformance
from signalproof.judge.posting import Audience
from signalproof.net.failures import SocketFailure
from signalproof.protocol.wire import LOGIN_CODE_POINTS, OFFER, Body
from signalproof.scenes.manners import Manner
from signalproof.scenes.steps import Steps

__all__ = ["FuzzSteps"]


class FuzzSteps(Steps):
    """A scene in which generated input is among the steps."""

    async def posts_anything(self, device: Participant, path: str, body: Body) -> None:
        """Post a body that holds no sid: refused, whatever else is in it (SEC-2, HTTP-12)."""
        posting = device.draft(OFFER, device.unmarked(), Audience())
        await device.send(posting, {}, body=body, path=path)
        self.scene.refused(posting, "SEC-2")
        self._compare()

    async def visits(self, text: str) -> None:
        """A user with a generated login comes, is offered to, and goes (LOGIN-3, LOGIN-4)."""
        login = f"{self.scene.nobody}.{text}"[:LOGIN_CODE_POINTS]
        if self.model.live(login):
            return
        visitor = await self._stranger(login)
        await visitor.log_in(login, requirement="LOGIN-3")
        self._take(visitor)
        await self.offers(self.device(0), login, Manner())
        await self.leaves(visitor)

    async def stranger_logs_in(self, arguments: Sequence[object]) -> None:
        """Emit `login` with arguments that hold no valid login: refused, and the socket stays (LOGIN-3)."""
        stranger = await self._stranger(self.scene.login("stranger"))
        self.scene.refused_ack("LOGIN-3", await stranger.try_log_in(*arguments, requirement="LOGIN-3"))
        self.scene.refused(await stranger.try_offer(self.device(0)), "OFFER-5")
        await stranger.log_in(stranger.identity, requirement="LOGIN-3")
        self._take(stranger)
        await self.leaves(stranger)

    async def _stranger(self, login: str) -> Participant:
        await self._calm()
        return await self.scene.connect("stranger", login=login)

    async def throws_frames(self, frames: Sequence[str | bytes]) -> None:
        """Send frames on a WebSocket that may be no Engine.IO or Socket.IO at all (LOGIN-10)."""
        await self._calm()
        socket = await self.scene.raw.socket()
        for frame in frames:
            await socket.send(frame)
        with contextlib.suppress(SocketFailure):
            await socket.close()
        device = self.device(0)
        if not device.live:
            raise NonConformance(
                "LOGIN-10",
                expected=f"the connection of {device.name} to outlast frames on another one",
                received=device.ending,
            )
        self._compare()
