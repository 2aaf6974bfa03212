"""Baselines and judged results, made up for tests."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

from signalproof.cast.cast import Cast
from signalproof.errors import NonConformance
from signalproof.protocol.requirements import Level, catalogue
from signalproof.run import baseline_file
from signalproof.run.baseline import Baseline
from signalproof.run.result import Check, Result

CARRIED = "test_the_description_is_forwarded_character_for_character"
LOGIN_AGAIN = "test_repeating_the_same_login_is_harmless"


def entry(requirement: str = "OFFER-4", *, outcome: str = "fail", reason: str = "It trims.", check: str = "") -> str:
    """Write one entry."""
    narrowed = f'check = "{check}"\n' if check else ""
    return f'[[known]]\nrequirement = "{requirement}"\n{narrowed}outcome = "{outcome}"\nreason = "{reason}"\n'


def load(folder: Path, *entries: str) -> Baseline:
    """Read a baseline of these entries."""
    path = folder / "known.toml"
    path.write_text("\n".join(entries), encoding="utf-8")
    return baseline_file.read(path)


async def never(_: Cast) -> None:
    """Stand for the body of a check."""


def result(name: str, *cited: str, broken: tuple[str, ...] = (), ended: bool = True) -> Result:
    """Make the judged result of a check; `broken` in one breach, and the check ended by it unless `ended`."""
    check = Check(f"test_offer.py::{name}", never, cited)
    stub = SimpleNamespace(warnings=[], redact=str)
    made = Result(check, cast("Cast", stub), judged=True)
    if broken:
        must = catalogue()[broken[0]].level is Level.MUST
        found = NonConformance(*broken, expected="this", received="that\nand\x00more")
        (made.breaches if must else stub.warnings).append(found)
        made.error = None if ended else found
    return made


def replaced(path: Path, old: str, new: str) -> Path:
    """Change the text of a baseline."""
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    return path
