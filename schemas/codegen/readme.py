"""The recipes, as `schemas/README.md` gives them to client authors."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from codegen.outcome import Broken

__all__ = ["README", "Recipe", "programs", "recipes"]

README = Path(__file__).resolve().parents[1] / "README.md"
CHAPTER = "## Generate a client"
TABLE = re.compile(
    r"^\| \[(?P<name>[^]]+)\]\(#(?P<anchor>[^)]+)\) \| (?P<makes>[^|]+) \| (?P<proof>[^|]+) \|$", re.MULTILINE
)
SECTION = re.compile(r"^### (?P<name>.+)\n(?P<text>(?:(?!^##).*\n?)*)", re.MULTILINE)
COMMANDS = re.compile(r"^```sh\n(?P<lines>.*?)^```$", re.MULTILINE | re.DOTALL)
PROGRAM = re.compile(r"<!-- (?P<file>clients/\S+) -->\n+```\w+\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to generate code for one language with one set of types."""

    name: str
    proof: str
    """What the README says was proven of it."""
    commands: tuple[str, ...]

    @property
    def slug(self) -> str:
        """The name as a folder and as an anchor."""
        return re.sub(r"[^\w-]", "", self.name.lower().replace(" ", "-"))


def recipes(readme: str) -> list[Recipe]:
    """Read the recipes: a row of the table, and a section of this name with one block of commands, for each."""
    chapter = re.split(r"^## ", readme.partition(f"{CHAPTER}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    blocks: dict[str, list[str]] = defaultdict(list)
    for section in SECTION.finditer(chapter):
        blocks[section["name"]] += COMMANDS.findall(section["text"])
    rows = [Recipe(row["name"], row["proof"], _commands(row["name"], blocks)) for row in TABLE.finditer(chapter)]
    if not rows:
        raise Broken(f"{README.name} has no table of recipes below {CHAPTER!r}")
    if unlisted := blocks.keys() - {row.name for row in rows}:
        raise Broken(f"{README.name}: no row in the table for {', '.join(sorted(unlisted))}")
    for row, found in zip(rows, TABLE.finditer(chapter), strict=True):
        if found["anchor"] != row.slug:
            raise Broken(f"{README.name}: {row.name} links to #{found['anchor']}, but its section is #{row.slug}")
    return rows


def _commands(name: str, blocks: Mapping[str, list[str]]) -> tuple[str, ...]:
    """Give the command lines of a section, without the line breaks inside them."""
    found = blocks.get(name, [])
    if len(found) != 1:
        raise Broken(f"{README.name}: the section {name!r} has {len(found)} blocks of commands, expected 1")
    return tuple(line.strip() for line in found[0].replace("\\\n", " ").splitlines() if line.strip())


def programs(readme: str) -> dict[str, str]:
    """Give the text of each program that the README shows, by its file."""
    return {program["file"]: program["text"] for program in PROGRAM.finditer(readme)}
