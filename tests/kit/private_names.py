"""The private names of other people's libraries that the kit uses, each with the reason, and how to find them.

A private name may be gone in any release. So its library is capped by version in `pyproject.toml`, whoever uses it can
do without it or is told which library lacks it, and `.ci/newest` tries the newest releases.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

__all__ = ["PRIVATE_NAMES", "PrivateName", "own_names", "private_names"]


@dataclass(frozen=True, slots=True)
class PrivateName:
    """Where a private name stands in its library, and why the kit cannot do without it."""

    library: str
    module: str
    reason: str


_RESTART = "aiortc has no ICE restart: a second ICE connection takes over below DTLS"
_SEED = "a seed plays the same scenes wherever the kit is installed; without it they are played all the same"

PRIVATE_NAMES: Mapping[str, PrivateName] = {
    "net/aiortc_internals.py: _connection": PrivateName("aiortc", "aiortc.rtcicetransport", _RESTART),
    "net/aiortc_internals.py: _recv": PrivateName("aiortc", "aiortc.rtcicetransport", _RESTART),
    "net/aiortc_internals.py: _send": PrivateName("aiortc", "aiortc.rtcicetransport", _RESTART),
    "net/aiortc_internals.py: _nominated": PrivateName(
        "aioice", "aioice.ice", "`signalproof call` tells the pair of candidates"
    ),
    "scenes/local_constants.py: hypothesis.internal.conjecture.providers": PrivateName(
        "hypothesis", "hypothesis.internal.conjecture.providers", _SEED
    ),
    "scenes/local_constants.py: hypothesis.internal.constants_ast.Constants": PrivateName(
        "hypothesis", "hypothesis.internal.constants_ast", _SEED
    ),
    "scenes/local_constants.py: _get_local_constants": PrivateName(
        "hypothesis", "hypothesis.internal.conjecture.providers", _SEED
    ),
}
"""By module of the kit and name."""

_PRIVATE = re.compile(r"_[a-z]\w*")
_HIDDEN = re.compile(r"_[a-z]\w*|internal")
_BY_NAME = {"getattr", "setattr", "hasattr", "delattr", "attrgetter", "methodcaller"}


def own_names(tree: ast.AST) -> set[str]:
    """Give the names that a module defines: functions, classes, fields, and what its objects keep."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and _is_self(node.value):
            names.add(node.attr)
    return names


def private_names(tree: ast.AST, inherited: Collection[str] = ()) -> Iterator[str]:
    """Find every private name of somebody else: not the module's own, nor one that its objects have `inherited`."""
    own = own_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _PRIVATE.fullmatch(node.attr):
            if node.attr not in own and not (_is_self(node.value) and node.attr in inherited):
                yield node.attr
        elif isinstance(node, ast.Call) and _called(node) in _BY_NAME:
            yield from (name for name in map(_text, node.args) if _PRIVATE.fullmatch(name) and name not in own)
        elif isinstance(node, ast.Call) and _called(node) == "import_module":
            yield from (name for name in map(_text, node.args) if _is_hidden(name))
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names if _is_hidden(name.name))
        elif isinstance(node, ast.ImportFrom):
            full = (f"{node.module}.{name.name}" for name in node.names)
            yield from (name for name in full if _is_hidden(name))


def _is_self(node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        return _called(node) == "super"
    return isinstance(node, ast.Name) and node.id in {"self", "cls"}


def _is_hidden(name: str) -> bool:
    return any(_HIDDEN.fullmatch(part) for part in name.split("."))


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
