"""How the sound requests of random scenes are posted: in every manner that must make no difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from signalproof.cast.request import Variation
from signalproof.protocol.samples import MARKER
from signalproof.protocol.wire import (
    CANDIDATE,
    CANDIDATE_BYTES,
    DESCRIPTION_BYTES,
    Body,
    Encoding,
    Kind,
    Marked,
    candidate,
    session_description,
)
from signalproof.scenes.request_fields import optional_fields, required_fields

__all__ = ["CANDIDATES", "EXTRAS", "TEXTS", "Manner", "fill", "foreign_fields"]

FILL = "<fill>"
"""Where a text is filled until it has as many bytes as every server takes."""
TEXTS = {
    "white space": f' {{ "type" : "offer",\t"sdp" : "s={MARKER}\\r\\n" }}\r\n\n ',
    "escapes": f'{{"sdp":"s={MARKER} \\u00e9\\u0041\\/","type":"offer"}}',
    "unicode": f'{{"type":"offer","sdp":"{MARKER} é😀\u2028 e\u0301 \ufeff"}}',
    "signs": f'{{"type":"offer","sdp":"{MARKER} <b>&amp;\'+%2B a=b&c;\\\\ 100% \\"x\\""}}',
    "long": f'{{"type":"offer","sdp":"{MARKER} {"line " * 600}"}}',
    "longest": f'{{"type":"offer","sdp":"{MARKER} {FILL}"}}',
}
"""JSON texts of session descriptions that servers in the wild have changed or refused (OFFER-4, HTTP-8)."""
CANDIDATES = {
    "no JSON": f"candidate:1 1 udp 1 192.0.2.1 9 typ host {MARKER}",
    "the last one": f'{{"candidate":"","sdpMid":"0","usernameFragment":"{MARKER}"}}',
    "signs": f' {{"candidate" : "a+b %2B é😀 {MARKER}\\r\\n"}} ',
    "longest": f'{{"candidate":"{MARKER} {FILL}"}}',
}
"""Texts of candidates: any text is forwarded, a candidate or not (ICE-1, ICE-11)."""
EXTRAS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "unknown": frozenset({"x_future"}),
        "forged": frozenset({"sender_login", "login", "from_user", "reciever_login"}),
    }
)
"""Fields that nobody reads (HTTP-6), and those that would name another author, if they were read (OFFER-3, CORR-4)."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a sound request is posted: its text, encoding and further fields, and whether its events are awaited.

    `text` and `candidate` have `MARKER` in the place of the marker; empty ones stand for the ordinary text. `own_id`
    gives an offer an id of the client's own.
    """

    text: str = ""
    encoding: Encoding = Encoding.JSON
    hasty: bool = False
    candidate: str = ""
    charset: bool = False
    extra: str = ""
    own_id: bool = False

    def __str__(self) -> str:
        """Say what is not plain about the request; nothing where all is."""
        parts = ["a form"] if self.encoding is Encoding.FORM else []
        parts += ["with a charset"] if self.charset else []
        parts += [f"with {self.extra} fields"] if self.extra else []
        return " ".join(parts)

    def marked(self, kind: Kind, marker: str) -> Marked:
        """Give the text of a request of this kind, with the marker in it."""
        if kind is CANDIDATE:
            text = self.candidate or self.text or candidate(MARKER)
        else:
            text = self.text.replace('"offer"', f'"{kind.name}"') or session_description(kind.name, MARKER)
        return Marked(marker, fill(text.replace(MARKER, marker), kind))

    def variation(self, kind: str, login: str, fields: Mapping[str, object] | None = None) -> Variation:
        """Say how the request departs from the ordinary one: `login` stands in foreign fields, `fields` are further."""
        given = fields or {}
        varied: Variation = {"encoding": self.encoding, "fields": given}
        if self.charset:
            varied["recode"] = _with_charset
        if self.extra:
            varied["fields"] = {**foreign_fields(kind, self.extra, login), **given}
            varied["malformed"] = True
        return varied


def fill(text: str, kind: Kind) -> str:
    """Fill a text up to the bytes that every server takes: those of a description, or of a candidate."""
    limit = CANDIDATE_BYTES if kind is CANDIDATE else DESCRIPTION_BYTES
    return text.replace(FILL, "x" * (limit - len(text.replace(FILL, "").encode())))


def foreign_fields(kind: str, extra: str, login: str) -> dict[str, object]:
    """Give fields that a request of this kind does not have, with another user's login in them."""
    foreign = EXTRAS[extra] - frozenset(required_fields(kind)) - optional_fields(kind)
    return dict.fromkeys(sorted(foreign), login)


def _with_charset(body: Body) -> Body:
    """Name the charset, as jQuery does (HTTP-1, HTTP-2)."""
    return Body(body.content, f"{body.content_type}; charset=UTF-8")
