"""One request from facts to effects: load, decide, apply, commit, deliver, reply."""

from collections.abc import Callable

from signalproof_server.delivery import Outbox
from signalproof_server.store import Store
from signalproof_server.values import Decision, Facts, Leave, Reply, Request

__all__ = ["Rules", "Service"]

Rules = Callable[[Facts, Request], Decision]


class Service:
    """What both edges call; it knows neither of them."""

    def __init__(self, store: Store, rules: Rules, outbox: Outbox) -> None:
        self.store = store
        self.rules = rules
        self.outbox = outbox

    async def handle(self, request: Request) -> Reply:
        """Carry the request out, or raise the `Refusal` of the rules; the reply follows the events."""
        async with self.store.transaction() as transaction:
            facts = await transaction.facts(sid=request.sid, peer=request.peer)
            decision = self.rules(facts, request)
            await transaction.apply(decision.changes)
        # Nothing is awaited between the commit and this line: events queue up in the order of the commits
        # that caused them (ORDER-1).
        handed_over = self.outbox.publish(decision.effects)
        if not isinstance(request, Leave):
            # A leave can come out of an emit that finds its connection dead: it must not wait for itself.
            await handed_over
        return decision.reply
