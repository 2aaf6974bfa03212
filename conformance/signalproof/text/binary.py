"""Binary data in what was received: found, and read as the text that it may stand for."""

from __future__ import annotations

from typing import TypeVar, cast

__all__ = ["as_text", "holds_bytes"]

T = TypeVar("T")


def holds_bytes(value: object) -> bool:
    """Whether there is binary data anywhere in a received value."""
    if isinstance(value, dict):
        return any(map(holds_bytes, value.values()))
    if isinstance(value, list | tuple):
        return any(map(holds_bytes, value))
    return isinstance(value, bytes | bytearray)


def as_text(value: T) -> T:
    """Give a received value with text in place of binary data; what is no UTF-8 in it becomes U+FFFD."""
    return cast("T", _as_text(value))


def _as_text(value: object) -> object:
    if isinstance(value, dict):
        return {key: _as_text(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_as_text, value))
    return value.decode(errors="replace") if isinstance(value, bytes | bytearray) else value
