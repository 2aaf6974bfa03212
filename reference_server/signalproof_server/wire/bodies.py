"""Bodies of POST requests: bytes to named values, in either encoding."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NoReturn
from urllib.parse import parse_qsl

from signalproof_server.config import Limits
from signalproof_server.errors import BadRequest, UnsupportedMedia

__all__ = ["Fields", "decode_body"]

Fields = Mapping[str, object]

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


def decode_body(content_type: str, body: bytes, limits: Limits) -> Fields:
    """Read the body of a POST; content type parameters change nothing (HTTP-1, HTTP-2, HTTP-4, HTTP-7)."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in (JSON, FORM):
        raise UnsupportedMedia
    try:
        # Not json.loads(bytes): it would guess UTF-16 and UTF-32 as well.
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise BadRequest("The body is not UTF-8.") from None
    return _from_json(text) if media_type == JSON else _from_form(text, limits)


def _from_json(text: str) -> Fields:
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        # ValueError: bad syntax, a byte order mark, NaN, or a number with thousands of digits.
        raise BadRequest("The body is not well-formed JSON.") from None
    if not isinstance(value, dict):
        raise BadRequest("The body is not a JSON object.")
    return value


def _from_form(text: str, limits: Limits) -> Fields:
    try:
        pairs = parse_qsl(
            text,
            keep_blank_values=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=limits.form_fields,
        )
    except ValueError:
        raise BadRequest("The body is not a well-formed form.") from None
    return dict(pairs)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)
