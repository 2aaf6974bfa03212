"""The requirement catalogue, extracted from `spec/*.md`; nothing in it is typed twice."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from signalproof.errors import KitError
from signalproof.protocol.resources import resource

__all__ = ["CHECKED_PROFILES", "PROFILES", "Level", "Requirement", "catalogue", "spec_version"]

PROFILES = ("core", "ice", "call", "presence", "correlation", "auth", "scale")
CHECKED_PROFILES = PROFILES[:-1]
"""The profiles that this kit has checks for."""

_PROFILE = re.compile(r"^Profile: `([a-z]+)`$", re.MULTILINE)
_REQUIREMENT = re.compile(r"^\*\*\[([A-Z]+-\d+[a-z]?)\]\*\* (.+)$", re.MULTILINE)
_KEYWORD = re.compile(r"\b(MUST|SHOULD)\b")
_UNTESTABLE = re.compile(r" \*\(not testable from outside: (.+)\)\*$")
_INDEX_LINK = re.compile(r"^\d+\. \[[^\]]+\]\(([a-z-]+\.md)\)", re.MULTILINE)
_VERSION = re.compile(r"^Version: (\d+\.\d+)$", re.MULTILINE)


class Level(StrEnum):
    """How much a requirement binds: its BCP 14 keyword."""

    MUST = "MUST"
    SHOULD = "SHOULD"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One normative sentence. `untestable` gives the reason why no outside check exists, or None."""

    id: str
    level: Level
    profile: str
    topic: str
    sentence: str
    untestable: str | None

    @property
    def link(self) -> str:
        """Where the sentence stands, relative to the project: `spec/offer.md`."""
        return f"spec/{self.topic}.md"


def parse_topic(path: Path) -> list[Requirement]:
    """Read the requirements of one topic file, in order.

    Raises `KitError` for a requirement without a profile or without exactly one keyword.
    """
    text = path.read_text(encoding="utf-8")
    profile = _PROFILE.search(text)
    found = []
    for identifier, line in _REQUIREMENT.findall(text):
        if profile is None:
            raise KitError(f"{path.name}: {identifier} stands in a file without a `Profile:` line")
        keywords = _KEYWORD.findall(line)
        if len(keywords) != 1:
            raise KitError(f"{path.name}: {identifier} has {len(keywords)} keywords, not one")
        reason = _UNTESTABLE.search(line)
        sentence = _UNTESTABLE.sub("", line)
        found.append(
            Requirement(identifier, Level(keywords[0]), profile[1], path.stem, sentence, reason[1] if reason else None)
        )
    return found


@cache
def catalogue() -> Mapping[str, Requirement]:
    """All requirements by id, in the reading order of `spec/README.md`.

    Raises `KitError` when an id occurs twice.
    """
    folder = resource("spec")
    index = (folder / "README.md").read_text(encoding="utf-8")
    requirements: dict[str, Requirement] = {}
    for name in _INDEX_LINK.findall(index):
        for requirement in parse_topic(folder / name):
            if requirement.id in requirements:
                raise KitError(f"{requirement.id} is defined twice in the specification")
            requirements[requirement.id] = requirement
    return requirements


def spec_version() -> str:
    """Give the version of the specification that this kit checks, such as `1.0`."""
    version = _VERSION.search(resource("spec", "README.md").read_text(encoding="utf-8"))
    if version is None:
        raise KitError("spec/README.md states no version")
    return version[1]
