"""What comes in place of a reply, a connection or an acknowledgement, in words that an operator can act on."""

from __future__ import annotations

import errno

import aiohttp

from signalproof.errors import TooBusy

__all__ = ["ConnectRefused", "HttpFailure", "Redirected", "SocketFailure", "own_trouble", "reason_of"]


_OWN = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL}
"""What the kit's own machine has run out of, whoever it wanted to talk to."""


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


def own_trouble(error: BaseException) -> TooBusy | None:
    """Give what to say where the innermost cause is this machine's, of which the target knows nothing."""
    cause = _innermost(error)
    if not isinstance(cause, OSError) or cause.errno not in _OWN:
        return None
    return TooBusy(
        f"This machine gives the kit no further connection ({cause.strerror}), which says nothing of the target: "
        "raise its limit (`ulimit -n 4096`)."
    )


def reason_of(error: BaseException) -> str:
    """Give the innermost cause in words: what an operator can act on. Raises `TooBusy` where it is this machine's."""
    if (trouble := own_trouble(error)) is not None:
        raise trouble from error
    cause = _innermost(error)
    if isinstance(cause, aiohttp.WSServerHandshakeError):
        return f"the WebSocket handshake got HTTP {cause.status}"
    return str(cause) or str(error) or type(cause).__name__


def _innermost(error: BaseException) -> BaseException:
    while error.__cause__ is not None or error.__context__ is not None:
        error = error.__cause__ or error.__context__ or error
    return error
