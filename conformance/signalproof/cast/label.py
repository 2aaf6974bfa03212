"""What stands on the arrow of a request: who asks whom for what, and beside it what is unusual about it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from signalproof.protocol.wire import Body, Encoding
from signalproof.text.redact import cut

if TYPE_CHECKING:
    from signalproof.cast.request import Request

__all__ = ["label", "of_event", "of_reply", "otherwise"]

VALUE = 40
"""Characters of a value that are shown; of a longer one its length is told as well."""
MOST_FIELDS = 3
"""How many unusual fields are shown."""
LARGE = 2_000
"""Bytes from which on the size of a body is shown."""
_WORD = {"offer": "type", "answer": "type", "status": "status"}
_PEER = {
    "offer": "reciever_login",
    "answer": "sender_login",
    "candidate": "login",
    "call": "login",
    "decline": "reciever_login",
    "refresh": "login",
}
_LOGINS = frozenset({"login", "reciever_login", "sender_login"})


def label(request: Request, peer: str, who: Callable[[str], str]) -> tuple[str, str]:
    """Name a request, and give what is unusual about it; a field that was changed is told there alone.

    `peer` is the name of the user that it is for, and `who` gives such a name by login.
    """
    kind = request.kind.name
    words = [request.method, request.path]
    word = _WORD.get(kind, "")
    if word in request.fields and word not in request.changed:
        words.append(str(request.fields[word]))
    if peer and request.fields and _PEER.get(kind) not in request.changed:
        words.append(f"→ {peer}")
    return " ".join(words), ", ".join(_unusual(request, who))


def _unusual(request: Request, who: Callable[[str], str]) -> Iterator[str]:
    if len(request.body.content) >= LARGE:
        yield f"{len(request.body.content):,} bytes"
    changed = request.changed
    for field in changed[:MOST_FIELDS]:
        if field in request.fields:
            yield f"{field}={_value(field, request.fields[field], who)}"
        else:
            yield f"no {field}"
    if len(changed) > MOST_FIELDS:
        yield f"{len(changed) - MOST_FIELDS} more fields"
    if request.altered:
        yield request.altered
    content_type = request.body.content_type
    if content_type == Encoding.FORM:
        yield "as a form"
    elif content_type != Encoding.JSON and (request.body.content or request.method == "POST"):
        yield f"as {content_type}" if content_type else "without a content type"
    if request.stranger is not None:
        yield request.stranger


def _value(field: str, value: object, who: Callable[[str], str]) -> str:
    if isinstance(value, str) and field in _LOGINS and value:
        return who(value)
    text = json.dumps(value, ensure_ascii=False, default=repr).encode("utf-8", "backslashreplace").decode()
    if len(text) <= VALUE:
        return text
    length = f" ({len(value):,} characters)" if isinstance(value, str) else ""
    return f"{cut(text, VALUE)}{length}"


def otherwise(ordinary: Body, sent: Body) -> str:
    """Say how the bytes of a body differ from the ordinary ones, from where they part; nothing if they do not."""
    if sent.content == ordinary.content:
        return ""
    if not sent.content:
        return "an empty body"
    if ordinary.content.startswith(sent.content):
        return f"a body cut off at {len(sent.content)} of {len(ordinary.content)} bytes"
    pairs = enumerate(zip(ordinary.content, sent.content, strict=False))
    parted = next((i for i, (a, b) in pairs if a != b), len(ordinary.content))
    # A word is shown whole, for it might be a secret that goes unknown in part.
    start = parted - len(re.search(rb"[\w+/=.:%-]*\Z", sent.content[:parted])[0])  # type: ignore[index]
    text = sent.content[start : start + 10 * VALUE].decode("utf-8", "replace")
    return f"body {'…' if start else ''}{cut(text, VALUE)}"


def of_reply(status: int, path: str, posted: int, taken: Mapping[str, int]) -> str:
    """Say at HTTP 413 how much was posted, and the most that was `taken` at this path so far, both in bytes."""
    if status != 413:
        return ""
    known = f"largest accepted so far: {taken[path]:,}" if path in taken else "none accepted so far"
    return f"for {posted:,} bytes; {known}"


def of_event(fields: Mapping[str, object], author_key: str, author: str, who: Callable[[str], str]) -> str:
    """Say at an event that names another author than the one whose request raised it whom it names."""
    named = fields.get(author_key, author)
    return "" if named == author else f"{author_key}={_value(author_key, named, who)}"
