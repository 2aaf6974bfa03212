"""One conformance session inside pytest: preflight, the concurrent run, and its end."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Mapping
from contextlib import nullcontext, suppress
from pathlib import Path
from time import perf_counter
from typing import Any, NoReturn

import pytest

from signalproof import doctor
from signalproof.config import reading
from signalproof.config.options import Options
from signalproof.config.target import Target
from signalproof.errors import InvalidTarget, NotTestable, TargetUnusable
from signalproof.net.http import Http
from signalproof.pytest_plugin.dry_run import DryRun
from signalproof.pytest_plugin.ending import Ending
from signalproof.pytest_plugin.selection import Selection
from signalproof.pytest_plugin.verdicts import Verdicts
from signalproof.reports import baseline, folder, json_report, terminal
from signalproof.reports.progress import Progress
from signalproof.run import baseline_file
from signalproof.run.interrupts import take_termination_as_interrupt
from signalproof.run.result import Result
from signalproof.run.runner import Run
from signalproof.run.verdict import explainers
from signalproof.text.untrusted import printable

__all__ = ["ConformanceSession"]

NOTHING_YET = "interrupted before the first check: no verdict"


class ConformanceSession:
    """The life of an active session; registered only when there is a target.

    Raises `InvalidTarget` when the options make no sense.
    """

    def __init__(self, options: Options) -> None:
        self._options = options = reading.complete(options)
        self.target, self._identities = reading.read(options)
        self._baselines = baseline_file.read_options(options.baseline, options.write_baseline)
        self._report = None if options.no_report else Path(options.report or folder.DEFAULT)
        self._selection = Selection((), self._baselines)
        self._runner = asyncio.Runner(loop_factory=_new_event_loop)
        self._run: Run | None = None
        self._explained: set[str] = set()
        self._duration = 0.0
        self._interrupted = False

    # ── before ─────────────────────────────────────────────────────────────────────────────────

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Examine the target; one that cannot be judged ends the session at once with exit code 4."""
        if getattr(session.config.option, "numprocesses", None):
            raise pytest.UsageError("--target runs its checks concurrently by itself: leave out -n")
        take_termination_as_interrupt()
        if not session.config.option.collectonly:
            self._examine_target()
        plugins = session.config.pluginmanager
        self._selection = Selection(self.target.profiles, self._baselines)
        plugins.register(self._selection, "signalproof-selection")
        if self._options.dry_run:
            plugins.register(DryRun(), "signalproof-dry-run")
        if self._run is not None:
            verdicts = Verdicts(
                self._judged, self._run.results, self._explained, self._baselines, strict=self._options.strict
            )
            plugins.register(verdicts, "signalproof-verdicts")

    def _examine_target(self) -> None:
        try:
            if self._options.dry_run:
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

    async def _discover(self) -> Target:
        """Learn which profiles would be checked: with one request at most, and none where they are named."""
        if self.target.profiles:
            return self.target
        http = Http(self.target)
        try:
            discovery = doctor.discovery_in(await doctor.discover(self.target, http))
            return doctor.complete(self.target, discovery, self._identities)
        finally:
            await http.close()

    async def _prepare(self) -> Run:
        asyncio.get_running_loop().set_exception_handler(_ignore_abandoned)
        http = Http(self.target)
        try:
            self.target = await doctor.examine(self.target, http, self._identities)
        except BaseException:
            await http.close()
            raise
        return Run(self.target, http, self._identities, self._baselines.lists)

    def _refuse(self, unusable: TargetUnusable) -> None:
        lines = [str(unusable), f"Step by step: signalproof doctor {self.target.url}"]
        if not self._options.dry_run:
            lines += folder.publish(self._report, json_report.unusable(self.target, unusable))
        raise pytest.UsageError(printable("\n".join(lines))) from None

    def _end_before_it_began(self) -> NoReturn:
        """End the session after an interrupt during the preflight."""
        self._runner.close()
        lines = [NOTHING_YET]
        if not self._options.dry_run:
            report = json_report.document(self.target, [], 0.0, strict=self._options.strict, interrupted=True)
            lines += folder.publish(self._report, report)
        pytest.exit("\n".join(lines), returncode=pytest.ExitCode.INTERRUPTED)

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

    # ── the run ────────────────────────────────────────────────────────────────────────────────

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Run every selected check concurrently, then let pytest report them one by one."""
        if self._run is not None:
            if any(item.get_closest_marker("webrtc") for item in session.items):
                try:
                    doctor.require_interface()
                except TargetUnusable as unusable:
                    self._refuse(unusable)
            if session.config.option.verbose < 0:
                reporter = session.config.pluginmanager.getplugin("terminalreporter")
                for line in terminal.header(self.target):
                    reporter.write_line(line)
            if not self._options.serial and not session.testsfailed:
                self._run_concurrently(session.config, self._run)
                if self._interrupted:
                    ended = {name for name, result in self._run.results.items() if result.complete}
                    session.items[:] = [item for item in session.items if item.nodeid in ended]
        return (yield)

    def _run_concurrently(self, config: pytest.Config, run: Run) -> None:
        checks = list(self._selection.checks.values())
        capture = config.pluginmanager.getplugin("capturemanager")
        began = perf_counter()
        with (
            capture.global_and_fixture_disabled() if capture else nullcontext(),
            Progress(len(checks)) as progress,
        ):
            try:
                self._runner.run(run.run_all(checks, progress))
            except InvalidTarget as error:
                raise pytest.UsageError(str(error)) from None
            except KeyboardInterrupt:
                self._interrupted = True
                run.cut_off()
        self._duration = perf_counter() - began
        self._baselines.mark(run.results.values())
        self._explained |= explainers(list(run.results.values()))

    def _judged(self, item: pytest.Function) -> Result | None:
        """Give the result of a check, with `--serial` after running it now; None for what is no check."""
        check = self._selection.checks.get(item.nodeid)
        if check is None or self._run is None:
            return None
        if self._options.serial:
            began = perf_counter()
            try:
                self._runner.run(self._run.run_one(check))
            except KeyboardInterrupt:
                self._interrupted = True
                self._run.cut_off()
                item.session.shouldstop = "interrupted"
            self._duration += perf_counter() - began
            self._baselines.mark([self._run.results[check.name]])
            self._explained.add(check.name)
        return self._run.results[check.name]

    # ── after ──────────────────────────────────────────────────────────────────────────────────

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """Say goodbye to the target, write the report, and end with the verdict."""
        self._interrupted |= session.exitstatus == pytest.ExitCode.INTERRUPTED
        run = self._run
        if run is not None:
            # Whoever interrupts a second time does not want to wait for the goodbye.
            with suppress(KeyboardInterrupt):
                self._runner.run(run.close())
        self._runner.close()
        if run is None:
            yield
            return
        if self._interrupted:
            run.cut_off()
        results = [result for result in run.results.values() if result.judged]
        ending = Ending(
            target=self.target,
            results=results,
            total=len(self._selection.checks),
            duration=self._duration,
            strict=self._options.strict,
            fail_on_undecided=self._options.fail_on_undecided,
            interrupted=self._interrupted,
            assessment=None if self._interrupted else self._baselines.assess(results),
            stalled=" ".join(filter(None, (run.loop_lag.sentence(), run.crowding))) or None,
        )
        session.exitstatus = ending.exit_status(session.exitstatus)
        yield
        if results or self._interrupted:
            reporter = session.config.pluginmanager.getplugin("terminalreporter")
            for line in self._closing(ending):
                reporter.write_line(printable(line))

    def _closing(self, ending: Ending) -> list[str]:
        """Write what a session leaves behind, and give its closing lines."""
        lines = [*ending.lines(), *folder.publish(self._report, ending.report())]
        if not ending.interrupted and (path := self._baselines.written) is not None:
            lines.append(baseline.write(path, self._baselines.assess_previous(ending.results), ending.results))
        return lines


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
