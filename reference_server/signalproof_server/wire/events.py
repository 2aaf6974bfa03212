"""Events: what one connection receives."""

from __future__ import annotations

from signalproof_server.values import Emit, Json

__all__ = ["calling", "decline", "ice_candidate", "reciever_answer", "refresh", "sender_offer"]


def sender_offer(sid: str, sender_login: str, offer: str, offer_id: str | None = None) -> Emit:
    """Build the event that brings an offer to one connection of the reciever (OFFER-1, CORR-1)."""
    payload: Json = {"sender_login": sender_login, "sender_offer": offer}
    return Emit(
        sid=sid, event="sender_offer", payload=payload if offer_id is None else payload | {"offer_id": offer_id}
    )


def reciever_answer(sid: str, answer: str, reciever_login: str, offer_id: str) -> Emit:
    """Build the event that brings the answer to the connection that offered (ANSWER-1, CORR-4)."""
    return Emit(
        sid=sid,
        event="reciever_answer",
        payload={"reciever_answer": answer, "reciever_login": reciever_login, "offer_id": offer_id},
    )


def ice_candidate(sid: str, login: str, ice: str) -> Emit:
    """Build the event that brings a candidate to one connection of the peer (ICE-1, CORR-4)."""
    return Emit(sid=sid, event="ice_candidate", payload={"ice": ice, "login": login})


def calling(sid: str, login: str) -> Emit:
    """Build the event that rings on one connection of the callee (CALL-1)."""
    return Emit(sid=sid, event="calling", payload={"login": login})


def decline(sid: str, login: str) -> Emit:
    """Build the event that tells one connection of the caller that this user does not take the call (CALL-5)."""
    return Emit(sid=sid, event="decline", payload={"decline": "no", "login": login})


def refresh(sid: str) -> Emit:
    """Build the event that asks one connection of the peer to start again (CALL-10)."""
    return Emit(sid=sid, event="refresh", payload={"refresh": "gogo"})
