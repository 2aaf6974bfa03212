"""The log of public reports is true: each is rebuilt by variants that there are, and each of these is caught."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from tests.faults.faults import FAULTS
from tests.proof.figures import Measured
from tests.proof.reports import LOG, Report, caught, read_reports, render_reports
from tests.targets.proxies import WRONG

from signalproof.protocol.requirements import catalogue

MEASURED = Measured.read()
LISTED = read_reports()
LEAST = 45


@pytest.mark.parametrize("report", LISTED, ids=lambda report: report.name)
def test_a_report_is_rebuilt_by_variants_that_are_caught(report: Report) -> None:
    """Faults by what was measured, under each requirement that they break, proxies as their tests expect."""
    assert re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+/(issues|pull)/\d+", report.link)
    assert report.title
    assert report.what.endswith(".")
    assert report.faults or report.proxies
    assert {*report.faults} <= {*FAULTS}
    assert {*report.proxies} <= {*WRONG}
    found = caught(report, MEASURED)
    for fault in report.faults:
        assert set(FAULTS[fault].requirements) <= set(found[fault]), f"{fault} was not caught"
    for proxy in report.proxies:
        assert not WRONG[proxy].id or WRONG[proxy].id in catalogue()


def test_no_report_is_listed_twice() -> None:
    """And there are enough of them."""
    links = [report.link for report in LISTED]
    assert len(set(links)) == len(links) >= LEAST


def test_the_log_says_what_was_measured() -> None:
    """It is written by `python tests/proof/document.py`, and by nobody else."""
    assert LOG.read_text(encoding="utf-8") == render_reports(MEASURED), "run `python tests/proof/document.py`"


def test_a_variant_that_was_not_caught_is_seen() -> None:
    """As soon as the matrix has no killer of it."""
    fault = LISTED[0].faults[0]
    rows = [{**row, "killers": {}} if row["fault"] == fault else row for row in MEASURED.rows]
    missed = replace(MEASURED, proof={**MEASURED.proof, "faults": rows})
    assert caught(LISTED[0], missed)[fault] == ()
    assert "**nothing**" in render_reports(missed)
    assert "**nothing**" not in render_reports(MEASURED)
