"""The folder that a run leaves behind: `report.json`, and what is made from it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile

from signalproof.errors import InvalidTarget
from signalproof.reports.shape import Report

__all__ = ["DEFAULT", "discard", "prepare", "publish", "write"]

DEFAULT = "signalproof-report"
"""Where reports go unless told otherwise."""
NAMES = ("report.json", "junit.xml", "summary.md", "badge.json", "report.html")
"""What is written there."""


def _renderers() -> Mapping[str, Callable[[Report], bytes]]:
    from signalproof.reports import badge, html, json_report, junit, markdown

    return {
        "report.json": json_report.dump,
        "junit.xml": junit.render,
        "summary.md": markdown.render,
        "badge.json": badge.render,
        "report.html": html.render,
    }


def prepare(folder: Path) -> None:
    """Make the folder and see that it can be written to; raises `InvalidTarget` where it cannot.

    The reports of an earlier run are removed: they would be taken for those of this one.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=folder, prefix=".signalproof-"):
            pass
        discard(folder)
    except OSError as error:
        raise InvalidTarget(
            f"the report folder {folder} cannot be written to ({error.strerror}): "
            "name another one with --report DIR, or write none with --no-report"
        ) from None


def discard(folder: Path) -> None:
    """Remove the reports of an earlier run."""
    for name in NAMES:
        (folder / name).unlink(missing_ok=True)


def write(folder: Path, report: Report) -> Path:
    """Write all reports into a folder and give the path of the one for people.

    Each is written aside and then renamed, so that none ever stands there by half.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, render in _renderers().items():
        _replace(folder / name, render(report))
    return folder / "report.html"


def _replace(path: Path, content: bytes) -> None:
    aside = path.with_name(f".{path.name}.new")
    aside.write_bytes(content)
    aside.replace(path)


def publish(folder: Path | None, report: Report) -> Iterator[str]:
    """Write the reports and tell GitHub Actions of them; give the lines that say so."""
    from signalproof.reports import github, markdown

    if folder is not None:
        try:
            yield f"report: {write(folder, report)}"
        except OSError as error:
            yield f"the reports could not be written into {folder}: {error.strerror}"
    if os.environ.get("GITHUB_STEP_SUMMARY"):
        yield from github.append_summary(markdown.render(report), os.environ)
    yield from github.annotate(report, os.environ)
