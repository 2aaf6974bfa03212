"""The kill matrix: whether the kit catches every fault, by the requirement that the fault breaks.

`python tests/faults/proof.py [--quick | --full] [--only NAME …]` serves each fault, runs the kit against it, and
writes `tests/proof/proof.json`. One fault of each requirement meets the whole suite but for the model check, the others
the checks that cite what they break. Exit code 0: all are killed and all else that broke is explained.
"""

from __future__ import annotations

import argparse
import ast
import json
import secrets
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from tests.faults.faults import FAULTS, Fault
from tests.faults.registry import one_each
from tests.processes import StillRunning, running
from tests.proof.document import write_document
from tests.proof.figures import PROOF
from tests.proof.stamp import stamp

from signalproof.protocol.requirements import Level, catalogue
from signalproof.protocol.resources import SUITE

__all__ = ["Outcome", "citing", "main", "prove", "serving", "write_matrix"]

SERVE = Path(__file__).with_name("serve.py")
BY_CHANCE = SUITE / "test_scenes.py"
"""The model check, which finds something else each time; `by_chance.py` counts what it finds by itself."""
START, RUN = 15, 90
"""Seconds until a server that has not started, and a run that has not ended, is killed."""
TIMEOUT = "1.5"
QUICK_TIMEOUT = "0.8"
PATIENT_TIMEOUT = "4"
"""Seconds that each wait of the kit may take: short ones, because faults make it wait in vain."""


@dataclass(slots=True)
class Outcome:
    """What the kit found at one fault: the checks by the requirement that they found broken."""

    fault: str
    requirements: tuple[str, ...]
    killers: dict[str, list[str]] = field(default_factory=dict)
    collateral: dict[str, list[str]] = field(default_factory=dict)
    unexplained: dict[str, list[str]] = field(default_factory=dict)
    problem: str = ""
    seconds: float = 0.0

    @property
    def missed(self) -> list[str]:
        """The requirements that the fault breaks and no check caught."""
        return [identifier for identifier in self.requirements if identifier not in self.killers]

    @property
    def proven(self) -> bool:
        """Whether the fault was killed, and nothing broke without a reason."""
        return not (self.problem or self.missed or self.unexplained)

    def describe(self) -> str:
        """Say in a few words what is wrong with it."""
        parts = [self.problem] if self.problem else []
        parts += [f"survived: no check says {', '.join(self.missed)}"] if self.missed and not self.problem else []
        parts += [f"unexplained: {_listed(self.unexplained)}"] if self.unexplained else []
        return "; ".join(parts) or "killed"


def _listed(found: Mapping[str, Sequence[str]]) -> str:
    """List checks by requirement, the first two of each."""
    return "; ".join(
        f"{identifier} ({', '.join(checks[:2])}{f' and {len(checks) - 2} more' if len(checks) > 2 else ''})"
        for identifier, checks in found.items()
    )


@cache
def _citations() -> dict[str, tuple[str, ...]]:
    """Read from the suite which checks cite which requirements, by node id."""
    found: dict[str, tuple[str, ...]] = {}
    for path in sorted({*SUITE.glob("test_*.py")} - {BY_CHANCE}):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.AsyncFunctionDef):
                ids = [
                    str(argument.value)
                    for call in node.decorator_list
                    if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "requirement"
                    for argument in call.args
                    if isinstance(argument, ast.Constant)
                ]
                found[f"{path}::{node.name}"] = tuple(ids)
    return found


def citing(requirements: Iterable[str]) -> list[str]:
    """Give the node ids of the checks that cite one of these requirements."""
    wanted = set(requirements)
    return [node for node, ids in _citations().items() if wanted & set(ids)]


@cache
def citing_calls() -> frozenset[str]:
    """Give the requirements of real calls: they take most of the time, so other faults do without them."""
    return frozenset(i for i, r in catalogue().items() if r.topic == "media" or "real WebRTC peers" in r.sentence)


def prove(fault: Fault, folder: Path, *, quick: bool, timeout: str = "") -> Outcome:
    """Serve a fault, run the kit against it, and sort what it found."""
    began = perf_counter()
    outcome = Outcome(fault.name, fault.requirements)
    folder.mkdir(parents=True, exist_ok=True)
    tokens: list[str] = []
    secret = folder / "secret" if fault.auth else None
    if secret:
        secret.write_text(secrets.token_hex(32), encoding="utf-8")
        tokens = ["--jwt-secret-file", str(secret)]
    with serving(fault.name, folder, secret) as url:
        if not url:
            outcome.problem = "the server did not start"
            return outcome
        selection = citing(fault.requirements) if quick else []
        calls = [] if quick or set(fault.requirements) & citing_calls() else ["-m", "not webrtc"]
        selection = selection or ["--", f"--ignore={BY_CHANCE}"]
        options = ["--report", "report", *tokens, "-q"]
        options += ["--slow"] if fault.slow else []
        options += ["--timeout", timeout or (QUICK_TIMEOUT if quick else TIMEOUT)]
        command = [sys.executable, "-m", "signalproof", "check", url, *options, *calls, *selection]
        with running(*command, folder=folder) as kit:
            try:
                output = kit.finish(RUN)
            except StillRunning:
                outcome.problem = f"the kit was still running after {RUN} s"
                return outcome
    report = folder / "report" / "report.json"
    if not report.exists():
        outcome.problem = f"no report: {output.strip().splitlines()[-1:]}"
        return outcome
    _sort(fault, json.loads(report.read_text(encoding="utf-8")), outcome)
    outcome.seconds = round(perf_counter() - began, 2)
    return outcome


def _sort(fault: Fault, report: dict[str, Any], outcome: Outcome) -> None:
    if report["verdict"] == "unusable":
        outcome.problem = f"unusable: {report['problem']}"
    for row in report["results"]:
        if row["outcome"] not in ("failed", "warned", "error"):
            continue
        check = row["check"].rpartition("::")[2]
        if row["outcome"] == "error":
            outcome.unexplained.setdefault("error", []).append(f"{check}: {row['message']}")
        for identifier in row["violated"]:
            level = catalogue()[identifier].level
            if identifier in fault.requirements and (row["outcome"] == "failed" or level is Level.SHOULD):
                outcome.killers.setdefault(identifier, []).append(check)
            elif identifier in fault.requirements:
                continue
            elif fault.excuse(identifier) or set(fault.requirements) & set(row["violated"]):
                outcome.collateral.setdefault(identifier, []).append(check)
            else:
                outcome.unexplained.setdefault(identifier, []).append(check)


@contextmanager
def serving(name: str, folder: Path, secret: Path | None = None) -> Iterator[str]:
    """Serve a fault and give its URL, an empty one where it does not come up; end it."""
    tokens = ["--auth-secret-file", str(secret)] if secret else []
    with running(sys.executable, str(SERVE), name, *tokens, folder=folder) as server:
        yield server.line(START).rpartition(" ")[2]


# ── the matrix ─────────────────────────────────────────────────────────────────────────────────────


def _row(outcome: Outcome, *, whole: bool) -> dict[str, Any]:
    """Give what came of a fault, for `proof.json`."""
    return {
        "fault": outcome.fault,
        "fingerprint": FAULTS[outcome.fault].fingerprint,
        "requirements": list(outcome.requirements),
        "whole_suite": whole,
        "proven": outcome.proven,
        "problem": outcome.problem,
        **{
            part: {identifier: sorted(set(found[identifier])) for identifier in catalogue() if identifier in found}
            for part, found in (
                ("killers", outcome.killers),
                ("collateral", outcome.collateral),
                ("unexplained", outcome.unexplained),
            )
        },
    }


def write_matrix(path: Path, rows: Mapping[str, dict[str, Any]], seconds: float, *, partial: bool) -> None:
    """Write the matrix; a partial one replaces the rows of its faults in the one that is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    head: dict[str, Any] = {**stamp(), "seconds": round(seconds)}
    if partial and path.exists():
        before = json.loads(path.read_text(encoding="utf-8"))
        rows = {row["fault"]: row for row in before["faults"]} | dict(rows)
        head = {key: before[key] for key in head} | {"renewed": head["date"]}
    document = {**head, "faults": [rows[name] for name in FAULTS if name in rows]}
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _prove_again(first: Outcome, fault: Fault, folder: Path, *, quick: bool) -> Outcome:
    """Prove a fault once more: what is not as it should be has to be so twice, or it was the machine's."""
    second = prove(fault, folder, quick=quick, timeout=PATIENT_TIMEOUT)
    second.unexplained = {key: value for key, value in second.unexplained.items() if key in first.unexplained}
    return second


def _prove_all(faults: Sequence[Fault], whole: Collection[str], jobs: int, console: Console) -> dict[str, Outcome]:
    """Prove some faults at once, then once more, one at a time, those that are not as they should be."""
    outcomes: dict[str, Outcome] = {}
    columns = (
        TextColumn("proof"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with (
        TemporaryDirectory(prefix="signalproof-") as folder,
        Progress(*columns, console=console, disable=not console.is_terminal) as progress,
        ThreadPoolExecutor(jobs) as pool,
    ):
        task = progress.add_task("", total=len(faults))
        proofs = [
            pool.submit(prove, fault, Path(folder, fault.name), quick=fault.name not in whole) for fault in faults
        ]
        try:
            for done in as_completed(proofs):
                outcome = outcomes[done.result().fault] = done.result()
                progress.update(task, advance=1, description=outcome.fault)
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        for first in [outcome for outcome in outcomes.values() if not outcome.proven]:
            fault = FAULTS[first.fault]
            progress.update(task, description=f"{fault.name} again")
            again = Path(folder, fault.name, "again")
            outcome = _prove_again(first, fault, again, quick=fault.name not in whole)
            outcomes[fault.name] = outcome
            if not outcome.proven:
                console.print(f"{fault.name}: {outcome.describe()}", highlight=False, markup=False, soft_wrap=True)
    return outcomes


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the faults and write the matrix; give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="only the checks that cite what a fault breaks")
    parser.add_argument("--full", action="store_true", help="the whole suite for every fault; takes twice as long")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", choices=[*FAULTS], help="these faults alone")
    parser.add_argument("--out", type=Path, default=PROOF, metavar="FILE", help="the matrix (tests/proof/proof.json)")
    parser.add_argument("--jobs", type=int, default=3, help="faults under way at once (3, for 2 cores)")
    given = parser.parse_args(arguments)
    faults = [FAULTS[name] for name in given.only or FAULTS]
    began = perf_counter()
    whole = set() if given.quick else {*FAULTS} if given.full else {*one_each()}
    try:
        outcomes = _prove_all(faults, whole, given.jobs, Console(stderr=True))
    except KeyboardInterrupt:
        sys.stdout.write("interrupted; nothing was written\n")
        return 2
    ordered = [outcomes[fault.name] for fault in faults]
    killed = sum(not (outcome.missed or outcome.problem) for outcome in ordered)
    unexplained = sum(bool(outcome.unexplained) for outcome in ordered)
    proven = {identifier for outcome in ordered for identifier in outcome.killers}
    summary = (
        f"{killed} of {len(ordered)} faults killed, {unexplained} with unexplained collateral; "
        f"{len(proven)} requirements proven; {perf_counter() - began:.0f} s"
    )
    rows = {outcome.fault: _row(outcome, whole=outcome.fault in whole) for outcome in ordered}
    write_matrix(given.out, rows, perf_counter() - began, partial=bool(given.only))
    if given.out == PROOF:
        write_document()
    sys.stdout.write(f"{summary}\n")
    return 0 if all(outcome.proven for outcome in ordered) else 1


if __name__ == "__main__":
    sys.exit(main())
