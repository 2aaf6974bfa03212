"""Runs the kit against servers at the ends of what there is, and writes `targets.json`.

`python tests/proof/targets.py [--old]` takes servers that do nothing, a server that does everything in another way, and
one in the style of the protocol's first years; with `--old` that one alone. Exit code 0: the first kept no MUST
requirement, the second all, and the third, in each of its forms, fails what its baseline says and nothing else.
"""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.processes import StillRunning, running
from tests.proof.document import write_document
from tests.proof.figures import OLD_BASELINE, OLD_PROFILES, TARGETS
from tests.proof.stamp import stamp
from tests.targets.discovery import socket_url
from tests.targets.null import KINDS

__all__ = ["judge", "main"]

SERVERS: Final = Path(__file__).parents[1] / "targets"
OLDSTYLE: Final = SERVERS / "oldstyle.py"
FORMS: Final = ((), ("--workers",), ("--slow",), ("--slow", "--workers"))
START, RUN = 20, 300
Figures = dict[str, Any]


def judge(server: Sequence[str], options: Sequence[str], folder: Path, *, sockets_elsewhere: bool = False) -> Figures:
    """Serve a target, run the kit against it, and give what the run said in figures.

    With `sockets_elsewhere` the operator names the origin of its sockets: no other gets secrets by itself.
    """
    folder.mkdir(parents=True)
    began = perf_counter()
    with running(sys.executable, *server, folder=folder) as target:
        url = target.line(START).rpartition(" ")[2]
        elsewhere = ["--socket-url", socket_url(url)] if sockets_elsewhere else []
        command = (sys.executable, "-m", "signalproof", "check", url, "--report", ".", *elsewhere, *options)
        with running(*command, folder=folder) as kit:
            try:
                output = kit.finish(RUN)
            except StillRunning:
                output = f"still running after {RUN} s"
    report = _report(folder)
    summary = report.get("summary", {})
    outcomes = [row["outcome"] for row in report["results"]]
    problem = report.get("problem") or next((line for line in output.splitlines() if line.startswith("no event")), "")
    return {
        "verdict": report.get("verdict", "none"),
        "kept": summary.get("must_kept", 0),
        "musts": summary.get("must_checked", 0),
        "passed": outcomes.count("passed"),
        "failed": outcomes.count("failed") + outcomes.count("error"),
        "warned": sorted({i for row in report["results"] if row["outcome"] == "warned" for i in row["violated"]}),
        "says": problem.replace(url, "URL"),
        "seconds": round(perf_counter() - began, 1),
    }


def _report(folder: Path) -> Figures:
    path = folder / "report.json"
    report: Figures = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"results": []}
    return report


def _null(kind: str, sockets: bool, folder: Path) -> Figures:
    server = [str(SERVERS / "null.py"), kind, *(["--sockets"] if sockets else [])]
    found = judge(server, ["--timeout", "1"], folder / f"{kind}-{sockets}")
    return {"kind": kind, "sockets": sockets, **found}


def _contrarian(auth: bool, folder: Path) -> Figures:
    secret = folder / "secret"
    secret.write_text(secrets.token_hex(32), encoding="utf-8")
    server = [str(SERVERS / "contrarian.py"), *(["--auth-secret-file", str(secret)] if auth else [])]
    options = ["--jwt-secret-file", str(secret)] if auth else []
    found = judge(server, options, folder / f"contrarian-{auth}", sockets_elsewhere=auth)
    return {"auth": auth, **found}


def _oldstyle(folder: Path) -> Figures:
    """Hold the server in the old style, in each of its forms, against its baseline."""
    known: dict[str, str] = {}
    forms, stale, news = [], set[str](), set[str]()
    for flags in FORMS:
        place = folder / f"oldstyle{''.join(flags)}"
        options = ["--profiles", OLD_PROFILES, "--baseline", str(OLD_BASELINE)]
        found = judge([str(OLDSTYLE), *flags], options, place)
        report = _report(place)
        baseline = report.get("baseline", {"known": [], "stale": []})
        known |= {entry["requirement"]: entry["reason"] for entry in baseline["known"]}
        stale |= {entry["requirement"] for entry in baseline["stale"]}
        for row in report["results"]:
            if row["outcome"] in {"failed", "error"} and not row.get("known"):
                news |= set(row["violated"] or row["requirements"])
        named = sorted({identifier for row in report["results"] for identifier in row["violated"]})
        forms.append({"form": " ".join(flags), "seconds": found["seconds"], "named": named})
    return {
        **found,
        "forms": forms,
        "known": [{"requirement": identifier, "reason": reason} for identifier, reason in known.items()],
        "stale": sorted(stale),
        "unexpected": sorted(news),
    }


def _only_the_old() -> int:
    """Measure the server in the old style anew, and leave what was measured of the others."""
    figures = json.loads(TARGETS.read_text(encoding="utf-8"))
    with TemporaryDirectory(prefix="signalproof-") as name:
        figures["oldstyle"] = _oldstyle(Path(name))
    _write(figures)
    return _surprises(figures["oldstyle"])


def _write(figures: Figures) -> None:
    TARGETS.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    write_document()


def _surprises(oldstyle: Figures) -> int:
    """Say what the baseline is wrong about, and give the exit code."""
    if found := [*oldstyle["unexpected"], *oldstyle["stale"]]:
        sys.stdout.write(f"the server in the old style is not as its baseline says: {', '.join(found)}\n")
    return 1 if found else 0


def main() -> int:
    """Run all of it, two at once, write the figures, and give the exit code."""
    if sys.argv[1:] == ["--old"]:
        return _only_the_old()
    with TemporaryDirectory(prefix="signalproof-") as name, ThreadPoolExecutor(2) as pool:
        folder = Path(name)
        # One after the other: what it says of delays is to be that of a server with a machine to itself.
        contrarian = [_contrarian(auth, folder) for auth in (False, True)]
        nulls = [pool.submit(_null, kind, sockets, folder) for kind in KINDS for sockets in (False, True)]
        nothing = [run.result() for run in nulls]
        oldstyle = _oldstyle(folder)
    figures = {**stamp(), "null": nothing, "contrarian": contrarian, "oldstyle": oldstyle}
    _write(figures)
    earned = sum(row["kept"] for row in nothing)
    innocent = all(row["verdict"] == "conformant" and row["kept"] == row["musts"] > 0 for row in contrarian)
    sys.stdout.write(
        f"{len(nulls)} servers that do nothing kept {earned} MUST requirements; "
        f"the contrarian kept {contrarian[0]['kept']} of {contrarian[0]['musts']}, "
        f"with authentication {contrarian[1]['kept']} of {contrarian[1]['musts']}\n"
    )
    return 1 if _surprises(oldstyle) or earned or not innocent else 0


if __name__ == "__main__":
    sys.exit(main())
