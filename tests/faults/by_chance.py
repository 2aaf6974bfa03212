"""How many faults the random scenes find by themselves, without any of the other checks.

`python tests/faults/by_chance.py [--examples N] [--seed N] [--jobs N]` serves each fault, plays random scenes against
it, and writes into `tests/proof/model.json` which requirement the shortest failing scene broke. Exit code 0: at least
half are found.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.faults.faults import FAULTS
from tests.faults.proof import serving
from tests.processes import StillRunning, running
from tests.proof.document import write_document
from tests.proof.figures import MODEL
from tests.proof.stamp import stamp

from signalproof.protocol.resources import SUITE

__all__ = ["found_by_chance", "main"]

CHECKS = str(SUITE / "test_scenes.py")
RUN_SECONDS = 120
"""Until a run that has not ended is killed."""


def found_by_chance(name: str, folder: Path, *, examples: int, seed: int) -> list[str]:
    """Give the requirements that random scenes found broken at a fault; none where they found nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    secret = folder / "secret" if FAULTS[name].auth else None
    tokens: list[str] = []
    if secret:
        secret.write_text(secrets.token_hex(32), encoding="utf-8")
        tokens = ["--jwt-secret-file", str(secret)]
    with serving(name, folder, secret) as url:
        if not url:
            return []
        numbers = ["--examples", str(examples), "--seed", str(seed), "--timeout", "1"]
        command = [sys.executable, "-m", "signalproof", "check", url, "--report", "report", *tokens, *numbers, CHECKS]
        with running(*command, folder=folder) as kit:
            try:
                kit.finish(RUN_SECONDS)
            except StillRunning:
                return []
    report = folder / "report" / "report.json"
    if not report.exists():
        return []
    rows = json.loads(report.read_text(encoding="utf-8"))["results"]
    return [identifier for row in rows for identifier in row["violated"]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Try every fault; give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--examples", type=int, default=60, help="random scenes a fault (60)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=MODEL, metavar="FILE", help="(tests/proof/model.json)")
    given = parser.parse_args(arguments)
    began = perf_counter()
    with TemporaryDirectory(prefix="signalproof-") as folder, ThreadPoolExecutor(given.jobs) as pool:
        futures = {
            name: pool.submit(found_by_chance, name, Path(folder, name), examples=given.examples, seed=given.seed)
            for name in FAULTS
        }
        found = {name: future.result() for name, future in futures.items()}
    number = sum(map(bool, found.values()))
    document = {
        **stamp(),
        "examples": given.examples,
        "seed": given.seed,
        "found": number,
        "faults": len(found),
        "seconds": round(perf_counter() - began),
        "broken": found,
    }
    given.out.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    if given.out == MODEL:
        write_document()
    sys.stdout.write(f"{number} of {len(found)} faults found by chance\n")
    return 0 if number * 2 >= len(found) else 1


if __name__ == "__main__":
    sys.exit(main())
