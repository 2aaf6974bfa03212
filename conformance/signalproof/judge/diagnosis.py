"""Finds out why sound requests are refused: by what else the run has seen, and by asking again in another way.

Only a refusal that ought not to be costs anything here, and only the first few of a run do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import perf_counter

from signalproof.judge import hints
from signalproof.judge.reply import Outcome, Reply

__all__ = ["Diagnosis", "is_offline", "is_unknown_sid"]

ATTEMPTS = 4
"""How many refused sids of a run are looked into; the next ones have the same cause."""
AGAIN = 6
"""How often a sid that is known at last is tried again: of two workers, each is asked then."""
FORM = "application/x-www-form-urlencoded"


def is_unknown_sid(reply: Reply) -> bool:
    """Whether a reply refuses the sid; servers without codes say so in the message."""
    if reply.outcome is not Outcome.REFUSED:
        return False
    return reply.code == "unknown_sid" or (reply.code is None and "sid" in str(reply.told("message")).lower())


def is_offline(reply: Reply) -> bool:
    """Whether a reply refuses, as far as it can be told, because the other user is not there."""
    return reply.outcome is Outcome.REFUSED and reply.code in {"offline", None} and not is_unknown_sid(reply)


class Diagnosis:
    """What is known about the refusals of one run."""

    def __init__(self) -> None:
        self._forms_taken: set[str] = set()
        self._of_sids: str | None = None
        self._attempts = 0
        self._one_at_a_time = asyncio.Lock()

    async def of_form(
        self, ask: Callable[[], Awaitable[Reply]], path: str, content_type: str, reply: Reply, *, ordinary: bool
    ) -> str | None:
        """Explain why a form was not accepted, as long as the endpoint has taken none.

        HTTP 400 says that only of an `ordinary` request. `ask` sends a form without parameters behind its content type.
        """
        media_type, _, parameters = content_type.lower().partition(";")
        if media_type.strip() != FORM:
            return None
        if reply.outcome is Outcome.ACCEPTED:
            self._forms_taken.add(path)
        elif reply.status == 415 or (ordinary and reply.status in {400, 422}):
            if parameters and (await ask()).status != reply.status:
                return hints.PARAMETERS
            if path not in self._forms_taken:
                return hints.NO_FORMS
        return None

    async def of_sid(
        self, ask: Callable[[str], Awaitable[Reply]], sid: str, engine_sid: str, patience: float
    ) -> str | None:
        """Explain why the sid of a live login was refused, having asked with it, and with the Engine.IO sid, again.

        `ask` makes a harmless request with a sid; `patience` (seconds) limits how long.
        """
        async with self._one_at_a_time:
            if self._of_sids is None and self._attempts < ATTEMPTS:
                self._attempts += 1
                self._of_sids = await _ask_again(ask, sid, engine_sid, perf_counter() + patience)
        return self._of_sids


async def _ask_again(ask: Callable[[str], Awaitable[Reply]], sid: str, engine_sid: str, deadline: float) -> str | None:
    async def known(which: str) -> bool:
        reply = await ask(which)
        return reply.outcome is not Outcome.UNCLEAR and not is_unknown_sid(reply)

    while perf_counter() < deadline:
        if await known(sid):
            return hints.ACKNOWLEDGED_EARLY if all([await known(sid) for _ in range(AGAIN)]) else hints.SPLIT
        if engine_sid != sid and await known(engine_sid):
            return hints.ENGINE_SID
    return None
