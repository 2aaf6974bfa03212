"""The kit against other servers: one that is right in every unusual way, an old one, and those that do nothing."""

from __future__ import annotations

import ast
import json
import secrets
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.kit.conftest import Finished
from tests.processes import running
from tests.proof.figures import OLD_BASELINE, OLD_PROFILES
from tests.targets.discovery import socket_url

HERE = Path(__file__).parent
QUICK = 40
"""Seconds that a run against a server that does nothing may take, with the default time-outs."""
PATIENT = 120

IGNORED = {"ANSWER-3", "HTTP-7b", "HTTP-9b", "HTTP-10b", "HTTP-11", "HTTP-14", "ICE-7", "SEC-3"}
"""What the contrarian breaches on purpose: each a SHOULD."""
LONG = ("[for_22_s]", "::test_early_candidates_are_held_until_shortly_before_their_time_is_over")
"""Checks that `--slow` alone runs."""
BUSY = {"ORDER-4"}
"""What shows when the machine is slow."""
PROFILES = ["core", "ice", "call", "presence", "correlation"]


@contextmanager
def serving(folder: Path, server: str, *arguments: str) -> Iterator[str]:
    """Run one of the servers beside this file, and give its URL."""
    with running(sys.executable, str(HERE / server), *arguments, folder=folder) as process:
        url = process.line()
        assert url.startswith("http://127.0.0.1:"), f"{server} did not start: {url} {process.finish()}"
        yield url


def check(folder: Path, limit: float, *arguments: str) -> Finished:
    """Run `signalproof check` with a report; it fails when it takes longer than `limit` seconds."""
    command = (sys.executable, "-m", "signalproof", "check", *arguments, "--report", "out")
    with running(*command, folder=folder) as process:
        output = process.finish(limit)
    path = folder / "out" / "report.json"
    report = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    return Finished(process.returncode, output, report)


@pytest.mark.parametrize("auth", [False, True], ids=["anonymous", "auth"])
def test_the_contrarian_conforms(tmp_path: Path, auth: bool) -> None:
    """Every check runs, every MUST is kept, and the warnings are those that it asks for."""
    secret = tmp_path / "secret"
    secret.write_text(secrets.token_hex(32), encoding="utf-8")
    served = ["--auth-secret-file", str(secret)] if auth else []
    options = ["--jwt-secret-file", str(secret)] if auth else []
    with serving(tmp_path, "contrarian.py", *served) as url:
        if auth:  # tokens go to no other origin unless the operator names it
            options += ["--socket-url", socket_url(url)]
        run = check(tmp_path, PATIENT, url, *options)
    assert run.code == 0, run.output
    assert run.report is not None
    assert run.report["verdict"] == "conformant"
    assert run.report["profiles"] == PROFILES + ["auth"] * auth
    outcomes = {row["outcome"] for row in run.report["results"] if not row["check"].endswith(LONG)}
    assert outcomes == {"passed", "warned"}, run.output
    warned = {identifier for row in run.report["results"] for identifier in row["violated"]}
    assert warned - BUSY == IGNORED, run.output


@pytest.mark.parametrize(
    ("server", "libraries"),
    [
        ("contrarian.py", {"aiohttp", "jwt", "socketio"}),
        ("oldstyle.py", {"django", "rest_framework", "socketio", "uvicorn"}),
    ],
)
def test_a_target_shares_no_code(server: str, libraries: set[str]) -> None:
    """It is written from the specification: it imports neither the kit nor the reference server."""
    tree = ast.parse((HERE / server).read_text(encoding="utf-8"))
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [node.module or "." * node.level]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else []
        )
    }
    assert imported <= {*sys.stdlib_module_names, *libraries}


@pytest.mark.parametrize("flags", [(), ("--workers",)], ids=["plain", "workers"])
def test_the_old_server_breaks_exactly_what_its_baseline_says(tmp_path: Path, flags: tuple[str, ...]) -> None:
    """At default settings nothing is new and nothing stale; and real peers get through all the same."""
    entries = tomllib.loads(OLD_BASELINE.read_text(encoding="utf-8"))["known"]
    certain = {entry["requirement"] for entry in entries if flags or entry["outcome"] != "flaky"}
    options = ("--profiles", OLD_PROFILES, "--baseline", str(OLD_BASELINE))
    with serving(tmp_path, "oldstyle.py", *flags) as url:
        run = check(tmp_path, PATIENT, url, *options)
    assert run.code == 0, run.output
    assert run.report is not None
    assert f"verdict: {url} is NONCONFORMANT, in the ways that its baseline lists" in run.output
    broken = {identifier for row in run.report["results"] for identifier in row["violated"]}
    assert broken - BUSY == certain
    assert run.report["baseline"]["stale"] == []
    assert run.report["summary"]["handshakes"] >= 10


@pytest.mark.parametrize("kind", ["empty", "offer-ok", "all-ok", "error", "echo", "never", "hang-up", "html"])
def test_a_null_server_without_sockets_cannot_be_judged(tmp_path: Path, kind: str) -> None:
    """The run ends at once, says what is missing, and passes nothing."""
    with serving(tmp_path, "null.py", kind) as url:
        run = check(tmp_path, QUICK, url)
    assert run.code == 4, run.output
    assert "There is no Socket.IO server at " in run.output or "Nothing usable answers at " in run.output
    assert run.report is not None
    assert run.report["verdict"] == "unusable"
    assert not run.report["results"]


@pytest.mark.parametrize("kind", ["never", "hang-up"])
def test_a_null_server_that_never_replies_cannot_be_judged(tmp_path: Path, kind: str) -> None:
    """Sockets that accept every login do not help."""
    with serving(tmp_path, "null.py", kind, "--sockets") as url:
        run = check(tmp_path, QUICK, url)
    assert run.code == 4, run.output
    assert "Nothing usable answers at " in run.output
    assert run.report is not None
    assert not run.report["results"]


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        *[(kind, ["--timeout", "1"]) for kind in ("empty", "offer-ok", "error", "echo", "html")],
        ("all-ok", []),
        ("all-ok", ["--timeout", "1", "--profiles", ",".join(PROFILES)]),
    ],
    ids=["empty", "offer-ok", "error", "echo", "html", "all-ok", "all-ok-all-profiles"],
)
def test_a_null_server_that_accepts_every_login_passes_nothing(tmp_path: Path, kind: str, options: list[str]) -> None:
    """Every check fails, quickly, and the summary says that no MUST was kept."""
    with serving(tmp_path, "null.py", kind, "--sockets") as url:
        run = check(tmp_path, QUICK, url, *options)
    assert run.code == 1, run.output
    assert run.report is not None
    assert run.report["verdict"] == "nonconformant"
    assert {row["outcome"] for row in run.report["results"]} <= {"failed", "skipped"}
    assert any(
        line.startswith("0 of ") and line.endswith(" MUST requirements kept") for line in run.output.splitlines()
    )
    assert f"verdict: {url} is NONCONFORMANT" in run.output
