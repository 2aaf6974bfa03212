"""Finders for rules about time: sleeps by their name, by another one, and by none; and what ages before it is used."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

__all__ = ["ages", "pauses", "sleeps", "timers", "waits_for_nobody"]

MAKERS: Final = {"create_future", "Future", "Event", "Queue", "SimpleQueue"}
"""What makes something that can be waited for."""
METHODS: Final = {"wait", "get", "result"}
"""What waits for the thing that it belongs to."""
FUNCTIONS: Final = {"wait", "wait_for", "shield", "gather", "as_completed"}
"""What waits for its arguments."""
CLOCKS: Final = {"time", "time_ns", "monotonic", "perf_counter", "now", "utcnow", "today"}
"""What reads a clock."""

Parents = dict[ast.AST, ast.AST]


def sleeps(tree: ast.AST) -> Iterator[str]:
    """Find every mention of a function called `sleep`, under whatever name it is imported."""
    for node in ast.walk(tree):
        imports = node.names if isinstance(node, ast.ImportFrom) else ()
        if (isinstance(node, ast.Attribute) and node.attr == "sleep") or "sleep" in [name.name for name in imports]:
            yield ast.unparse(node)


def ages(tree: ast.AST) -> Iterator[str]:
    """Find every time that is read while a module is imported, by functions of its own too: when used it is another."""
    functions = [node for node in ast.iter_child_nodes(tree) if isinstance(node, ast.FunctionDef)]
    clocks = set(CLOCKS)
    while more := {f.name for f in functions for node in ast.walk(f) if _called(node) in clocks} - clocks:
        clocks |= more
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting += [*node.decorator_list, node.args]
        elif not (
            isinstance(node, ast.Lambda) or (isinstance(node, ast.If) and "'__main__'" in ast.unparse(node.test))
        ):
            waiting += ast.iter_child_nodes(node)
        if _called(node) in clocks:
            yield ast.unparse(node)


def _called(node: ast.AST) -> str | None:
    return _name(node.func) if isinstance(node, ast.Call) else None


def timers(tree: ast.AST) -> Iterator[str]:
    """Find every timer of an event loop: whoever waits for what it does sleeps."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in {"call_later", "call_at"}:
            yield ast.unparse(node)


def pauses(tree: ast.AST, within: str = "") -> Iterator[str]:
    """Find every mention of `pause`: the function that it stands in, or the import that gives it another name."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ImportFrom):
            yield from (ast.unparse(node) for name in node.names if name.name == "pause" and name.asname)
        elif isinstance(node, ast.Name | ast.Attribute) and _name(node) == "pause":
            yield within
        name = node.name if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) else ""
        yield from pauses(node, ".".join(filter(None, (within, name))))


def waits_for_nobody(tree: ast.AST) -> Iterator[str]:
    """Find every wait for what nobody can bring about: it was made in place, or its name stands in waits alone."""
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or _name(node.func) not in MAKERS:
            continue
        if (wait := _wait_for(node, parents)) is not None:
            yield ast.unparse(wait)
        for target in _targets(node, parents):
            waits = [_wait_for(mention, parents) for mention in _mentions(target, parents)]
            if waits and None not in waits:
                yield from {ast.unparse(wait) for wait in waits if wait is not None}


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _wait_for(node: ast.AST, parents: Parents) -> ast.AST | None:
    """Give what waits for a thing, be it one of several, or None where something else is done with it."""
    parent = parents[node]
    while isinstance(parent, ast.List | ast.Tuple | ast.Set | ast.NamedExpr):
        node, parent = parent, parents[parent]
    if isinstance(parent, ast.Await):
        return parent
    if isinstance(parent, ast.Call) and node in parent.args and _name(parent.func) in FUNCTIONS:
        return parent
    return parents[parent] if isinstance(parent, ast.Attribute) and parent.attr in METHODS else None


def _targets(made: ast.expr, parents: Parents) -> Iterator[ast.expr]:
    """Give the names under which a thing is kept that was just made."""
    parent = parents[made]
    if isinstance(parent, ast.Tuple) and isinstance(parents[parent], ast.Assign):
        position, assignment = parent.elts.index(made), parents[parent]
        together = [target for target in getattr(assignment, "targets", ()) if isinstance(target, ast.Tuple)]
        yield from (target.elts[position] for target in together)
    elif isinstance(parent, ast.Assign):
        yield from parent.targets
    elif isinstance(parent, ast.AnnAssign | ast.NamedExpr):
        yield parent.target


def _mentions(target: ast.expr, parents: Parents) -> Iterator[ast.AST]:
    """Give all places that read a name: in its function and those within, or in the module for an attribute."""
    ancestors = [target, *_ancestors(target, parents)]
    functions = [node for node in ancestors if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    scope = functions[-1] if functions and isinstance(target, ast.Name) else ancestors[-1]
    name = ast.unparse(target)
    for node in ast.walk(scope):
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load) and ast.unparse(node) == name:
            yield node


def _ancestors(node: ast.AST, parents: Parents) -> Iterator[ast.AST]:
    while node in parents:
        node = parents[node]
        yield node
