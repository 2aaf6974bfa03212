"""Real WebRTC peers with a tone, a moving picture and a data channel: the only importer of aiortc.

DTLS is the oracle: two peers that were handed each other's descriptions unmixed and untouched connect,
others cannot. aiortc gathers every candidate inside `setLocalDescription`; `iceServers=[]` keeps it off
the network. It has no ICE restart, so `Path` adds one below DTLS (RFC 8445, section 2.4; RFC 9429,
section 5.2.1): a second aioice connection takes over sending and receiving while DTLS goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import re
from collections.abc import Callable, Coroutine
from struct import pack
from typing import Any

import aioice.ice
from aiortc import (
    AudioStreamTrack,
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCDataChannel,
    RTCIceTransport,
    RTCPeerConnection,
    RTCSessionDescription,
    VideoStreamTrack,
)
from aiortc.sdp import candidate_from_sdp
from av.audio.frame import AudioFrame
from av.frame import Frame
from av.video.frame import VideoFrame

from signalproof.errors import KitError, NonConformance
from signalproof.protocol.wire import Marked
from signalproof.text.untrusted import read_json

__all__ = ["Peer", "fingerprint", "host_addresses"]

_FINGERPRINT = re.compile(r"a=fingerprint:(\S+ \S+)")
_WIDTH, _HEIGHT = 96, 64


def host_addresses() -> list[str]:
    """Give the addresses that ICE can use here: those of interfaces other than loopback."""
    return list(aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=True))


def fingerprint(description: str) -> str | None:
    """Give the first DTLS fingerprint in the JSON text of a session description (RFC 8122, section 5)."""
    try:
        found = _FINGERPRINT.search(read_json(description)["sdp"])
    except (ValueError, KeyError, TypeError):
        return None
    return found[1] if found else None


class Tone(AudioStreamTrack):
    """A 440 Hz tone in 20 ms frames."""

    async def recv(self) -> Frame:
        """Give the next frame, in real time."""
        frame = await super().recv()
        if not isinstance(frame, AudioFrame):
            raise KitError("aiortc's audio track no longer makes audio frames")
        rate, start = frame.sample_rate, frame.pts or 0
        samples = (int(8000 * math.sin(math.tau * 440 * (start + i) / rate)) for i in range(frame.samples))
        frame.planes[0].update(b"".join(pack("<h", sample) for sample in samples))
        return frame


class MovingPicture(VideoStreamTrack):
    """A small grey ramp that moves one step a frame."""

    async def recv(self) -> Frame:
        """Give the next frame, in real time."""
        pts, time_base = await self.next_timestamp()
        frame = VideoFrame(_WIDTH, _HEIGHT, "yuv420p")
        shift = pts // 3000
        for position, plane in enumerate(frame.planes):
            row = bytes((x * 2 + shift * 4) % 256 if position == 0 else 128 for x in range(plane.line_size))
            plane.update(row * plane.height)
        frame.pts, frame.time_base = pts, time_base
        return frame


class Path:
    """The way of packets below DTLS: the first ICE connection, then the one that a restart made."""

    def __init__(self, transport: RTCIceTransport) -> None:
        self._transport = transport
        self._first = transport._connection
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._pumps: list[asyncio.Task[None]] = []
        self.restarted: aioice.Connection | None = None
        transport._recv = self._receive

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
        self._transport._send = connection.send

    async def close(self) -> None:
        """Close what the restart opened."""
        if self.restarted is not None:
            await self.restarted.close()
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)


class Peer:
    """One `RTCPeerConnection` and what it has received. `report` is told every state by name."""

    def __init__(self, report: Callable[[str], None], *, media: bool = True) -> None:
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self._report = report
        self._media = media
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._channels: dict[str, RTCDataChannel] = {}
        self._path: Path | None = None
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
        if self._path is None:
            self._add_media()
        self._watch_path()
        await self._pc.setLocalDescription(await self._pc.createAnswer())
        return self._local(marker, trickle)

    async def accept(self, answer: str) -> None:
        """Apply the answer to this peer's offer."""
        self._watch_path()
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
        found = _FINGERPRINT.search(self._pc.localDescription.sdp)
        return found[1] if found else None

    def _add_media(self) -> None:
        if self._media:
            self._pc.addTrack(Tone())
            self._pc.addTrack(MovingPicture())

    def _local(self, marker: str, trickle: bool) -> Marked:
        local = self._pc.localDescription
        sdp = re.sub(r"a=(candidate:[^\r\n]+|end-of-candidates)\r\n", "", local.sdp) if trickle else local.sdp
        return _marked(local.type, sdp, marker)

    # ── ICE restart ────────────────────────────────────────────────────────────────────────────

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
        sdp = _sdp(description)
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
        return _marked(kind, "\r\n".join(lines), marker)

    def _watch_path(self) -> None:
        if self._path is None:
            sctp = self._pc.sctp
            if sctp is None:
                raise KitError("a peer has a data channel, and so an SCTP transport")
            dtls = sctp.transport
            dtls.on("statechange", lambda: self._tell("DTLS", dtls.state))
            self._path = Path(dtls.transport)

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
        pair = sctp.transport.transport._connection._nominated.get(1) if sctp else None
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
        if self._path is not None:
            await self._path.close()
        await self._pc.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _marked(kind: str, sdp: str, marker: str) -> Marked:
    """Give a description as JSON text whose SDP session name is the marker (RFC 8866, section 5.3)."""
    text = re.sub(r"^s=.*?(?=\r?$)", f"s={marker}", sdp, count=1, flags=re.MULTILINE)
    return Marked(marker, json.dumps({"type": kind, "sdp": text}, separators=(",", ":")))


def _sdp(description: str) -> str:
    try:
        return str(json.loads(description)["sdp"])
    except (ValueError, KeyError, TypeError) as error:
        raise KitError("a description was handed to a peer before it was examined") from error


def _description(text: str, kind: str) -> RTCSessionDescription:
    return RTCSessionDescription(sdp=_sdp(text), type=kind)
