"""Replies: what the maker of an accepted request is told."""

from __future__ import annotations

from collections.abc import Sequence

from signalproof_server.values import Reply

__all__ = ["CALL_DONE", "DONE", "DONE_MESSAGE", "OFFER_DONE", "online"]

DONE = Reply(body={"status": 0})
DONE_MESSAGE = Reply(body={"status": 0, "message": "ok"})
OFFER_DONE = Reply(body={"status": 0, "offer": "ok"})
CALL_DONE = Reply(body={"status": 0, "message": "calling"})


def online(logins: Sequence[str]) -> Reply:
    """Build the list of who is online, which is old at once (PRES-1, PRES-2)."""
    return Reply(body={"status": 0, "payload": list(logins)}, headers={"cache-control": "no-store"})
