"""Who of the whole run is online: against that, each list is held, whoever asked for it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from signalproof.errors import NonConformance

if TYPE_CHECKING:
    from signalproof.judge.posting import Listener

__all__ = ["Attendance"]

UP_TO_DATE_SECONDS = 1.0
"""Within how many seconds of a login or a graceful close a list has to tell it (PRES-2)."""


@dataclass(slots=True)
class Attendance:
    """The connections that have logged in, by login, and when those that closed gracefully did so.

    Of the logins in `elsewhere` others may have connections that nobody here sees.
    """

    elsewhere: set[str] = field(default_factory=set)
    _came: dict[str, list[Listener]] = field(default_factory=dict)
    _left: dict[Listener, float] = field(default_factory=dict)

    def came(self, connection: Listener) -> None:
        """Note a connection whose login was acknowledged."""
        self._came.setdefault(connection.login, []).append(connection)

    def left(self, connection: Listener, at: float) -> None:
        """Note that a connection has closed gracefully, at a `perf_counter` reading."""
        self._left.setdefault(connection, at)

    def breaches(self, listed: Collection[str], *, asked_at: float, lag: float, check: int) -> Iterator[NonConformance]:
        """Hold a list against who had come or left in time before it was asked for.

        `lag` is how many seconds later than here a close may be noticed by a target that is busy.
        """
        in_time = asked_at - UP_TO_DATE_SECONDS
        missing = [login for login in self._came if login not in listed and self._is_here(login, in_time)]
        ghosts = [login for login in self._came if login in listed and self._has_left(login, in_time - lag)]
        for requirement, logins, what in (
            ("PRES-4", filter(self._was_more, missing), "missing, with a live connection left"),
            ("PRES-1", (login for login in missing if not self._was_more(login)), "missing"),
            ("PRES-2", ghosts, "still listed"),
        ):
            if who := self._described(list(logins), check):
                yield NonConformance(
                    requirement,
                    expected=f"/online to list who is online, {UP_TO_DATE_SECONDS:g} s after they came or left",
                    received=f"{who} {what}",
                )

    def _described(self, logins: list[str], check: int) -> str:
        own = sum(self._came[login][0].check == check for login in logins)
        others = len(logins) - own
        parts = [f"{own} of the users of this check"] if own else []
        parts += [f"{others} of the users of other checks"] if others else []
        return " and ".join(parts)

    def _is_here(self, login: str, since: float) -> bool:
        return any(one.live and one.live_since < since and one not in self._left for one in self._came[login])

    def _was_more(self, login: str) -> bool:
        return any(one in self._left for one in self._came[login])

    def _has_left(self, login: str, since: float) -> bool:
        return login not in self.elsewhere and all(
            self._left.get(one, float("inf")) < since for one in self._came[login]
        )
