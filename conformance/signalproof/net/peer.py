"""Real WebRTC peers with a tone, a moving picture and a data channel.

DTLS is the oracle: two peers that were handed each other's descriptions unmixed and untouched connect,
others cannot. aiortc gathers every candidate inside `setLocalDescription`; `iceServers=[]` keeps it off
the network.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Callable, Coroutine
from typing import Any

from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCDataChannel,
    RTCIceTransport,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.sdp import candidate_from_sdp
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

from signalproof.errors import KitError, NonConformance
from signalproof.net.aiortc_internals import first_connection, nominated_pair
from signalproof.net.description import fingerprint_in, marked_description, sdp_of
from signalproof.net.media import MovingPicture, Tone
from signalproof.protocol.wire import Marked

__all__ = ["Peer"]


class Peer:
    """One `RTCPeerConnection` and what it has received. `report` is told every state by name."""

    def __init__(self, report: Callable[[str], None], *, media: bool = True) -> None:
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self._report = report
        self._media = media
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._channels: dict[str, RTCDataChannel] = {}
        self._watched = False
        self.frames = {"audio": 0, "video": 0}
        self.messages: list[str] = []
        self._pc.on("connectionstatechange", self._on_state)
        self._pc.on("iceconnectionstatechange", lambda: self._tell("ICE", self._pc.iceConnectionState))
        self._pc.on("track", self._on_track)
        self._pc.on("datachannel", self._on_channel)

    # ── trickle ICE ────────────────────────────────────────────────────────────────────────────

    def candidates(self, new_marker: Callable[[], str]) -> list[Marked]:
        """Give the gathered candidates as a browser trickles them (RFC 8838), the end of them last.

        aiortc gathers all of them at once; whoever trickles cuts them out of the description first.
        """
        texts = []
        for number, section in enumerate(self._pc.localDescription.sdp.split("\r\nm=")[1:]):
            mid = re.search(r"a=mid:(\S+)", section)
            user = re.search(r"a=ice-ufrag:(\S+)", section)
            for line in re.findall(r"a=(candidate:[^\r\n]+)", section):
                marker = new_marker()
                candidate = {
                    "candidate": line,
                    "sdpMid": mid[1] if mid else None,
                    "sdpMLineIndex": number,
                    "usernameFragment": user[1] if user else None,
                    "marker": marker,
                }
                texts.append(Marked(marker, json.dumps(candidate)))
            break  # bundled: one transport, described in the first section (RFC 9143)
        return [*texts, Marked(new_marker(), "null")]

    async def add_candidate(self, text: str) -> None:
        """Apply a candidate that arrived, or the end of candidates."""
        content = json.loads(text)
        if content is None or not content["candidate"]:
            await self._pc.addIceCandidate(None)
            return
        candidate = candidate_from_sdp(content["candidate"].removeprefix("candidate:"))
        candidate.sdpMid, candidate.sdpMLineIndex = content["sdpMid"], content["sdpMLineIndex"]
        await self._pc.addIceCandidate(candidate)

    # ── descriptions ───────────────────────────────────────────────────────────────────────────

    async def offer(self, marker: str, *, trickle: bool = False) -> Marked:
        """Make an offer as a browser does: tracks, a data channel, JSON text (RFC 9429, section 4.1.8).

        With `trickle` it holds no candidates.
        """
        if not self._channels:
            self._add_media()
            self._on_channel(self._pc.createDataChannel("chat"))
        await self._pc.setLocalDescription(await self._pc.createOffer())
        return self._local(marker, trickle)

    async def answer(self, offer: str, marker: str, *, trickle: bool = False) -> Marked:
        """Apply an offer and make the answer to it, with `trickle` without candidates."""
        await self._pc.setRemoteDescription(_description(offer, "offer"))
        if not self._watched:
            self._add_media()
        self._watch()
        await self._pc.setLocalDescription(await self._pc.createAnswer())
        return self._local(marker, trickle)

    async def accept(self, answer: str) -> None:
        """Apply the answer to this peer's offer."""
        self._watch()
        await self._pc.setRemoteDescription(_description(answer, "answer"))

    def add_channel(self, label: str) -> None:
        """Open one more data channel."""
        self._on_channel(self._pc.createDataChannel(label))

    def add_video(self) -> None:
        """Add a video track, which needs a re-offer."""
        self._pc.addTrack(MovingPicture())

    @property
    def fingerprint(self) -> str | None:
        """The DTLS fingerprint of this peer's certificate, as its own description states it."""
        return fingerprint_in(self._pc.localDescription.sdp)

    def _add_media(self) -> None:
        if self._media:
            self._pc.addTrack(Tone())
            self._pc.addTrack(MovingPicture())

    def _local(self, marker: str, trickle: bool) -> Marked:
        local = self._pc.localDescription
        sdp = re.sub(r"a=(candidate:[^\r\n]+|end-of-candidates)\r\n", "", local.sdp) if trickle else local.sdp
        return marked_description(local.type, sdp, marker)

    def _watch(self) -> None:
        if self._watched:
            return
        self._watched = True
        sctp = self._pc.sctp
        if sctp is None:
            raise KitError("a peer has a data channel, and so an SCTP transport")
        dtls = sctp.transport
        dtls.on("statechange", lambda: self._tell("DTLS", dtls.state))
        self.prepare(dtls.transport)

    def prepare(self, transport: RTCIceTransport) -> None:
        """See the ICE transport before its first packet; here for peers that do more with it."""

    # ── what arrives ───────────────────────────────────────────────────────────────────────────

    def _on_state(self) -> None:
        self._report(f"WebRTC {self._pc.connectionState}")
        self._changed.set()

    def _tell(self, what: str, state: str) -> None:
        if state != "closed":  # the connection says that
            self._report(f"{what} {state}")

    def _on_track(self, track: MediaStreamTrack) -> None:
        self._spawn(self._count(track))

    async def _count(self, track: MediaStreamTrack) -> None:
        with contextlib.suppress(Exception):
            while True:
                frame = await track.recv()
                if isinstance(frame, AudioFrame | VideoFrame):
                    self.frames[track.kind] += 1
                    self._changed.set()

    def _on_channel(self, channel: RTCDataChannel) -> None:
        self._channels[channel.label] = channel
        channel.on("message", self._on_message)
        channel.on("open", self._changed.set)
        self._changed.set()

    def _on_message(self, message: object) -> None:
        self.messages.append(str(message))
        self._changed.set()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _until(self, reached: Callable[[], bool], timeout: float, what: str) -> None:
        try:
            async with asyncio.timeout(timeout):
                while not reached():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise NonConformance(
                "MEDIA-1",
                expected=f"{what} within {timeout:g} s",
                received=f"WebRTC {self._pc.connectionState}, ICE {self._pc.iceConnectionState}, "
                f"{self.frames['audio']} audio and {self.frames['video']} video frames",
            ) from None

    async def connected(self, timeout: float) -> None:
        """Wait until ICE and DTLS have completed; raises `NonConformance` after `timeout` seconds."""
        await self._until(lambda: self._pc.connectionState == "connected", timeout, "a WebRTC connection")

    def is_idle(self) -> bool:
        """Whether the peer is not connected."""
        return self._pc.connectionState != "connected"

    def candidate_pair(self) -> str:
        """Say over which pair of candidates the packets go (RFC 8445, section 8)."""
        sctp = self._pc.sctp
        pair = nominated_pair(first_connection(sctp.transport.transport)) if sctp else None
        if pair is None:
            return "none"
        local, remote = pair.local_candidate, pair.remote_candidate
        return f"{local.host}:{local.port} ({local.type}) ↔ {remote.host}:{remote.port} ({remote.type})"

    async def receives(self, timeout: float, *, audio: int = 0, video: int = 0) -> None:
        """Wait for so many more frames of sound and picture."""
        want = {"audio": self.frames["audio"] + audio, "video": self.frames["video"] + video}
        await self._until(lambda: all(self.frames[kind] >= want[kind] for kind in want), timeout, "sound and picture")

    async def says(self, text: str, to: Peer, timeout: float, *, label: str = "chat") -> None:
        """Send a message over a data channel and wait until it has arrived at the other peer."""
        await self._until(
            lambda: label in self._channels and self._channels[label].readyState == "open",
            timeout,
            f"an open data channel {label!r}",
        )
        self._channels[label].send(text)
        await to._until(lambda: text in to.messages, timeout, f"a message on data channel {label!r}")

    async def close(self) -> None:
        """Close the connection and all that belongs to it."""
        await self._pc.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _description(text: str, kind: str) -> RTCSessionDescription:
    return RTCSessionDescription(sdp=sdp_of(text), type=kind)
