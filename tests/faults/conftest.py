"""Runs of faults: while a test waits for its own, the next one of the same worker is under way already."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.faults.faults import FAULTS
from tests.faults.proof import Outcome, prove


class Ahead:
    """The runs of one worker, each begun one test early."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pool = ThreadPoolExecutor(2)
        self._runs: dict[str, Future[Outcome]] = {}

    def begin(self, name: str) -> Future[Outcome]:
        """Begin the run of a fault, unless that has been done."""
        if name not in self._runs:
            fault = FAULTS[name]
            self._runs[name] = self._pool.submit(prove, fault, self._folder / name, quick=True)
        return self._runs[name]

    def close(self) -> None:
        """Wait for what was begun."""
        self._pool.shutdown(cancel_futures=True)


NEXT = pytest.StashKey[str]()


def _fault_of(item: pytest.Item | None) -> str | None:
    callspec = getattr(item, "callspec", None)
    return callspec.params.get("name") if callspec and item and "proven" in getattr(item, "fixturenames", ()) else None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Note which fault comes next."""
    item.stash[NEXT] = _fault_of(nextitem) or ""


@pytest.fixture(scope="session")
def ahead() -> Iterator[Ahead]:
    """Give the runs of this worker."""
    with TemporaryDirectory(prefix="signalproof-") as folder:
        runs = Ahead(Path(folder))
        try:
            yield runs
        finally:
            runs.close()


@pytest.fixture
def proven(request: pytest.FixtureRequest, ahead: Ahead) -> Callable[[str], Outcome]:
    """Give what came of a fault, while the next one runs."""

    def run(name: str) -> Outcome:
        mine = ahead.begin(name)
        if following := request.node.stash[NEXT]:
            ahead.begin(following)
        return mine.result()

    return run
