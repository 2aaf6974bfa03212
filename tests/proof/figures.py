"""What was measured, as the files beside this one hold it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final

from signalproof.protocol.requirements import CHECKED_PROFILES, PROFILES, Requirement, catalogue

__all__ = [
    "DOCUMENT",
    "MODEL",
    "NOTHING",
    "OLD_BASELINE",
    "OLD_PROFILES",
    "PROOF",
    "SOAK",
    "TARGETS",
    "Figures",
    "Measured",
    "auth_of",
    "cells",
    "checked",
    "checks_of",
    "found_by_chance",
    "names",
    "took",
    "when",
]

HERE: Final = Path(__file__).parent
DOCUMENT: Final = HERE / "proof.md"
PROOF: Final = HERE / "proof.json"
TARGETS: Final = HERE / "targets.json"
SOAK: Final = HERE / "soak.json"
MODEL: Final = HERE / "model.json"
OLD_BASELINE: Final = HERE / "oldstyle.toml"
OLD_PROFILES: Final = "core,ice,call,presence"
"""What the server in the old style offers; it has no discovery document to say so."""
NOTHING: Final = "*Not measured yet.*"

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Measured:
    """All that was measured, as it stands in the files; an empty one is missing."""

    proof: Figures
    targets: Figures
    soak: Figures
    model: Figures

    @classmethod
    def read(cls) -> Measured:
        """Read the files."""
        return cls(*(_read(path) for path in (PROOF, TARGETS, SOAK, MODEL)))

    @property
    def named(self) -> list[int]:
        """How many requirements were named for each fault that met the whole suite."""
        found = ("killers", "collateral", "unexplained")
        return [len({*chain(*(row[part] for part in found))}) for row in self.rows if row["whole_suite"]]

    @property
    def rows(self) -> list[Figures]:
        """What came of each fault."""
        rows: list[Figures] = self.proof.get("faults", [])
        return rows

    def killers(self, requirement: str) -> dict[str, list[str]]:
        """Give the faults that break a requirement, each with the checks that said so."""
        return {row["fault"]: row["killers"].get(requirement, []) for row in self.rows if requirement in
                row["requirements"]}  # fmt: skip


def _read(path: Path) -> Figures:
    figures: Figures = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return figures


def found_by_chance(model: Figures) -> tuple[list[str], list[str]]:
    """Give the faults that the model check finds, and those that it does not."""
    broken: dict[str, list[str]] = model["broken"]
    return [name for name, ids in broken.items() if ids], [name for name, ids in broken.items() if not ids]


# ── cells ──────────────────────────────────────────────────────────────────────────────────────────


def checked() -> list[Requirement]:
    """Give the requirements that checks have to prove, profile by profile."""
    wanted = [r for r in catalogue().values() if r.profile in CHECKED_PROFILES and not r.untestable]
    return sorted(wanted, key=lambda requirement: PROFILES.index(requirement.profile))


def cells(*contents: object) -> str:
    """Give one row of a table."""
    escaped = (str(cell).strip().replace("|", "\\|").replace("\n", "<br>") for cell in contents)
    return f"| {' | '.join(escaped)} |"


def names(listed: Iterable[str]) -> str:
    """List names."""
    return ", ".join(f"`{name}`" for name in listed) or "none"


def checks_of(checks: Sequence[str]) -> str:
    """Name the first checks."""
    more = f" and {len(checks) - 3} more" if len(checks) > 3 else ""
    return ", ".join(f"`{check}`" for check in checks[:3]) + more


def when(figures: Figures) -> str:
    """Say when and at which commit something was measured."""
    if not figures:
        return ""
    renewed = f", in part {figures['renewed']}" if figures.get("renewed", figures["date"]) != figures["date"] else ""
    return f"{figures['date']}, {figures['commit']}{renewed}"


def took(figures: Figures) -> str:
    """Say how long it took."""
    return f"in {figures['seconds']} s on {figures['cores']} cores" if figures else ""


def auth_of(row: Figures) -> str:
    """Say whether the server asked for tokens."""
    return "with authentication" if row["auth"] else "without authentication"
