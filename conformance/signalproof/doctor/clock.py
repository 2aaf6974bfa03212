"""The clock of the target against ours, and both against tokens: a token from the future is refused by many."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

from signalproof.net.http import HttpReply

__all__ = ["ahead", "expires_in", "notes"]

TOLERANCE = 60.0
"""Seconds that clocks may differ by where the times of a token are checked (spec/limits.md)."""


def ahead(reply: HttpReply) -> float | None:
    """Give the seconds by which the target's clock is ahead of ours, to the second, or None when it does not say."""
    try:
        then = parsedate_to_datetime(reply.headers.get("date", "")).timestamp()
    except (ValueError, TypeError):
        return None
    now = time.time()
    # The header counts whole seconds: what may be rounding is no difference.
    return min(then + 1 - now, 0.0) or max(then - now, 0.0)


def expires_in(token: str) -> float | None:
    """Give the seconds until a JSON Web Token expires, negative ones since then; None for any other token."""
    import jwt  # with cryptography, which nobody should wait for who has no tokens

    try:
        end = jwt.decode(token, options={"verify_signature": False}).get("exp")
    except (jwt.InvalidTokenError, ValueError):
        return None
    return float(end) - time.time() if isinstance(end, int | float) else None


def notes(reply: HttpReply, token: str | None) -> list[str]:
    """Say what about clocks will disturb a run with tokens."""
    if token is None:
        return []
    found = []
    left, skew = expires_in(token), ahead(reply)
    if left is not None and left < TOLERANCE:
        found.append(f"the token {f'expires in {left:.0f} s' if left > 0 else f'expired {-left:.0f} s ago'}")
    if skew is not None and abs(skew) > TOLERANCE:
        word = "ahead of" if skew > 0 else "behind"
        found.append(f"the target's clock is {abs(skew):.0f} s {word} ours, which tokens do not survive")
    return found
