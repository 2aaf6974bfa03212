"""Runs commands, the README's with the pinned generators of this folder."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from codegen.outcome import Broken, Missing

__all__ = ["HERE", "PYTHON", "Generator", "generator", "need", "node_tool", "run", "site", "version"]

HERE = Path(__file__).resolve().parent
MODULES = HERE / "node_modules"
VENV = HERE / ".venv"
PYTHON = str(VENV / "bin" / "python")
LIMIT = 300
"""Seconds that a command may take, on a slow machine."""
QUICK_JVM = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""Halves the time of a Java program that runs for seconds only."""


def site() -> Path:
    """Give the folder of the Python packages that are installed beside this file."""
    found = sorted(VENV.glob("lib/python3*/site-packages"))
    if not found:
        raise Missing("the Python generators: run `make codegen`")
    return found[-1]


@dataclass(frozen=True, slots=True)
class Generator:
    """A command of the README, to be run with what is installed here."""

    label: str
    command: tuple[str, ...]


def run(command: Sequence[str | Path], folder: Path, *, text: str = "", extra: dict[str, str] | None = None) -> str:
    """Run a command in a folder and give its standard output; what it prints is in the exception if it fails."""
    path = f"{VENV / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "NO_COLOR": "1", "JAVA_TOOL_OPTIONS": QUICK_JVM}
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            cwd=folder,
            env=environment | (extra or {}),
            input=text,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=LIMIT,
            check=False,
        )
    except FileNotFoundError:
        raise Missing(words[0]) from None
    except subprocess.TimeoutExpired:
        raise Broken(f"{shlex.join(words)}\nis still running after {LIMIT} s") from None
    if done.returncode:
        raise Broken(f"{shlex.join(words)}\nended with {done.returncode}:\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout


def need(*names: str) -> None:
    """Insist on programs of this machine."""
    for name in names:
        if shutil.which(name) is None:
            raise Missing(name)


def version(*command: str) -> str:
    """Give the version that a program tells, with its name."""
    output = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, timeout=LIMIT)
    found = re.search(r"\d+(\.\d+)+", output.stdout + output.stderr)
    return f"{Path(command[0]).name} {found[0] if found else '?'}"


def node_tool(name: str) -> Path:
    """Find a program that is installed in `node_modules`."""
    path = MODULES / ".bin" / name
    need("node")
    if not path.exists():
        raise Missing(f"{name}: run `make codegen`")
    return path


def python_tool(name: str) -> Path:
    """Find a program that is installed in `.venv`."""
    path = VENV / "bin" / name
    if not path.exists():
        raise Missing(f"{name}: run `make codegen`")
    return path


def generator(command: str) -> Generator:
    """Read a command that fetches a generator, and find the one installed here; the versions have to be the same."""
    words = shlex.split(command)
    match words:
        case ["npx", "-y", "-p", package, program, *rest]:
            return _node(package, program, rest)
        case ["npx", "-y", package, *rest]:
            return _node(package, package.rpartition("@")[0], rest)
        case ["uvx", "--from", package, program, *rest]:
            return _python(package, program, rest)
        case ["uvx", package, *rest]:
            return _python(package.replace("@", "=="), package.partition("@")[0], rest)
    raise Broken(f"the README has a command that is neither npx nor uvx: {command}")


def _node(package: str, program: str, rest: list[str]) -> Generator:
    name, _, wanted = package.rpartition("@")
    lock = json.loads((HERE / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    pinned = lock.get(f"node_modules/{name}", {}).get("version", "nothing")
    _compare(name, wanted, pinned, "package-lock.json")
    return Generator(f"{name} {wanted}", (str(node_tool(program)), *rest))


def _python(package: str, program: str, rest: list[str]) -> Generator:
    name, _, wanted = re.sub(r"\[.*\]", "", package).partition("==")
    pins = "".join((HERE / file).read_text(encoding="utf-8") for file in ("python.txt", "jvm.txt"))
    found = re.search(rf"^{re.escape(name)}(?:\[.*\])?==(\S+)", pins, re.MULTILINE)
    _compare(name, wanted, found[1] if found else "nothing", "python.txt and jvm.txt")
    return Generator(f"{name} {wanted}", (str(python_tool(program)), *rest))


def _compare(name: str, wanted: str, pinned: str, file: str) -> None:
    if not name or not wanted:
        raise Broken(f"the README names {name or wanted} without a version")
    if wanted != pinned:
        raise Broken(f"the README names {name} {wanted}, but {file} pins {pinned}")
