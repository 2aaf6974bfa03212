"""What comes in place of a reply, a connection or an acknowledgement, in words that an operator can act on."""

from __future__ import annotations

import aiohttp

__all__ = ["ConnectRefused", "HttpFailure", "Redirected", "SocketFailure", "reason_of"]


class _Failure(Exception):
    """Something did not come; the text says why, and `late` that it was waited for until the time limit."""

    def __init__(self, text: str, *, late: bool = False) -> None:
        super().__init__(text)
        self.late = late


class HttpFailure(_Failure):
    """No HTTP reply came; the text says why."""


class SocketFailure(_Failure):
    """A Socket.IO connection or acknowledgement did not come; the text says why."""


class ConnectRefused(SocketFailure):
    """A Socket.IO server is there and answered CONNECT with CONNECT_ERROR; the text is what it said."""


class Redirected(SocketFailure):
    """The handshake was answered with a redirect; the text says where it leads to."""


def reason_of(error: BaseException) -> str:
    """Give the innermost cause in words: what an operator can act on."""
    cause: BaseException = error
    while cause.__cause__ is not None or cause.__context__ is not None:
        cause = cause.__cause__ or cause.__context__ or cause
    if isinstance(cause, aiohttp.WSServerHandshakeError):
        return f"the WebSocket handshake got HTTP {cause.status}"
    return str(cause) or str(error) or type(cause).__name__
