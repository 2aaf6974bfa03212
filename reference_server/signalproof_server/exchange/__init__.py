"""The rules of the contract: `decide(facts, request, limits)` and nothing else.

Pure: no I/O, no clock, no chance, no framework, no await. A rule looks at the facts that the store and the
service have put together for this one request and returns a `Decision`, or raises a `Refusal`. A refusal
leaves the transaction by an exception, so it cannot change state or raise an event, whichever rule made it.

The changes of a decision are applied in the transaction that loaded the facts; its effects are delivered
after the commit. Therefore an answer that comes back the moment `sender_offer` arrives finds its offer
(ANSWER-12), and of two answers at the same moment the second one sees the first (ANSWER-6).

The sid decides who asks (OFFER-3). What is forwarded is the text of the request itself, never parsed
(OFFER-4, ICE-1).
"""

from __future__ import annotations

from typing import assert_never

from signalproof_server.config import Limits
from signalproof_server.exchange import calls, candidates, logins, negotiations
from signalproof_server.values import (
    Answer,
    Call,
    Candidate,
    Decision,
    Decline,
    Facts,
    Leave,
    Login,
    Offer,
    Refresh,
    Request,
    SetStatus,
)

__all__ = ["decide"]

DEFAULTS = Limits()


def decide(facts: Facts, request: Request, limits: Limits = DEFAULTS) -> Decision:  # noqa: PLR0911 - one per request
    """Say what follows from the request; raise a `Refusal` if nothing does."""
    match request:
        case Login():
            return logins.log_in(facts, request)
        case Leave():
            return logins.leave(facts, request)
        case Offer():
            return negotiations.offer(facts, request)
        case Answer():
            return negotiations.answer(facts, request)
        case Candidate():
            return candidates.candidate(facts, request, limits)
        case Call():
            return calls.call(facts, request, limits)
        case Decline():
            return calls.decline(facts, request)
        case SetStatus():
            return calls.set_status(facts, request)
        case Refresh():
            return calls.refresh(facts, request)
        case _:
            assert_never(request)
