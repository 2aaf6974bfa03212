"""The GitHub action: its steps run here as they stand in `action.yml`, and inputs cannot smuggle commands in."""

from __future__ import annotations

import json
import re
import socket
import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests import action

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = action.ACTION.parent
SERVERS = ROOT / "tests" / "kit" / "servers.py"
PIN = re.compile(r"^([a-z0-9_.-]+)==(\S+)", re.MULTILINE)


def free_port() -> int:
    """Give a port that was free just now, for a command line that has to name one."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


@pytest.fixture
def act(tmp_path: Path) -> Callable[..., action.Ran]:
    """Run the action in a folder of this test's own."""
    (tmp_path / "work").mkdir()
    return lambda **inputs: action.run(tmp_path / "work", tmp_path / "temp", **inputs)


def report(tmp_path: Path, folder: str = "signalproof-report") -> dict[str, Any]:
    """Read the report that a run left behind."""
    document: dict[str, Any] = json.loads((tmp_path / "work" / folder / "report.json").read_text(encoding="utf-8"))
    return document


def is_free(port: int) -> bool:
    """Whether nothing listens there."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) != 0


def test_a_sound_server_passes(act: Callable[..., action.Ran], tmp_path: Path) -> None:
    """It is started, awaited, checked with the options, told of in the summary, and stopped."""
    port = free_port()
    ran = act(
        url=f"http://127.0.0.1:{port}",
        start_command=f"'{sys.executable}' -m signalproof_server --port {port}",
        options="--strict -k 'test_roles_can_be_reversed or test_an_offer_to_a_login'",
        report="out folder",
    )
    assert ran.code == 0, ran.text
    assert ran.steps == ["start", "wait", "check", "stop"]
    assert ran.outputs["check.exit-code"] == "0"
    found = report(tmp_path, "out folder")
    assert found["verdict"] == "partial"
    assert len(found["results"]) == 2
    assert "PARTIAL" in ran.summary
    assert is_free(port)


def test_a_broken_server_fails_and_the_report_is_there(act: Callable[..., action.Ran], tmp_path: Path) -> None:
    """Exit code 1, as that of the step; the server that the command leaves in the background is stopped too."""
    port = free_port()
    program = (
        f"import sys; sys.path[:0] = [{str(SERVERS.parent)!r}]; import servers; "
        f"servers.listen = lambda host, _: __import__('signalproof_server.serve').serve.listen(host, {port}); "
        "sys.argv[1:] = ['CorrectsTheSpelling']; servers.main()"
    )
    script = tmp_path / "start.py"
    script.write_text(program, encoding="utf-8")
    ran = act(
        url=f"http://127.0.0.1:{port}",
        start_command=f"'{sys.executable}' '{script}' &",
        options="-k test_roles_can_be_reversed",
    )
    assert ran.code == 1, ran.text
    assert ran.outputs["check.exit-code"] == "1"
    assert ran.steps[-1] == "stop"
    assert report(tmp_path)["verdict"] == "nonconformant"
    assert "ANSWER-1" in ran.summary
    assert is_free(port)


def test_a_server_that_never_listens_is_told_in_time(act: Callable[..., action.Ran]) -> None:
    """With what it wrote into its log, in the summary too, and with the exit code of what cannot be judged."""
    began = perf_counter()
    ran = act(
        url=f"http://127.0.0.1:{free_port()}",
        start_command="echo 'waiting for the database'; exec tail -f /dev/null",
        wait_seconds="1",
    )
    assert perf_counter() - began < 20
    assert ran.code == 4
    assert ran.steps == ["start", "wait", "stop"]
    assert ran.outputs["wait.exit-code"] == "4"
    assert "::error title=Signalproof::Nothing answers at the URL after 1 s" in ran.text
    assert "waiting for the database" in ran.text
    assert "Nothing answers" in ran.summary


def test_a_start_command_that_fails_is_told_at_once(act: Callable[..., action.Ran]) -> None:
    """Long before the time is up."""
    began = perf_counter()
    ran = act(
        url=f"http://127.0.0.1:{free_port()}", start_command="echo 'no such database' >&2; exit 3", wait_seconds="100"
    )
    assert perf_counter() - began < 50
    assert ran.code == 4
    assert "ended with exit code 3 before anything answered" in ran.text
    assert "no such database" in ran.text


def test_a_wait_that_is_no_number_is_told(act: Callable[..., action.Ran]) -> None:
    """Instead of an error of the shell."""
    ran = act(url="http://127.0.0.1:1", wait_seconds="a[$(touch smuggled)]")
    assert ran.code == 4
    assert "wait-seconds has to be a whole number." in ran.text


def test_inputs_are_words_and_never_commands(act: Callable[..., action.Ran], tmp_path: Path) -> None:
    """What looks like a command in a URL, an option or a folder is passed on as it is."""
    ran = act(
        url="http://127.0.0.1:1/$(touch smuggled)`touch smuggled`\"; touch smuggled; '",
        wait_seconds="0",
        options="; touch smuggled; $(touch smuggled)",
        report="$(touch smuggled)",
    )
    assert ran.code == 4, ran.text
    assert "Nothing answers" in ran.text
    ran = action.run(
        tmp_path / "work",
        tmp_path / "again",
        url="file:///dev/null",  # answers curl, so that the check is reached
        wait_seconds="0",
        options="--no-such-option ';' touch smuggled ';' '$(touch smuggled)'",
        report="$(touch smuggled)",
    )
    assert "check" in ran.steps
    assert ran.code != 0
    assert not list(tmp_path.rglob("smuggled"))


def test_no_expression_stands_in_a_script() -> None:
    """Inputs reach the shell through `env:` alone."""
    for step in action.load()["runs"]["steps"]:
        assert "${{" not in step.get("run", ""), step["id"]
        if "run" in step:
            assert step["shell"] == "bash"
    used = re.findall(r"inputs\.([a-z-]+)", action.ACTION.read_text(encoding="utf-8"))
    assert set(used) == set(action.load()["inputs"])


def test_the_report_is_uploaded_and_the_server_stopped_in_any_case() -> None:
    """Also when a step before failed."""
    steps = {step["id"]: step for step in action.load()["runs"]["steps"]}
    assert steps["upload"]["uses"].startswith("actions/upload-artifact@")
    assert {steps[name]["if"] for name in ("upload", "stop")} == {"always()"}


def test_what_the_action_installs_is_what_was_tested() -> None:
    """The same versions as in the lock of the project, each with its hashes."""
    tested = dict(PIN.findall((ROOT / "requirements.lock").read_text(encoding="utf-8")))
    text = (ROOT / ".ci" / "action.lock").read_text(encoding="utf-8")
    installed = dict(PIN.findall(text))
    assert {"aiortc", "hatchling", "python-socketio"} <= set(installed)
    assert installed.items() <= tested.items()
    assert text.count("\n    --hash=") >= len(installed)
    assert "://" not in text
