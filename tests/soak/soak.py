"""Repeats the whole suite under a stress and reports every run that does not pass.

`python tests/soak/soak.py [--runs N] [--stress NAME]` checks the reference server N times, each time in processes of
its own, without and with authentication in turn. What a run that did not pass printed and reported is kept in a
folder; the figures go into `tests/proof/soak.json`. Exit code 0: every run passed, 1: not every one, 2: interrupted.
"""

from __future__ import annotations

import argparse
import json
import secrets
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.processes import StillRunning, running
from tests.proof.document import write_document
from tests.proof.figures import SOAK
from tests.proof.stamp import stamp
from tests.soak.stress import STRESSES, NotServing, Stress, serving

__all__ = ["NonPass", "Soak", "main"]

LIMIT: Final = 120
"""Seconds after which a run that has not ended is killed."""
KIT: Final = (sys.executable, "-m", "signalproof", "check")
SHOWN: Final = 5
"""How much of what did not pass in a run is printed; the rest is in its folder."""
KEPT: Final = 50
"""How much of what did not pass is recorded."""
NOT_RUN: Final = "run it with --slow"
"""What the kit says of checks that it leaves out for their length."""


@dataclass(frozen=True, slots=True)
class NonPass:
    """Something that should have passed and did not: in which run, which check, and what it says."""

    run: int
    auth: bool
    check: str
    requirements: tuple[str, ...]
    message: str

    def __str__(self) -> str:
        """Give it in one line."""
        return f"run {self.run}: {self.check} {', '.join(self.requirements)}: {self.message.splitlines()[0]}"


@dataclass(slots=True)
class Soak:
    """A series of runs, what they found, and how long each took; each in `fresh` interpreters, or in forked ones."""

    stress: Stress
    folder: Path
    kit: Sequence[str] = KIT
    limit: float = LIMIT
    fresh: bool = True
    seconds: list[float] = field(default_factory=list)
    found: list[NonPass] = field(default_factory=list)
    excused: Counter[str] = field(default_factory=Counter)
    checks: Counter[int] = field(default_factory=Counter)

    def repeat(self, runs: int, say: Callable[[str], None]) -> None:
        """Run the suite so many times, each time from nothing."""
        for number in range(1, runs + 1):
            auth = number % 2 == 0
            before = len(self.found)
            folder = self.folder / f"run-{number}"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            began = perf_counter()
            self.found += self._run(number, auth, folder)
            self.seconds.append(perf_counter() - began)
            news = self.found[before:]
            verdict = "passed" if not news else f"DID NOT PASS ({len(news)})"
            say(f"run {number:3} of {runs}  {'auth' if auth else '    '}  {self.seconds[-1]:6.2f} s  {verdict}")
            for non_pass in news[:SHOWN]:
                say(f"    {non_pass}")
            if len(news) > SHOWN:
                say(f"    and {len(news) - SHOWN} more, in {folder}")
            if not news:
                shutil.rmtree(folder)

    def _run(self, number: int, auth: bool, folder: Path) -> Iterator[NonPass]:
        """Check a fresh server once; give what did not pass."""

        def failed(message: str) -> NonPass:
            return NonPass(number, auth, "the run itself", (), message)

        secret = folder / "secret" if auth else None
        if secret:
            secret.write_text(secrets.token_hex(32), encoding="utf-8")
        tokens = ["--jwt-secret-file", str(secret)] if secret else []
        try:
            with (
                serving(self.stress, secret, folder, self.limit + 30, fresh=self.fresh) as url,
                running(*self.kit, url, "--report", ".", *tokens, folder=folder, fresh=self.fresh) as kit,
            ):
                try:
                    output = kit.finish(self.limit)
                except StillRunning as late:
                    (folder / "output.txt").write_text(late.output, encoding="utf-8")
                    yield failed(f"still running after {self.limit:g} s, killed")
                    return
        except NotServing as error:
            yield failed(str(error))
            return
        (folder / "output.txt").write_text(output, encoding="utf-8")
        found = list(self._judge(number, auth, folder / "report.json"))
        yield from found
        if kit.returncode and not found:
            last = "".join(output.strip().splitlines()[-1:])
            yield failed(f"exit code {kit.returncode}: {last}")

    def _judge(self, number: int, auth: bool, report: Path) -> Iterator[NonPass]:
        """Read a report; a check that did not pass is excused only for what the stress really does to the target."""
        if not report.exists():
            return
        results: list[dict[str, Any]] = json.loads(report.read_text(encoding="utf-8"))["results"]
        self.checks[len(results)] += 1
        excused: set[str] = set()
        for row in results:
            outcome, broken = row["outcome"], set(row["violated"])
            if outcome == "passed" or (outcome == "skipped" and row["message"].endswith(NOT_RUN)):
                continue
            if outcome == "warned" and broken <= self.stress.excused:
                excused |= broken
                continue
            check = row["check"].rpartition("::")[2]
            requirements = tuple(row["violated"]) or tuple(row["requirements"])
            yield NonPass(number, auth, check, requirements, f"{outcome}: {row['message']}")
        self.excused.update(excused)

    def record(self) -> dict[str, Any]:
        """Give the figures, for `soak.json`."""
        return {
            **stamp(),
            "runs": len(self.seconds),
            "runs_that_did_not_pass": len({non_pass.run for non_pass in self.found}),
            "checks": max(self.checks, default=0),
            "seconds": {
                "min": round(min(self.seconds), 2),
                "median": round(median(self.seconds), 2),
                "max": round(max(self.seconds), 2),
            },
            "excused_runs": dict(sorted(self.excused.items())),
            "non_passes": [asdict(non_pass) for non_pass in self.found[:KEPT]],
        }


def summary(record: dict[str, Any], folder: Path) -> Iterator[str]:
    """Say how a soak ended."""
    seconds = record["seconds"]
    yield (
        f"{record['runs']} runs of {record['checks']} checks: {record['runs_that_did_not_pass']} did not pass; "
        f"{seconds['min']} s, {seconds['median']} s, {seconds['max']} s (min, median, max)"
    )
    for identifier, number in record["excused_runs"].items():
        yield f"{identifier} (SHOULD) was really missed under this stress in {number} runs"
    count = Counter((n["check"], ", ".join(n["requirements"])) for n in record["non_passes"])
    for (check, requirements), number in count.most_common(20):
        yield f"{number} times: {check} {requirements}"
    if count:
        yield f"all of it is in {folder}"


def _merge(stress: str, record: dict[str, Any]) -> None:
    """Put the figures in place of those of an earlier soak under this stress."""
    records = json.loads(SOAK.read_text(encoding="utf-8")) if SOAK.exists() else {}
    records[stress] = record
    ordered = {name: records[name] for name in STRESSES if name in records}
    SOAK.write_text(json.dumps(ordered, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    write_document()


def _stop(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, repeat the suite, and give the exit code."""
    parser = argparse.ArgumentParser(
        description="Repeat the whole suite under a stress and report every run that does not pass.",
        epilog="; ".join(f"{name}: {stress.what}" for name, stress in STRESSES.items()),
    )
    parser.add_argument("--runs", "-n", type=int, default=10, metavar="N", help="how often (10)")
    parser.add_argument("--stress", choices=STRESSES, default="none", help="what makes it hard (none)")
    parser.add_argument("--out", type=Path, default=Path("signalproof-soak"), help="folder for runs that do not pass")
    parser.add_argument("--limit", type=float, default=LIMIT, metavar="SECONDS", help=f"of a run ({LIMIT})")
    parser.add_argument("--no-record", action="store_true", help="leave tests/proof alone")
    given = parser.parse_args(arguments)
    if given.runs < 1:
        parser.error("--runs: at least one")
    signal.signal(signal.SIGTERM, _stop)
    folder = given.out.resolve() / given.stress
    soak = Soak(STRESSES[given.stress], folder, limit=given.limit)

    def say(line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    say(f"soak, {given.stress}: {soak.stress.what}")
    try:
        soak.repeat(given.runs, say)
    except KeyboardInterrupt:
        say(f"interrupted after {len(soak.seconds)} of {given.runs} runs; nothing was recorded")
        return 2
    record = soak.record()
    for line in summary(record, folder):
        say(line)
    if not given.no_record:
        _merge(given.stress, record)
    return 1 if soak.found else 0


if __name__ == "__main__":
    sys.exit(main())
