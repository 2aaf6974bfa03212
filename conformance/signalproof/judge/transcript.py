"""All that one check sent and received, in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from time import perf_counter

__all__ = ["DETAIL", "SERVER", "Channel", "Entry", "Transcript"]

SERVER = "server"
DETAIL = " · "
"""Stands between what a message was and what is unusual about it."""
CONTENT = 6_000
"""How many characters or bytes of a message are kept."""


class Channel(StrEnum):
    """What carries a message, or what a note is about."""

    HTTP = "http"
    SOCKET = "socket.io"
    PEER = "webrtc"


@dataclass(frozen=True, slots=True)
class Entry:
    """One message, or a note when `source` and `destination` are the same. `at` is in seconds.

    `content` is the message itself, as it went over the wire or as JSON; at most its beginning. `detail` is what is
    unusual about it, `case` the case of the check in which it came, and `mark` what it breaks, if it breaks something.
    """

    at: float
    source: str
    destination: str
    text: str
    channel: Channel = Channel.SOCKET
    content: str | bytes | tuple[object, ...] = ""
    detail: str = ""
    case: str = ""
    mark: str = ""

    @property
    def whole(self) -> str:
        """All that is shown of it."""
        return f"{self.text}{DETAIL}{self.detail}" if self.detail else self.text


@dataclass(slots=True)
class Transcript:
    """The messages of one check, timed from `began` (a `perf_counter` reading).

    `follow`, where set, is told each entry as it is made; once `closed`, nothing more is recorded. `case` tells the
    case in which the task is that records something, and `moment` is that of the last thing that came or happened: what
    is only asked breaks nothing.
    """

    began: float = field(default_factory=perf_counter)
    entries: list[Entry] = field(default_factory=list)
    follow: Callable[[Entry], None] | None = None
    closed: bool = False
    case: Callable[[], str] = str
    moment: float | None = None

    def add(
        self,
        source: str,
        destination: str,
        text: str,
        *,
        at: float | None = None,
        channel: Channel = Channel.SOCKET,
        content: str | bytes | tuple[object, ...] = "",
        detail: str = "",
        case: str | None = None,
    ) -> float:
        """Record a message and give its moment; `at` is a `perf_counter` reading, now by default.

        Its `case` is that of the task, unless another one is given.
        """
        moment = perf_counter() if at is None else at
        if self.closed:
            return moment
        kept = content if isinstance(content, tuple) else content[:CONTENT]
        entry = Entry(
            moment - self.began, source, destination, text, channel, kept, detail, self.case() if case is None else case
        )
        self.entries.append(entry)
        if destination != SERVER:
            self.moment = moment
        if self.follow is not None:
            self.follow(entry)
        return moment

    def note(self, who: str, text: str, channel: Channel = Channel.SOCKET) -> float:
        """Record something that happened at one participant, such as a WebRTC state, and give its moment."""
        return self.add(who, who, text, channel=channel)
