"""What is written down about the proof is complete, is about the faults and checks of today, and says so."""

from __future__ import annotations

import ast
import copy
import json
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.faults.faults import FAULTS
from tests.faults.proof import write_matrix
from tests.proof.document import render
from tests.proof.figures import DOCUMENT, OLD_BASELINE, Measured, checked
from tests.proof.sections import place_and_reason
from tests.proof.targets import OLDSTYLE
from tests.targets.null import KINDS

from signalproof.protocol.coverage import checks_by_requirement
from signalproof.protocol.requirements import Level, Requirement, catalogue

MEASURED = Measured.read()
MUSTS = [requirement for requirement in checked() if requirement.level is Level.MUST]
RENEW = "run `make proof`, or `make proof ARGS='--only FAULT …'` for these faults, and commit tests/proof"


def stale(measured: Measured) -> Iterator[str]:
    """Give the faults whose row is missing, is about another fault of that name, or names checks that are gone."""
    rows = {row["fault"]: row for row in measured.rows}
    names = {check.rpartition("::")[2] for checks in checks_by_requirement().values() for check in checks}
    for name, fault in FAULTS.items():
        if name not in rows:
            yield f"{name} is missing"
        elif (rows[name]["fingerprint"], tuple(rows[name]["requirements"])) != (fault.fingerprint, fault.requirements):
            yield f"{name} has changed since"
        elif gone := {check.partition("[")[0] for checks in rows[name]["killers"].values() for check in checks} - names:
            yield f"{name} was caught by {', '.join(sorted(gone))}, which is no more"
    yield from (f"{name} is no more" for name in rows if name not in FAULTS)


def unproven(measured: Measured) -> Iterator[str]:
    """Give the requirements without a fault that was caught under their id, and the faults with open questions."""
    for requirement in MUSTS:
        if not any(measured.killers(requirement.id).values()):
            yield requirement.id
    for row in measured.rows:
        if row["problem"] or row["unexplained"] or not set(row["requirements"]) <= set(row["killers"]):
            yield row["fault"]


def wrong_about_servers(measured: Measured) -> Iterator[str]:
    """Give the servers about which the kit was wrong, or was not asked."""
    nulls = measured.targets.get("null", [])
    asked = {(row["kind"], row["sockets"]) for row in nulls}
    yield from (f"{kind} was not asked" for kind in KINDS for sockets in (False, True) if (kind, sockets) not in asked)
    yield from (f"{row['kind']} kept {row['kept']}" for row in nulls if row["kept"] or row["passed"])
    others = measured.targets.get("contrarian", [])
    yield from (f"contrarian: {auth} was not asked" for auth in {False, True} - {row["auth"] for row in others})
    yield from (f"contrarian: {row['kept']}" for row in others if not row["kept"] == row["musts"] > 0)
    old = measured.targets.get("oldstyle", {})
    yield from (f"old style: {identifier}" for part in ("unexpected", "stale") for identifier in old.get(part, ()))


def test_the_matrix_is_about_the_faults_and_checks_of_today() -> None:
    """Each fault has a row of its own, made since it was last changed."""
    assert list(stale(MEASURED)) == [], RENEW


def test_every_must_is_proven() -> None:
    """Of every profile that has checks; each fault was caught, and whatever else broke is explained."""
    assert list(unproven(MEASURED)) == [], RENEW


def test_the_kit_is_right_about_servers_at_both_ends() -> None:
    """Those that do nothing keep nothing, the contrarian keeps all."""
    assert list(wrong_about_servers(MEASURED)) == [], RENEW


def test_one_fault_reads_as_one() -> None:
    """Half of the faults that met the whole suite have at most two requirements named, their own included."""
    assert median(MEASURED.named) <= 2


def test_the_document_says_what_was_measured() -> None:
    """It is written by `python tests/proof/document.py`, and by nobody else."""
    assert DOCUMENT.read_text(encoding="utf-8") == render(MEASURED), "run `python tests/proof/document.py`"


@pytest.mark.parametrize("requirement", catalogue().values(), ids=lambda requirement: requirement.id)
def test_the_document_has_every_requirement(requirement: Requirement) -> None:
    """With a fault, or with the reason why there is none."""
    rows = [line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    proven = f"| [{requirement.id}](../../{requirement.link}) | {requirement.level} | `"
    excused = f"| {requirement.id} | "
    assert any(row.startswith((proven, excused)) for row in rows)


@pytest.mark.parametrize("fault", FAULTS)
def test_the_document_has_every_fault(fault: str) -> None:
    """In a row of its own."""
    assert f"\n| `{fault}` | " in DOCUMENT.read_text(encoding="utf-8")


# ── these tests can fail ───────────────────────────────────────────────────────────────────────

Figures = dict[str, Any]


def without_a_row(proof: Figures) -> None:
    """Leave a fault out."""
    del proof["faults"][7]


def with_a_row_of_nothing(proof: Figures) -> None:
    """Put a fault in that there is not."""
    proof["faults"].append({**proof["faults"][0], "fault": "was_removed"})


def with_another_fingerprint(proof: Figures) -> None:
    """Be about a fault before it was changed."""
    proof["faults"][7]["fingerprint"] = "0" * 12


def with_another_requirement(proof: Figures) -> None:
    """Be about a fault that broke something else."""
    proof["faults"][7]["requirements"] = ["SEC-1"]


def with_an_old_check(proof: Figures) -> None:
    """Name a check that was renamed."""
    row = proof["faults"][7]
    row["killers"][row["requirements"][0]] = ["test_of_yesterday[json]"]


def with_a_survivor(proof: Figures) -> None:
    """Have nobody catch a fault."""
    proof["faults"][7]["killers"] = {}


def with_a_must_that_nobody_proved(proof: Figures) -> None:
    """Have the faults of one requirement caught under other ids."""
    for row in proof["faults"]:
        row["killers"].pop("OFFER-1", None)


def with_something_unexplained(proof: Figures) -> None:
    """Have something else break without a reason."""
    proof["faults"][7]["unexplained"] = {"SEC-1": ["test_x"]}


@pytest.mark.parametrize(
    ("change", "rule", "finding"),
    [
        (without_a_row, stale, "is missing"),
        (with_a_row_of_nothing, stale, "was_removed is no more"),
        (with_another_fingerprint, stale, "has changed since"),
        (with_another_requirement, stale, "has changed since"),
        (with_an_old_check, stale, "was caught by test_of_yesterday, which is no more"),
        (with_a_survivor, unproven, FAULTS and list(FAULTS)[7]),
        (with_a_must_that_nobody_proved, unproven, "OFFER-1"),
        (with_something_unexplained, unproven, list(FAULTS)[7]),
    ],
    ids=lambda part: getattr(part, "__name__", ""),
)
def test_a_matrix_that_is_not_true_is_found(
    change: Callable[[Figures], None], rule: Callable[[Measured], Iterator[str]], finding: str
) -> None:
    """Each in a copy of the one that is true."""
    changed = replace(MEASURED, proof=copy.deepcopy(MEASURED.proof))
    change(changed.proof)
    assert any(finding in found for found in rule(changed))
    assert render(changed) != render(MEASURED) or rule is stale


@pytest.mark.parametrize(
    "change",
    [
        lambda targets: targets["null"].pop(),
        lambda targets: targets["null"][0].update(kept=1),
        lambda targets: targets["null"][0].update(passed=1),
        lambda targets: targets["contrarian"].pop(),
        lambda targets: targets["contrarian"][0].update(kept=1),
        lambda targets: targets.clear(),
        lambda targets: targets["oldstyle"].update(unexpected=["OFFER-1"]),
        lambda targets: targets["oldstyle"].update(stale=["OFFER-1"]),
    ],
    ids=[
        *("no_null", "null_kept", "null_passed", "no_contrarian", "contrarian_failed", "nothing"),
        *("old_style_fails_more", "old_style_fails_less"),
    ],
)
def test_figures_of_servers_that_are_not_right_are_found(change: Callable[[Figures], object]) -> None:
    """Each in a copy of those that are."""
    changed = replace(MEASURED, targets=copy.deepcopy(MEASURED.targets))
    change(changed.targets)
    assert list(wrong_about_servers(changed))


def test_what_was_not_measured_is_said() -> None:
    """A file that is missing is no proof of anything."""
    text = render(Measured({}, {}, {}, {}))
    assert text.count("*Not measured yet.*") >= 10
    assert "| MUST | **none** |" in text


def test_the_figures_of_the_model_have_their_place() -> None:
    """As soon as there is a `model.json`."""
    broken = {"a": ["OFFER-1"], "b": ["OFFER-2"], "c": []}
    model = {"date": "2026-01-01", "commit": "abc", "examples": 9, "found": 2, "faults": 3, "broken": broken}
    text = render(replace(MEASURED, model=model))
    assert "| 2 of 3 | `tests/faults/by_chance.py` | 2026-01-01, abc |" in text
    assert "In 9 scenes for each fault it finds 2 of 3." in text
    assert "Found: `a`, `b`." in text
    assert "Not found: `c`." in text


def test_a_part_of_the_matrix_can_be_made_anew(tmp_path: Path) -> None:
    """The rows of other faults stay, those of faults that are no more go, and the document says that it happened."""
    path = tmp_path / "proof.json"
    first, second = list(FAULTS)[:2]
    rows = {name: {"fault": name, "made": 1} for name in (first, second, "was_removed")}
    path.write_text(json.dumps({**MEASURED.proof, "date": "2026-01-01", "faults": [*rows.values()]}), encoding="utf-8")
    write_matrix(path, {second: {"fault": second, "made": 2}}, 9, partial=True)
    matrix = json.loads(path.read_text(encoding="utf-8"))
    assert [(row["fault"], row["made"]) for row in matrix["faults"]] == [(first, 1), (second, 2)]
    assert (matrix["date"], matrix["seconds"]) == ("2026-01-01", MEASURED.proof["seconds"])
    assert f", in part {matrix['renewed']} |" in render(replace(MEASURED, proof={**matrix, "faults": []}))
    write_matrix(path, {second: {"fault": second, "made": 3}}, 9, partial=False)
    matrix = json.loads(path.read_text(encoding="utf-8"))
    assert [row["made"] for row in matrix["faults"]] == [3]
    assert matrix["seconds"] == 9


def test_the_server_in_the_old_style_has_its_place() -> None:
    """With what its baseline lists, and what the baseline is wrong about."""
    known = [{"requirement": "OFFER-1", "reason": "`OfferView.offer`: one row per sender"}]
    old = {"known": known, "stale": ["OFFER-2"], "unexpected": ["OFFER-3"]}
    text = render(replace(MEASURED, targets={**MEASURED.targets, "oldstyle": old}))
    assert "| 1 breaches that its baseline lists, 1 others |" in text
    assert "| OFFER-1 | `OfferView.offer` | one row per sender |" in text
    assert "Failed beside the baseline: OFFER-3." in text
    assert "On the baseline, and kept: OFFER-2." in text


def names_of(path: Path) -> set[str]:
    """Give the classes and functions of a module, methods as `Class.method`."""
    found = set[str]()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{part.name}" for part in node.body if isinstance(part, ast.FunctionDef)}
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
    return found


OLD_ENTRIES = tomllib.loads(OLD_BASELINE.read_text(encoding="utf-8"))["known"]


@pytest.mark.parametrize("entry", OLD_ENTRIES, ids=lambda entry: entry["requirement"])
def test_what_breaks_a_requirement_in_the_old_style_is_there(entry: dict[str, str]) -> None:
    """The table names functions of the target, and is the baseline's."""
    place, reason = place_and_reason(" ".join(entry["reason"].split()))
    named = re.findall(r"`([^`]+)`", place)
    assert named
    assert set(named) <= names_of(OLDSTYLE)
    assert f"| {entry['requirement']} | {place} | " in DOCUMENT.read_text(encoding="utf-8")
    assert reason


def test_the_server_in_the_old_style_breaks_in_all_forms_what_its_baseline_says() -> None:
    """What only some of them break is listed as flaky."""
    certain = {entry["requirement"] for entry in OLD_ENTRIES if entry["outcome"] != "flaky"}
    every = {entry["requirement"] for entry in OLD_ENTRIES}
    forms = MEASURED.targets["oldstyle"]["forms"]
    assert len(forms) == 4
    for form in forms:
        assert certain <= set(form["named"]) <= every, form["form"]
