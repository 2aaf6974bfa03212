"""The shape of `report.json` for the modules that write and read it; `schemas/report/Report.json` explains it.

In a report that was read from a file, levels, outcomes and the verdict are texts that are equal to these words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NotRequired, TypedDict

from signalproof.protocol.requirements import Level
from signalproof.run.outcomes import CheckOutcome, RequirementOutcome, Verdict

__all__ = [
    "VERSION",
    "BreachRow",
    "CheckRow",
    "Fold",
    "Kit",
    "Message",
    "Report",
    "RequirementRow",
    "Summary",
    "Timing",
]

VERSION = 1
"""Raised when a reader of an older report would misunderstand a newer one."""


class Kit(TypedDict):
    """What judged."""

    name: str
    version: str


class Summary(TypedDict):
    """The run in numbers."""

    passed: int
    failed: int
    warned: int
    skipped: int
    known: NotRequired[int]
    errors: int
    duration_s: float
    handshakes: int
    must_kept: int
    must_checked: int
    must_claimed: NotRequired[int]


class RequirementRow(TypedDict):
    """What came of one requirement of the specification."""

    id: str
    level: Level
    profile: str
    sentence: str
    link: str
    outcome: RequirementOutcome
    reason: NotRequired[str]
    fix: NotRequired[str]


class BreachRow(TypedDict):
    """One breach that a check found."""

    requirements: list[str]
    level: Level
    expected: str
    received: str
    hint: NotRequired[str]
    message: NotRequired[int]


Message = tuple[float, str, str, str, str, str]
"""Milliseconds, source, destination, channel, what it was in short, and its content."""


class Fold(TypedDict):
    """Messages of a check without which its finding can be understood."""

    first: int
    messages: int
    what: str


class CheckRow(TypedDict):
    """What came of one check."""

    check: str
    requirements: list[str]
    level: Level
    outcome: CheckOutcome
    duration_s: float
    message: str
    violated: list[str]
    known: NotRequired[bool]
    hint: NotRequired[str]
    ladder: NotRequired[str]
    findings: NotRequired[list[BreachRow]]
    messages: NotRequired[list[Message]]
    folded: NotRequired[list[Fold]]
    earlier_messages: NotRequired[int]


class Timing(TypedDict):
    """How long one kind of thing took: all values in milliseconds, sorted."""

    kind: str
    what: str
    ms: list[float]


class Report(TypedDict):
    """A whole report."""

    report_version: int
    kit: Kit
    started_at: str
    target: str
    spec_version: str
    profiles: list[str]
    profiles_reason: str
    not_claimed: list[str]
    left_out: NotRequired[list[str]]
    strict: bool
    verdict: Verdict
    problem: NotRequired[str]
    remedy: NotRequired[str]
    stalled: NotRequired[str]
    summary: Summary
    requirements: list[RequirementRow]
    baseline: NotRequired[Mapping[str, object]]
    results: list[CheckRow]
    timings: list[Timing]
