"""What is proven of the Python types and client."""

from __future__ import annotations

import shutil
from pathlib import Path

from codegen.calls import call
from codegen.samples import compare, samples
from codegen.servers import SERVERS, serving
from codegen.tools import HERE, PYTHON, run, version

__all__ = ["http_client", "msgspec", "pydantic"]

MYPY = ("-m", "mypy", "--strict", "--no-error-summary", "--allow-untyped-calls")
STRICT = (PYTHON, "-W", "error")


def pydantic(folder: Path) -> tuple[str, ...]:
    """Let messages survive the models, then compile the program and let it make a call."""
    shutil.copy(HERE / "clients" / "call.py", folder)
    _survive("survive_pydantic.py", folder)
    call([*STRICT, "call.py"], folder)
    run([PYTHON, *MYPY, "--ignore-missing-imports", "vcsp.py", "call.py"], folder)
    return (version(PYTHON, "--version"), version(PYTHON, "-m", "mypy", "--version").replace("python", "mypy"))


def msgspec(folder: Path) -> tuple[str, ...]:
    """Let messages survive the structs."""
    _survive("survive_msgspec.py", folder)
    run([PYTHON, *MYPY, "vcsp.py"], folder)
    return (version(PYTHON, "--version"),)


def http_client(folder: Path) -> tuple[str, ...]:
    """Let the client ask each server."""
    shutil.copy(HERE / "proofs" / "ask.py", folder)
    for server in SERVERS:
        with serving(server) as url:
            run([*STRICT, "ask.py", url], folder)
    return (version(PYTHON, "--version"),)


def _survive(script: str, folder: Path) -> None:
    shutil.copy(HERE / "proofs" / script, folder)
    given = samples(folder / "vcsp.messages.json")
    compare(given, run([*STRICT, script], folder, text=given))
