"""Session descriptions as JSON text: what peers read out of it and write into it."""

from __future__ import annotations

import json
import re

from signalproof.errors import KitError
from signalproof.protocol.wire import Marked
from signalproof.text.untrusted import read_json

__all__ = ["fingerprint", "fingerprint_in", "marked_description", "sdp_of"]

_FINGERPRINT = re.compile(r"a=fingerprint:(\S+ \S+)")


def fingerprint(description: str) -> str | None:
    """Give the first DTLS fingerprint in the JSON text of a session description (RFC 8122, section 5)."""
    try:
        return fingerprint_in(read_json(description)["sdp"])
    except (ValueError, KeyError, TypeError):
        return None


def fingerprint_in(sdp: str) -> str | None:
    """Give the first DTLS fingerprint in an SDP."""
    found = _FINGERPRINT.search(sdp)
    return found[1] if found else None


def marked_description(kind: str, sdp: str, marker: str) -> Marked:
    """Give a description as JSON text whose SDP session name is the marker (RFC 8866, section 5.3)."""
    text = re.sub(r"^s=.*?(?=\r?$)", f"s={marker}", sdp, count=1, flags=re.MULTILINE)
    return Marked(marker, json.dumps({"type": kind, "sdp": text}, separators=(",", ":")))


def sdp_of(description: str) -> str:
    """Give the SDP of a description that has been examined."""
    try:
        return str(json.loads(description)["sdp"])
    except (ValueError, KeyError, TypeError) as error:
        raise KitError("a description was handed to a peer before it was examined") from error
