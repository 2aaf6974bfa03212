"""The private names of aiortc and aioice that the kit needs, each in one place and guarded.

aiortc has no ICE restart, so one is made below DTLS: packets are received and sent over another ICE connection than
the first (`_connection`, `_recv` and `_send` of `RTCIceTransport`). And aioice tells nobody which pair of candidates
it settled on (`_nominated` of `Connection`), which `signalproof call` shows. Both libraries are capped by version.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any, Protocol

import aioice
from aioice.ice import CandidatePair
from aiortc import RTCIceTransport

from signalproof.errors import KitError

__all__ = ["first_connection", "nominated_pair", "receive_by", "send_by"]

Receive = Callable[[], Coroutine[Any, Any, bytes]]


class Send(Protocol):
    """What sends a packet."""

    def __call__(self, data: bytes) -> Coroutine[Any, Any, None]:
        """Send it."""


def first_connection(transport: RTCIceTransport) -> aioice.Connection:
    """Give the ICE connection that a transport was made with."""
    with _guarded("aiortc"):
        return transport._connection


def nominated_pair(connection: aioice.Connection) -> CandidatePair | None:
    """Give the pair of candidates that packets go over (RFC 8445, section 8), once there is one."""
    with _guarded("aioice"):
        return connection._nominated.get(1)


def receive_by(transport: RTCIceTransport, receive: Receive) -> Receive:
    """Let DTLS receive its packets by `receive`, and give what it received them by."""
    with _guarded("aiortc"):
        before: Receive = transport._recv
    transport._recv = receive
    return before


def send_by(transport: RTCIceTransport, send: Send) -> Send:
    """Let DTLS send its packets by `send`, and give what it sent them by."""
    with _guarded("aiortc"):
        before: Send = transport._send
    transport._send = send
    return before


@contextmanager
def _guarded(library: str) -> Iterator[None]:
    try:
        yield
    except AttributeError as error:
        raise KitError(
            f"{library} {version(library)} has changed within, and this version of the kit does not know it: {error}"
        ) from error
