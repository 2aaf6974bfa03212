"""All that one check sent and received, in order, and the ladder diagram of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from time import perf_counter

__all__ = ["SERVER", "Channel", "Entry", "Transcript", "ladder"]

SERVER = "server"
CONTENT = 6_000
"""How many characters or bytes of a message are kept."""
_GAPS = (34, 30)
_LATER_GAP = 16
_MAX_COLUMNS = 5
_MAX_LINES = 48


class Channel(StrEnum):
    """What carries a message, or what a note is about."""

    HTTP = "http"
    SOCKET = "socket.io"
    PEER = "webrtc"


@dataclass(frozen=True, slots=True)
class Entry:
    """One message, or a note when `source` and `destination` are the same. `at` is in seconds.

    `content` is the message itself, as it went over the wire or as JSON; at most its beginning.
    """

    at: float
    source: str
    destination: str
    text: str
    channel: Channel = Channel.SOCKET
    content: str | bytes | tuple[object, ...] = ""


@dataclass(slots=True)
class Transcript:
    """The messages of one check, timed from `began` (a `perf_counter` reading).

    `follow`, where set, is told each entry as it is made; once `closed`, nothing more is recorded.
    """

    began: float = field(default_factory=perf_counter)
    entries: list[Entry] = field(default_factory=list)
    follow: Callable[[Entry], None] | None = None
    closed: bool = False

    def add(
        self,
        source: str,
        destination: str,
        text: str,
        *,
        at: float | None = None,
        channel: Channel = Channel.SOCKET,
        content: str | bytes | tuple[object, ...] = "",
    ) -> None:
        """Record a message; `at` is a `perf_counter` reading, now by default."""
        if self.closed:
            return
        moment = perf_counter() if at is None else at
        kept = content if isinstance(content, tuple) else content[:CONTENT]
        entry = Entry(moment - self.began, source, destination, text, channel, kept)
        self.entries.append(entry)
        if self.follow is not None:
            self.follow(entry)

    def note(self, who: str, text: str, channel: Channel = Channel.SOCKET) -> None:
        """Record something that happened at one participant, such as a WebRTC state."""
        self.add(who, who, text, channel=channel)

    def last(self, redact: Callable[[str], str]) -> tuple[list[Entry], int]:
        """Give the last messages in the order of their times, redacted, and how many earlier ones there are."""
        entries = sorted(self.entries, key=lambda entry: entry.at)
        shown = [replace(entry, text=redact(entry.text)) for entry in entries[-_MAX_LINES:]]
        return shown, len(entries) - len(shown)

    def ladder(self, redact: Callable[[str], str] = str) -> str:
        """Draw the last messages as a ladder."""
        return ladder(*self.last(redact))


def ladder(entries: Sequence[Entry], omitted: int = 0) -> str:
    """Draw messages as a ladder: time in milliseconds, a column a participant."""
    people = list(dict.fromkeys(n for e in entries for n in (e.source, e.destination) if n and n != SERVER))
    lines = [f"… {omitted} earlier messages left out"] if omitted > 0 else []
    if len(people) + 1 > _MAX_COLUMNS:
        return "\n".join(lines + [_plain(entry) for entry in entries])
    names = [*people[:1], SERVER, *people[1:]]
    columns = [10]
    for position in range(len(names) - 1):
        columns.append(columns[-1] + (_GAPS[position] if position < len(_GAPS) else _LATER_GAP))
    lines.append(_heading(names, columns))
    lines += [_rung(entry, names, columns) for entry in entries]
    return "\n".join(lines)


def _plain(entry: Entry) -> str:
    arrow = "●" if entry.source == entry.destination else f"→ {entry.destination}"
    return f"{entry.at * 1000:7.0f}  {entry.source} {arrow}  {entry.text}"


def _heading(names: Sequence[str], columns: Sequence[int]) -> str:
    line = [" "] * (columns[-1] + 24)
    line[0:7] = "     ms"
    for name, column in zip(names, columns, strict=True):
        start = max(column - len(name) // 2, 9)
        line[start : start + len(name)] = name
    return "".join(line).rstrip()


def _rung(entry: Entry, names: Sequence[str], columns: Sequence[int]) -> str:
    line = [" "] * (columns[-1] + 1)
    line[0:7] = f"{entry.at * 1000:7.0f}"
    for column in columns:
        line[column] = "│"
    start = columns[names.index(entry.source)] if entry.source in names else columns[0]
    end = columns[names.index(entry.destination)] if entry.destination in names else columns[0]
    if start == end:
        line[start] = "●"
        text = f" {entry.text} "
        line[start + 1 : start + 1 + len(text)] = text
        return "".join(line).rstrip()
    low, high = min(start, end), max(start, end)
    for position in range(low + 1, high):
        line[position] = "┼" if line[position] == "│" else "─"
    if start < end:
        line[start], line[end - 1] = "├", "▶"
    else:
        line[start], line[end + 1] = "┤", "◀"
    room = _label_room(start, end, columns)
    text = entry.text if len(entry.text) <= room else f"{entry.text[: room - 1]}…"
    label = f" {text} "
    begin = start + 2 if start < end else end + 3
    line[begin : begin + len(label)] = label
    return "".join(line)


def _label_room(start: int, end: int, columns: Sequence[int]) -> int:
    """Give the width of the gap the label is written into, so that it hides no lifeline."""
    edges = sorted(column for column in columns if min(start, end) <= column <= max(start, end))
    return edges[1] - edges[0] - 7
