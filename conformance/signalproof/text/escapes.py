"""Layers of escapes: of JSON, HTML, Python and forms, one within another, as texts gather them on their way."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence

__all__ = ["MOST_LAYERS", "layers"]

MOST_LAYERS = 6
"""How many are taken off."""
_ESCAPE = re.compile(
    r"""%[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}|\\["'\\/bfnrt]"""
    r"|&#(?:x[0-9A-Fa-f]{1,6}|[0-9]{1,7});|&(?:amp|quot|apos|lt|gt);"
)
_CONTROLS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_FORM = re.compile(r"""[^\s"'<>]*%[0-9A-Fa-f]{2}[^\s"'<>]*""")


def layers(text: str) -> Iterator[tuple[str, Sequence[int]]]:
    """Give a text as it is, then with one layer of escapes less each time, with the origin of each character."""
    origin: Sequence[int] = range(len(text) + 1)
    yield text, origin
    for _ in range(MOST_LAYERS):
        if not _ESCAPE.search(text):
            return
        text, origin = _peeled(text, origin)
        yield text, origin


def _peeled(text: str, origin: Sequence[int]) -> tuple[str, Sequence[int]]:
    if "%" in text:
        text = _FORM.sub(lambda run: run[0].replace("+", " "), text)
    pieces: list[str] = []
    places: list[int] = []
    position = 0
    for match in _ESCAPE.finditer(text):
        character = _character(match[0])
        pieces += [text[position : match.start()], character]
        places += origin[position : match.start()]
        places += [origin[match.start()]] * len(character)
        position = match.end()
    pieces.append(text[position:])
    places += origin[position:]
    return "".join(pieces), places


def _character(escape: str) -> str:
    if escape[0] == "%":
        return chr(int(escape[1:], 16))
    if escape[0] == "&":
        return html.unescape(escape)
    if escape[1] in "ux":
        digits = escape[2:]
        return chr(int(digits, 16))
    return _CONTROLS.get(escape[1], escape[1])
