"""The server's own reading of the contract: bytes and event arguments to requests, decisions to payloads.

The only package that knows the wire's key names, misspellings included: `reciever` is how the protocol
writes it. Nothing is coerced, trimmed or normalised (HTTP-5, LOGIN-4, OFFER-4).
"""

from __future__ import annotations

from signalproof_server.wire.bodies import Fields, decode_body
from signalproof_server.wire.events import (
    calling,
    decline,
    ice_candidate,
    reciever_answer,
    refresh,
    sender_offer,
)
from signalproof_server.wire.replies import CALL_DONE, DONE, DONE_MESSAGE, OFFER_DONE, online
from signalproof_server.wire.requests import (
    POSTS,
    Decoder,
    decode_call,
    decode_candidate,
    decode_decline,
    decode_login,
    decode_offer,
    decode_refresh,
    decode_status,
    why_no_login,
)

__all__ = [
    "CALL_DONE",
    "DONE",
    "DONE_MESSAGE",
    "OFFER_DONE",
    "POSTS",
    "Decoder",
    "Fields",
    "calling",
    "decline",
    "decode_body",
    "decode_call",
    "decode_candidate",
    "decode_decline",
    "decode_login",
    "decode_offer",
    "decode_refresh",
    "decode_status",
    "ice_candidate",
    "online",
    "reciever_answer",
    "refresh",
    "sender_offer",
    "why_no_login",
]
