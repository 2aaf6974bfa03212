"""`signalproof diff`: two reports compared."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from signalproof.cli.group import Exit

__all__ = ["compare"]


@click.command(
    "diff",
    epilog="""\b
Examples:
  signalproof diff main/report.json signalproof-report/report.json
  signalproof diff old.json new.json --markdown >> "$GITHUB_STEP_SUMMARY"

\b
Exit codes: 0 nothing got worse, 1 something did, 4 a file is no report.""",
)
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option("--markdown", is_flag=True, help="Write Markdown, for a comment on a merge request.")
def compare(old: Path, new: Path, markdown: bool) -> None:
    """Compare two reports.

    OLD and NEW are the report.json of two runs; it says what broke, what was mended and what is still broken. Changes
    of times are named, but do not count as worse.
    """
    from signalproof.errors import InvalidTarget
    from signalproof.reports import diff, diff_text, reading

    try:
        found = diff.compare(reading.load(old), reading.load(new))
    except InvalidTarget as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(Exit.UNUSABLE)
    for line in diff_text.markdown(found) if markdown else diff_text.plain(found):
        click.echo(line)
    sys.exit(Exit.BROKEN if found.got_worse else Exit.CONFORMANT)
