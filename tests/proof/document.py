"""Writes `proof.md` and `reports.md` from what was measured: `python tests/proof/document.py`.

Each measurement has a file of its own beside this one and a command that makes it anew. A file that is not there
is said to be missing:

- `proof.json`, the kill matrix, by `make proof`;
- `targets.json`, servers that do nothing, another way or the old way, by `make proof`;
- `soak.json`, the suite repeated under stress, by `make soak`;
- `model.json`, what the model check finds by itself, by `python tests/faults/by_chance.py`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.proof import sections
from tests.proof.figures import DOCUMENT, NOTHING, Measured, auth_of, cells, checked, took, when
from tests.proof.reports import LOG, render_reports

from signalproof.protocol.requirements import Level

__all__ = ["render", "write_document"]


def write_document() -> None:
    """Write `proof.md` and `reports.md`."""
    measured = Measured.read()
    DOCUMENT.write_text(render(measured), encoding="utf-8")
    LOG.write_text(render_reports(measured), encoding="utf-8")


def render(measured: Measured) -> str:
    """Give the text of `proof.md`."""
    parts = (
        _head(measured),
        sections.requirements(measured),
        sections.faults(measured),
        sections.nulls(measured.targets),
        sections.contrarian(measured.targets),
        sections.oldstyle(measured.targets),
        sections.soak(measured.soak),
        sections.model(measured.model),
        sections.unproven(),
    )
    return "\n".join(line for part in parts for line in [*part, ""])


def _head(measured: Measured) -> Iterator[str]:
    yield from (
        "# Proof that the kit can fail, and that it does not fail the innocent",
        "",
        "A verdict is worth what its proof is worth.",
        "So the kit is run against servers that are wrong on purpose, each in one way: it has to find that, and name",
        "the requirement. And it is run against correct servers of unusual kinds, and over and over: it has to find",
        "nothing.",
        "This page is written by programs; do not edit it.",
        "",
        "| what | result | made by | measured |",
        "|---|---|---|---|",
    )
    rows = measured.rows
    killed = [row for row in rows if not row["problem"] and set(row["requirements"]) <= set(row["killers"])]
    named = measured.named
    stray = sum(bool(row["unexplained"]) for row in rows)
    musts = [r for r in checked() if r.level is Level.MUST]
    proven = [r for r in musts if any(measured.killers(r.id).values())]
    yield cells(
        "[MUST requirements](#requirements) whose breach was caught by name",
        f"{len(proven)} of {len(musts)}" if rows else NOTHING,
        "`make proof`",
        when(measured.proof),
    )
    yield cells(
        "[faults](#faults) killed",
        f"{len(killed)} of {len(rows)}; {stray} with other findings that nobody can explain" if rows else NOTHING,
        "`make proof`",
        took(measured.proof),
    )
    yield cells(
        "MUST requirements named for one fault, by the whole suite",
        f"median {median(named):g}, at most {max(named)}; {len(named)} faults" if named else NOTHING,
        "`make proof`",
        when(measured.proof),
    )
    nulls = measured.targets.get("null", [])
    kept = sum(row["kept"] for row in nulls)
    yield cells(
        "MUST requirements kept by [servers that do nothing](#servers-that-do-nothing)",
        f"{kept}, by {len(nulls)} servers" if nulls else NOTHING,
        "`make proof`",
        when(measured.targets),
    )
    others = measured.targets.get("contrarian", [])
    yield cells(
        "MUST requirements kept by a [server that does everything in another way](#the-contrarian)",
        "; ".join(f"{row['kept']} of {row['musts']} {auth_of(row)}" for row in others) or NOTHING,
        "`make proof`",
        when(measured.targets),
    )
    old = measured.targets.get("oldstyle", {})
    yield cells(
        "a [server in the old style](#the-server-in-the-old-style)",
        f"{len(old['known'])} breaches that its baseline lists, {len(old['unexpected'])} others" if old else NOTHING,
        "`make proof`",
        when(measured.targets),
    )
    for name, record in measured.soak.items():
        yield cells(
            f"[runs](#repetition-under-stress) that did not pass, stress `{name}`",
            f"{record['runs_that_did_not_pass']} of {record['runs']}",
            f"`make soak STRESS={name} N={record['runs']}`",
            when(record),
        )
    if not measured.soak:
        yield cells("[runs](#repetition-under-stress) that did not pass", NOTHING, "`make soak`", "")
    model = measured.model
    yield cells(
        "faults that the [model check](#the-model-check) finds by itself",
        f"{model['found']} of {model['faults']}" if model else NOTHING,
        "`tests/faults/by_chance.py`",
        when(model),
    )


if __name__ == "__main__":
    write_document()
