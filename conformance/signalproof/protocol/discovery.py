"""The discovery document (spec/discovery.md): whether there is one, what is wrong with it, and what it says anyway."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

from signalproof.protocol.schemas import violation
from signalproof.protocol.wire import CANDIDATE_BYTES, DESCRIPTION_BYTES, LOGIN_CODE_POINTS
from signalproof.text.redact import cut
from signalproof.text.untrusted import read_json

__all__ = ["DISCOVERY", "Discovery", "read_discovery"]

DISCOVERY = "/.well-known/vcsp"
MINIMA: Mapping[str, int] = {
    "description_bytes": DESCRIPTION_BYTES,
    "login_code_points": LOGIN_CODE_POINTS,
    "body_bytes": 524_288,
    "candidate_bytes": CANDIDATE_BYTES,
    "held_candidates": 64,
    "held_seconds": 10,
}
"""The least that a server may publish (spec/limits.md)."""
UNLESS_NONE = frozenset({"held_candidates", "held_seconds"})
"""Limits that are 0 where early candidates are refused."""
LEAST = 1
"""The seconds below which no published time is believed."""
_MEMBERS = frozenset({"protocol", "version", "profiles", "limits", "socket_url"})
_BETWEEN_NAMES = re.compile(r"[\s,;]+")
_AS_HTTP: Mapping[str, str] = {"ws": "http", "wss": "https"}
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Discovery:
    """What came: nothing (`served` is false), or a document.

    `problem` says what is wrong with it, and `broken` which requirement that breaks; `fields` are its members.
    """

    served: bool
    fields: Mapping[str, Any] = field(default_factory=dict)
    problem: str | None = None
    broken: str | None = None

    @property
    def profiles(self) -> tuple[str, ...]:
        """The names that can be read where profiles belong, in whichever form."""
        found = self.fields.get("profiles")
        names = _BETWEEN_NAMES.split(found) if isinstance(found, str) else found
        return tuple(name.strip() for name in names if isinstance(name, str)) if isinstance(names, list) else ()

    @property
    def limits(self) -> dict[str, float]:
        """The limits that are numbers."""
        found = self.fields.get("limits")
        if not isinstance(found, dict):
            return {}
        numbers = {n: v for n, v in found.items() if isinstance(v, int | float) and not isinstance(v, bool)}
        return {n: v for n, v in numbers.items() if v >= (LEAST if n == "ringing_seconds" else 0)}

    def socket_url(self, base: str) -> str | None:
        """Give the URL that `socket_url` can only mean, or None when it names none; `base` is that of the endpoints."""
        found = self.fields.get("socket_url")
        if not isinstance(found, str) or not found:
            return None
        scheme, separator, rest = found.partition("://")
        if separator:
            return f"{_AS_HTTP.get(scheme.lower(), scheme)}://{rest}"
        return urljoin(f"{base}/", found)


def read_discovery(status: int, content_type: str, body: bytes) -> Discovery:
    """Read the reply to `GET /.well-known/vcsp`.

    A server may have none, and then answers as on any unknown path: with a refusal, or with the page of a web site.
    """
    if not 200 <= status < 300:
        return Discovery(served=False)
    json_said = content_type.partition(";")[0].strip().lower() == "application/json"
    try:
        document = read_json(body.decode())
    except ValueError:
        document = None
    if not isinstance(document, dict):
        return Discovery(True, {}, "it is no JSON object", "HTTP-3") if json_said else Discovery(served=False)
    if not _MEMBERS & set(document):
        return Discovery(served=False)
    if not json_said:
        problem = f"content type {cut(content_type, _SHOWN) or 'missing'}"
        return Discovery(True, document, problem, "HTTP-3")
    found = violation("Discovery", document) or _promise(document)
    if found is None and status != 200:
        found = f"HTTP {status}, and a success is HTTP 200"
    return Discovery(True, document, found, "HTTP-15" if found else None)


def _promise(document: Mapping[str, Any]) -> str | None:
    """Say what no server may promise, though the schema allows it."""
    if not re.fullmatch(r"\d+\.\d+", document["version"]):
        return f"/version: {cut(document['version'], _SHOWN)!r} is not major.minor, such as '1.0'"
    if "core" not in document["profiles"]:
        return "/profiles: core is not among them, which every claim includes"
    for name, least in MINIMA.items():
        value = document["limits"].get(name, least)
        if name == "login_code_points" and value != least:
            return f"/limits/{name}: {value:g} is not {least}, which this version fixes"
        if value < least and not (name in UNLESS_NONE and value == 0):
            return f"/limits/{name}: {value:g} is below the minimum of {least}"
    url = document.get("socket_url", "http://localhost")
    return None if _absolute(url) else f"/socket_url: {cut(url, _SHOWN)!r} is no absolute http or https URL"


def _absolute(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return False
