"""Private names of other people's libraries are listed, there, and capped by version."""

from __future__ import annotations

import ast
import re
import tomllib
from functools import reduce
from importlib import import_module
from importlib.metadata import version
from inspect import getsource
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from tests.kit.private_names import PRIVATE_NAMES, PrivateName, own_names, private_names

import signalproof
import signalproof_server

ROOT = Path(__file__).parents[2]


def found(package: Path) -> set[str]:
    """Find the private names of others in a package, by module."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(package.rglob("*.py"))}
    inherited = reduce(set.union, map(own_names, trees.values()))
    return {
        f"{path.relative_to(package).as_posix()}: {name}"
        for path, tree in trees.items()
        for name in private_names(tree, inherited)
    }


def test_every_private_name_is_listed_with_its_reason() -> None:
    """And the list names none that is not used."""
    assert found(Path(signalproof.__file__).parent) == set(PRIVATE_NAMES)
    assert all(row.reason for row in PRIVATE_NAMES.values())


def test_the_server_does_without() -> None:
    """It uses what its libraries promise, and nothing else."""
    assert found(Path(signalproof_server.__file__).parent) == set()


@pytest.mark.parametrize(("where", "row"), PRIVATE_NAMES.items(), ids=PRIVATE_NAMES)
def test_the_library_still_has_the_name(where: str, row: PrivateName) -> None:
    """Tried with the newest releases too: what is gone there has to be replaced before the cap is lifted."""
    name = where.rpartition(": ")[2].rpartition(".")[2]
    source = f"{row.module} {getsource(import_module(row.module))}"
    assert re.search(rf"\b{name}\b", source), f"{row.library} {version(row.library)} has no {name} in {row.module}"


@pytest.mark.parametrize("library", sorted({row.library for row in PRIVATE_NAMES.values()}))
def test_the_library_is_capped(library: str) -> None:
    """The next major release may have moved everything."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (requirement,) = (each for each in map(Requirement, project["dependencies"]) if each.name == library)
    assert any(each.operator in {"<", "==", "~="} for each in requirement.specifier), str(requirement)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("transport._connection.close()", "_connection"),
        ("transport._recv = receive", "_recv"),
        ("self._client.eio._trigger_event()", "_trigger_event"),
        ("class A(Client):\n    def f(self):\n        self._reset()", "_reset"),
        ("class A(Client):\n    def f(self):\n        super()._reset()", "_reset"),
        ("getattr(providers, '_get_local_constants')", "_get_local_constants"),
        ("from hypothesis.internal import floats", "hypothesis.internal.floats"),
        ("import _pytest.config", "_pytest.config"),
        ("importlib.import_module('_pytest.config')", "_pytest.config"),
    ],
)
def test_a_private_name_is_found(source: str, name: str) -> None:
    """However it is come by."""
    assert name in set(private_names(ast.parse(source)))


@pytest.mark.parametrize(
    "source",
    [
        "class A:\n    _x: int = 1\n    def f(self, other):\n        return self._x == other._x",
        "class A:\n    def f(self):\n        self._x = 1\n        return self._x",
        "folder / '_data'",
        "object.__setattr__(self, 'x', 1)",
        "from signalproof.scenes import internals",
    ],
)
def test_what_is_nobodys_private_name_is_let_pass(source: str) -> None:
    """A module's own, Python's, and words that look alike."""
    assert list(private_names(ast.parse(source))) == []


def test_what_a_base_class_of_the_kit_keeps_is_not_foreign() -> None:
    """Its subclasses may read it, others may not."""
    inherited = {"_stage"}
    assert list(private_names(ast.parse("self._stage.check"), inherited)) == []
    assert list(private_names(ast.parse("connection._stage.check"), inherited)) == ["_stage"]
