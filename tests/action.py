"""Runs the steps of `action.yml` as GitHub would, as far as they are shell: `python tests/action.py url=… [input=…]`.

Steps that use other actions, and the one that installs the kit, are left out; the kit of this Python stands in.
Exit code: that of the first step that failed, or 0.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

__all__ = ["ACTION", "Ran", "load", "run", "scripts"]

ACTION = Path(__file__).parents[1] / "action.yml"
EXPRESSION = re.compile(r"\$\{\{\s*(.+?)\s*\}\}")
LIMIT = 120
"""Seconds after which a step has failed."""


@dataclass(slots=True)
class Ran:
    """What came of a run: output of all steps, outputs by step, job summary, and the first exit code that is not 0."""

    code: int = 0
    text: str = ""
    steps: list[str] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""


def load() -> dict[str, Any]:
    """Read the action."""
    document: dict[str, Any] = yaml.safe_load(ACTION.read_text(encoding="utf-8"))
    return document


def scripts() -> Iterator[dict[str, Any]]:
    """Give the steps that are shell, but for the installation."""
    yield from (step for step in load()["runs"]["steps"] if "run" in step and step["id"] != "install")


def run(folder: Path, runner_temp: Path, **inputs: str) -> Ran:
    """Run the steps in `folder`, with underscores for the dashes in names of inputs."""
    given = {name: str(about.get("default", "")) for name, about in load()["inputs"].items()}
    given |= {name.replace("_", "-"): value for name, value in inputs.items()}
    (runner_temp / "signalproof" / "bin").mkdir(parents=True)
    kit = runner_temp / "signalproof" / "bin" / "python"
    kit.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    kit.chmod(0o755)
    ran, output, summary = Ran(), runner_temp / "output", runner_temp / "summary"
    for step in scripts():
        if not _wanted(step.get("if", "success()"), given, ran):
            continue
        output.write_text("", encoding="utf-8")
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "COV_"))}
        environment |= {name: _filled(str(value), given, ran) for name, value in step.get("env", {}).items()}
        environment |= {
            "RUNNER_TEMP": str(runner_temp),
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(summary),
        }
        file = runner_temp / f"{step['id']}.sh"
        file.write_text(step["run"], encoding="utf-8")
        shell = [shutil.which("bash") or "bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(file)]
        done = subprocess.run(shell, cwd=folder, env=environment, capture_output=True, timeout=LIMIT, check=False)
        ran.steps.append(step["id"])
        ran.text += (done.stdout + done.stderr).decode("utf-8", "replace")
        ran.code = ran.code or done.returncode
        for line in output.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition("=")
            ran.outputs[f"{step['id']}.{name}"] = value
    ran.summary = summary.read_text(encoding="utf-8") if summary.exists() else ""
    return ran


def _filled(text: str, given: Mapping[str, str], ran: Ran) -> str:
    """Put values in place of expressions; raises `KeyError` for one that is unknown."""

    def value(found: re.Match[str]) -> str:
        kind, _, name = found[1].partition(".")
        if kind == "inputs":
            return given[name]
        raise KeyError(found[1])

    return EXPRESSION.sub(value, text)


def _wanted(condition: str, given: Mapping[str, str], ran: Ran) -> bool:
    """Decide whether a step runs; raises `KeyError` for a condition of a form that is not known here."""
    if condition == "always()":
        return True
    if condition == "success()":
        return ran.code == 0
    found = re.fullmatch(r"inputs\.([a-z-]+) != ''", condition)
    if found is None:
        raise KeyError(condition)
    return ran.code == 0 and bool(given[found[1]])


def main() -> None:
    """Read the command line."""
    inputs = {name.replace("-", "_"): value for name, _, value in (word.partition("=") for word in sys.argv[1:])}
    with TemporaryDirectory(prefix="signalproof-") as folder:
        ran = run(Path.cwd(), Path(folder), **inputs)
    sys.stdout.write(ran.text)
    sys.exit(ran.code)


if __name__ == "__main__":
    main()
