"""What a check has caused, judged once nothing more can arrive."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from signalproof.errors import NonConformance
from signalproof.judge import hints
from signalproof.protocol.requirements import Level, catalogue
from signalproof.protocol.wire import CANDIDATE, KINDS_BY_EVENT

if TYPE_CHECKING:
    from signalproof.cast.company import Company
    from signalproof.cast.connection import Connection
    from signalproof.judge.posting import Posting

__all__ = ["late_breaches", "settle"]

_TOKEN = re.compile(r"[A-Za-z0-9_\-]{12,}")


def late_breaches(company: Company, all_sids: frozenset[str]) -> Iterator[NonConformance]:
    """Judge every delivery that a company caused, and all that its connections heard."""
    for posting in company.postings:
        company.setting.ledger.relieve(posting)
        yield from posting.breaches()
    for connection in company.connections:
        for stray in connection.strays:
            if company.is_anothers(stray):
                continue
            if kind := KINDS_BY_EVENT.get(stray.event):
                yield NonConformance(
                    kind.text or kind.leak,
                    expected=f"every {stray.event} to come from a request, with the text that was posted",
                    received=f"one at {connection.name} that no request explains",
                    at=stray.at,
                )
        for received in connection.heard:
            exposed = (set(_TOKEN.findall(str(received.args))) & all_sids) - {connection.sid}
            if exposed:
                yield NonConformance(
                    "SEC-1",
                    expected="no sid in what another user receives",
                    received=f"another connection's sid in {received.event} at {connection.name}",
                    at=received.at,
                )
        yield from _overtaken(connection, company.postings)
    for scene in company.scenes:
        yield from late_breaches(scene, all_sids)


def _overtaken(connection: Connection, postings: Sequence[Posting]) -> Iterator[NonConformance]:
    """Find events at a connection that came behind those of requests sent after the reply to their own (ORDER-1).

    A candidate may have been held for its negotiation, so only those of one author to one user are compared; and of
    malformed requests it may have been any whose event without a text it is.
    """
    came = sorted(
        (
            (posting.at(connection)[0].at, posting)
            for posting in postings
            if posting.accepted and posting.at(connection) and not (posting.malformed and not posting.kind.text_key)
        ),
        key=lambda pair: pair[0],
    )
    latest: dict[object, Posting] = {}
    overtaken: list[tuple[Posting, Posting]] = []
    for at, posting in came:
        if at < posting.sent_at:
            continue  # it is another one's event, told apart from it by nothing
        row = posting.author.login if posting.kind is CANDIDATE else None
        first = latest.setdefault(row, posting)
        if 0 < posting.replied_at < first.sent_at:
            overtaken.append((first, posting))
        elif posting.sent_at > first.sent_at:
            latest[row] = posting
    if overtaken:
        first, second = overtaken[0]
        more = f", and {len(overtaken) - 1} more that were overtaken" if len(overtaken) > 1 else ""
        yield NonConformance(
            "ORDER-1",
            expected=f"the events at {connection.name} in the order of their requests",
            received=f"{first.kind.event} before the {second.kind.event} of an earlier request{more}",
            hint=hints.ONE_PATH,
            at=second.at(connection)[0].at,
        )


def settle(company: Company, all_sids: frozenset[str]) -> list[NonConformance]:
    """Sort the late breaches: warnings are kept, breaches of a MUST are given back."""
    breaches: list[NonConformance] = []
    for found in filter(company.concerns, late_breaches(company, all_sids)):
        levels = {catalogue()[requirement].level for requirement in found.requirements}
        (breaches if Level.MUST in levels else company.warnings).append(found)
    return breaches
