"""One request from facts to effects: load, decide, apply, commit, deliver, reply."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import replace

from signalproof_server import wire
from signalproof_server.delivery import Outbox
from signalproof_server.store import Store
from signalproof_server.values import Decision, Facts, Leave, Reply, Request

__all__ = ["Rules", "Service", "new_offer_id"]

Rules = Callable[[Facts, Request], Decision]


def new_offer_id() -> str:
    """Make a name that no offer has (CORR-1)."""
    return secrets.token_urlsafe(12)


class Service:
    """What both edges call; it knows neither of them. Time and chance come in here, as data."""

    def __init__(
        self,
        store: Store,
        rules: Rules,
        outbox: Outbox,
        *,
        clock: Callable[[], float] = time.monotonic,
        new_id: Callable[[], str] = new_offer_id,
    ) -> None:
        self.store = store
        self.rules = rules
        self.outbox = outbox
        self.clock = clock
        self.new_id = new_id

    async def handle(self, request: Request) -> Reply:
        """Carry the request out, or raise the `Refusal` of the rules; the reply follows the events."""
        async with self.store.transaction() as transaction:
            stored = await transaction.facts(sid=request.sid, peer=request.peer)
            facts = replace(stored, now=self.clock(), fresh_id=self.new_id())
            decision = self.rules(facts, request)
            await transaction.apply(decision.changes)
        # Nothing is awaited between the commit and this line: events queue up in the order of the commits
        # that caused them (ORDER-1).
        handed_over = self.outbox.publish(decision.effects)
        if not isinstance(request, Leave):
            # A leave can come out of an emit that finds its connection dead: it must not wait for itself.
            await handed_over
        return decision.reply

    async def online(self) -> Reply:
        """Tell who is online (PRES-1)."""
        async with self.store.transaction() as transaction:
            return wire.online(await transaction.online())
