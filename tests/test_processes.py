"""Processes of the tests: forked ones are like others, and all end with the run, however that ends."""

from __future__ import annotations

import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

import pytest
from tests import processes
from tests.processes import Process, StillRunning, alive, running

ROOT = Path(__file__).parents[1]
SERVERS = ROOT / "tests" / "kit" / "servers.py"
SOON_SECONDS = 10
"""As long as a busy machine may need."""
HANG = "import threading; threading.Event().wait()"
TEST = f"""
import os, sys, threading
from pathlib import Path
from tests.processes import running

def test_that_never_ends(tmp_path):
    python = sys.executable
    with (
        running(python, {str(SERVERS)!r}, "Assembly", folder=tmp_path) as forked,
        running(python, {str(SERVERS)!r}, "Assembly", folder=tmp_path, fresh=True) as fresh,
        running("sh", "-c", "sleep 600 & echo $!; wait", folder=tmp_path) as shell,
    ):
        started = [os.getpid(), forked.pid, fresh.pid, shell.pid, int(shell.line())]
        assert forked.line().startswith("http") and fresh.line().startswith("http")
        ready = Path("started.new")
        ready.write_text(" ".join(map(str, started)), encoding="utf-8")
        ready.rename("started")
        threading.Event().wait()
"""


def run(folder: Path, *arguments: str, fresh: bool) -> tuple[int, str]:
    """Run `signalproof`, and give exit code and output."""
    with running(sys.executable, "-m", "signalproof", *arguments, folder=folder, fresh=fresh) as process:
        output = process.finish()
    return process.returncode, output


@pytest.mark.parametrize(
    "arguments",
    [
        ("--version",),
        ("explain", "OFFER-1"),
        ("explain", "OFER-1"),
        ("check", "--help"),
        ("check", "http://[::1"),
        ("check", "http://127.0.0.1:9", "--report", "out"),
        ("schema", "--list"),
    ],
    ids=" ".join,
)
def test_a_forked_process_is_like_one_of_its_own(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """The same exit code, the same output, and the same files."""
    (tmp_path / "forked").mkdir()
    (tmp_path / "fresh").mkdir()
    forked = run(tmp_path / "forked", *arguments, fresh=False)
    assert forked == run(tmp_path / "fresh", *arguments, fresh=True)
    files = [sorted(path.name for path in (tmp_path / kind).rglob("*")) for kind in ("forked", "fresh")]
    assert files[0] == files[1]


def test_a_forked_process_has_the_environment_of_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not that of the process that it was born of."""
    before = run(tmp_path, "list", fresh=False)
    monkeypatch.setenv(
        "_PYTHON _M SIGNALPROOF_COMPLETE", "bash_source"
    )  # click then prints a script, whatever is asked
    asked = run(tmp_path, "list", fresh=False)
    assert asked == run(tmp_path, "list", fresh=True)
    assert asked != before


def test_what_it_writes_is_read_by_lines(tmp_path: Path) -> None:
    """Errors among them, or in a file of their own."""
    code = "import sys; print('a\\nb'); sys.stderr.write('c\\n'); sys.exit('d')"
    with running(sys.executable, "-c", code, folder=tmp_path) as process:
        assert (process.line(), process.finish()) == ("a", "b\nc\nd\n")
    assert process.returncode == 1
    errors = tmp_path / "errors"
    with running(sys.executable, "-c", code, folder=tmp_path, errors=errors) as process:
        assert process.finish() == "a\nb\n"
    assert errors.read_text(encoding="utf-8") == "c\nd\n"


def test_one_that_does_not_end_is_killed(tmp_path: Path) -> None:
    """What it had written is told, and how it ended."""
    with (
        pytest.raises(StillRunning, match="here I am") as late,
        running(sys.executable, "-c", f"print('here I am'); {HANG}", folder=tmp_path) as process,
    ):
        process.finish(1)
    assert late.value.output == "here I am\n"
    assert process.wait(SOON_SECONDS) == -signal.SIGKILL
    with running(sys.executable, "-c", HANG, folder=tmp_path) as silent:
        assert silent.line(0.2) == ""
        assert silent.wait(SOON_SECONDS) == -signal.SIGKILL


def test_there_is_one_nursery(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where several threads want the first process: with a second one, the processes of the first would end."""
    monkeypatch.setattr(processes, "_nurseries", [])
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: processes.nursery(), range(8)))
    processes.end_all()
    assert len(found) == 1


@pytest.mark.parametrize(
    ("workers", "victim", "number"),
    [
        (0, "run", signal.SIGTERM),
        (1, "run", signal.SIGTERM),
        (1, "run", signal.SIGKILL),
        (1, "worker", signal.SIGKILL),
    ],
)
def test_all_end_with_the_run(tmp_path: Path, workers: int, victim: str, number: signal.Signals) -> None:
    """Forked, fresh, and those that they have started themselves; nothing of the run is asked to help."""
    (tmp_path / "test_hanging.py").write_text(TEST, encoding="utf-8")
    (tmp_path / "pytest.ini").touch()
    options = ("-p", "tests.conftest", "-p", "no:cacheprovider", "-p", "no:schemathesis", "-n", str(workers))
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import pytest; sys.exit(pytest.main(sys.argv[1:]))"
    with running(sys.executable, "-c", code, *options, "test_hanging.py", folder=tmp_path) as process:
        worker, *started = pids(tmp_path / "started", process)
        assert set(alive({worker, *started})) == {worker, *started}
        if victim == "run":
            process.send_signal(number)
        else:
            os.kill(worker, number)
        until = monotonic() + SOON_SECONDS
        while left := list(alive({*started, *([worker] if victim == "run" else [])})):
            assert monotonic() < until, f"{left} of {started} are still there"


def pids(path: Path, process: Process) -> list[int]:
    """Wait for the test to have started all, and give the worker and those that it has started."""
    until = monotonic() + 6 * SOON_SECONDS
    while not path.exists():
        assert monotonic() < until
        assert process.poll() is None, process.finish()
    return [int(word) for word in path.read_text(encoding="utf-8").split()]
