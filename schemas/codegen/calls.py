"""Lets a generated client make a call through each server."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from codegen.outcome import Broken
from codegen.servers import SERVERS, serving
from codegen.tools import run

__all__ = ["call"]

STEPS = (
    "bob hears the offer of alice",
    "alice hears the answer",
    "bob hears the candidate {",
    "bob hears the candidate null",
    "alice hears the candidate {",
    "alice hears the candidate null",
    "the call succeeded",
)
"""How the lines begin that a client prints."""


def call(command: Sequence[str], folder: Path) -> None:
    """Run a client with the URL of each server in turn; it has to tell of each step."""
    for server in SERVERS:
        with serving(server) as url:
            told = run([*command, url], folder)
        lines = told.splitlines()
        if len(lines) != len(STEPS) or not all(map(str.startswith, lines, STEPS)):
            raise Broken(f"no call through the {server} server:\n{told}")
