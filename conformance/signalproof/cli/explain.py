"""`signalproof explain`: one requirement, and how to keep it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from shutil import get_terminal_size
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from signalproof.text.node_id import case_of

if TYPE_CHECKING:
    from signalproof.protocol.explanation import Explanation

__all__ = ["explain"]

_ITEM = re.compile(r"(?:-|\d+\.) ")


def complete_ids(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the ids of requirements."""
    from signalproof.protocol.requirements import catalogue

    return [
        CompletionItem(identifier, help=requirement.sentence)
        for identifier, requirement in catalogue().items()
        if identifier.startswith(incomplete.upper())
    ]


@click.command(
    epilog="""\b
Examples:
  signalproof explain OFFER-1
  signalproof explain offer4 http-3
  signalproof list                                   all of them""",
)
@click.argument("identifiers", metavar="ID…", nargs=-1, required=True, shell_complete=complete_ids)
def explain(identifiers: tuple[str, ...]) -> None:
    """Explain requirements, with a typical fix.

    The sentence, the reason, the checks that decide it, and what usually mends a server that breaks it.
    """
    from signalproof.protocol import explanation

    found = []
    for word in identifiers:
        identifier, near = explanation.meant(word)
        if identifier is None:
            remedy = f"did you mean {', '.join(near)}?" if near else "signalproof list shows them all"
            raise click.UsageError(f"there is no requirement {word!r}: {remedy}")
        found.append(identifier)
    width = min(get_terminal_size().columns, 100)
    for number, identifier in enumerate(found):
        if number:
            click.echo()
        for line in _lines(explanation.explain(identifier), width):
            click.echo(line)


def _lines(explained: Explanation, width: int) -> Iterator[str]:
    requirement = explained.requirement
    yield click.style(
        f"{requirement.id}   {requirement.level}, profile {requirement.profile}, {requirement.link}: "
        f"{explained.section}",
        bold=True,
    )
    yield from _paragraphs(explained.sentence, width)
    if explained.context:
        yield ""
        yield from _paragraphs(explained.context, width)
    yield ""
    if explained.checks:
        yield click.style("checks", bold=True)
        for name, purpose in explained.checks:
            yield f"  {name}"
            yield from textwrap.wrap(purpose, width, initial_indent="      ", subsequent_indent="      ")
        yield f"  run one by itself: signalproof check URL -k {case_of(explained.checks[0][0])}"
    else:
        yield f"no check: {requirement.untestable or 'none yet'}"
    if explained.fix:
        yield ""
        yield click.style("typical fix", bold=True)
        yield from textwrap.wrap(explained.fix, width, initial_indent="  ", subsequent_indent="  ")


def _paragraphs(markdown: str, width: int) -> Iterator[str]:
    """Wrap prose and items of lists; leave code and tables as they are.

    What rich makes of Markdown takes half as long again to come, and loses the backticks wherever there is no colour.
    """
    fenced = False
    for line in markdown.splitlines():
        if line.startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("|"):
            yield f"    {line}"
        else:
            item = _ITEM.match(line)
            under = " " * len(item[0]) if item else ""
            yield from textwrap.wrap(line, width, initial_indent="  ", subsequent_indent=f"  {under}") or [""]
