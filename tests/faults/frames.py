"""Faults of what should not have changed anything."""

from __future__ import annotations

from starlette.requests import Request as HttpRequest
from tests.faults.registry import fault
from tests.faults.seams import Decode, Fields, Handle, Variant

from signalproof_server.errors import BadRequest, Refusal
from signalproof_server.values import Decline, Leave, Login, Offer, Reply, Request, SetStatus

TOO = "it happens in there too"


def _after(server: Variant, kind: type[Request], statement: str, *, refused: bool = False) -> None:
    """Run a statement with the login of whoever has made a request of this kind, or was refused one."""

    async def handle(inner: Handle, request: Request) -> Reply:
        rows = server.sql("SELECT login FROM signalproof_connection WHERE sid = ?", request.sid)
        due = isinstance(request, kind) and bool(rows)
        try:
            reply = await inner(request)
        except Refusal:
            if refused and due:
                server.sql(statement, rows[0][0])
            raise
        if not refused and due:
            server.sql(statement, rows[0][0])
        return reply

    server.on_handle = handle


@fault("STATE-1", collateral={"CALL-*": TOO})
def stops_ringing_with_the_first_device(server: Variant) -> None:
    """A page of the caller is closed, and the call is hung up, though another page is open."""
    _after(server, Leave, "DELETE FROM signalproof_call WHERE caller = ?")


@fault("STATE-1", collateral={"LOGIN-8": TOO, "ANSWER-*": TOO, "OFFER-*": TOO})
def forgets_offers_with_the_first_device(server: Variant) -> None:
    """`on_disconnect` deletes by login, whoever is still there."""
    _after(server, Leave, "DELETE FROM signalproof_pair WHERE reciever = ? AND state = 'offered'")


@fault("STATE-1", collateral={"OFFER-*": TOO, "ANSWER-*": TOO, "LOGIN-*": TOO, "HTTP-*": TOO, "ORDER-*": TOO})
def forgets_offers_when_one_is_refused(server: Variant) -> None:
    """The old rows are deleted before anybody looks whether the reciever is there."""
    _after(server, Offer, "DELETE FROM signalproof_pair WHERE sender = ? AND state = 'offered'", refused=True)


@fault("STATE-1", collateral={"CALL-*": TOO})
def stops_ringing_when_a_decline_is_refused(server: Variant) -> None:
    """A decline of nobody's call ends all calls of whoever made it."""
    _after(server, Decline, "DELETE FROM signalproof_call WHERE callee = ?", refused=True)


@fault("STATE-1", collateral={"CALL-*": TOO, "LOGIN-6": TOO})
def frees_whoever_logs_in(server: Variant) -> None:
    """The row is made anew with each login, a repeated one too, and by default one is free."""

    async def handle(inner: Handle, request: Request) -> Reply:
        reply = await inner(request)
        if isinstance(request, Login):
            server.sql("DELETE FROM signalproof_busy WHERE login = ?", request.login)
        return reply

    server.on_handle = handle


@fault("STATE-1", collateral={"CALL-*": TOO})
def frees_everybody_with_one(server: Variant) -> None:
    """`UPDATE user SET busy = false`, without a WHERE."""

    async def handle(inner: Handle, request: Request) -> Reply:
        reply = await inner(request)
        if isinstance(request, SetStatus) and not request.busy:
            server.sql("DELETE FROM signalproof_busy")
        return reply

    server.on_handle = handle


@fault("STATE-1", collateral={"*": TOO})
def rolls_back_too_much(server: Variant) -> None:
    """A body that cannot be read rolls the session of the database back, with what others have not committed yet."""

    def decode(inner: Decode, _: HttpRequest, fields: Fields) -> Request:
        try:
            return inner(fields)
        except BadRequest:
            sid = fields.get("sid")
            login = server.bound.get(sid, "") if isinstance(sid, str) else ""
            server.sql("DELETE FROM signalproof_pair WHERE sender = ? AND state = 'offered'", login)
            raise

    server.on_decode = decode
