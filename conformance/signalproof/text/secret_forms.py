"""Secrets that can be told by their form or by what stands before them, and the spellings that each has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv6Address, ip_address

from signalproof.text.marker import is_marker

__all__ = ["normal", "secrets_in"]

_VALUE = r"""([^\s"'\\<>,;&]{1,256})"""
_IPV6 = re.compile(
    r"(?<![0-9A-Za-z])(?:[0-9A-Fa-f]{0,4}:){2,8}(?:(?:[0-9]{1,3}\.){3}[0-9]{1,3}|[0-9A-Fa-f]{1,4})?(?![0-9A-Za-z])"
)
_PATTERNS = tuple(
    (kind, needle, re.compile(pattern))
    for kind, needle, pattern in (
        ("fingerprint", ":", r"((?:[0-9A-Fa-f]{2}:){15,}[0-9A-Fa-f]{2})"),
        ("fingerprint", "fingerprint", r"fingerprint:[\w-]{1,16}\s+([0-9A-Fa-f:]{8,})"),
        ("ufrag", "ufrag", rf"""\bufrag["']?\s*[:=]\s*["']?{_VALUE}"""),
        ("ufrag", "ufrag", rf"\btyp\s[^\r\n]*?\sufrag\s+{_VALUE}"),
        ("ufrag", "Fragment", rf"""\busernameFragment["']?\s*[:=]\s*["']?{_VALUE}"""),
        ("pwd", "pwd", rf"""\bpwd["']?\s*[:=]\s*["']?{_VALUE}"""),
        ("key", "inline:", rf"\binline:{_VALUE}"),
        ("token", "eyJ", r"\b(eyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]{4,})"),
        ("token", "earer", r"\b[Bb]earer\s+([A-Za-z0-9._~+/-]{16,}=*)"),
        ("mdns", ".local", r"(?<![\w-])([\w-]{1,63}\.local)(?![\w-])"),
        ("ip", ".", r"(?<![0-9])((?:[0-9]{1,3}\.){3}[0-9]{1,3})(?![0-9])"),
    )
)


def secrets_in(text: str) -> Iterator[tuple[str, str, int, int]]:
    """Find the secrets in a text: kind, value, start, end."""
    for kind, needle, pattern in _PATTERNS:
        if needle in text:
            for match in pattern.finditer(text):
                if not is_marker(match[1]):
                    yield kind, match[1], match.start(1), match.end(1)
    if text.count(":") > 1:
        for match in _IPV6.finditer(text):
            address = _address(match[0])
            if address:
                yield "ip", address, match.start(), match.start() + len(address)


def _address(text: str) -> str:
    """Give the longest beginning of a text that is an IPv6 address and says more than `::`, or nothing."""
    for end in range(len(text), 2, -1):
        try:
            IPv6Address(text[:end])
        except ValueError:
            continue
        return text[:end]
    return ""


def normal(kind: str, value: str) -> str:
    """Bring the spellings of one thing together."""
    if kind == "fingerprint":
        return value.upper()
    if kind == "mdns":
        return value.lower()
    if kind == "ip":
        try:
            return str(ip_address(value))
        except ValueError:
            return value
    return value
