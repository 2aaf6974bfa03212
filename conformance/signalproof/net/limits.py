"""How much the kit reads of what a target sends: limits of its own, which no failure may lay to the target."""

from __future__ import annotations

__all__ = ["LONGEST_MESSAGE", "LONGEST_REPLY"]

LONGEST_REPLY = 33_554_432
"""Bytes of a reply that are read: `/online` may list a million logins."""
LONGEST_MESSAGE = 67_108_864
"""Bytes of a WebSocket message that are read: the longest text that a check posts, 8 MiB, may come back with every
character as a JSON escape of six bytes."""
