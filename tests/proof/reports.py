"""Writes `reports.md`: what public reports tell, which variant rebuilds it, and as what the kit catches that.

The reports are listed in `reports.toml`. Faults are caught by what `proof.json` says of them, proxies by what
`tests/targets/test_proxies.py` expects.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.proof.figures import Measured, cells
from tests.targets.proxies import WRONG

from signalproof.protocol.requirements import catalogue

__all__ = ["LOG", "REPORTS", "Report", "caught", "read_reports", "render_reports"]

REPORTS: Final = Path(__file__).with_name("reports.toml")
LOG: Final = Path(__file__).with_name("reports.md")


@dataclass(frozen=True, slots=True)
class Report:
    """One public report, and the variants that do the same."""

    link: str
    title: str
    what: str
    faults: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The repository and the number, as people write them."""
        owner, repository, _, number = self.link.removeprefix("https://github.com/").split("/")
        return f"{owner}/{repository}#{number}"


def read_reports() -> list[Report]:
    """Read the list."""
    listed = tomllib.loads(REPORTS.read_text(encoding="utf-8"))["report"]
    return [
        Report(
            entry["link"],
            entry["title"],
            entry["what"],
            tuple(entry.get("faults", ())),
            tuple(entry.get("proxies", ())),
        )
        for entry in listed
    ]


def caught(report: Report, measured: Measured) -> dict[str, tuple[str, ...]]:
    """Give the requirements as which each variant of a report was caught; none where it was not."""
    rows = {row["fault"]: row for row in measured.rows}
    found = {fault: tuple(rows[fault]["killers"]) if fault in rows else () for fault in report.faults}
    return found | {proxy: (WRONG[proxy].id,) if proxy in WRONG else () for proxy in report.proxies}


def render_reports(measured: Measured) -> str:
    """Give the text of `reports.md`."""
    return "\n".join(_lines(measured))


def _lines(measured: Measured) -> Iterator[str]:
    reports = read_reports()
    variants = {variant for report in reports for variant in (*report.faults, *report.proxies)}
    yield from (
        "# What breaks in the field, and as what the kit catches it",
        "",
        f"{len(reports)} public reports of signalling servers, Socket.IO stacks, frameworks and proxies,",
        f"and the {len(variants)} variants that rebuild what they tell:",
        "faults of the reference server in [tests/faults](../faults), which `make proof` meets,",
        "and real proxies in front of it in [tests/targets](../targets/proxies.py), which `make test` meets.",
        "A variant does what the report is about; it is not the reporter's program.",
        "This page is written by programs; do not edit it: the reports are listed in [reports.toml](reports.toml).",
        "",
        "| report | what happens | variant | caught as |",
        "|---|---|---|---|",
    )
    for report in reports:
        found = caught(report, measured)
        ids = dict.fromkeys(identifier for several in found.values() for identifier in several or ("**nothing**",))
        yield cells(
            f"[{report.name}]({report.link}) {_title(report.title)}",
            report.what,
            ", ".join(f"`{variant}`" for variant in found),
            ", ".join(map(_as_what, ids)),
        )
    yield ""


def _as_what(identifier: str) -> str:
    """Link a requirement; behind some proxies nothing can be judged, and the run ends with the reason."""
    if not identifier:
        return "exit code 4, with the cause"
    requirement = catalogue().get(identifier)
    return f"[{identifier}](../../{requirement.link})" if requirement else identifier


def _title(title: str) -> str:
    """Keep the markup in a title from being any."""
    return "".join(f"\\{character}" if character in "*_[]<>" else character for character in title)
