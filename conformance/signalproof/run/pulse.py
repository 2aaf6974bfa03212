"""Whether the target still answers: where one has stopped in mid-run, that is said once, and nothing after it judged.

A single refused or broken connection is no end: it takes several requests in vain, over most of a second.
"""

from __future__ import annotations

import asyncio
import errno
import re
import socket
from collections.abc import Collection, Iterator
from time import perf_counter
from typing import NamedTuple

from signalproof.cast.cast import Cast
from signalproof.errors import NonConformance, TargetUnusable, TooBusy
from signalproof.judge.hints import LIMITED
from signalproof.judge.transcript import SERVER, Channel
from signalproof.net.failures import HttpFailure
from signalproof.net.http import Http
from signalproof.pause import pause
from signalproof.protocol.discovery import DISCOVERY
from signalproof.run.result import Result
from signalproof.text.node_id import case_of

__all__ = ["Pulse"]

ATTEMPTS, BETWEEN_SECONDS = 4, 0.25
"""Requests in vain after which a target has stopped answering, and how far they are apart."""
GATEWAY = frozenset({502, 503, 504})
"""Statuses by which a proxy says that nobody is behind it."""
AROUND_SECONDS = 0.25
"""How long before its last sign of life what a target was sent may have ended it."""
MOST_SUSPECTS = 3
_STATUS = re.compile(r"HTTP (?!50[234])\d")
_PROXY = f" Or does a proxy not let it answer: {LIMITED}"
UNREACHABLE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN})
"""What this machine's network says of itself, and not the target."""


class _Suspect(NamedTuple):
    """The last that a check had sent, and when."""

    at: float
    text: str
    result: Result


class Pulse:
    """Feels the pulse of the target of a run whenever a check has met what a dead one would give."""

    def __init__(self, http: Http) -> None:
        self.stopped = ""
        self._http = http
        self._began = perf_counter()
        self._gateway_says_so = False
        self._one_at_a_time = asyncio.Lock()

    async def begin(self) -> None:
        """Note what a living target answers, and from when times count."""
        self._began = perf_counter()
        self._gateway_says_so = await self._status() not in GATEWAY

    async def has_stopped(self, result: Result, suspected: Collection[Result]) -> bool:
        """Whether the target has stopped answering, if `result` gives reason to ask.

        If so, the likeliest of the checks that are `suspected` is marked as the one that ended it.
        """
        if not self.stopped and _is_suspicious(result.cast):
            async with self._one_at_a_time:
                if not self.stopped and (failure := await self._silence()):
                    self._blame(failure, suspected)
        return bool(self.stopped)

    async def _status(self) -> int | HttpFailure:
        """Make a harmless request; a failure stands for no reply at all."""
        try:
            return (await self._http.request("GET", DISCOVERY)).status
        except HttpFailure as failure:
            return failure
        except TooBusy:
            return 0  # this machine gives no connection, which says nothing of the target

    async def _silence(self) -> HttpFailure | int | None:
        """Give the last of several failures in a row, or None where one request got a reply, or just none in time."""
        found: int | HttpFailure = 0
        for attempt in range(ATTEMPTS):
            await pause(BETWEEN_SECONDS if attempt else 0)
            found = await self._status()
            gone = not found.late if isinstance(found, HttpFailure) else self._gateway_says_so and found in GATEWAY
            if not gone:
                return None
        return found

    def _blame(self, failure: HttpFailure | int, suspected: Collection[Result]) -> None:
        last = max((at for result in suspected for at in _signs_of_life(result.cast)), default=perf_counter())
        self.stopped = f"the target stopped answering at {max(last - self._began, 0):.1f} s"
        suspects = sorted(_suspects(suspected, last), key=lambda suspect: suspect.at, reverse=True)
        if not suspects:
            return
        more = len(suspects) - MOST_SUSPECTS
        sent = "; ".join(suspect.text for suspect in suspects[:MOST_SUSPECTS]) + (
            f"; and {more} more" if more > 0 else ""
        )
        seen = f"HTTP {failure}" if isinstance(failure, int) else str(failure)
        suspects[0].result.ended_the_target = (
            TargetUnusable(f"{self.stopped}: {seen}", "Nothing between here and the target works: try again later.")
            if isinstance(failure, HttpFailure) and _is_ours(failure)
            else NonConformance(
                "HTTP-12",
                expected="the target to go on answering, whatever it is sent",
                received=f"{self.stopped} ({seen}), after {sent}",
                hint="Did its process end? Look into its log at that time; one of the last things that it was sent did "
                f"it. What came later is not judged.{_PROXY if isinstance(failure, int) else ''}",
            )
        )


def _is_suspicious(cast: Cast) -> bool:
    """Whether a check met what a dead target would give: a socket that closed, no reply, or a proxy alone."""
    if any(connection.lost or not connection.sid for connection in cast.everybody):
        return True
    companies = (cast, *cast.scenes)
    replies = (posting.reply for company in companies for posting in company.postings if posting.reply)
    raw = any(company.raw.failed for company in companies)
    return raw or any(reply.status == 0 or reply.status in GATEWAY for reply in replies)


def _signs_of_life(cast: Cast) -> Iterator[float]:
    """Give when something came from the target, of a check and its scenes."""
    for company in (cast, *cast.scenes):
        for entry in company.transcript.entries:
            if entry.source == SERVER and (entry.channel is Channel.SOCKET or _STATUS.match(entry.text)):
                yield company.transcript.began + entry.at


def _suspects(results: Collection[Result], last: float) -> Iterator[_Suspect]:
    """Give what each check had sent shortly before the last sign of life, or after it, while it could do harm."""
    for result in results:
        sent = [
            (company.transcript.began + entry.at, entry.text)
            for company in (result.cast, *result.cast.scenes)
            for entry in company.transcript.entries
            if entry.destination == SERVER and entry.source != SERVER
        ]
        recent = [(at, text) for at, text in sent if last - AROUND_SECONDS <= at <= last + AROUND_SECONDS / 5]
        if recent:
            at, text = max(recent)
            case = f", case {result.cast.case}" if result.cast.case else ""
            yield _Suspect(at, f"{text} ({case_of(result.check.name)}{case})", result)


def _is_ours(failure: HttpFailure) -> bool:
    """Whether the network of this machine failed, and not the target."""
    cause: BaseException | None = failure
    while cause is not None:
        if isinstance(cause, socket.gaierror) or (isinstance(cause, OSError) and cause.errno in UNREACHABLE):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
