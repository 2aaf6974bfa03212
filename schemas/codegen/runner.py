"""Runs recipes, and tells how far each came."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from codegen import compiled, python, typescript
from codegen.outcome import Broken, Missing, Outcome, Proof
from codegen.readme import Recipe
from codegen.tools import HERE, generator, run

__all__ = ["OUT", "PROVERS", "Prover", "check_spelling", "generate", "prove"]

OUT = HERE / "out"
DOCUMENTS = HERE.parent / "v1" / "dist"
SOURCES = {".cs", ".go", ".java", ".kt", ".py", ".rs", ".swift", ".ts"}


@dataclass(frozen=True, slots=True)
class Prover:
    """What is done with the code that a recipe generates, and what that proves."""

    proof: Proof
    run: Callable[[Path], tuple[str, ...]]
    """Gives the versions of the compilers."""


def nothing(_folder: Path) -> tuple[str, ...]:
    """Leave it at the code that was generated."""
    return ()


PROVERS = {
    "TypeScript": Prover(Proof.CALLS, typescript.typescript),
    "Python, pydantic": Prover(Proof.CALLS, python.pydantic),
    "Python, msgspec": Prover(Proof.SURVIVES, python.msgspec),
    "Python, HTTP client": Prover(Proof.ASKS, python.http_client),
    "Go": Prover(Proof.SURVIVES, compiled.go),
    "Java": Prover(Proof.SURVIVES, compiled.java),
    "Java, HTTP client": Prover(Proof.COMPILES, compiled.java_http),
    "Kotlin": Prover(Proof.COMPILES, compiled.kotlin),
    "C#, Newtonsoft.Json": Prover(Proof.SURVIVES, compiled.csharp),
    "C#, System.Text.Json": Prover(Proof.GENERATED, nothing),
    "Rust": Prover(Proof.SURVIVES, compiled.rust),
    "Swift": Prover(Proof.GENERATED, nothing),
}


def prove(recipe: Recipe) -> Outcome:
    """Run a recipe's commands in a folder that has only the published documents, then prove what can be proven."""
    began = time.monotonic()
    label, result, details, compilers = "", "", "", ""
    failed = short = False
    try:
        if recipe.name not in PROVERS or recipe.proof != PROVERS[recipe.name].proof:
            done = PROVERS[recipe.name].proof if recipe.name in PROVERS else "nothing at all"
            raise Broken(f"the README says “{recipe.proof}”, but what is run proves “{done}”")
        folder = OUT / recipe.slug
        label = generate(recipe, folder)
        result = str(Proof.GENERATED)
        compilers = ", ".join(PROVERS[recipe.name].run(folder))
        result = str(PROVERS[recipe.name].proof)
    except Missing as lack:
        short, result = True, f"{result or 'not generated'}: no {lack} here"
    except Broken as broken:
        failed, result, details = True, "FAILED", str(broken)
    return Outcome(recipe.name, label, result, compilers, failed, short, details, time.monotonic() - began)


def generate(recipe: Recipe, folder: Path) -> str:
    """Run a recipe's commands in a new folder, and give the generators with their versions."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(DOCUMENTS, folder)
    tools = [generator(command) for command in recipe.commands]
    for tool in tools:
        run(tool.command, folder)
    check_spelling(folder)
    return ", ".join(dict.fromkeys(tool.label for tool in tools))


def check_spelling(folder: Path) -> None:
    """Insist that the code has the names on the wire, which a tool or a person may have corrected."""
    texts = [path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.suffix in SOURCES]
    text = "\n".join(texts)
    for name in ("reciever_login", "reciever_answer", "beasy"):
        if name not in text:
            raise Broken(f"no {name} in the generated code")
    if "receiver" in text.lower():
        raise Broken("receiver instead of reciever in the generated code")
