"""How ordinary steps go over a whole run: what fails everywhere is not what a single check is about."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["PLAIN", "Steps"]

PLAIN = 0
"""The number of the plain exchange, which is no check: it shows whether the ordinary steps work at all."""
FEW_CHECKS, MANY_CHECKS = 3, 10
"""Checks in which a step has to fail to fail everywhere: where the plain exchange did not try it, or it worked."""


@dataclass(slots=True)
class Steps:
    """For each step, such as `accepts the offer`, the numbers of the checks in which it succeeded and failed."""

    _succeeded: dict[str, set[int]] = field(default_factory=dict)
    _failed: dict[str, set[int]] = field(default_factory=dict)

    def count(self, step: str, check: int, *, failed: bool) -> None:
        """Count one try."""
        (self._failed if failed else self._succeeded).setdefault(step, set()).add(check)

    def fails_everywhere(self, step: str) -> bool:
        """Whether a step fails in the plain exchange or in many checks, and at least as often as it succeeds."""
        failed, succeeded = self._failed.get(step, set()), self._succeeded.get(step, set())
        least = MANY_CHECKS if PLAIN in succeeded else 1 if PLAIN in failed else FEW_CHECKS
        return len(failed) >= max(least, len(succeeded))
