"""The catalogue, and that every requirement has checks and every check a requirement."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from signalproof.errors import KitError
from signalproof.protocol import requirements
from signalproof.protocol.requirements import CHECKED_PROFILES, PROFILES, Level, catalogue, parse_topic, spec_version
from signalproof.protocol.resources import SUITE, resource

SPEC = resource("spec")
KIT = SUITE.parent
MODULES = sorted(SUITE.glob("test_*.py"))
ACROSS = {"test_scenes"}
"""Modules whose checks go across topics."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check of the suite, read from its source."""

    module: str
    name: str
    ids: tuple[str, ...]
    asynchronous: bool
    docstring: str | None


def checks_of(path: Path) -> Iterator[Check]:
    """Read the checks of one module."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            ids = [
                ast.literal_eval(argument)
                for mark in node.decorator_list
                if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Name) and mark.func.id == "requirement"
                for argument in mark.args
            ]
            asynchronous = isinstance(node, ast.AsyncFunctionDef)
            yield Check(path.stem, node.name, tuple(ids), asynchronous, ast.get_docstring(node))


CHECKS = [check for path in MODULES for check in checks_of(path)]
EACH_CHECK = pytest.mark.parametrize("check", CHECKS, ids=lambda check: f"{check.module}-{check.name}")
CHECKED = [r for r in catalogue().values() if r.profile in CHECKED_PROFILES and r.untestable is None]


# ── the catalogue ──────────────────────────────────────────────────────────────────────────────


def test_the_catalogue_holds_every_bracketed_line_of_the_specification() -> None:
    """Counted in another way: nothing is lost between the files and the catalogue."""
    lines = [
        (path.stem, *line.removeprefix("**[").split("]** ", 1))
        for path in SPEC.glob("*.md")
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith("**[")
    ]
    assert lines
    found = [(r.topic, r.id, r.sentence) for r in catalogue().values() if r.untestable is None]
    assert sorted(line for line in lines if "*(not testable" not in line[2]) == sorted(found)
    assert len(lines) == len(catalogue())


def test_every_requirement_binds_the_server_by_one_keyword() -> None:
    """The level is the keyword of the sentence, whichever way it is turned."""
    for requirement in catalogue().values():
        words = re.findall(r"\b(MUST|SHOULD|MAY|SHALL|REQUIRED|RECOMMENDED|OPTIONAL)\b", requirement.sentence)
        assert words == [requirement.level.value], requirement.id
        assert requirement.sentence.startswith("The server "), requirement.id
        assert requirement.sentence.endswith("."), requirement.id


def test_every_requirement_belongs_to_a_known_profile_and_a_file() -> None:
    """And its id to the prefix that its file has to itself."""
    prefixes: dict[str, set[str]] = {}
    for requirement in catalogue().values():
        assert requirement.profile in PROFILES
        assert (SPEC.parent / requirement.link).is_file()
        prefixes.setdefault(requirement.topic, set()).add(requirement.id.partition("-")[0])
    assert all(len(found) == 1 for found in prefixes.values())
    assert max(Counter(prefix for found in prefixes.values() for prefix in found).values()) == 1


def test_the_catalogue_is_in_the_reading_order_of_the_index() -> None:
    """Reports list requirements in that order."""
    index = (SPEC / "README.md").read_text(encoding="utf-8")
    topics = list(dict.fromkeys(requirement.topic for requirement in catalogue().values()))
    positions = [index.index(f"({topic}.md)") for topic in topics]
    assert positions == sorted(positions)


def test_the_specification_states_its_version() -> None:
    """Two numbers."""
    assert re.fullmatch(r"\d+\.\d+", spec_version())


SOUND = "# Topic\n\nProfile: `ice`\n\n**[ICE-1]** The server MUST do it.\n\nprose with **[X-1]** in it\n"


def written(folder: Path, text: str) -> Path:
    """Write a topic file."""
    path = folder / "topic.md"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_topic_is_read(tmp_path: Path) -> None:
    """Id, level, profile, topic, sentence; and the reason where there is no check."""
    reason = "**[ICE-2b]** The server SHOULD NOT think. *(not testable from outside: thoughts are free)*\n"
    must, should = parse_topic(written(tmp_path, SOUND + reason))
    assert (must.id, must.level, must.profile, must.topic) == ("ICE-1", Level.MUST, "ice", "topic")
    assert (must.sentence, must.untestable) == ("The server MUST do it.", None)
    assert (should.id, should.level, should.untestable) == ("ICE-2b", Level.SHOULD, "thoughts are free")
    assert should.sentence == "The server SHOULD NOT think."


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (SOUND.replace("Profile: `ice`", ""), "ICE-1 stands in a file without a `Profile:` line"),
        (SOUND.replace("do it", "do it and SHOULD like it"), "ICE-1 has 2 keywords"),
        (SOUND.replace("MUST do", "MUST, and MUST, do"), "ICE-1 has 2 keywords"),
        (SOUND.replace("MUST", "has to"), "ICE-1 has 0 keywords"),
    ],
    ids=["no_profile", "two_levels", "twice", "no_keyword"],
)
def test_a_topic_that_breaks_the_rules_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    """The message names file and requirement."""
    with pytest.raises(KitError, match=f"topic.md: {complaint}"):
        parse_topic(written(tmp_path, text))


@pytest.mark.parametrize("place", ["the same file", "another file"])
def test_an_id_that_occurs_twice_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """Ids are never given to another requirement."""
    again = "**[ICE-1]** The server MUST do something else.\n"
    written(tmp_path, SOUND + (again if place == "the same file" else ""))
    (tmp_path / "other.md").write_text(
        f"Profile: `ice`\n\n{again if place == 'another file' else ''}", encoding="utf-8"
    )
    (tmp_path / "README.md").write_text("1. [topic.md](topic.md): a\n2. [other.md](other.md): b\n", encoding="utf-8")
    monkeypatch.setattr(requirements, "resource", lambda *_: tmp_path)
    with pytest.raises(KitError, match="ICE-1 is defined twice"):
        catalogue.__wrapped__()


# ── requirements and checks ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("requirement", CHECKED, ids=lambda requirement: requirement.id)
def test_every_testable_requirement_has_a_check(requirement: requirements.Requirement) -> None:
    """A MUST or SHOULD of a checked profile that no check cites would never be judged."""
    assert [check.name for check in CHECKS if requirement.id in check.ids]


def judged_by(path: Path) -> set[str]:
    """Collect the requirement ids that code can name in a breach: strings outside of the markers."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    marks = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "requirement"
        for part in ast.walk(node)
    }
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in marks
    }


@cache
def judged() -> frozenset[str]:
    """Collect the same over the whole kit, with the ids that a check's requests are under."""
    principals = {check.ids[0] for check in CHECKS if check.ids}
    return frozenset(principals.union(*map(judged_by, KIT.rglob("*.py"))))


@pytest.mark.parametrize("requirement", CHECKED, ids=lambda requirement: requirement.id)
def test_every_testable_requirement_can_be_found_broken(requirement: requirements.Requirement) -> None:
    """To cite an id is not to judge it: it is named in a judgement, or is what a check's requests are under."""
    assert requirement.id in judged()


@EACH_CHECK
def test_every_check_decides_requirements_of_its_topic(check: Check) -> None:
    """It cites existing ids, each once, the first of them from the topic that its module is named after.

    Random scenes go across topics.
    """
    assert check.ids
    assert len(set(check.ids)) == len(check.ids)
    assert set(check.ids) <= set(catalogue())
    assert check.module in ACROSS or catalogue()[check.ids[0]].topic == check.module.removeprefix("test_")


@EACH_CHECK
def test_every_check_is_a_coroutine_with_one_sentence_about_it(check: Check) -> None:
    """The runner takes nothing else, and would leave an ordinary function out without a word."""
    assert check.asynchronous
    assert check.docstring is not None
    assert "\n" not in check.docstring
    assert check.docstring.endswith(".")
    assert not re.search(r"[.!?] [A-Z]", check.docstring)


def test_check_names_are_unique() -> None:
    """A second function of the same name would replace the first; reports name checks by function."""
    assert [name for name, count in Counter(check.name for check in CHECKS).items() if count > 1] == []


def test_the_modules_of_the_suite_are_topics_of_the_specification() -> None:
    """One module for each topic with requirements that are checked, and none without requirements."""
    modules = {path.stem.removeprefix("test_") for path in MODULES}
    assert {requirement.topic for requirement in CHECKED} <= modules
    assert modules <= {requirement.topic for requirement in catalogue().values()} | {name[5:] for name in ACROSS}
