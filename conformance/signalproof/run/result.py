"""A check, and what came of it in a run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from signalproof.cast.cast import Cast
from signalproof.errors import NonConformance
from signalproof.run.outcomes import CheckOutcome

__all__ = ["Check", "Result"]


@dataclass(frozen=True, slots=True)
class Check:
    """One check: `name` is its node id, `body` the coroutine function, `requirements` the ids it cites.

    `alone` runs it after the others, `early` begins it before them; `waits_for` names the limit of the target
    that it has to wait for, or gives the seconds.
    """

    name: str
    body: Callable[[Cast], Awaitable[None]]
    requirements: tuple[str, ...]
    alone: bool = False
    early: bool = False
    waits_for: str | float | None = None


@dataclass(slots=True)
class Result:
    """What came of one check.

    `error` is what ended it: a breach, or a fault of the kit; `complete` is false while it runs and when it was
    cut off; `judged` is false until the run settled; `skipped` says why it was not run; `breaches` are those of a
    MUST, and `listed` the breaches that the baseline lists. `unjudged` marks one that was skipped because it could not
    be told late from lost; `late_in_a_crowd` says what was late before it was tried again alone, and
    `ended_the_target` what to say of the check after whose requests the target stopped answering.
    """

    check: Check
    cast: Cast
    duration: float = 0.0
    error: BaseException | None = None
    complete: bool = False
    judged: bool = False
    skipped: str | None = None
    breaches: list[NonConformance] = field(default_factory=list)
    listed: list[NonConformance] = field(default_factory=list)
    unjudged: bool = False
    late_in_a_crowd: str = ""
    ended_the_target: Exception | None = None

    def left_undecided(self, reason: str) -> None:
        """Take the check as not run, for a reason that is not the target's alone."""
        self.error, self.skipped, self.unjudged = None, reason, True
        self.breaches.clear()

    @property
    def late(self) -> str:
        """What did not come in time and may have come later, while other checks were under way; empty if nothing."""
        found = self.error
        if isinstance(found, NonConformance) and (found.late or (found.awaited and found.awaited.delay() is not None)):
            return found.received
        return self.cast.foundation.late

    @property
    def outcome(self) -> CheckOutcome:
        """The outcome; a breach of the target outweighs a fault of the kit."""
        if self.skipped is not None:
            return CheckOutcome.SKIPPED
        if self.breaches:
            return CheckOutcome.FAILED
        if self.error is not None:
            return CheckOutcome.ERROR
        return CheckOutcome.WARNED if self.cast.warnings else CheckOutcome.PASSED

    @property
    def all_breaches(self) -> list[NonConformance]:
        """Those of a MUST and those of a SHOULD, in this order, but what the baseline lists behind all others."""
        return sorted([*self.breaches, *self.cast.warnings], key=self.listed.__contains__)

    @property
    def new_breaches(self) -> list[NonConformance]:
        """The breaches of a MUST that no baseline lists."""
        return [found for found in self.breaches if found not in self.listed]

    @property
    def new_warnings(self) -> list[NonConformance]:
        """The breaches of a SHOULD that no baseline lists."""
        return [found for found in self.cast.warnings if found not in self.listed]

    @property
    def only_listed(self) -> bool:
        """Whether the baseline lists every breach, and there is one."""
        return bool(self.listed) and len(self.listed) == len(self.all_breaches)

    @property
    def violated(self) -> set[str]:
        """The requirements that the target broke here."""
        return {identifier for found in self.all_breaches for identifier in found.requirements}

    @property
    def undecided(self) -> set[str]:
        """Those of its requirements of which the check cannot tell whether they are kept."""
        cited = set(self.check.requirements)
        return cited if self.error is not None else cited & self.cast.foundation.unsettled

    @property
    def ended(self) -> bool:
        """Whether the check ran to its end, so that it has decided all its requirements."""
        return self.judged and self.skipped is None and self.error is None
