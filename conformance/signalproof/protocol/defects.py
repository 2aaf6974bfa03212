"""What can be wrong with one thing of a request that is sound otherwise.

Each defect is made out of what is sound, and is all that is wrong with the result: whoever accepts that has overlooked
this defect, and whoever refuses it has seen it, for there is no other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

__all__ = ["BODY_DEFECTS", "OMIT", "VALUE_DEFECTS", "Altered"]

OMIT = object()
"""As the value of a field: leave the field out."""


@dataclass(frozen=True, slots=True)
class Altered:
    """As the value of a field: what `change` makes of its ordinary value."""

    change: Callable[[object], object]


def _within(content: bytes, more: bytes) -> bytes:
    return content[:-1] + more + b"}"


BODY_DEFECTS: Mapping[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "null": lambda _: b"null",
    "an_empty_array": lambda _: b"[]",
    "truncated": lambda content: content[:-1],
    "in_an_array": lambda content: b"[" + content + b"]",
    "in_a_string": lambda content: json.dumps(content.decode()).encode(),
    "twice": lambda content: content + content,
    "followed_by_text": lambda content: content + b" x",
    "with_a_comma_at_the_end": lambda content: _within(content, b","),
    "with_a_comment": lambda content: _within(content, b" /* x */"),
    "with_nan": lambda content: _within(content, b', "x": NaN'),
    "with_a_raw_line_feed": lambda content: _within(content, b', "x": "a\nb"'),
    "not_utf8": lambda content: _within(content, b', "x": "\xff"'),
    "in_utf16": lambda content: content.decode().encode("utf-16"),
    "a_form": lambda content: urlencode(json.loads(content)).encode(),
}
"""What makes of a JSON object something that a server has to refuse under a JSON content type (HTTP-4)."""


def _decoded(value: object) -> object:
    """Give a text that holds a JSON object as that object, which is how clients first get it wrong."""
    try:
        found = json.loads(str(value))
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"value": value}


VALUE_DEFECTS: Mapping[str, object] = {
    "missing": OMIT,
    "null": None,
    "a number": 7,
    "true": True,
    "in an array": Altered(lambda value: [value]),
    "an object": Altered(_decoded),
}
"""What can stand in place of a string that has to be there (HTTP-5)."""
