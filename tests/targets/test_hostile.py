"""The kit against servers that send what nobody should have to read: it says so, in one piece and in time."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.processes import running
from tests.targets.test_targets import check, serving

LIMIT = 40
"""Seconds that a run may take, most of them for events that never come."""

STOPPED = {
    "endless-discovery": "the reply is longer than 33,554,432 bytes",
    "endless-reply": "POST URL/offer got no reply: the reply is longer than 33,554,432 bytes",
    "deep-opening": "URL/socket.io/: the WebSocket opens, but its first frame is no open packet of Engine.IO",
    "vast-timer": "the open packet of Engine.IO gives no time as pingInterval",
    "wrong-timers": "the open packet of Engine.IO gives no time as pingInterval and pingTimeout",
    "refused": "refused the connection: ·[31mred·[0m··]0;title···31m.",
    "refused-login": "refused the login sp.",
}
"""What cannot be checked, and the reason that is given."""
BROKEN = {
    "deep-discovery": "OFFER-1: ",
    "vast-limits": "OFFER-1: ",
    "list": 'received  ["ok"]',
    "deep-acknowledgement": 'received  "a packet that cannot be read (nested deeper than 100 levels)"',
    "deep-event": "a packet that cannot be",
    "deepest-event": "a packet that cannot be",
    "vast-name": "only an event with a name of 1000000 characters",
    "escapes": "\\u001b[31mred",
    "attachments": "OFFER-1: ",
    "garbage": "LOGIN-11: ",
    "flood": "that no request explains",
}
"""What can be, with what the ladder or the message shows of it."""


def clean(output: str) -> str:
    """Give the output, having looked that it is whole, short, and of no danger to a terminal."""
    assert "Traceback" not in output, output
    assert "INTERNALERROR" not in output, output
    assert "packet queue" not in output, output
    assert all(line.isprintable() for line in output.split("\n")), output
    assert len(output) < 200_000
    return output


@pytest.mark.parametrize("kind", [*STOPPED, *BROKEN])
def test_a_hostile_server_gets_a_verdict_or_a_reason(tmp_path: Path, kind: str) -> None:
    """By `check`: exit code 4 and a reason, or 1 and the breach; never a fault of the kit."""
    with serving(tmp_path, "hostile.py", kind) as url:
        run = check(tmp_path, LIMIT, url, "--timeout", "1", "-k", "the_description_is_forwarded or test_a_post_reaches")
    output = clean(run.output).replace(url, "URL")
    assert run.report is not None
    assert (STOPPED | BROKEN)[kind] in output, output
    if kind in STOPPED:
        assert (run.code, run.report["verdict"]) == (4, "unusable"), output
    else:
        assert (run.code, run.report["verdict"]) == (1, "nonconformant"), output
        assert {row["outcome"] for row in run.report["results"]} == {"failed"}


@pytest.mark.parametrize("command", ["doctor", "call"])
@pytest.mark.parametrize("kind", [*STOPPED, "deep-discovery", "vast-limits", "escapes"])
def test_other_commands_survive_a_hostile_server(tmp_path: Path, kind: str, command: str) -> None:
    """A reason, or what was seen, in clean text."""
    with serving(tmp_path, "hostile.py", kind) as url:
        arguments = (sys.executable, "-m", "signalproof", command, url)
        with running(*arguments, folder=tmp_path) as process:
            output = clean(process.finish(LIMIT))
    fine = command == "doctor" and kind not in STOPPED
    assert process.returncode == (0 if fine else 1 if kind not in STOPPED else 4), output


@pytest.mark.parametrize(
    ("kind", "command", "code"),
    [
        *[(kind, name, 4) for kind in ("repeats-token", "repeats-token-later") for name in ("check", "doctor", "call")],
        ("repeats-token-in-replies", "check", 1),
        ("repeats-token-in-replies", "call", 1),
    ],
)
def test_a_secret_that_the_server_repeats_is_not_shown(tmp_path: Path, kind: str, command: str, code: int) -> None:
    """Neither on the terminal nor in a report, whether the server refuses the kit or a request of a check."""
    with serving(tmp_path, "hostile.py", kind) as url:
        options = ["--token-command", "echo tok.{login}~secret", "--header", "X-Key: open!sesame"]
        options += ["-k", "the_description_is_forwarded", "--timeout", "1"] if command == "check" else []
        with running(sys.executable, "-m", "signalproof", command, url, *options, folder=tmp_path) as process:
            output = clean(process.finish(LIMIT))
    assert process.returncode == code, output
    assert "<header X-Key>" in output
    reports = [path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.*") if path.is_file()]
    assert len(reports) == (5 if command == "check" else 0)
    for secret in ("tok.sp", "~secret", "sesame"):
        assert not any(secret in text for text in [output, *reports]), secret
