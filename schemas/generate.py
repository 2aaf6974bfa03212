"""Run the recipes of `schemas/README.md`: generate code, compile it, let it talk to servers, and print what was proven.

`make codegen` installs the generators first. Give names of recipes, such as `Go` or `Python`, to run only those.
"""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import ThreadPoolExecutor

from codegen.outcome import Broken, Outcome
from codegen.readme import README, Recipe, recipes
from codegen.runner import OUT, PROVERS, prove

HEADERS = ("recipe", "generator", "result", "compiler")


def main() -> None:
    """Run the recipes that are asked for, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("recipes", nargs="*", metavar="RECIPE", help="name of a recipe, or its first words")
    parser.add_argument("--strict", action="store_true", help="fail if a compiler is missing; so it is with CI=true")
    options = parser.parse_args()
    strict: bool = options.strict or os.environ.get("CI") == "true"
    try:
        chosen = _chosen(recipes(README.read_text(encoding="utf-8")), options.recipes)
    except Broken as broken:
        raise SystemExit(str(broken)) from None
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        outcomes = list(pool.map(prove, chosen))
    sys.stdout.write(_table(outcomes))
    for outcome in outcomes:
        if outcome.failed:
            sys.stdout.write(f"\n── {outcome.recipe} ──\n{outcome.details}\n")
    failed = sum(outcome.failed or (strict and outcome.short) for outcome in outcomes)
    sys.stdout.write(
        f"\n{len(outcomes)} recipes, {failed} failed; the code is in {OUT.relative_to(README.parents[1])}\n"
    )
    raise SystemExit(1 if failed else 0)


def _chosen(known: list[Recipe], names: list[str]) -> list[Recipe]:
    """Give the recipes that begin with one of the names, or all."""
    if lost := PROVERS.keys() - {recipe.name for recipe in known}:
        raise Broken(f"{README.name} has lost the recipes {', '.join(sorted(lost))}")
    for name in names:
        if not any(recipe.name.startswith(name) for recipe in known):
            raise Broken(f"no recipe is called {name}; there are {'; '.join(recipe.name for recipe in known)}")
    return [recipe for recipe in known if not names or recipe.name.startswith(tuple(names))]


def _table(outcomes: list[Outcome]) -> str:
    rows = [HEADERS, *((row.recipe, row.generators, row.result, row.compilers) for row in outcomes)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADERS))]
    seconds = ["", *(f"{outcome.seconds:5.1f} s" for outcome in outcomes)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=True)), time])
        for row, time in zip(rows, seconds, strict=True)
    ]
    return "".join(f"{line.rstrip()}\n" for line in lines)


if __name__ == "__main__":
    main()
