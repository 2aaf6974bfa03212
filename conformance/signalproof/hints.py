"""Likely causes of well-known mistakes: each a pure function of what was received."""

from __future__ import annotations

import json

__all__ = ["for_event_name", "for_payload", "for_refusal", "for_reply", "for_stranger", "for_text", "for_unheard"]

_SPELLING = (
    "The protocol's own spelling is `reciever`, in event names, keys and the `type` value; "
    "clients in the field listen for nothing else."
)


def for_event_name(event: str) -> str | None:
    """Explain an event under another name."""
    return _SPELLING if "receiver" in event else None


def for_payload(payload: object, key: str) -> str | None:
    """Explain a payload that lacks its text."""
    if not isinstance(payload, dict):
        return "Emit one JSON object as the event's only argument."
    if any("receiver" in str(name) for name in payload):
        return _SPELLING
    if isinstance(payload.get(key), dict):
        return f"`{key}` is a string that holds JSON text: forward the posted string, do not parse it into an object."
    return None


def for_text(expected: str, received: str) -> str | None:
    """Explain a forwarded text that differs from the posted one."""
    if received == expected.strip():
        return (
            "Leading or trailing white space was trimmed. Form and serializer libraries do so by default "
            "(Django REST framework: `CharField(trim_whitespace=False)`)."
        )
    if received == expected.replace("\r\n", "\n"):
        return "CRLF became LF. SDP lines end with CRLF (RFC 8866, section 5)."
    if expected.startswith(received):
        return f"The text was cut after {len(received)} characters: look at column sizes and body limits."
    try:
        same = json.loads(expected) == json.loads(received)
    except (ValueError, RecursionError):
        same = False
    if same:
        return "The text was parsed and serialised again. Forward the posted string as it is."
    if received.replace(" ", "+") == expected.replace(" ", "+"):
        return "`+` and space were confused: decode a form-encoded body exactly once."
    return None


def for_stranger(event: str, *, own_connection: bool) -> str | None:
    """Explain an event at a connection it was not meant for."""
    if own_connection:
        return "Emit to the connections of the other user, not to a room that the sender is in too."
    return f"Emit {event} to the connections concerned; without a target, Socket.IO emits to everybody."


def for_reply(status: int, text: str) -> str | None:
    """Explain a reply that is neither an acceptance nor a refusal."""
    lowered = text.lower()
    if "<html" in lowered or "<!doctype" in lowered or "an html page" in lowered:
        return (
            "An HTML page came where JSON belongs: the framework's or the proxy's own error page. "
            "Register handlers that answer every error with a JSON refusal."
        )
    if status == 415:
        return "Accept both application/json and application/x-www-form-urlencoded on every POST endpoint."
    if status == 403 and "csrf" in lowered:
        return "Exempt the protocol endpoints from CSRF checks: the sid is the credential."
    return None


def for_refusal(status: int) -> str | None:
    """Explain a refusal of a malformed request that has the wrong HTTP status."""
    if status != 200:
        return None
    return (
        "This refuses, but with HTTP 200, by which libraries and monitoring take it for a success. "
        "200 is for refusals of well-formed requests; a malformed request gets a 4xx status."
    )


def for_unheard(others: list[str]) -> str | None:
    """Explain an event that did not come while others did."""
    for event in others:
        if spelling := for_event_name(event):
            return spelling
    return None
