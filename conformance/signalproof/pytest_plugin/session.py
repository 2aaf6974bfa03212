"""One conformance session inside pytest: preflight, the concurrent run, each item's verdict, the report."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Generator, Mapping
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, NoReturn

import pytest

from signalproof import doctor
from signalproof.config import options
from signalproof.config.identity import Identities
from signalproof.config.options import CHECKED_PROFILES
from signalproof.config.target import Target
from signalproof.errors import InvalidTarget, NotTestable, TargetUnusable
from signalproof.net.http import Http
from signalproof.protocol.requirements import catalogue
from signalproof.pytest_plugin.dry_run import DryRun
from signalproof.reports import baseline, folder, json_report, terminal
from signalproof.run.interrupts import take_termination_as_interrupt
from signalproof.run.known import Known
from signalproof.run.runner import Check, Run, Verdict
from signalproof.text.untrusted import printable

__all__ = ["ConformanceSession"]

NOTHING_YET = "interrupted before the first check: no verdict"


class ConformanceSession:
    """The hooks of an active session; registered only when there is a target."""

    def __init__(
        self,
        target: Target,
        identities: Identities,
        *,
        serial: bool,
        strict: bool,
        report: Path | None,
        known: Known,
        dry: bool = False,
    ) -> None:
        self.target = target
        self._identities = identities
        self.duration = 0.0
        self._serial = serial
        self._strict = strict
        self._report = report
        self._known = known
        self._dry = dry
        self._interrupted = False
        self._runner = asyncio.Runner(loop_factory=_new_event_loop)
        self._run: Run | None = None
        self._checks: dict[str, Check] = {}
        self._explained: set[str] = set()

    @classmethod
    def of(cls, config: pytest.Config) -> ConformanceSession:
        """Read the options; raises `pytest.UsageError` (exit code 4) when they make no sense."""
        option = config.option
        if getattr(option, "numprocesses", None):
            raise pytest.UsageError("--target runs its checks concurrently by itself: leave out -n")
        try:
            option = options.complete(option)
            target, identities = options.read(option)
            known = Known.of(option)
        except InvalidTarget as error:
            raise pytest.UsageError(str(error)) from None
        return cls(
            target,
            identities,
            serial=bool(getattr(option, "serial", False)),
            strict=bool(getattr(option, "strict", False)),
            report=None
            if getattr(option, "no_report", False)
            else Path(getattr(option, "report", None) or folder.DEFAULT),
            known=known,
            dry=bool(option.dry_run),
        )

    # ── before ─────────────────────────────────────────────────────────────────────────────────

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Examine the target; one that cannot be judged ends the session at once with exit code 4."""
        take_termination_as_interrupt()
        if session.config.option.collectonly:
            return
        if self._dry:
            session.config.pluginmanager.register(DryRun(_requirements), "signalproof-dry-run")
        try:
            if self._dry:
                self.target = self._runner.run(self._discover())
            else:
                if self._report is not None:
                    folder.prepare(self._report)
                self._run = self._runner.run(self._prepare())
        except TargetUnusable as unusable:
            self._refuse(unusable)
        except (InvalidTarget, NotTestable) as error:
            raise pytest.UsageError(str(error)) from None
        except KeyboardInterrupt:
            self._end_before_it_began()

    def _end_before_it_began(self) -> NoReturn:
        """End the session after an interrupt during the preflight."""
        self._runner.close()
        lines = [NOTHING_YET]
        if not self._dry:
            report = json_report.document(self.target, [], 0.0, strict=self._strict, interrupted=True)
            lines += folder.publish(self._report, report)
        pytest.exit("\n".join(lines), returncode=pytest.ExitCode.INTERRUPTED)

    async def _discover(self) -> Target:
        """Learn which profiles would be checked: with one request at most, and none where they are named."""
        if self.target.profiles:
            return self.target
        http = Http(self.target)
        try:
            _, document = await doctor.discover(self.target, http)
            return doctor.complete(self.target, document, CHECKED_PROFILES, self._identities)
        finally:
            await http.close()

    async def _prepare(self) -> Run:
        asyncio.get_running_loop().set_exception_handler(_ignore_abandoned)
        http = Http(self.target)
        try:
            self.target = await doctor.examine(self.target, http, self._identities, available=CHECKED_PROFILES)
        except BaseException:
            await http.close()
            raise
        return Run(self.target, http, self._identities, self._known.expects)

    def _refuse(self, unusable: TargetUnusable) -> None:
        lines = [str(unusable), f"Step by step: signalproof doctor {self.target.url}"]
        if not self._dry:
            lines += folder.publish(self._report, json_report.unusable(self.target, unusable))
        raise pytest.UsageError(printable("\n".join(lines))) from None

    @pytest.hookimpl(wrapper=True)
    def pytest_collection(self) -> Generator[None, object, object]:
        """Say it in one line when an interrupt comes while the checks are being collected."""
        try:
            return (yield)
        except KeyboardInterrupt:
            pytest.exit(NOTHING_YET, returncode=pytest.ExitCode.INTERRUPTED)

    def pytest_report_header(self) -> list[str]:
        """Say what is checked, and why that."""
        return terminal.header(self.target)

    @pytest.fixture
    def cast(self) -> None:
        """Stand in for the cast in pytest's own view; the runner brings the real one."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> Generator[None, None, None]:
        """Deselect the checks of profiles that are not selected; order the rest as the specification is."""
        collected = list(items)
        yield
        try:
            self._known.collected(
                {item.nodeid for item in collected}, {i.nodeid for i in filter(self._wants, collected)}
            )
        except InvalidTarget as error:
            raise pytest.UsageError(str(error)) from None
        topics = list(dict.fromkeys(requirement.topic for requirement in catalogue().values()))
        kept: list[pytest.Item] = []
        dropped: list[pytest.Item] = []
        for item in items:
            if unknown := [i for i in _requirements(item) if i not in catalogue()]:
                pytest.exit(
                    f"{item.name} cites {unknown[0]}, which the specification does not have",
                    pytest.ExitCode.INTERNAL_ERROR,
                )
            (kept if self._wants(item) else dropped).append(item)
        if dropped:
            config.hook.pytest_deselected(items=dropped)

        def rank(item: pytest.Item) -> int:
            topic = item.path.stem.removeprefix("test_")
            return topics.index(topic) if topic in topics else len(topics)

        items[:] = sorted(kept, key=rank)
        # Now, before plugins for asynchronous tests of other people put wrappers around the coroutines.
        self._checks = {item.nodeid: check for item in items if (check := _check_of(item))}

    def _wants(self, item: pytest.Item) -> bool:
        """Whether the selected profiles ask for a check."""
        profiles = {catalogue()[i].profile for i in _requirements(item) if i in catalogue()}
        profiles |= {str(mark.args[0]) for mark in item.iter_markers("profile")}
        return not self.target.profiles or profiles <= set(self.target.profiles)

    # ── the run ────────────────────────────────────────────────────────────────────────────────

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Run every selected check concurrently, then let pytest report them one by one."""
        config = session.config
        if self._run is not None:
            if any(item.get_closest_marker("webrtc") for item in session.items):
                try:
                    doctor.require_interface()
                except TargetUnusable as unusable:
                    self._refuse(unusable)
            if config.option.verbose < 0:
                reporter = config.pluginmanager.getplugin("terminalreporter")
                for line in terminal.header(self.target):
                    reporter.write_line(line)
            if not self._serial and not session.testsfailed:
                self._run_concurrently(config, list(self._checks.values()))
                if self._interrupted:
                    session.items[:] = [item for item in session.items if self._ended(item)]
        return (yield)

    def _run_concurrently(self, config: pytest.Config, checks: list[Check]) -> None:
        if self._run is None:
            return
        capture = config.pluginmanager.getplugin("capturemanager")
        began = perf_counter()
        with (
            capture.global_and_fixture_disabled() if capture else nullcontext(),
            terminal.Progress(len(checks)) as progress,
        ):
            try:
                self._runner.run(self._run.run_all(checks, progress))
            except InvalidTarget as error:
                raise pytest.UsageError(str(error)) from None
            except KeyboardInterrupt:
                self._interrupted = True
                self._run.cut_off()
        self.duration = perf_counter() - began
        self._known.mark(self._run.results.values())
        self._explained = terminal.explainers(list(self._run.results.values()))

    def _ended(self, item: pytest.Item) -> bool:
        result = self._run.results.get(item.nodeid) if self._run else None
        return result is not None and result.complete

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool | None:
        """Give a check's verdict in place of calling it; with `--serial`, run it now."""
        check = self._checks.get(pyfuncitem.nodeid)
        if check is None or self._run is None:
            return None
        if self._serial:
            began = perf_counter()
            try:
                self._runner.run(self._run.run_one(check))
            except KeyboardInterrupt:
                self._interrupted = True
                self._run.cut_off()
                pyfuncitem.session.shouldstop = "interrupted"
            self.duration += perf_counter() - began
            self._known.mark([self._run.results[check.name]])
            self._explained.add(check.name)
        result = self._run.results[check.name]
        if result.skipped is not None:
            pytest.skip(result.skipped)
        found = next(iter(result.new_breaches or (result.new_warnings if self._strict else ())), None)
        if found is None and result.error is not None and result.error not in result.expected:
            raise result.error
        if found is not None:
            whole = check.name in self._explained or not result.new_breaches
            text = printable(terminal.explain(result, whole=whole))
            # In place of a traceback, which would explain the kit instead of the target.
            pyfuncitem.repr_failure = lambda *_: text  # type: ignore[method-assign]
            if not whole:
                pyfuncitem.user_properties.append(("signalproof", "folded"))
            raise found
        if result.known:
            pyfuncitem.user_properties.append(("signalproof", "known"))
            pytest.xfail(self._known.reason(result))
        if result.new_warnings:
            pyfuncitem.user_properties.append(("signalproof", "warned"))
        return True

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Give the report the check's own duration."""
        report = yield
        result = self._run.results.get(item.nodeid) if self._run else None
        if result is not None and call.when == "call":
            report.duration = result.duration
        return report

    def pytest_report_teststatus(
        self, report: pytest.TestReport
    ) -> tuple[str, str, tuple[str, Mapping[str, bool]]] | None:
        """Show a breached SHOULD as a warning; fold failures whose cause is explained at another check."""
        if report.when == "call" and report.passed and ("signalproof", "warned") in report.user_properties:
            return "warned", "w", ("WARNED", {"yellow": True})
        if report.when == "call" and report.skipped and ("signalproof", "known") in report.user_properties:
            return "known", "k", ("KNOWN", {"yellow": True})
        if report.when == "call" and report.failed and ("signalproof", "folded") in report.user_properties:
            return "failed of the same cause", "f", ("FAILED", {"red": True})
        return None

    # ── after ──────────────────────────────────────────────────────────────────────────────────

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """Say goodbye to the target, write the report, and end with the verdict."""
        self._interrupted |= session.exitstatus == pytest.ExitCode.INTERRUPTED
        results = list(self._run.results.values()) if self._run else []
        if self._run is not None:
            # Whoever interrupts a second time does not want to wait for the goodbye.
            with suppress(KeyboardInterrupt):
                self._runner.run(self._run.close())
        self._runner.close()
        if self._interrupted and self._run is not None:
            self._run.cut_off()
            session.exitstatus = pytest.ExitCode.INTERRUPTED
        finished = [result for result in results if result.judged]
        assessment = None if self._interrupted else self._known.assess(finished)
        fault = any(result.verdict is Verdict.ERROR for result in finished)
        if fault and not self._interrupted and not terminal.any_new(finished, strict=False):
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
        elif assessment and assessment.stale and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        yield
        if self._run is None or not (finished or self._interrupted):
            return
        reporter = session.config.pluginmanager.getplugin("terminalreporter")
        if self._interrupted:
            lines = terminal.interrupted(finished, len(self._checks)) if self._checks else []
        else:
            lines = terminal.summary(
                self.target,
                finished,
                self.duration,
                strict=self._strict,
                baseline=assessment,
                stalled=self._run.stalls.sentence(),
            )
        report = json_report.document(
            self.target,
            finished,
            self.duration,
            strict=self._strict,
            baseline=assessment,
            interrupted=self._interrupted,
            stalled=self._run.stalls.sentence(),
        )
        lines += folder.publish(self._report, report)
        if not self._interrupted and self._known.written is not None:
            lines.append(baseline.write(self._known.written, self._known.assess_previous(finished), finished))
        for line in lines:
            reporter.write_line(printable(line))


def _requirements(item: pytest.Item) -> tuple[str, ...]:
    return tuple(str(i) for mark in item.iter_markers("requirement") for i in mark.args)


def _check_of(item: pytest.Item) -> Check | None:
    """Give the check that an item stands for, or None for a test that is no check."""
    requirements = _requirements(item)
    if not requirements or not isinstance(item, pytest.Function):
        return None
    if not inspect.iscoroutinefunction(item.function):
        return None
    parameters: dict[str, Any] = dict(item.callspec.params) if hasattr(item, "callspec") else {}
    return Check(
        name=item.nodeid,
        body=partial(item.function, **parameters),
        requirements=requirements,
        alone=item.get_closest_marker("alone") is not None,
        early=item.get_closest_marker("early") is not None,
        waits_for=str(slow.args[0]) if (slow := item.get_closest_marker("slow")) else None,
    )


def _new_event_loop() -> asyncio.AbstractEventLoop:
    """Make a loop of uvloop, which costs a fifth less processor time per run, where there is one."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


def _ignore_abandoned(_: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
    """Drop errors of background tasks that hostile frames provoke inside client libraries.

    What a check is about it awaits itself; these are the leftovers of connections that the target closed.
    """
