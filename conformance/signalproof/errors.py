"""All exceptions of the kit, split by whose fault they are.

```
AssertionError
└── NonConformance        the target broke a requirement
Exception
└── SignalproofError
    ├── InvalidTarget     the operator's options do not describe a target
    ├── TargetUnusable    the target cannot be judged: unreachable, or not a VCSP server
    ├── NotTestable       one check cannot be run with what the operator gave, such as few accounts
    ├── TooBusy           this machine was too busy to tell late from lost
    └── KitError          a defect of the kit or of a check
```
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

__all__ = [
    "InvalidTarget",
    "KitError",
    "NonConformance",
    "NotTestable",
    "SignalproofError",
    "Step",
    "TargetUnusable",
    "TooBusy",
]


@dataclass(frozen=True, slots=True)
class Step:
    """An ordinary step, by name, such as `accepts the offer`, and the requirement that it is about by itself."""

    name: str
    requirement: str


class Awaited(Protocol):
    """An event that was waited for."""

    def delay(self) -> float | None:
        """Give the seconds from the reply to the event, or None while it has not come."""

    def moment(self) -> float | None:
        """Give when it came, a `perf_counter` reading, or None while it has not come."""


class NonConformance(AssertionError):
    """The target broke one or more requirements.

    `requirements` names them, the one under test first; `expected` and `received` say what the
    specification asks for and what came instead; `hint` names a likely cause, if one is known. `step` is set where
    an ordinary step ended the check: one that fails everywhere says nothing of what the check is about. `late` says
    that something had not come when the time limit was over, and `awaited` tells of an event by how many seconds it
    came after the reply, if it has come since. `at` is the moment of the message that the breach is about, a
    `perf_counter` reading; None until it is known.
    """

    def __init__(
        self,
        *requirements: str,
        expected: str,
        received: str,
        hint: str | None = None,
        step: Step | None = None,
        late: bool = False,
        awaited: Awaited | None = None,
        at: float | None = None,
    ) -> None:
        super().__init__(*requirements)
        self.requirements = tuple(dict.fromkeys(requirements))
        self.expected = expected
        self.received = received
        self.hint = hint
        self.step = step
        self.late = late
        self.awaited = awaited
        self.at = at

    def under(self, requirement: str | None, *, step: Step | None) -> NonConformance:
        """Give the same breach as one of `requirement` too, seen at a step."""
        return self._again(*filter(None, (requirement, *self.requirements)), step=step)

    def is_of(self, awaited: Awaited | None) -> bool:
        """Whether the breach is about this event."""
        return awaited is not None and self.awaited == awaited

    def alone(self) -> NonConformance:
        """Give the same breach as one of what its step is about by itself."""
        own = self.requirements if self.step is None else (self.step.requirement,)
        return self._again(*own, step=self.step)

    def _again(self, *requirements: str, step: Step | None) -> NonConformance:
        return NonConformance(
            *requirements,
            expected=self.expected,
            received=self.received,
            hint=self.hint,
            step=step,
            late=self.late,
            awaited=self.awaited,
            at=self.at,
        )

    def with_hint(self, more: str) -> NonConformance:
        """Give the same breach, from the same place, with one more hint."""
        hint = " ".join(filter(None, (self.hint, more)))
        again = NonConformance(
            *self.requirements, expected=self.expected, received=self.received, hint=hint, at=self.at
        )
        return again.with_traceback(self.__traceback__)

    def __str__(self) -> str:
        """Give the breach in one line."""
        return f"{', '.join(self.requirements)}: expected {self.expected}; received {self.received}"


class SignalproofError(Exception):
    """Something other than the target's behaviour prevents a verdict."""


class InvalidTarget(SignalproofError):
    """The options do not describe a target; the text says which one and how to mend it."""


class TargetUnusable(SignalproofError):
    """The target cannot be judged: `problem` says what was seen, `remedy` what to do."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem, remedy)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        """Give problem and remedy, a line each."""
        return f"{self.problem}\n{self.remedy}"


class NotTestable(SignalproofError):
    """A check cannot be run here; the text goes on from "not run: "."""


class TooBusy(SignalproofError):
    """The kit's own machine was so busy that what came too late is nobody's breach."""


class KitError(SignalproofError):
    """A defect of the kit: a check without evidence, a control that is missing, a broken message of ours."""
