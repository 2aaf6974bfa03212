"""How ordinary steps go over a whole run: what fails everywhere is not what a single check is about."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Steps"]

MANY_CHECKS = 3
"""Checks in which a step has to fail before it counts as one that fails everywhere, if it ever succeeds."""


@dataclass(slots=True)
class Steps:
    """For each step, such as `accepts the offer`, the numbers of the checks in which it succeeded and failed."""

    _succeeded: dict[str, set[int]] = field(default_factory=dict)
    _failed: dict[str, set[int]] = field(default_factory=dict)

    def count(self, step: str, check: int, *, failed: bool) -> None:
        """Count one try."""
        (self._failed if failed else self._succeeded).setdefault(step, set()).add(check)

    def fails_everywhere(self, step: str) -> bool:
        """Whether a step never succeeded, or failed in many checks and in as many as it succeeded in at least."""
        failed, succeeded = self._failed.get(step, set()), self._succeeded.get(step, set())
        return bool(failed) and (not succeeded or len(failed) >= max(MANY_CHECKS, len(succeeded)))
