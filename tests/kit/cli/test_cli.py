"""The kit as a command: exit codes, messages, reports, and what it leaves alone."""

from __future__ import annotations

import json
import os
import re
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.kit.sample_reports import invalid
from tests.processes import running

from signalproof.config.target import Target
from signalproof.errors import TargetUnusable
from signalproof.protocol.requirements import Level, catalogue, spec_version
from signalproof.reports import folder, json_report

if TYPE_CHECKING:
    from tests.kit.conftest import Finished, Kit, Served

QUICK = ("-k", "test_repeating_the_same_login_is_harmless")
MUSTS = sum(
    requirement.level is Level.MUST and requirement.untestable is None
    for requirement in catalogue().values()
    if requirement.profile not in {"auth", "scale"}
)
"""What a server without authentication claims."""
Serve = Callable[[str], "Served"]


def unusable(run: Finished) -> dict[str, Any]:
    """Expect that a run ended before it began, and give its report."""
    assert run.code == 4, run.output
    assert "Traceback" not in run.output
    assert "passed" not in run.output
    assert run.report is not None
    assert invalid(run.report) == []
    assert run.report["verdict"] == "unusable"
    assert run.report["results"] == []
    assert run.report["problem"] in run.output
    assert run.report["remedy"] in run.output
    return run.report


# ── targets that cannot be judged ──────────────────────────────────────────────────────────────


@pytest.fixture
def nowhere() -> Iterator[str]:
    """A URL where nothing listens, nor can."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_a_target_where_nothing_listens_is_unusable(kit: Kit, nowhere: str) -> None:
    """Exit code 4, and a question that leads on."""
    report = unusable(kit.check(nowhere))
    assert report["problem"].startswith(f"Nothing usable answers at {nowhere}")
    assert "Is the server running" in report["remedy"]


@contextmanager
def web_server() -> Iterator[str]:
    """Serve one HTML page under every path, to GET and POST."""

    class Page(BaseHTTPRequestHandler):
        def page(self) -> None:
            """Send the page."""
            self.rfile.read(int(self.headers.get("content-length", "0")))
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!DOCTYPE html><html><h1>It works!</h1></html>")

        do_GET = do_POST = page  # noqa: N815 - the names that the library looks for

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def test_a_web_server_is_unusable(kit: Kit) -> None:
    """There is HTTP, but no Socket.IO."""
    with web_server() as url:
        report = unusable(kit.check(url))
    assert report["problem"].startswith(f"There is no Socket.IO server at {url}/socket.io/")
    assert "--socket-url" in report["remedy"]


def test_a_socket_io_server_of_something_else_is_unusable(kit: Kit, serve: Serve) -> None:
    """There is Socket.IO, but no endpoint of the protocol."""
    report = unusable(kit.check(serve("SpeaksSocketIoOnly").url))
    assert "got HTTP 404: there is Socket.IO, but no VCSP endpoint" in report["problem"]
    assert "path prefix" in report["remedy"]


def test_a_path_prefix_that_is_wrong_is_unusable(kit: Kit, serve: Serve) -> None:
    """Below another base URL there is nothing either."""
    url = f"{serve('Assembly').url}/api"
    assert url in unusable(kit.check(url))["problem"]


# ── options ────────────────────────────────────────────────────────────────────────────────────

MISUSES = {
    "unknown_option": (("{url}", "--no-such-option"), "--no-such-option"),
    "no_host": (("http://:80",), "is not a base URL"),
    "header": (("{url}", "--header", "Bearer s3cret"), "--header takes NAME:VALUE"),
    "profile": (("{url}", "--profiles", "core,video"), "there is no profile 'video'"),
    "timeout": (("{url}", "--timeout", "0"), "--timeout has to be greater than 0"),
    "concurrency": (("{url}", "--concurrency", "0"), "--concurrency has to be greater than 0"),
    "rate": (("{url}", "--rate", "2"), "--rate has to be at least 8: slower, checks lose races"),
    "socket_url": (("{url}", "--socket-url", "ws://127.0.0.1"), "--socket-url 'ws://127.0.0.1' is not a"),
}
UNDER_REPAIR = {
    "not_a_number": (("{url}", "--timeout", "soon"), "--timeout"),
    "negative": (("{url}", "--concurrency", "-1"), "--concurrency has to be greater than 0"),
    "no_value": (("{url}", "--timeout"), "--timeout"),
    "empty_url": (("",), "URL"),
    "broken_ipv6": (("http://[::1",), "is not a base URL"),
}


@pytest.mark.parametrize(("arguments", "message"), MISUSES.values(), ids=MISUSES)
def test_a_misuse_is_explained(kit: Kit, nowhere: str, arguments: tuple[str, ...], message: str) -> None:
    """Exit code 4, the option by name, no traceback, no secret, no report."""
    run = kit.check(*(argument.format(url=nowhere) for argument in arguments))
    assert run.code == 4, run.output
    assert message in run.output
    assert "Traceback" not in run.output
    assert "s3cret" not in run.output
    assert run.report is None


@pytest.mark.parametrize(("arguments", "message"), UNDER_REPAIR.values(), ids=UNDER_REPAIR)
def test_a_misuse_that_is_not_yet_explained(kit: Kit, nowhere: str, arguments: tuple[str, ...], message: str) -> None:
    """The same as above."""
    test_a_misuse_is_explained(kit, nowhere, arguments, message)


def test_nothing_selected_has_an_exit_code_of_its_own(kit: Kit, serve: Serve) -> None:
    """A run without a check is no success."""
    run = kit.check(serve("Assembly").url, "-k", "no_check_has_this_name")
    assert run.code == 5, run.output
    assert "CONFORMANT" not in run.output
    assert run.report is None


# ── a run ──────────────────────────────────────────────────────────────────────────────────────


def test_without_a_url_the_bundled_server_is_checked(kit: Kit) -> None:
    """Exit code 0, a report by its schema, and the server gone afterwards."""
    run = kit.check("-k", "test_repeating_the_same_login_is_harmless or character_for_character")
    assert run.code == 0, run.output
    assert run.report is not None
    assert invalid(run.report) == []
    assert (run.report["verdict"], run.report["spec_version"]) == ("partial", spec_version())
    assert run.report["profiles"][0] == "core"
    rows = run.report["results"]
    assert {row["outcome"] for row in rows} == {"passed"}
    assert {identifier for row in rows for identifier in row["requirements"]} >= {"LOGIN-6", "OFFER-4", "ANSWER-1"}
    assert run.report["summary"]["passed"] == len(rows) >= 5
    assert f"{run.report['target']} is PARTIAL: " in run.output
    with_tokens = json.loads((kit.folder / "out" / "auth" / "report.json").read_text(encoding="utf-8"))
    assert invalid(with_tokens) == []
    assert (with_tokens["verdict"], with_tokens["profiles"][-1]) == ("partial", "auth")
    host, port = run.report["target"].removeprefix("http://").split(":")
    with closing(socket.socket()) as client:
        assert client.connect_ex((host, int(port))) != 0


def test_one_run_of_the_bundled_server_is_enough_for_a_verdict(kit: Kit) -> None:
    """Checks of tokens are selected in the second run alone."""
    run = kit.check("-k", "test_the_login_has_to_be_the_subject_of_the_token")
    assert run.code == 0, run.output


def test_a_bundled_server_that_does_not_start_is_a_fault_of_the_kit(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 3: nothing is known about any target."""
    package = kit.folder / "signalproof_server"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text("raise SystemExit('no')\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(kit.folder), prepend=os.pathsep)
    run = kit.check(*QUICK)
    assert "the reference server did not start" in run.output
    assert run.code == 3


def test_a_should_warns_and_fails_only_a_strict_run(kit: Kit, serve: Serve) -> None:
    """Exit code 0 without `--strict`, 1 with it; the requirement is named both times."""
    assert catalogue()["HTTP-14"].level is Level.SHOULD
    url = serve("GivesNoCodes").url
    select = ("-k", "test_refusals_carry_a_code_of_the_registry")
    lenient, strict = kit.check(url, *select), kit.check(url, *select, "--strict")
    for run, code, verdict, outcome in (
        (lenient, 0, "partial", "warned"),
        (strict, 1, "nonconformant", "failed"),
    ):
        assert run.code == code, run.output
        assert run.report is not None
        assert invalid(run.report) == []
        (row,) = run.report["results"]
        assert (run.report["verdict"], row["outcome"], row["level"]) == (verdict, outcome, "SHOULD")
        assert row["violated"] == ["HTTP-14"]
        assert "(SHOULD): HTTP-14" in run.output
        assert f"is {verdict.upper()}" in run.output
    assert "warning: HTTP-14" in lenient.output


def test_a_serial_run_comes_to_the_same_verdict(kit: Kit, serve: Serve) -> None:
    """On a breach and on a pass."""
    select = "test_sender_login_selects_the_offer or (test_the_sender_login_is and json)"
    run = kit.check(serve("DoublesAnswers").url, "-k", select, "--serial")
    assert run.code == 1, run.output
    (row,) = run.rows("test_sender_login_selects_the_offer")
    assert (row["outcome"], row["violated"]) == ("failed", ["ANSWER-1"])
    (row,) = run.rows("test_the_sender_login_is_that_of_the_sid")
    assert (row["outcome"], row["violated"]) == ("passed", [])


def test_a_header_is_sent_and_kept_secret(kit: Kit, serve: Serve) -> None:
    """Neither the output nor the report repeats it, also when a check fails and pytest is talkative."""
    run = kit.check(
        serve("DoublesAnswers").url, *QUICK, "--header", "Authorization: Bearer s3cret", "-vv", "--showlocals"
    )
    assert run.code == 1, run.output
    assert "s3cret" not in run.output
    assert "s3cret" not in str(run.report)


CROWD = ("-k", "test_a_sid_is_known_everywhere_once_its_login_is_acknowledged", "--timeout", "1")
"""A check with so many participants that its ladder is a list, in which replies are shown at length."""


def test_sids_are_kept_secret_in_ladders(kit: Kit, serve: Serve) -> None:
    """A server that repeats sids is quoted with names in their place."""
    server = serve("EchoesSids")
    run = kit.check(server.url, *CROWD)
    assert run.code == 1, run.output
    (row,) = run.rows("test_a_sid_is_known_everywhere")
    sid = server.process.line()
    assert len(sid) >= 16
    assert re.search(r"Connection <sid of woman\d+> may not answer", row["ladder"])
    assert sid not in row["ladder"]


def test_sids_are_kept_secret_everywhere(kit: Kit, serve: Serve) -> None:
    """The same server; the message of the breach and the terminal."""
    server = serve("EchoesSids")
    run = kit.check(server.url, *CROWD)
    sid = server.process.line()
    assert sid not in str(run.report)
    assert sid not in run.output


def test_an_unusable_target_has_a_valid_report(tmp_path: Path) -> None:
    """Problem and remedy stand in it."""
    target = Target(url="http://a", socket_url="", profiles=(), profiles_reason="")
    document = json_report.unusable(target, TargetUnusable("It is off.", "Turn it on."))
    path = folder.write(tmp_path / "new" / "folder", document)
    report = json.loads(path.with_name("report.json").read_text(encoding="utf-8"))
    assert invalid(report) == []
    assert (report["verdict"], report["problem"], report["remedy"]) == ("unusable", "It is off.", "Turn it on.")


# ── reports ────────────────────────────────────────────────────────────────────────────────────


def signalproof(kit: Kit, *arguments: str) -> tuple[int, str]:
    """Run `signalproof` with these arguments alone, and give exit code and output."""
    with running(sys.executable, "-m", "signalproof", *arguments, folder=kit.folder) as process:
        output = process.finish()
    return process.returncode, output


def test_reports_are_written_by_default(kit: Kit, serve: Serve) -> None:
    """All of them into `signalproof-report`, made from a valid `report.json`; the last line says where."""
    code, output = signalproof(kit, "check", serve("DoublesAnswers").url, *QUICK)
    assert code == 1, output
    written = kit.folder / folder.DEFAULT
    assert {path.name for path in written.iterdir()} == set(folder.NAMES)
    assert output.splitlines()[-1] == f"report: {Path(folder.DEFAULT, 'report.html')}"
    report = json.loads((written / "report.json").read_text(encoding="utf-8"))
    assert invalid(report) == []
    (row,) = [row for row in report["results"] if row["outcome"] == "failed"]
    assert {message[3] for message in row["messages"]} == {"http", "socket.io"}
    assert [one["outcome"] for one in report["requirements"] if one["id"] == "ANSWER-1"] == ["broken"]
    assert {one["what"] for one in report["timings"]} >= {"POST /offer", "sender_offer"}


def test_no_report_writes_none(kit: Kit, serve: Serve) -> None:
    """Not even the folder."""
    code, output = signalproof(kit, "check", serve("Assembly").url, *QUICK, "--no-report")
    assert code == 0, output
    assert list(kit.folder.iterdir()) == []


def test_a_report_folder_that_cannot_be_is_said_before_the_run(kit: Kit, nowhere: str) -> None:
    """Exit code 4, and the target is not even looked at."""
    (kit.folder / "file").touch()
    code, output = signalproof(kit, "check", nowhere, "--report", "file")
    assert code == 4, output
    assert "the report folder file cannot be written to" in output
    assert "Traceback" not in output
    assert nowhere not in output


def test_github_actions_are_told(kit: Kit, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Annotations on the output, and the summary of the step, also without a report."""
    arguments = ("check", serve("DoublesAnswers").url, *QUICK, "--no-report")
    monkeypatch.setattr("tests.processes.HIDDEN", ("PYTEST",))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(kit.folder / "summary.md"))
    code, output = signalproof(kit, *arguments)
    assert code == 1, output
    assert [line for line in output.splitlines() if line.startswith("::error title=ANSWER-1::")]
    summary = (kit.folder / "summary.md").read_text(encoding="utf-8")
    assert summary.startswith("## Signalproof: NONCONFORMANT")
    assert "**ANSWER-1**" in summary


# ── as a pytest plugin ─────────────────────────────────────────────────────────────────────────


def test_a_gate_can_fail_for_what_was_not_decided(kit: Kit, serve: Serve) -> None:
    """A part of the checks, or of the profiles that the server claims, is not enough then."""
    url = serve("Assembly").url
    part = kit.check(url, *QUICK, "--fail-on-undecided")
    assert part.code == 1, part.output
    assert "not decided, which fails the run: " in part.output
    run = kit.check(url, "--profiles", "core", *QUICK)
    assert "left out: ice, call, presence, correlation (claimed, and not selected)" in run.output
    assert run.report is not None
    assert invalid(run.report) == []
    assert run.report["left_out"] == ["ice", "call", "presence", "correlation"]
    assert (run.report["verdict"], run.report["summary"]["must_claimed"]) == ("partial", MUSTS)


def test_pytest_with_a_target_runs_the_suite_anywhere(kit: Kit, serve: Serve) -> None:
    """In an empty folder, with a report."""
    run = kit.pytest("--target", serve("Assembly").url, *QUICK, "--report", "out")
    assert run.code == 0, run.output
    assert run.report is not None
    assert invalid(run.report) == []
    assert [row["outcome"] for row in run.report["results"]] == ["passed"]
    assert f"is PARTIAL: 1 of {MUSTS} MUST requirements judged, and kept" in run.output


def test_pytest_with_a_target_fails_for_a_broken_server(kit: Kit, serve: Serve) -> None:
    """Exit code 1, with the explanation in place of a traceback."""
    run = kit.pytest("--target", serve("DoublesAnswers").url, *QUICK)
    assert run.code == 1, run.output
    assert "received  it came 2 times" in run.output
    assert "is NONCONFORMANT" in run.output


def test_pytest_does_not_spread_the_checks_over_processes(kit: Kit, nowhere: str) -> None:
    """They are concurrent by themselves, and one process has to see all deliveries."""
    run = kit.pytest("--target", nowhere, "-n", "2")
    assert run.code == 4, run.output
    assert "leave out -n" in run.output


def test_a_target_may_stand_in_the_settings(kit: Kit, serve: Serve) -> None:
    """As any option of pytest may."""
    (kit.folder / "pytest.ini").write_text(f"[pytest]\naddopts = --target={serve('Assembly').url}\n", encoding="utf-8")
    run = kit.pytest(*QUICK)
    assert run.code == 0, run.output


FOREIGN_CONFTEST = """
import pytest

def pytest_addoption(parser):
    for name in ("--timeout", "--report", "--header", "--profiles", "--serial", "--concurrency", "--socket-url"):
        parser.addoption(name, default="theirs")

@pytest.fixture
def cast():
    return "theirs"

@pytest.fixture
def anyio_backend():
    return "asyncio"
"""
FOREIGN_TESTS = """
import sys

import pytest

def test_options_and_fixtures_are_theirs(cast, request):
    assert cast == request.config.getoption("--timeout") == request.config.getoption("--report") == "theirs"

@pytest.mark.anyio
async def test_coroutines_of_another_plugin():
    pass

@pytest.mark.requirement("OFFER-1")
async def test_a_coroutine_that_nobody_runs():
    raise AssertionError

@pytest.mark.requirement("OFFER-1")
@pytest.mark.anyio
async def test_a_coroutine_that_fails():
    raise AssertionError("on purpose")

@pytest.mark.skip
def test_skipped():
    pass

def test_nothing_heavy_was_imported():
    heavy = {"aiortc", "socketio", "aiohttp", "signalproof.pytest_plugin.session"}
    assert not heavy & set(sys.modules)
"""


def test_without_a_target_the_plugin_is_inert(kit: Kit) -> None:
    """Somebody else's suite has the same outcomes with it and without it."""
    (kit.folder / "conftest.py").write_text(FOREIGN_CONFTEST, encoding="utf-8")
    (kit.folder / "test_theirs.py").write_text(FOREIGN_TESTS, encoding="utf-8")
    options = ("-rA", "-q", "-W", "error", "-W", "ignore::pytest.PytestUnknownMarkWarning")
    ours, theirs = kit.pytest(*options), kit.pytest(*options, "-p", "no:signalproof")

    def outcomes(run: Finished) -> list[str]:
        words = ("PASSED ", "FAILED ", "ERROR ", "SKIPPED ")
        return sorted(line for line in run.output.splitlines() if line.startswith(words))

    assert outcomes(ours) == outcomes(theirs)
    passed = [line for line in outcomes(ours) if line.startswith("PASSED")]
    assert len(outcomes(ours)) == 6
    assert [line.rpartition("::")[2] for line in passed] == [
        "test_coroutines_of_another_plugin",
        "test_nothing_heavy_was_imported",
        "test_options_and_fixtures_are_theirs",
    ]
    assert ours.code == theirs.code == 1
    assert "signalproof" not in theirs.output


WRAPPING = """
import functools
import pytest

@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    # Plugins for asynchronous tests put a synchronous function in place of the coroutine.
    original = item.obj

    @functools.wraps(original)
    def wrapped(*args, **kwargs):
        raise AssertionError("called as an ordinary test")

    wrapped.__wrapped__ = None
    item.obj = wrapped
    return (yield)
"""


def test_plugins_for_asynchronous_tests_do_not_get_in_the_way(kit: Kit, serve: Serve) -> None:
    """The verdicts are those of the run, whatever another plugin makes of the coroutines."""
    (kit.folder / "conftest.py").write_text(WRAPPING, encoding="utf-8")
    run = kit.pytest(f"--target={serve('Assembly').url}", *QUICK)
    assert run.code == 0, run.output
    assert "is PARTIAL: " in run.output
