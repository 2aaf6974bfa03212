"""What pytest is told of each check: its verdict in place of a call, its own duration, and the letter that it shows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Mapping

import pytest

from signalproof.errors import NotTestable, TooBusy
from signalproof.reports import failure
from signalproof.run.baseline import Baselines
from signalproof.run.result import Result
from signalproof.text.untrusted import printable

__all__ = ["Verdicts"]

_FOLDED = ("signalproof", "folded")
_KNOWN = ("signalproof", "known")
_WARNED = ("signalproof", "warned")


class Verdicts:
    """The verdicts of judged checks, as pytest asks for them.

    `judged` gives the result of a check by node id, or None for what is no check; `explained` are the checks that
    explain a breach at length.
    """

    def __init__(
        self,
        judged: Callable[[pytest.Function], Result | None],
        ended: Mapping[str, Result],
        explained: Collection[str],
        baselines: Baselines,
        *,
        strict: bool,
    ) -> None:
        self._judged = judged
        self._ended = ended
        self._explained = explained
        self._baselines = baselines
        self._strict = strict
        self._said: set[str] = set()

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool | None:
        """Give a check's verdict in place of calling it."""
        result = self._judged(pyfuncitem)
        if result is None:
            return None
        if result.skipped is not None:
            pytest.skip(result.skipped)
        found = next(iter(result.new_breaches or (result.new_warnings if self._strict else ())), None)
        unlisted = result.error not in result.listed and not isinstance(result.error, NotTestable)
        if found is None and result.error is not None and unlisted:
            if isinstance(result.error, TooBusy):
                self._say(pyfuncitem, printable(str(result.error)))
            raise result.error
        if found is not None:
            whole = result.check.name in self._explained or not result.new_breaches
            text = printable(failure.explain(result, whole=whole))
            # In place of a traceback, which would explain the kit instead of the target.
            pyfuncitem.repr_failure = lambda *_: text  # type: ignore[method-assign]
            if not whole:
                pyfuncitem.user_properties.append(_FOLDED)
            raise found
        if result.only_listed:
            pyfuncitem.user_properties.append(_KNOWN)
            pytest.xfail(self._baselines.reason(result))
        if result.new_warnings:
            pyfuncitem.user_properties.append(_WARNED)
        return True

    def _say(self, item: pytest.Function, trouble: str) -> None:
        """Show one sentence in place of a traceback, and the same one once."""
        item.repr_failure = lambda *_: trouble  # type: ignore[method-assign]
        if trouble in self._said:
            item.user_properties.append(_FOLDED)
        self._said.add(trouble)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Give the report the check's own duration."""
        report = yield
        result = self._ended.get(item.nodeid)
        if result is not None and call.when == "call":
            report.duration = result.duration
        return report

    def pytest_report_teststatus(
        self, report: pytest.TestReport
    ) -> tuple[str, str, tuple[str, Mapping[str, bool]]] | None:
        """Show a breached SHOULD as a warning; fold failures whose cause is explained at another check."""
        if report.when != "call":
            return None
        if report.passed and _WARNED in report.user_properties:
            return "warned", "w", ("WARNED", {"yellow": True})
        if report.skipped and _KNOWN in report.user_properties:
            return "known", "k", ("KNOWN", {"yellow": True})
        if report.failed and _FOLDED in report.user_properties:
            return "failed of the same cause", "f", ("FAILED", {"red": True})
        return None
