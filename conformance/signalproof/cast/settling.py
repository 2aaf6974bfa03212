"""What a check has caused, judged once nothing more can arrive."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from signalproof.errors import NonConformance
from signalproof.protocol.requirements import Level, catalogue
from signalproof.protocol.wire import KINDS_BY_EVENT

if TYPE_CHECKING:
    from signalproof.cast.company import Company

__all__ = ["late_breaches", "settle"]

_TOKEN = re.compile(r"[A-Za-z0-9_\-]{12,}")


def late_breaches(company: Company, all_sids: frozenset[str]) -> Iterator[NonConformance]:
    """Judge every delivery that a company caused, and all that its connections heard."""
    for posting in company.postings:
        yield from posting.breaches()
    for connection in company.connections:
        for stray in connection.strays:
            if kind := KINDS_BY_EVENT.get(stray.event):
                yield NonConformance(
                    kind.text or kind.leak,
                    expected=f"every {stray.event} to come from a request, with the text that was posted",
                    received=f"one at {connection.name} that no request explains",
                )
        for received in connection.heard:
            exposed = (set(_TOKEN.findall(str(received.args))) & all_sids) - {connection.sid}
            if exposed:
                yield NonConformance(
                    "SEC-1",
                    expected="no sid in what another user receives",
                    received=f"another connection's sid in {received.event} at {connection.name}",
                )
    for scene in company.scenes:
        yield from late_breaches(scene, all_sids)


def settle(company: Company, all_sids: frozenset[str]) -> list[NonConformance]:
    """Sort the late breaches: warnings are kept, breaches of a MUST are given back."""
    breaches: list[NonConformance] = []
    for found in filter(company.concerns, late_breaches(company, all_sids)):
        levels = {catalogue()[requirement].level for requirement in found.requirements}
        (breaches if Level.MUST in levels else company.warnings).append(found)
    return breaches
