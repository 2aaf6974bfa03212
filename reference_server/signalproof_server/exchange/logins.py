"""Who is who: binding a connection to a login, letting it go, and telling who asks."""

from __future__ import annotations

from signalproof_server import wire
from signalproof_server.errors import Unauthorized, UnknownSid
from signalproof_server.values import (
    Bind,
    Change,
    Connection,
    Decision,
    Facts,
    ForgetCalls,
    ForgetHeld,
    ForgetPairs,
    Leave,
    Login,
    PutStatus,
    Request,
    Unbind,
)

__all__ = ["known", "leave", "log_in"]


def log_in(facts: Facts, request: Login) -> Decision:
    """Bind once; the same login again is harmless, another one is refused (LOGIN-2, LOGIN-5, LOGIN-6)."""
    if request.subject not in (None, request.login):
        raise Unauthorized("The token belongs to another user.")  # (AUTH-2)
    if facts.me is None:
        return Decision(reply=wire.DONE, changes=(Bind(sid=request.sid, login=request.login),))
    if facts.me.login != request.login:
        raise Unauthorized("This connection has logged in with another login.")
    return Decision(reply=wire.DONE)


def leave(facts: Facts, request: Leave) -> Decision:
    """Forget this connection; with the last one of a login all about it (LOGIN-7, LOGIN-8, ANSWER-10, CALL-4)."""
    if facts.me is None:
        return Decision(reply=wire.DONE)
    login = facts.me.login
    changes: tuple[Change, ...] = (Unbind(sid=request.sid),)
    if all(connection.sid == request.sid for connection in facts.mine):
        changes += (
            ForgetPairs(login=login),
            ForgetHeld(awaited=login, login=None),
            ForgetCalls(login=login),
            PutStatus(login=login, busy=False),
        )
    return Decision(reply=wire.DONE, changes=changes)


def known(facts: Facts, request: Request) -> Connection:
    """Who asks: the sid says it, and the token, where one is needed, has to agree (OFFER-5, SEC-2, AUTH-3)."""
    if facts.me is None:
        raise UnknownSid
    if request.subject not in (None, facts.me.login):
        raise Unauthorized("The token belongs to another user.")
    return facts.me
