"""Ctrl-C and SIGTERM: the run ends soon and politely, whenever it comes, and leaves a report of what was done."""

from __future__ import annotations

import json
import signal
import socket
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest
from tests.kit.cli.test_cli import QUICK
from tests.kit.sample_reports import invalid
from tests.processes import running

if TYPE_CHECKING:
    from tests.kit.conftest import Kit, Served
    from tests.processes import Process

Serve = Callable[[str], "Served"]
SOON = 6
"""Seconds that a busy machine may need for what takes one or two."""


def ended(kit: Kit, process: Process, number: signal.Signals) -> tuple[str, dict[str, Any]]:
    """Send the signal, and give output and report of a run that ended as it should."""
    process.send_signal(number)
    output = process.finish(SOON)
    assert process.returncode == 2, output
    assert "Traceback" not in output
    assert "CONFORMANT" not in output
    assert "no verdict" in output
    report = json.loads((kit.folder / "out" / "report.json").read_text(encoding="utf-8"))
    assert invalid(report) == []
    assert report["verdict"] == "interrupted"
    return output, report


def online(url: str) -> list[str]:
    """Ask the reference server who is there."""
    with urllib.request.urlopen(f"{url}/online", timeout=5) as reply:
        return list(json.loads(reply.read())["payload"])


def everybody_has_left(url: str) -> bool:
    """Wait for up to a few seconds until nobody is online."""
    deadline = monotonic() + SOON
    while online(url):
        if monotonic() > deadline:
            return False
    return True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("options", [(), ("--serial",)], ids=["concurrent", "serial"])
def test_in_the_middle_of_the_run(kit: Kit, serve: Serve, number: signal.Signals, options: tuple[str, ...]) -> None:
    """What had ended is in the report, nothing is called broken for it, and nobody stays logged in."""
    server = serve("SaysWhenItIsBusy")
    with kit.checking(server.url, "--report", "out", *options) as process:
        assert server.process.line() == "busy"
        output, report = ended(kit, process, number)
    assert "checks had ended" in output
    assert "broken" not in output
    outcomes = {row["outcome"] for row in report["results"]}
    assert outcomes <= {"passed", "skipped"}
    assert report["results"]
    assert everybody_has_left(server.url)


def test_while_late_events_are_waited_for(kit: Kit, serve: Serve) -> None:
    """The check had ended, and its events are no longer waited for."""
    server = serve("SaysWhenItIsQuiet")
    with kit.checking(server.url, *QUICK, "--report", "out") as process:
        assert server.process.line() == "quiet"
        _, report = ended(kit, process, signal.SIGINT)
    assert {row["outcome"] for row in report["results"]} <= {"passed", "skipped"}
    assert everybody_has_left(server.url)


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A port that takes connections and says nothing."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        listening.settimeout(30)
        yield listening


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_during_the_preflight(kit: Kit, silent: socket.socket, number: signal.Signals) -> None:
    """There is nothing to report but that."""
    url = f"http://127.0.0.1:{silent.getsockname()[1]}"
    with kit.checking(url, "--report", "out") as process:
        connection, _ = silent.accept()
        with closing(connection):
            assert connection.recv(64).startswith(b"GET /.well-known/vcsp")
            output, report = ended(kit, process, number)
    assert report["results"] == []
    assert "interrupted before the first check" in output


def test_in_the_background_of_a_script(kit: Kit, silent: socket.socket) -> None:
    """Shells let such jobs ignore SIGINT; SIGTERM ends them all the same."""
    url = f"http://127.0.0.1:{silent.getsockname()[1]}"
    check = f"exec {sys.executable} -m signalproof check {url} --report out"
    with running("sh", "-c", f"trap '' INT; {check}", folder=kit.folder) as process:
        connection, _ = silent.accept()
        with closing(connection):
            connection.recv(64)
            process.send_signal(signal.SIGINT)
            assert process.poll() is None
            ended(kit, process, signal.SIGTERM)


def test_the_doctor_can_be_interrupted(kit: Kit, silent: socket.socket) -> None:
    """Exit code 2, without a traceback."""
    with kit.running("doctor", f"http://127.0.0.1:{silent.getsockname()[1]}") as process:
        silent.accept()[0].close()
        connection, _ = silent.accept()
        with closing(connection):
            connection.recv(64)
            process.send_signal(signal.SIGINT)
            output = process.finish(SOON)
    assert process.returncode == 2, output
    assert "interrupted" in output
    assert "Traceback" not in output
