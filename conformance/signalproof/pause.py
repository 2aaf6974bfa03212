"""The one way to let time pass: whoever waits for nothing but time says so by this name.

Whatever comes is waited for as what it is, up to a time limit; `tests/kit/test_house.py` names the few places that
have to wait for time itself, each with its reason.
"""

from __future__ import annotations

import asyncio

__all__ = ["pause"]


async def pause(seconds: float) -> None:
    """Let so many seconds pass while everything else goes on; none, where they are over already."""
    await asyncio.sleep(seconds)
