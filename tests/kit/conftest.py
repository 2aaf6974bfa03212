"""Processes for the tests of the kit: variants of the reference server, and the kit itself as its users start it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

SERVERS = Path(__file__).with_name("servers.py")
HIDDEN = ("PYTEST", "COV_", "GITHUB_")
"""Beginnings of the names of environment variables that processes do not inherit."""
LIMIT = 30
"""Seconds after which a process that should have ended is killed."""


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As in the background of a script: processes started from here would ignore it as well.
    signal.signal(signal.SIGINT, signal.default_int_handler)


class Process:
    """A running process with a group of its own, so that to kill it is to kill what it has started too."""

    def __init__(self, *command: str, folder: Path) -> None:
        environment = {key: value for key, value in os.environ.items() if not key.startswith(HIDDEN)}
        self.popen = subprocess.Popen(
            command,
            cwd=folder,
            env=environment | {"PYTHONUNBUFFERED": "1", "COLUMNS": "200"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )

    def line(self) -> str:
        """Give the next line of its output, without the line feed; an empty one when it ends or takes too long."""
        watchdog = threading.Timer(LIMIT, self.kill)
        watchdog.start()
        try:
            return self.popen.stdout.readline().strip() if self.popen.stdout else ""
        finally:
            watchdog.cancel()
            watchdog.join()

    def finish(self, limit: float = LIMIT) -> str:
        """Wait until it has ended and give the rest of its output; fail when it takes longer than `limit` seconds."""
        try:
            return self.popen.communicate(timeout=limit)[0]
        except subprocess.TimeoutExpired as late:
            pytest.fail(f"{self.popen.args!r} is still running after {limit} s:\n{late.output!r}")
        finally:
            self.kill()

    def kill(self) -> None:
        """End it and whatever it has started."""
        if self.popen.returncode is None:
            os.killpg(self.popen.pid, signal.SIGKILL)

    def close(self) -> None:
        """Kill it if it still runs, and let go of it."""
        self.kill()
        self.popen.communicate()


@contextmanager
def running(*command: str, folder: Path) -> Iterator[Process]:
    """Start a process; end it in any case."""
    process = Process(*command, folder=folder)
    try:
        yield process
    finally:
        process.close()


@dataclass(frozen=True, slots=True)
class Finished:
    """What a run of the kit left behind: exit code, output, and `report.json` if there is one."""

    code: int
    output: str
    report: dict[str, Any] | None

    def rows(self, part: str) -> list[dict[str, Any]]:
        """Give the report's results of the checks whose name contains `part`."""
        return [row for row in (self.report or {"results": []})["results"] if part in row["check"]]


class Kit:
    """The kit, run in an empty folder outside the project."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def check(self, *arguments: str) -> Finished:
        """Run `signalproof check`, with a report."""
        return self._run("-m", "signalproof", "check", *arguments, "--report", "out")

    def run(self, *arguments: str) -> Finished:
        """Run any command of `signalproof`."""
        return self._run("-m", "signalproof", *arguments)

    def pytest(self, *arguments: str) -> Finished:
        """Run `pytest`."""
        return self._run("-m", "pytest", "-p", "no:cacheprovider", *arguments)

    @contextmanager
    def running(self, *arguments: str) -> Iterator[Process]:
        """Start any command of `signalproof` and go on."""
        with running(sys.executable, "-m", "signalproof", *arguments, folder=self.folder) as process:
            yield process

    def checking(self, *arguments: str) -> AbstractContextManager[Process]:
        """Start `signalproof check` and go on."""
        return self.running("check", *arguments)

    def _run(self, *arguments: str) -> Finished:
        with running(sys.executable, *arguments, folder=self.folder) as process:
            output = process.finish()
        path = self.folder / "out" / "report.json"
        report = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
        return Finished(process.popen.returncode, output, report)


@dataclass(frozen=True, slots=True)
class Served:
    """A server that is up."""

    url: str
    process: Process


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    """The kit in a folder of this test's own."""
    return Kit(tmp_path)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[str], Served]]:
    """Start variants of the reference server, by the names in `servers.py`; they end with the test."""
    with ExitStack() as stack:

        def start(variant: str) -> Served:
            process = stack.enter_context(running(sys.executable, str(SERVERS), variant, folder=tmp_path))
            url = process.line()
            assert url.startswith("http://127.0.0.1:"), f"{variant} did not start: {url} {process.finish()}"
            return Served(url, process)

        yield start
