"""The ladder diagram of a story: a column a participant, time downwards, and a mark where something is wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from signalproof.judge.story import Story
from signalproof.judge.transcript import SERVER, Entry

__all__ = ["MARK", "ladder"]

MARK = ">>"
"""Stands before a message that a breach is about."""
_FIRST_COLUMN = 12
_GAPS = (35, 35)
_LATER_GAP = 16
_MAX_COLUMNS = 5


def ladder(story: Story, redact: Callable[[str], str] = str) -> str:
    """Draw what is shown of a story, redacted: time in milliseconds, and a line for what is folded."""
    parts = story.parts()
    shown = [entry for part in parts if not part.words for entry in part.entries]
    people = list(dict.fromkeys(n for e in shown for n in (e.source, e.destination) if n and n != SERVER))
    names = [*people[:1], SERVER, *people[1:]]
    columns = [_FIRST_COLUMN]
    for position in range(len(names) - 1):
        columns.append(columns[-1] + (_GAPS[position] if position < len(_GAPS) else _LATER_GAP))
    fits = len(names) <= _MAX_COLUMNS
    lines = [f"… {parts[0].words}"] if parts and parts[0].words else []
    lines += [_heading(names, columns)] if fits else []
    for number, part in enumerate(parts):
        if part.words:
            lines += [f"{'':{_FIRST_COLUMN}}… {part.words}"] if number else []
            continue
        for entry in part.entries:
            told = replace(entry, text=redact(entry.text), detail=redact(entry.detail))
            line = _rung(told, names, columns) if fits else _plain(told)
            lines.append("  ".join(filter(None, (line, told.mark, told.detail))).rstrip())
    return "\n".join(lines)


def _time(entry: Entry) -> str:
    return f"{MARK if entry.mark else '':2}{entry.at * 1000:7.0f}"


def _plain(entry: Entry) -> str:
    arrow = "●" if entry.source == entry.destination else f"→ {entry.destination}"
    return f"{_time(entry)}  {entry.source} {arrow}  {entry.text}"


def _heading(names: Sequence[str], columns: Sequence[int]) -> str:
    line = [" "] * (columns[-1] + 24)
    line[0:9] = "       ms"
    for name, column in zip(names, columns, strict=True):
        start = max(column - len(name) // 2, 11)
        line[start : start + len(name)] = name
    return "".join(line).rstrip()


def _rung(entry: Entry, names: Sequence[str], columns: Sequence[int]) -> str:
    line = [" "] * (columns[-1] + 1)
    line[0:9] = _time(entry)
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
