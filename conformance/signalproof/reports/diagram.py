"""The messages of one check as a sequence diagram in SVG: a column a participant, a lane a protocol, time downwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from signalproof.judge.ladder import MARK
from signalproof.judge.transcript import DETAIL, SERVER, Channel
from signalproof.reports.shape import Message
from signalproof.text.untrusted import shortened

__all__ = ["draw"]

_TIME_WIDTH = 74
_COLUMN_GAP, _NARROW_COLUMN_GAP = 236, 172
_LANE_GAP = 96
_ROW_HEIGHT = 30
_HEAD_HEIGHT = 54
_PAUSE_HEIGHT = 20
_CHARACTER_WIDTH = 6.7
"""All in pixels."""
_LONG_PAUSE_MS = 100.0
"""A pause of at least so many milliseconds is shown as one."""
_CLASSES = {Channel.HTTP: "http", Channel.SOCKET: "sio", Channel.PEER: "rtc"}
_LANE_NAMES = {Channel.HTTP: "HTTP", Channel.SOCKET: "Socket.IO"}


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where the participants stand; the server has a lane for each protocol."""

    people: dict[str, int]
    lanes: dict[str, int]
    width: int

    def of(self, name: str, channel: str) -> int:
        """Give the place of a participant, or of the server's lane."""
        return self.people[name] if name in self.people else self.lanes.get(channel, self.lanes[Channel.SOCKET])


def draw(messages: Sequence[Message], among: Sequence[Message] = (), marks: Mapping[int, str] | None = None) -> str:
    """Draw messages in the order of their times; `marks` says, by their places, what some of them break.

    The columns are those of the messages `among` which they stand, where these have the same participants and more.
    """
    marks = marks or {}
    columns, own = _columns(among or messages), _columns(messages)
    if not own.people.keys() <= columns.people.keys():
        columns = own
    places, height = _heights([message[0] for message in messages])
    number = "1 message" if len(messages) == 1 else f"{len(messages)} messages"
    between = f"{number} between the server and {', '.join(own.people)}; the transcript lists them"
    label = escape(". ".join([between, *(_told(messages[place], mark) for place, mark in marks.items())]))
    size = f'width="{columns.width}" height="{height}" viewBox="0 0 {columns.width} {height}"'
    parts = [f'<svg class="sequence" role="img" {size} aria-label="{label}">']
    parts += _frame(columns, height)
    for (before, after), y in zip(pairwise([messages[0] if messages else None, *messages]), places, strict=True):
        if before is not None and after is not None and after[0] - before[0] >= _LONG_PAUSE_MS:
            waited = _pause(after[0] - before[0])
            parts.append(f'<text class="pause" x="{_TIME_WIDTH - 14}" y="{y - _ROW_HEIGHT + 6}">{waited}</text>')
    for place, (message, y) in enumerate(zip(messages, places, strict=True)):
        parts += _message(message, columns, y, marks.get(place, ""))
    return "".join([*parts, "</svg>"])


def _columns(messages: Sequence[Message]) -> _Columns:
    people = list(dict.fromkeys(n for _, a, b, *_ in messages for n in (a, b) if n != SERVER))
    gap = _COLUMN_GAP if len(people) <= 3 else _NARROW_COLUMN_GAP
    left = _TIME_WIDTH + 40
    places = {people[0]: left} if people else {}
    http = left + (gap if people else 40)
    lanes = {Channel.HTTP.value: http, Channel.SOCKET.value: http + _LANE_GAP}
    for number, name in enumerate(people[1:], 1):
        places[name] = http + _LANE_GAP + gap * number
    return _Columns(places, lanes, max([*places.values(), http + _LANE_GAP]) + (gap if len(people) < 2 else 120))


def _heights(times: Sequence[float]) -> tuple[list[int], int]:
    places, y = [], _HEAD_HEIGHT + _ROW_HEIGHT
    for number, at in enumerate(times):
        if number and at - times[number - 1] >= _LONG_PAUSE_MS:
            y += _PAUSE_HEIGHT
        places.append(y)
        y += _ROW_HEIGHT
    return places, y


def _frame(columns: _Columns, height: int) -> Iterator[str]:
    low = height - 8
    yield f'<text class="time" x="{_TIME_WIDTH - 14}" y="46">ms</text>'
    for name, x in columns.people.items():
        yield f'<line class="life" x1="{x}" y1="{_HEAD_HEIGHT}" x2="{x}" y2="{low}"/>'
        yield f'<text class="who" x="{x}" y="36">{escape(_fitting(name, 150))}</text>'
    first, last = columns.lanes[Channel.HTTP], columns.lanes[Channel.SOCKET]
    yield f'<rect class="server" x="{first - 36}" y="8" width="{last - first + 72}" height="{low - 8}" rx="8"/>'
    yield f'<text class="who" x="{(first + last) // 2}" y="26">server</text>'
    for channel, name in _LANE_NAMES.items():
        x = columns.lanes[channel]
        yield f'<text class="lane {_CLASSES[channel]}" x="{x}" y="46">{name}</text>'
        yield f'<line class="life {_CLASSES[channel]}" x1="{x}" y1="{_HEAD_HEIGHT}" x2="{x}" y2="{low}"/>'


def _told(message: Message, mark: str) -> str:
    at, source, destination, _, text, _ = message
    way = source if source == destination else f"{source} → {destination}"
    return f"{at:g} ms, {way}: {text}{f': {mark}' if mark else ''}"


def _message(message: Message, columns: _Columns, y: int, mark: str) -> Iterator[str]:
    at, source, destination, channel, text, _ = message
    kind = _CLASSES.get(Channel(channel), "sio")
    start, end = columns.of(source, channel), columns.of(destination, channel)
    told = escape(_told(message, mark))
    guilty = f' guilty" role="img" aria-label="{told}' if mark else ""
    yield f'<g class="{kind}{guilty}"><title>{told}</title>'
    if mark:
        yield f'<rect class="stripe" x="0" y="{y - 15}" width="{columns.width}" height="{_ROW_HEIGHT}"/>'
        yield f'<text class="mark" x="2" y="{y + 4}">{escape(MARK)}</text>'
    yield f'<text class="time" x="{_TIME_WIDTH - 14}" y="{y + 4}">{at:.1f}</text>'
    if start == end:
        yield from _note(f"{text}{DETAIL}{mark}" if mark else text, start, columns.width, y)
    else:
        short, _, detail = text.partition(DETAIL)
        yield from _arrow(short, start, end, columns, y)
        if under := DETAIL.join(filter(None, (mark, detail))):
            x = min(start, end) + 14
            shown = escape(_fitting(under, columns.width - x - 8))
            yield f'<text class="detail" x="{x}" y="{y + 12}">{shown}</text>'
    yield "</g>"


def _note(text: str, x: int, width: int, y: int) -> Iterator[str]:
    shown = _fitting(text, max(width - x - 30, 130))
    long = int(_wide(shown)) + 16
    left = min(x + 10, width - long - 2)
    yield f'<circle class="dot" cx="{x}" cy="{y}" r="4"/>'
    yield f'<rect class="pill" x="{left}" y="{y - 10}" width="{long}" height="20" rx="10"/>'
    yield f'<text class="note" x="{left + 8}" y="{y + 4}">{escape(shown)}</text>'


def _arrow(text: str, start: int, end: int, columns: _Columns, y: int) -> Iterator[str]:
    step = 1 if end > start else -1
    tip = end - step
    head = f"{tip},{y} {tip - 8 * step},{y - 4} {tip - 8 * step},{y + 4}"
    yield f'<line class="arrow" x1="{start}" y1="{y}" x2="{end - 8 * step}" y2="{y}"/><polygon points="{head}"/>'
    stops = sorted(
        x for x in {*columns.people.values(), *columns.lanes.values()} if min(start, end) <= x <= max(start, end)
    )
    low, high = max(pairwise(stops), key=lambda gap: gap[1] - gap[0])
    if _wide(text) > high - low - 24:  # it hides a lifeline only where it fits into no gap
        low, high = stops[0], stops[-1]
    shown = _fitting(text, high - low - 24)
    yield f'<text class="label" x="{(low + high) // 2}" y="{y - 5}">{escape(shown)}</text>'


def _wide(text: str) -> float:
    return len(text) * _CHARACTER_WIDTH


def _fitting(text: str, width: int) -> str:
    return shortened(text, int(width / _CHARACTER_WIDTH))


def _pause(milliseconds: float) -> str:
    return f"+{milliseconds / 1000:.1f} s" if milliseconds >= 1000 else f"+{milliseconds:.0f} ms"
