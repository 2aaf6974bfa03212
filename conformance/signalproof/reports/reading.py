"""Reads a `report.json` that an earlier run left behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

from signalproof.errors import InvalidTarget
from signalproof.protocol.resources import resource
from signalproof.reports.shape import VERSION, Report
from signalproof.text.untrusted import read_json

__all__ = ["load"]


def load(path: Path) -> Report:
    """Read a report; raises `InvalidTarget` where the file holds none that this version understands."""
    from jsonschema import Draft202012Validator

    try:
        value = read_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidTarget(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise InvalidTarget(f"{path} is not JSON: name the report.json of a run") from None
    if not isinstance(value, dict) or "results" not in value:
        raise InvalidTarget(f"{path} is not the report.json of a run")
    if value.get("report_version") != VERSION:
        raise InvalidTarget(
            f"{path} is a report of version {value.get('report_version', 0)}, and this signalproof reads "
            f"version {VERSION}: run the check again with this one"
        )
    schema = json.loads(resource("schemas", "report", "Report.json").read_text(encoding="utf-8"))
    problem = next(Draft202012Validator(schema).iter_errors(value), None)
    if problem is not None:
        raise InvalidTarget(f"{path} is no valid report: {problem.json_path}: {problem.message[:200]}")
    return cast("Report", value)
