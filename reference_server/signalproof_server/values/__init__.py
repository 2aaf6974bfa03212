"""The frozen values that cross module borders: requests, facts, changes, effects, replies.

    wire ──request──▶ service ◀──facts── store
                      │   ▲
                      ▼   │ decision
                    exchange: decide(facts, request)
                      │
    store ◀──changes──┴──effects──▶ delivery ──▶ connections

A profile adds its requests, its changes and, where needed, a field of `Facts`; nothing else moves.
"""

from __future__ import annotations

from signalproof_server.values.changes import (
    Bind,
    Change,
    ForgetCalls,
    ForgetHeld,
    ForgetPairs,
    Hold,
    MarkAnswered,
    PutCall,
    PutOffer,
    PutStatus,
    ReleaseHeld,
    Unbind,
)
from signalproof_server.values.effects import Decision, Emit, Json, Reply
from signalproof_server.values.facts import Connection, Facts, Held, Pair, Ring
from signalproof_server.values.requests import (
    Answer,
    Call,
    Candidate,
    Decline,
    Leave,
    Login,
    Offer,
    Refresh,
    Request,
    SetStatus,
)

__all__ = [
    "Answer",
    "Bind",
    "Call",
    "Candidate",
    "Change",
    "Connection",
    "Decision",
    "Decline",
    "Emit",
    "Facts",
    "ForgetCalls",
    "ForgetHeld",
    "ForgetPairs",
    "Held",
    "Hold",
    "Json",
    "Leave",
    "Login",
    "MarkAnswered",
    "Offer",
    "Pair",
    "PutCall",
    "PutOffer",
    "PutStatus",
    "Refresh",
    "ReleaseHeld",
    "Reply",
    "Request",
    "Ring",
    "SetStatus",
    "Unbind",
]
