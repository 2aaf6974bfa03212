"""What peers send: a tone and a moving picture."""

from __future__ import annotations

import math
from struct import pack

from aiortc import AudioStreamTrack, VideoStreamTrack
from av.audio.frame import AudioFrame
from av.frame import Frame
from av.video.frame import VideoFrame

from signalproof.errors import KitError

__all__ = ["MovingPicture", "Tone"]

_WIDTH, _HEIGHT = 96, 64


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
