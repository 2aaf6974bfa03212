"""What a command loads: modules that are slow to import come where something needs them, and not before."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from tests.processes import running

if TYPE_CHECKING:
    from tests.kit.conftest import Kit, Served

    Serve = Callable[[str], Served]

CHECKING = frozenset({"aiohttp", "asyncio", "jsonschema", "pytest", "socketio", "ssl"})
CALLS = frozenset({"aioice", "aiortc", "av"})
SCENES = frozenset({"hypothesis"})
PAGES = frozenset({"jinja2"})
TOKENS = frozenset({"jwt"})
SLOW = CHECKING | CALLS | SCENES | PAGES | TOKENS | {"cryptography", "importlib.metadata", "rich"}
SCRIPT = "import sys; sys.argv[0] = 'signalproof'; from signalproof.cli import run; run()"
"""What the installed command does."""
IMPORTED = re.compile(r"^import time:.*\| +(\S+)$", re.MULTILINE)


def imported(kit: Kit, *arguments: str) -> set[str]:
    """Run `signalproof` in an interpreter of its own, and give the modules that it has imported."""
    with running(sys.executable, "-X", "importtime", "-c", SCRIPT, *arguments, folder=kit.folder) as process:
        output = process.finish()
    assert process.returncode == 0, output
    found = set(IMPORTED.findall(output))
    assert "click" in found, output
    return found


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("check", "--help"),
        ("list",),
        ("explain", "OFFER-1"),
        ("schema", "--list"),
        ("completion", "bash"),
    ],
    ids=" ".join,
)
def test_a_command_that_only_prints_is_light(kit: Kit, arguments: tuple[str, ...]) -> None:
    """It loads nothing that checks servers."""
    assert imported(kit, *arguments) & SLOW == set()


def test_the_version_is_looked_up_for_those_who_ask(kit: Kit) -> None:
    """And nothing else is loaded for it."""
    assert imported(kit, "--version") & SLOW == {"importlib.metadata"}


def test_completion_is_light(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shell starts the whole program at each press of the key."""
    monkeypatch.setenv("_SIGNALPROOF_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "signalproof explain OFFER")
    monkeypatch.setenv("COMP_CWORD", "2")
    assert imported(kit) & SLOW == set()


@pytest.mark.parametrize(
    ("arguments", "loaded"),
    [
        (("-k", "repeating_the_same_login", "--no-report"), CHECKING),
        (("-k", "repeating_the_same_login", "--report", "out"), CHECKING | PAGES),
        (("-k", "two_peers_connect_by_trickle", "--no-report"), CHECKING | CALLS),
        (("-k", "generated_input_among_ordinary_acts", "--examples", "1", "--no-report"), CHECKING | SCENES),
    ],
    ids=["logins", "pages", "calls", "scenes"],
)
def test_a_run_loads_what_its_checks_and_reports_need(
    kit: Kit, serve: Serve, arguments: tuple[str, ...], loaded: frozenset[str]
) -> None:
    """Real calls, random scenes, pages and tokens are for those who selected them."""
    found = imported(kit, "check", serve("Assembly").url, *arguments)
    assert found & (CHECKING | CALLS | SCENES | PAGES | TOKENS) == loaded
