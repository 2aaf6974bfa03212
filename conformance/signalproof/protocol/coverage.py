"""Which checks decide which requirement, read from the suite's sources without running anything."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator, Mapping
from functools import cache

from signalproof.protocol.requirements import PROFILES, catalogue
from signalproof.protocol.resources import SUITE

__all__ = ["checks_by_requirement", "listing", "purposes", "table"]


@cache
def checks_by_requirement() -> Mapping[str, list[str]]:
    """Give the checks of each requirement of the catalogue, as `module::function`, in the order of the suite."""
    found: dict[str, list[str]] = {identifier: [] for identifier in catalogue()}
    for name, check in _checks().items():
        for identifier in _cited(check):
            found.setdefault(identifier, []).append(name)
    return found


@cache
def purposes() -> Mapping[str, str]:
    """Give the first sentence of each check's docstring, by the check's name as above."""
    return {name: (ast.get_docstring(check) or "").partition("\n")[0] for name, check in _checks().items()}


@cache
def _checks() -> Mapping[str, ast.AsyncFunctionDef]:
    """Parse the suite."""
    return {
        f"{path.stem}::{node.name}": node
        for path in sorted(SUITE.glob("test_*.py"))
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.AsyncFunctionDef)
    }


def _cited(check: ast.AsyncFunctionDef) -> Iterator[str]:
    for decorator in check.decorator_list:
        match decorator:
            case ast.Call(func=ast.Name(id="requirement"), args=arguments):
                yield from (str(a.value) for a in arguments if isinstance(a, ast.Constant))


def table(profiles: tuple[str, ...] = ()) -> Iterator[str]:
    """Give the table *requirement → checks* in Markdown, for all profiles or those named."""
    checks = checks_by_requirement()
    yield "| requirement | level | profile | checks |"
    yield "|---|---|---|---|"
    for requirement in catalogue().values():
        if not profiles or requirement.profile in profiles:
            names = "<br>".join(f"`{name}`" for name in checks[requirement.id])
            reason = f"not testable from outside: {requirement.untestable}" if requirement.untestable else "none yet"
            yield f"| {requirement.id} | {requirement.level} | {requirement.profile} | {names or reason} |"


def listing(profiles: tuple[str, ...] = (), *, width: int = 0) -> Iterator[str]:
    """Give the requirements by profile, for all profiles or those named; `width` wraps the sentences."""
    checks = checks_by_requirement()
    for profile in profiles or PROFILES:
        own = [requirement for requirement in catalogue().values() if requirement.profile == profile]
        yield f"{profile}: {len(own)} requirements"
        for requirement in own:
            number = len(checks[requirement.id])
            deciding = f"{number} check{'s' if number > 1 else ''}" if number else "no check"
            head = f"  {requirement.id:9} {requirement.level:6} {deciding:9}  "
            yield from (
                textwrap.wrap(requirement.sentence, width, initial_indent=head, subsequent_indent=" " * len(head))
                if width
                else [f"{head}{requirement.sentence}"]
            )
