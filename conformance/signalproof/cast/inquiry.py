"""Asks a target again that refused what it may have had to accept, to find out why."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from signalproof.cast.request import Request
from signalproof.judge.diagnosis import is_offline, is_unknown_sid
from signalproof.judge.reply import Reply, no_reply, read_reply
from signalproof.net.failures import HttpFailure
from signalproof.protocol.wire import (
    LOGIN_CODE_POINTS,
    OFFER,
    Encoding,
    encode_body,
    offer_fields,
    session_description,
)

if TYPE_CHECKING:
    from signalproof.cast.connection import Connection
    from signalproof.cast.stage import Stage

__all__ = ["why_not"]


async def why_not(stage: Stage, author: Connection, request: Request, reply: Reply) -> str | None:
    """Give the likely cause of a refusal, or None where there is none to be found."""

    async def ask(sid: str, encoding: Encoding = Encoding.JSON, *, asker: Connection = author) -> Reply:
        """Make an offer to a login that nobody has."""
        login = f"{asker.identity}.nobody"[-LOGIN_CODE_POINTS:]
        body = encode_body(offer_fields(sid, login, session_description("offer", "signalproof")), encoding)
        headers = {**asker.authorization, "content-type": body.content_type or ""}
        try:
            raw = await asker.agent.request("POST", OFFER.path, headers=headers, content=body.content)
        except HttpFailure as failure:
            return no_reply(str(failure))
        return read_reply(raw, OFFER.accepted_schema)

    diagnosis = stage.ledger.diagnosis
    there = author.live_with(str(request.fields.get("reciever_login")))
    if there and request.ordinary and is_offline(reply):
        # Either the event has no way to them, or the target has not stored yet what it acknowledged.
        newest = max((one for one in stage.connections if one in there), key=lambda one: one.live_since)
        if not is_unknown_sid(await ask(newest.sid, asker=newest)):
            return None
        stage.transcript.note(author.name, f"asks with the sid of {newest.name}, to find out why")
        asked = partial(ask, asker=newest)
        return await diagnosis.of_sid(asked, newest.sid, newest.engine_sid, patience=1 + stage.target.round_trip)
    if request.fields.get("sid") == author.sid and author.live and is_unknown_sid(reply):
        stage.transcript.note(author.name, "asks again, to find out why")
        return await diagnosis.of_sid(ask, author.sid, author.engine_sid, patience=1 + stage.target.round_trip)
    return await diagnosis.of_form(
        partial(ask, author.sid, Encoding.FORM),
        request.path,
        request.body.content_type or "",
        reply,
        ordinary=request.sound,
    )
