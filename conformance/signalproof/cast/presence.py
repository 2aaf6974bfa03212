"""Who is online, as `GET /online` says it."""

from __future__ import annotations

from collections.abc import Set
from time import perf_counter
from typing import TYPE_CHECKING

from signalproof.errors import NonConformance
from signalproof.judge.reply import Outcome, read_reply
from signalproof.pause import pause

if TYPE_CHECKING:
    from signalproof.cast.company import Company

__all__ = ["Presence"]


class Presence:
    """The list of who is online, read in the name of the company's first connection."""

    def __init__(self, company: Company) -> None:
        self._company = company

    async def online(self) -> list[str]:
        """Read who is online: `GET /online` (PRES-1). All that the run knows is held against it."""
        company = self._company
        headers = company.connections[0].authorization
        asked_at = perf_counter()
        reply = read_reply(await self._company.raw.http("GET", "/online", headers=headers), "OnlineAccepted")
        self._company.expect(
            "PRES-1",
            reply.outcome is Outcome.ACCEPTED and _are_logins(reply.body.get("payload")),
            expected="the list of logins from GET /online",
            received=reply.describe(),
        )
        listed = list(reply.body["payload"])
        # Among other checks a close may be noticed late, which is not what is looked for here.
        lag = company.target.round_trip + (company.target.timeout if company.crowded else 0)
        attendance = company.setting.ledger.attendance
        for found in attendance.breaches(set(listed), asked_at=asked_at, lag=lag, check=company.setting.number):
            company.note(found)
        return listed

    async def until(
        self,
        present: Set[str],
        *,
        absent: Set[str] = frozenset(),
        within: float = 1.0,
        requirement: str = "PRES-2",
    ) -> None:
        """Read until the list holds `present` and not `absent`, for at most `within` seconds and a round trip."""
        company = self._company
        deadline = perf_counter() + within + company.target.round_trip
        while True:
            asked_at = perf_counter()
            listed = set(await self.online())
            if present <= listed and not absent & listed:
                company.evidence += 1
                return
            if asked_at > deadline:
                break
            await pause(max(within / 50, 0.05))
        company.breach(
            NonConformance(
                requirement,
                expected=f"/online to be up to date within {within:g} s",
                received="; ".join(
                    [f"{company.who(login)} is missing" for login in sorted(present - listed)]
                    + [f"{company.who(login)} is still listed" for login in sorted(absent & listed)]
                ),
            )
        )


def _are_logins(payload: object) -> bool:
    return isinstance(payload, list) and all(isinstance(login, str) for login in payload)
