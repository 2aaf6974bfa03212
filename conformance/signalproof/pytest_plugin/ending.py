"""How a session ends: its exit status, what it says, and the report that it leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from signalproof.config.target import Target
from signalproof.errors import TargetUnusable, TooBusy
from signalproof.reports import json_report, terminal
from signalproof.reports.shape import Report
from signalproof.run.baseline import Assessment
from signalproof.run.outcomes import CheckOutcome
from signalproof.run.result import Result
from signalproof.run.verdict import any_new, undecided

__all__ = ["Ending"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What came of a session: the judged `results` of `total` checks, in `duration` seconds.

    `assessment` holds them against the baseline, if there is one; `stalled` says that this machine was too busy.
    """

    target: Target
    results: Sequence[Result]
    total: int
    duration: float
    strict: bool
    fail_on_undecided: bool
    interrupted: bool
    assessment: Assessment | None
    stalled: str | None

    def exit_status(self, before: int | pytest.ExitCode) -> int | pytest.ExitCode:
        """Give the exit status, `before` being what pytest makes of the verdicts."""
        if self.interrupted:
            return pytest.ExitCode.INTERRUPTED
        faults = [result.error for result in self.results if result.outcome is CheckOutcome.ERROR]
        if faults and not any_new(self.results, strict=False):
            ours = all(isinstance(fault, TooBusy | TargetUnusable) for fault in faults)
            return pytest.ExitCode.USAGE_ERROR if ours else pytest.ExitCode.INTERNAL_ERROR
        if before == pytest.ExitCode.OK and ((self.assessment and self.assessment.stale) or self._undecided):
            return pytest.ExitCode.TESTS_FAILED
        return before

    @property
    def _undecided(self) -> list[str]:
        """The MUSTs that were not decided, where that fails the run."""
        return undecided(self.target, self.results) if self.fail_on_undecided else []

    def lines(self) -> list[str]:
        """Say what came of it."""
        if self.interrupted:
            return terminal.interrupted(self.results, self.total) if self.total else []
        gate = [f"not decided, which fails the run: {', '.join(self._undecided)}"] if self._undecided else []
        return gate + terminal.summary(
            self.target,
            self.results,
            self.duration,
            strict=self.strict,
            baseline=self.assessment,
            stalled=self.stalled,
        )

    def report(self) -> Report:
        """Give the report."""
        return json_report.document(
            self.target,
            self.results,
            self.duration,
            strict=self.strict,
            baseline=self.assessment,
            interrupted=self.interrupted,
            stalled=self.stalled,
        )
