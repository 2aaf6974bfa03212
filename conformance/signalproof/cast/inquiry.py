"""Asks a target again that refused what it may have had to accept, to find out why."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from signalproof.cast.request import Request
from signalproof.judge.diagnosis import is_unknown_sid
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

    async def ask(sid: str, encoding: Encoding = Encoding.JSON) -> Reply:
        """Make an offer to a login that nobody has."""
        login = f"{author.identity}.nobody"[-LOGIN_CODE_POINTS:]
        body = encode_body(offer_fields(sid, login, session_description("offer", "signalproof")), encoding)
        headers = {**author.authorization, "content-type": body.content_type or ""}
        try:
            raw = await author.agent.request("POST", OFFER.path, headers=headers, content=body.content)
        except HttpFailure as failure:
            return no_reply(str(failure))
        return read_reply(raw, OFFER.accepted_schema)

    diagnosis = stage.ledger.diagnosis
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
