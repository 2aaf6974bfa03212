"""One requirement explained: its sentence, the words around it, the checks that decide it, and a usual fix."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from signalproof.protocol.coverage import checks_by_requirement, purposes
from signalproof.protocol.requirements import Requirement, catalogue
from signalproof.protocol.resources import resource
from signalproof.text.suggestion import bare, nearest

__all__ = ["Explanation", "explain", "fixes", "meant"]

_STOP = re.compile(r"^(#|\*\*\[)")
_HEADING = re.compile(r"^#+ (.+)$")
_LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")


@dataclass(frozen=True, slots=True)
class Explanation:
    """What there is to say about a requirement; `checks` are names with their purposes.

    `sentence` and `context` are Markdown whose links have become words.
    """

    requirement: Requirement
    section: str
    sentence: str
    context: str
    checks: tuple[tuple[str, str], ...]
    fix: str | None


def explain(identifier: str) -> Explanation:
    """Explain a requirement of the catalogue; raises `KeyError` for any other."""
    requirement = catalogue()[identifier]
    section, context = _surroundings(requirement)
    about = purposes()
    checks = tuple((name, about.get(name, "")) for name in checks_by_requirement()[identifier])
    return Explanation(requirement, section, _unlinked(requirement.sentence), context, checks, fixes().get(identifier))


def meant(word: str) -> tuple[str | None, list[str]]:
    """Find the id that a word stands for, however it is written, or else the ids that are near."""
    by_spelling = {bare(identifier): identifier for identifier in catalogue()}
    if bare(word) in by_spelling:
        return by_spelling[bare(word)], []
    topic = re.sub(r"[^a-z]", "", word.lower())
    same = [identifier for identifier in catalogue() if identifier.lower().partition("-")[0] == topic]
    return None, same or nearest(word, catalogue(), most=5)


@cache
def fixes() -> Mapping[str, str]:
    """What usually mends a server, by requirement."""
    tables = tomllib.loads(Path(__file__).with_name("fixes.toml").read_text(encoding="utf-8"))
    return {identifier: text for table in tables.values() for identifier, text in table.items()}


def _surroundings(requirement: Requirement) -> tuple[str, str]:
    """Give the heading above the sentence, and what follows it up to the next one."""
    lines = resource("spec", f"{requirement.topic}.md").read_text(encoding="utf-8").splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith(f"**[{requirement.id}]**"))
    above = (found[1] for line in reversed(lines[:at]) if (found := _HEADING.match(line)))
    return next(above, ""), _unlinked("\n".join(_until_next(lines[at + 1 :])).strip())


def _unlinked(markdown: str) -> str:
    return _LINK.sub(r"\1", markdown)


def _until_next(lines: list[str]) -> Iterator[str]:
    fenced = False
    for line in lines:
        if not fenced and _STOP.match(line):
            return
        fenced ^= line.startswith("```")
        yield line
