"""What is proven of the TypeScript types: a program compiles and makes a call, and mistakes in it do not compile."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from codegen.calls import call
from codegen.outcome import Broken
from codegen.tools import HERE, node_tool, run, version

__all__ = ["MISTAKES", "Mistake", "complaints", "typescript"]

PROGRAM = HERE / "clients" / "call.ts"


@dataclass(frozen=True, slots=True)
class Mistake:
    """A change of the program, and what the compiler has to say of it."""

    name: str
    right: str
    wrong: str
    complaint: str


MISTAKES = (
    Mistake(
        "wrong_event",
        'bob.once("sender_offer", hear)',
        'bob.once("offer", hear)',
        """Argument of type '"offer"' is not assignable to parameter of type""",
    ),
    Mistake(
        "wrong_event_to_emit",
        'emitWithAck("login",',
        'emitWithAck("log_in",',
        """Argument of type '"log_in"' is not assignable to parameter of type '"login"'""",
    ),
    Mistake(
        "wrong_field",
        'type: "sender", reciever_login: "bob"',
        'type: "sender", receiver_login: "bob"',
        "'receiver_login' does not exist in type",
    ),
    Mistake(
        "missing_field",
        'type: "sender", reciever_login: "bob", offer:',
        'type: "sender", offer:',
        "is not assignable to type",
    ),
    Mistake("receiver", 'type: "reciever"', 'type: "receiver"', """Type '"receiver"' is not assignable to type"""),
    Mistake(
        "wrong_field_of_an_event",
        "const { reciever_answer } = await picksUp",
        "const { receiver_answer: reciever_answer } = await picksUp",
        "Property 'receiver_answer' does not exist on type 'RecieverAnswerEvent'",
    ),
    Mistake(
        "object_instead_of_text",
        "offer: JSON.stringify(offer)",
        "offer: offer",
        "Type 'OfferDescription' is not assignable to type 'string'",
    ),
)


def typescript(folder: Path) -> tuple[str, ...]:
    """Compile the program and let it make a call; then see that its mistaken variants do not compile."""
    for path in (PROGRAM, HERE / "tsconfig.json"):
        shutil.copy(path, folder)
    tsc = node_tool("tsc")
    run([tsc, "--project", "."], folder)
    call(["node", "call.js"], folder)
    said = complaints(tsc, folder)
    for mistake in MISTAKES:
        if mistake.complaint not in said[mistake.name]:
            raise Broken(
                f"{mistake.name}: expected {mistake.complaint!r} from the compiler, not {said[mistake.name]!r}"
            )
    return version("node", "--version"), version(str(tsc), "--version")


def complaints(tsc: Path, folder: Path) -> dict[str, str]:
    """Compile a variant of the program for each mistake, and give what the compiler says, by mistake."""
    text = PROGRAM.read_text(encoding="utf-8")
    for mistake in MISTAKES:
        if text.count(mistake.right) != 1:
            raise Broken(f"{mistake.name}: {PROGRAM.name} has {text.count(mistake.right)} times {mistake.right!r}")
        (folder / f"{mistake.name}.ts").write_text(text.replace(mistake.right, mistake.wrong), encoding="utf-8")
    command = [str(tsc), "--project", ".", "--noEmit", "--pretty", "false"]
    done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=False)
    said = {mistake.name: "" for mistake in MISTAKES}
    name = ""
    for line in done.stdout.splitlines():
        if found := re.match(r"(\w+)\.ts\(\d+,\d+\): ", line):
            name = found[1]
        if name not in said:
            raise Broken(f"the compiler complains of {name or 'something else'}: {line}")
        said[name] += f"{line}\n"
    return said
