"""The soak tells servers that are sound from those that are wrong now and then, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.processes import Nursery, alive, running
from tests.proof import document, figures
from tests.soak import soak as module
from tests.soak.soak import KIT, NonPass, Soak, main, summary
from tests.soak.stress import STRESSES, Stress

NOW_AND_THEN = Path(__file__).with_name("now_and_then.py")
SLICE = ("-k", "test_the_description_is_forwarded_character_for_character")
HANG = (sys.executable, "-c", "import threading; threading.Event().wait()")


def soak_of(stress: Stress, folder: Path, runs: int, kit: Sequence[str] = (*KIT, *SLICE), limit: float = 60) -> Soak:
    """Repeat some checks against the server of a stress."""
    soak = Soak(stress, folder / "out", kit=kit, limit=limit, fresh=False)
    soak.repeat(runs, lambda _line: None)
    return soak


def test_a_server_that_fails_one_run_in_three_is_reported_as_such(tmp_path: Path) -> None:
    """With the check, the requirement and the message of each run, all kept in a folder."""
    server = (sys.executable, str(NOW_AND_THEN), str(tmp_path / "count"))
    stress = Stress(what="now and then", server=server)
    soak = soak_of(stress, tmp_path, 6)
    assert {non_pass.run for non_pass in soak.found} == {3, 6}
    assert {non_pass.auth for non_pass in soak.found if non_pass.run == 6} == {True}
    assert {non_pass.requirements for non_pass in soak.found} == {("OFFER-4",)}
    assert all("character for character" in non_pass.message for non_pass in soak.found)
    assert sorted(path.name for path in soak.folder.iterdir()) == ["run-3", "run-6"]
    for run in (3, 6):
        report = json.loads((soak.folder / f"run-{run}" / "report.json").read_text(encoding="utf-8"))
        assert report["verdict"] == "nonconformant"
        assert "OFFER-4" in (soak.folder / f"run-{run}" / "output.txt").read_text(encoding="utf-8")
    record = soak.record()
    assert (record["runs"], record["runs_that_did_not_pass"]) == (6, 2)
    assert record["seconds"]["min"] <= record["seconds"]["median"] <= record["seconds"]["max"]
    lines = list(summary(record, soak.folder))
    assert "2 did not pass" in lines[0]
    assert any("OFFER-4" in line for line in lines[1:])


@pytest.mark.parametrize(
    ("server", "kit", "limit", "message"),
    [
        (STRESSES["none"].server, HANG, 1, "still running after 1 s, killed"),
        (STRESSES["none"].server, (sys.executable, "-c", "raise SystemExit('gave up')"), 30, "exit code 1: gave up"),
        ((sys.executable, "-c", "print('no')"), KIT, 30, "did not start: no"),
    ],
    ids=["hangs", "ends_without_a_report", "no_server"],
)
def test_a_run_without_a_verdict_did_not_pass(
    tmp_path: Path, server: tuple[str, ...], kit: Sequence[str], limit: float, message: str
) -> None:
    """It is ended and counted."""
    soak = soak_of(Stress(what="broken", server=server), tmp_path, 2, kit=kit, limit=limit)
    assert [non_pass.run for non_pass in soak.found] == [1, 2]
    assert all(message in non_pass.message for non_pass in soak.found)
    assert max(soak.seconds) < 30


@pytest.mark.parametrize("stress", STRESSES)
def test_a_sound_server_passes_under_every_stress(tmp_path: Path, stress: str) -> None:
    """A slice of the suite; `make soak` runs all of it."""
    soak = soak_of(STRESSES[stress], tmp_path, 2)
    assert [str(non_pass) for non_pass in soak.found] == []
    assert max(soak.checks) >= 2
    assert list(soak.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("outcome", "violated", "message", "counts"),
    [
        ("passed", [], "", False),
        ("skipped", [], "it waits 90 s; run it with --slow", False),
        ("skipped", [], "nothing to look at", True),
        ("warned", ["ORDER-4"], "slow", False),
        ("warned", ["ORDER-4", "ICE-9"], "slow", True),
        ("failed", ["ORDER-4"], "slow", True),
        ("error", [], "a fault of the kit", True),
    ],
)
def test_only_what_a_stress_does_to_the_target_is_excused(
    tmp_path: Path, outcome: str, violated: list[str], message: str, counts: bool
) -> None:
    """A warning that nobody expects is a false one, and so is a check that does not run."""
    row = {"check": "a::b", "outcome": outcome, "violated": violated, "requirements": ["X-1"], "message": message}
    report = tmp_path / "report.json"
    report.write_text(json.dumps({"results": [row]}), encoding="utf-8")
    soak = Soak(Stress(what="", excused=frozenset({"ORDER-4"})), tmp_path)
    assert bool(list(soak._judge(1, False, report))) is counts
    assert dict(soak.excused) == ({"ORDER-4": 1} if violated == ["ORDER-4"] and outcome == "warned" else {})


def test_a_run_that_goes_all_wrong_does_not_flood_the_record(tmp_path: Path) -> None:
    """All of it is counted, and kept in its folder; the record and the summary name the first."""
    soak = Soak(Stress(what=""), tmp_path, seconds=[1.0, 2.0])
    soak.found = [NonPass(1 + n % 2, False, f"test_{n}", ("OFFER-1",), "failed: nothing came") for n in range(400)]
    record = soak.record()
    assert record["runs_that_did_not_pass"] == 2
    assert 0 < len(record["non_passes"]) < 100
    assert len(list(summary(record, tmp_path))) < 30


@pytest.fixture
def record_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep what was measured out of the project."""
    path = tmp_path / "soak.json"
    monkeypatch.setattr(module, "SOAK", path)
    monkeypatch.setattr(module, "write_document", lambda: None)
    return path


def test_the_exit_code_is_zero_for_nothing_but_passes(
    tmp_path: Path, record_elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And each stress has a record of its own, which the next one under it replaces."""
    found: list[NonPass] = []

    def repeat(self: Soak, runs: int, _say: object) -> None:
        self.seconds += [1.0] * runs
        self.found += found

    monkeypatch.setattr(Soak, "repeat", repeat)
    assert main(["--runs", "3", "--stress", "busy", "--out", str(tmp_path)]) == 0
    found.append(NonPass(2, True, "test_x", ("OFFER-1",), "failed: nothing came"))
    assert main(["--runs", "2", "--out", str(tmp_path)]) == 1
    assert "test_x OFFER-1" in capsys.readouterr().out
    records = json.loads(record_elsewhere.read_text(encoding="utf-8"))
    assert [(name, r["runs"], r["runs_that_did_not_pass"]) for name, r in records.items()] == [
        ("none", 2, 1),
        ("busy", 3, 0),
    ]
    found.clear()
    assert main(["--runs", "4", "--out", str(tmp_path)]) == 0
    records = json.loads(record_elsewhere.read_text(encoding="utf-8"))
    assert (records["none"]["runs"], records["none"]["non_passes"]) == (4, [])
    text = document.render(figures.Measured({}, {}, records, {}))
    assert "| `busy` | 3 | 0 |" in text


def descendants(pid: int) -> set[int]:
    """Give the processes that a process has started, and theirs."""
    table = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    rows = [tuple(map(int, line.split())) for line in table.splitlines()]
    found = {pid}
    while more := {child for child, parent in rows if parent in found} - found:
        found |= more
    return found - {pid}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_leaves_no_process_behind(tmp_path: Path, number: signal.Signals) -> None:
    """Server, kit, busy loops and what they were born of end with the soak, which says what it had done."""
    script = Path(module.__file__)
    command = (sys.executable, str(script), "--runs", "9", "--stress", "busy", "--out", str(tmp_path), "--no-record")
    with running(*command, folder=tmp_path, fresh=True) as process:
        until = time.monotonic() + 30
        while len(children := descendants(process.pid)) < 5:
            assert time.monotonic() < until, f"only {children} were started"
            assert process.poll() is None
        process.send_signal(number)
        output = process.finish(30)
    assert process.returncode == 2, output
    assert "interrupted after 0 of 9 runs; nothing was recorded" in output
    assert list(alive(children)) == []


def test_an_interruption_at_the_birth_of_a_process_ends_that_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worst moment: it runs, and nobody holds it yet."""
    born: list[int] = []

    def ask(self: Nursery, request: dict[str, Any], *descriptors: int) -> int:
        answer = asked(self, request, *descriptors)
        if "command" in request:
            born.append(answer)
            signal.raise_signal(signal.SIGINT)
        return answer

    asked = Nursery.ask
    monkeypatch.setattr(Nursery, "ask", ask)
    with pytest.raises(KeyboardInterrupt), running(*HANG, folder=tmp_path):
        pytest.fail("the interrupt was lost")
    monkeypatch.undo()
    left = list(alive(set(born)))
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert (len(born), left) == (1, [])


@pytest.mark.parametrize(
    ("arguments", "complaint"), [(["--runs", "0"], "at least one"), (["--stress", "rain"], "invalid choice: 'rain'")]
)
def test_a_mistake_in_the_options_is_said(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the parser, and nothing is run."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err
