"""Which checks decide which requirement, read from the suite's sources without running anything."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from signalproof.protocol.requirements import PROFILES, catalogue
from signalproof.protocol.resources import SUITE

__all__ = ["SuiteCheck", "checks_by_requirement", "listing", "purposes", "suite_checks", "table"]


@dataclass(frozen=True, slots=True)
class SuiteCheck:
    """One check of the suite: `module::function`, the requirements that it cites, and the profiles that it needs."""

    name: str
    requirements: tuple[str, ...]
    profiles: frozenset[str]
    purpose: str


@cache
def suite_checks() -> tuple[SuiteCheck, ...]:
    """Give all checks of the suite, in its order."""
    return tuple(
        _check(path.stem, node)
        for path in sorted(SUITE.glob("test_*.py"))
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.AsyncFunctionDef)
    )


def _check(module: str, node: ast.AsyncFunctionDef) -> SuiteCheck:
    cited = tuple(_arguments(node, "requirement"))
    own = {catalogue()[identifier].profile for identifier in cited if identifier in catalogue()}
    purpose = (ast.get_docstring(node) or "").partition("\n")[0]
    return SuiteCheck(
        f"{module}::{node.name}", cited, frozenset({*own, *_arguments(node, "pytest.mark.profile")}), purpose
    )


def _arguments(check: ast.AsyncFunctionDef, mark: str) -> Iterator[str]:
    """Give the arguments of a mark."""
    for decorator in check.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == mark:
            yield from (str(a.value) for a in decorator.args if isinstance(a, ast.Constant))


@cache
def checks_by_requirement() -> Mapping[str, list[str]]:
    """Give the checks of each requirement of the catalogue, as `module::function`, in the order of the suite."""
    found: dict[str, list[str]] = {identifier: [] for identifier in catalogue()}
    for check in suite_checks():
        for identifier in check.requirements:
            found.setdefault(identifier, []).append(check.name)
    return found


@cache
def purposes() -> Mapping[str, str]:
    """Give the first sentence of each check's docstring, by the check's name as above."""
    return {check.name: check.purpose for check in suite_checks()}


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
