"""The run as JUnit XML, as Jenkins, GitLab and most others read it: a test suite for each topic."""

from __future__ import annotations

import re
from xml.etree import ElementTree as Xml

from signalproof.reports.digest import OUTCOMES
from signalproof.reports.shape import CheckRow, Report
from signalproof.run.outcomes import CheckOutcome
from signalproof.text.node_id import case_of, topic_of

__all__ = ["render"]

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold, not even escaped."""


def render(report: Report) -> bytes:
    """Write the report.

    A test suite has the outcomes of its requirements as properties, a test case names its requirements as its
    `group`: properties of test cases would break the schema that Jenkins checks.
    """
    rows = report["results"]
    root = Xml.Element("testsuites", {"name": "signalproof", **_counts(rows), "time": f"{_time(rows):.3f}"})
    if "problem" in report:
        text = f"{report['problem']}\n{report.get('remedy', '')}"
        suite = Xml.SubElement(root, "testsuite", {"name": "signalproof.target", "tests": "1", **_no_counts("1")})
        case = Xml.SubElement(suite, "testcase", {"classname": "signalproof.target", "name": "can be judged"})
        _text(Xml.SubElement(case, "error", {"message": _clean(report["problem"]), "type": "TargetUnusable"}), text)
        root.set("tests", "1")
        root.set("errors", "1")
    for topic in dict.fromkeys(topic_of(row["check"]) for row in rows):
        _suite(root, report, topic, [row for row in rows if topic_of(row["check"]) == topic])
    Xml.indent(root)
    document: bytes = Xml.tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _suite(root: Xml.Element, report: Report, topic: str, rows: list[CheckRow]) -> None:
    skipped = str(sum(row["outcome"] == CheckOutcome.SKIPPED or row.get("known", False) for row in rows))
    attributes = {"name": f"signalproof.{topic}", **_counts(rows), "skipped": skipped, "time": f"{_time(rows):.3f}"}
    attributes["timestamp"] = report["started_at"].partition("+")[0]
    suite = Xml.SubElement(root, "testsuite", attributes)
    properties = Xml.SubElement(suite, "properties")
    cited = {identifier for row in rows for identifier in row["requirements"]}
    facts = {"target": report["target"], "spec_version": report["spec_version"]}
    facts |= {
        row["id"]: OUTCOMES.get(row["outcome"], row["outcome"]) for row in report["requirements"] if row["id"] in cited
    }
    for name, value in facts.items():
        Xml.SubElement(properties, "property", {"name": name, "value": _clean(value)})
    for row in rows:
        _case(suite, topic, row)


def _case(suite: Xml.Element, topic: str, row: CheckRow) -> None:
    attributes = {
        "classname": f"signalproof.{topic}",
        "name": _clean(case_of(row["check"])),
        "time": f"{row['duration_s']:.3f}",
    }
    case = Xml.SubElement(suite, "testcase", {**attributes, "group": ", ".join(row["requirements"])})
    message, ladder = row["message"], row.get("ladder", "")
    parts = [message, *([f"hint: {row['hint']}"] if "hint" in row else []), "", ladder]
    whole = "\n".join(parts)
    head = _clean(message.partition("\n")[0])
    if row.get("known"):
        Xml.SubElement(case, "skipped", {"message": f"known, by the baseline: {head}"})
        _text(Xml.SubElement(case, "system-out"), whole)
        return
    match row["outcome"]:
        case CheckOutcome.FAILED:
            _text(Xml.SubElement(case, "failure", {"message": head, "type": "NonConformance"}), whole)
        case CheckOutcome.ERROR:
            _text(Xml.SubElement(case, "error", {"message": head, "type": "KitError"}), whole)
        case CheckOutcome.SKIPPED:
            Xml.SubElement(case, "skipped", {"message": head})
        case CheckOutcome.PASSED:
            pass
        case other:
            _text(Xml.SubElement(case, "system-out"), f"{other}: {whole}")


def _counts(rows: list[CheckRow]) -> dict[str, str]:
    failures = sum(row["outcome"] == CheckOutcome.FAILED and not row.get("known") for row in rows)
    errors = sum(row["outcome"] == CheckOutcome.ERROR for row in rows)
    return {"tests": str(len(rows)), "failures": str(failures), "errors": str(errors)}


def _no_counts(errors: str) -> dict[str, str]:
    return {"failures": "0", "errors": errors}


def _time(rows: list[CheckRow]) -> float:
    return sum(row["duration_s"] for row in rows)


def _text(element: Xml.Element, text: str) -> None:
    element.text = _clean(text)


def _clean(text: str) -> str:
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)
