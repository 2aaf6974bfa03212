"""The words for what came of a check, of a requirement and of a whole run; they stand in every report."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["CHECKED", "CheckOutcome", "RequirementOutcome", "Verdict"]


class CheckOutcome(StrEnum):
    """How one check ended."""

    PASSED = "passed"
    WARNED = "warned"
    FAILED = "failed"
    SKIPPED = "skipped"
    ERROR = "error"


class RequirementOutcome(StrEnum):
    """What came of one requirement."""

    KEPT = "kept"
    BROKEN = "broken"
    NOT_FOLLOWED = "not_followed"
    UNDECIDED = "undecided"
    NOT_CHECKED = "not_checked"
    NOT_TESTABLE = "not_testable"


CHECKED = frozenset(RequirementOutcome) - {RequirementOutcome.NOT_CHECKED, RequirementOutcome.NOT_TESTABLE}
"""The outcomes of a requirement that checks were about."""


class Verdict(StrEnum):
    """What a run says of its target."""

    CONFORMANT = "conformant"
    PARTIAL = "partial"
    NONCONFORMANT = "nonconformant"
    UNUSABLE = "unusable"
    INTERRUPTED = "interrupted"
