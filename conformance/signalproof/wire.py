"""The names that travel on the wire, and the messages made of them: the only place that spells keys.

`reciever` and `beasy` are the protocol's own spellings.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlencode

__all__ = [
    "ANSWER",
    "DESCRIPTION_BYTES",
    "EVENT_NAMES",
    "LOGIN_CODE_POINTS",
    "OFFER",
    "Body",
    "Encoding",
    "Fields",
    "Kind",
    "Marked",
    "answer_fields",
    "encode_body",
    "find_marker",
    "login_payload",
    "offer_fields",
    "session_description",
]

Fields = Mapping[str, object]
LOGIN_CODE_POINTS = 80
DESCRIPTION_BYTES = 65_536
EVENT_NAMES = frozenset({"sender_offer", "reciever_answer", "ice_candidate", "calling", "decline", "refresh"})
_MARKER = re.compile(r"sp-[0-9a-z]{4}-\d{5}")


class Encoding(StrEnum):
    """The two body encodings every POST endpoint accepts (HTTP-1, HTTP-2)."""

    JSON = "application/json"
    FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Kind:
    """A request that raises an event: where it is posted, what it raises, which requirements judge it.

    `once` binds exact delivery to the intended connections, `leak` delivery to anybody else,
    `text` the forwarded string; `text_key` is the event's key that holds it.
    """

    name: str
    path: str
    request_schema: str
    accepted_schema: str
    event: str
    event_schema: str
    text_key: str
    once: str
    leak: str
    own_device: str
    text: str


OFFER = Kind(
    name="offer",
    path="/offer",
    request_schema="SenderOfferRequest",
    accepted_schema="OfferAccepted",
    event="sender_offer",
    event_schema="SenderOfferEvent",
    text_key="sender_offer",
    once="OFFER-1",
    leak="OFFER-2",
    own_device="OFFER-2",
    text="OFFER-4",
)
ANSWER = Kind(
    name="answer",
    path="/offer",
    request_schema="RecieverAnswerRequest",
    accepted_schema="OfferAccepted",
    event="reciever_answer",
    event_schema="RecieverAnswerEvent",
    text_key="reciever_answer",
    once="ANSWER-1",
    leak="ANSWER-2",
    own_device="ANSWER-3",
    text="ANSWER-1",
)


def login_payload(login: str) -> Fields:
    """Make the payload of the `login` event."""
    return {"login": login}


def offer_fields(sid: str, reciever_login: str, offer: str) -> dict[str, object]:
    """Make the body of `POST /offer`, `type` `sender`."""
    return {"sid": sid, "type": "sender", "reciever_login": reciever_login, "offer": offer}


def answer_fields(sid: str, answer: str, sender_login: str | None = None) -> dict[str, object]:
    """Make the body of `POST /offer`, `type` `reciever`; `sender_login` selects the offer."""
    named = {} if sender_login is None else {"sender_login": sender_login}
    return {"sid": sid, "type": "reciever", "answer": answer, **named}


def session_description(kind: str, marker: str) -> str:
    """Make the JSON text of a small session description whose SDP session name is `marker` (RFC 8866)."""
    sdp = f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns={marker}\r\nt=0 0\r\n"
    return json.dumps({"type": kind, "sdp": sdp}, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Body:
    """The content of one HTTP request and its content type (None sends none)."""

    content: bytes
    content_type: str | None


@dataclass(frozen=True, slots=True)
class Marked:
    """A text to be forwarded and the marker in it by which the ledger knows it again."""

    marker: str
    text: str


def encode_body(fields: Fields, encoding: Encoding = Encoding.JSON) -> Body:
    """Encode fields as a client does: `JSON.stringify` in UTF-8, or a URL-encoded form.

    A lone surrogate has no UTF-8; a JSON body that holds one is escaped to ASCII instead.
    """
    if encoding is Encoding.FORM:
        return Body(urlencode({key: str(value) for key, value in fields.items()}).encode(), encoding.value)
    try:
        content = json.dumps(fields, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        content = json.dumps(fields).encode()
    return Body(content, encoding.value)


def find_marker(value: object) -> str | None:
    """Find the kit's marker anywhere in a received value, whatever its shape."""
    if isinstance(value, str):
        found = _MARKER.search(value)
        return found[0] if found else None
    if isinstance(value, Mapping):
        return next((m for m in map(find_marker, value.values()) if m), None)
    if isinstance(value, list | tuple):
        return next((m for m in map(find_marker, value) if m), None)
    return None
