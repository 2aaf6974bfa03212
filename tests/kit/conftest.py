"""Processes for the tests of the kit: variants of the reference server, and the kit itself as its users start it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.processes import Process, running

SERVERS = Path(__file__).with_name("servers.py")


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
        """Run `pytest`, with its plugins but for that of Schemathesis, which takes seconds to import."""
        return self._run("-m", "pytest", "-p", "no:cacheprovider", "-p", "no:schemathesis", *arguments)

    @contextmanager
    def running(self, *arguments: str) -> Iterator[Process]:
        """Start any command of `signalproof`, in an interpreter of its own, and go on."""
        with running(sys.executable, "-m", "signalproof", *arguments, folder=self.folder, fresh=True) as process:
            yield process

    def checking(self, *arguments: str) -> AbstractContextManager[Process]:
        """Start `signalproof check` and go on."""
        return self.running("check", *arguments)

    def _run(self, *arguments: str) -> Finished:
        with running(sys.executable, *arguments, folder=self.folder) as process:
            output = process.finish()
        path = self.folder / "out" / "report.json"
        report = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
        return Finished(process.returncode, output, report)


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
