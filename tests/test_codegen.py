"""The recipes of `schemas/README.md` hold what it says of them, and mistakes in recipes and clients are caught."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import generate
import pytest
from codegen import readme, runner, samples, servers, tools, typescript
from codegen.calls import call
from codegen.outcome import Broken, Missing, Outcome, Proof

ROOT = Path(__file__).resolve().parents[1]
TEXT = readme.README.read_text(encoding="utf-8")
DIST = ROOT / "schemas" / "v1" / "dist"
GO = "npx -y quicktype@26.0.0 -s schema vcsp.messages.json -l go"


def lacking(what: str) -> NoReturn:
    """Skip a test whose tools are not installed, but not in CI."""
    sentence = f"{what} are not installed: `make codegen` does it"
    if os.environ.get("CI") == "true":
        pytest.fail(sentence)
    pytest.skip(sentence)


def chapter(table: str, sections: str) -> str:
    """Make a README that has only recipes."""
    header = "| language | you get | tried |\n| --- | --- | --- |"
    return f"## Generate a client\n\n{header}\n{table}\n{sections}\n## More\n"


def section(name: str, *commands: str) -> str:
    """Make the section of a recipe."""
    return f"### {name}\n\n```sh\n" + "".join(f"{command}\n" for command in commands) + "```\n\n"


def test_the_python_recipes_do_what_the_readme_says() -> None:
    """The models and the client are generated, and talk to both servers."""
    if not (tools.VENV / ".installed").exists():
        lacking("the Python generators")
    command = [sys.executable, str(ROOT / "schemas" / "generate.py"), "Python"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[-1].startswith("3 recipes, 0 failed")
    for name in ("Python, pydantic", "Python, msgspec", "Python, HTTP client"):
        assert any(line.startswith(name) and runner.PROVERS[name].proof in line for line in lines), done.stdout


def test_the_typescript_types_reject_mistakes() -> None:
    """The compiler complains of the one thing that is wrong in each variant of the program, and says what it is."""
    if not (tools.MODULES / ".installed").exists():
        lacking("the TypeScript generators")
    recipe = next(recipe for recipe in readme.recipes(TEXT) if recipe.name == "TypeScript")
    folder = runner.OUT / "mistakes"  # below node_modules, for the compiler to find the libraries
    runner.generate(recipe, folder)
    shutil.copy(tools.HERE / "tsconfig.json", folder)
    said = typescript.complaints(tools.node_tool("tsc"), folder)
    for mistake in typescript.MISTAKES:
        assert mistake.complaint in said[mistake.name], mistake.name
        assert len(re.findall(r"error TS\d+", said[mistake.name])) == 1, said[mistake.name]


def test_every_recipe_of_the_readme_is_run_and_says_what_that_proves() -> None:
    """The table has all recipes, and the words of the proofs."""
    assert {recipe.name: recipe.proof for recipe in readme.recipes(TEXT)} == {
        name: prover.proof for name, prover in runner.PROVERS.items()
    }


def test_the_generators_of_the_readme_are_those_that_are_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is installed here is what the commands would fetch."""
    monkeypatch.setattr(tools, "node_tool", Path)
    monkeypatch.setattr(tools, "python_tool", Path)
    commands = [command for recipe in readme.recipes(TEXT) for command in recipe.commands]
    labels = {tools.generator(command).label.partition(" ")[0] for command in commands}
    assert labels == {
        "datamodel-code-generator", "json-schema-to-typescript", "openapi-generator-cli", "openapi-python-client",
        "openapi-typescript", "quicktype",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        (GO.replace("26.0.0", "25.0.0"), "the README names quicktype 25.0.0, but package-lock.json pins 26.0.0"),
        ("npx -y left-pad@1.0.0", "the README names left-pad 1.0.0, but package-lock.json pins nothing"),
        ("uvx openapi-python-client@0.1 generate", "the README names openapi-python-client 0.1, but python.txt and"),
        ("curl http://127.0.0.1/", "a command that is neither npx nor uvx"),
        ("npx -y quicktype -l go", "without a version"),
        ("uvx --from ruff ruff", "without a version"),
    ],
)
def test_a_command_that_is_not_the_pinned_one_is_refused(command: str, complaint: str) -> None:
    """What is tried must be what the reader runs."""
    with pytest.raises(Broken, match=re.escape(complaint)):
        tools.generator(command)


@pytest.mark.parametrize(
    ("table", "sections", "complaint"),
    [
        ("", "", "no table of recipes"),
        ("| [Go](#go) | structs | compiles |", "", "the section 'Go' has 0 blocks of commands"),
        ("| [Go](#go) | structs | compiles |", section("Go", GO) * 2, "has 2 blocks of commands"),
        ("| [Go](#went) | structs | compiles |", section("Go", GO), "links to #went, but its section is #go"),
        (
            "| [Go](#go) | structs | compiles |",
            section("Go", GO) + section("Rust", GO),
            "no row in the table for Rust",
        ),
    ],
)
def test_a_readme_whose_table_and_sections_differ_is_refused(table: str, sections: str, complaint: str) -> None:
    """Each recipe has a row, and each row a recipe."""
    with pytest.raises(Broken, match=re.escape(complaint)):
        readme.recipes(chapter(table, sections))


def test_a_command_may_be_longer_than_a_line() -> None:
    """A backslash at the end continues it."""
    text = chapter("| [Go](#go) | structs | compiles |", section("Go", "npx a \\", "  b", "npx c"))
    assert [command.split() for command in readme.recipes(text)[0].commands] == [["npx", "a", "b"], ["npx", "c"]]


def test_the_readme_shows_the_programs_that_are_run() -> None:
    """Their text is the files', to the letter."""
    assert readme.programs(TEXT) == {
        f"clients/{path.name}": path.read_text(encoding="utf-8") for path in (tools.HERE / "clients").glob("*.*")
    }


def test_a_readme_that_promises_another_proof_fails_the_recipe() -> None:
    """Nothing is said to be compiled that is not."""
    outcome = runner.prove(readme.Recipe("Swift", "makes a call", (GO,)))
    assert outcome.failed
    assert outcome.details == ("the README says “makes a call”, but what is run proves “generated, not compiled”")


@pytest.fixture
def swift(monkeypatch: pytest.MonkeyPatch) -> readme.Recipe:
    """A recipe whose code is there without a generator."""
    monkeypatch.setattr(runner, "generate", lambda _recipe, _folder: "quicktype 0")
    return readme.Recipe("Swift", Proof.COMPILES, (GO,))


def test_a_compiler_that_is_missing_is_told(swift: readme.Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """The result says how far it came, and no more."""

    def compile_swift(_folder: Path) -> tuple[str, ...]:
        tools.need("a-compiler-that-nobody-has")
        return ("1",)

    monkeypatch.setitem(runner.PROVERS, "Swift", runner.Prover(Proof.COMPILES, compile_swift))
    outcome = runner.prove(swift)
    assert (outcome.failed, outcome.short) == (False, True)
    assert outcome.result == "generated, not compiled: no a-compiler-that-nobody-has here"


def test_a_compiler_that_fails_is_told_with_what_it_said(swift: readme.Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its output is in the details."""

    def compile_swift(folder: Path) -> tuple[str, ...]:
        tools.run([sys.executable, "-c", "raise SystemExit('no such type')"], folder.parent)
        return ("1",)

    runner.OUT.mkdir(exist_ok=True)
    monkeypatch.setitem(runner.PROVERS, "Swift", runner.Prover(Proof.COMPILES, compile_swift))
    outcome = runner.prove(swift)
    assert (outcome.failed, outcome.result) == (True, "FAILED")
    assert outcome.details.endswith("ended with 1:\nno such type")


@pytest.mark.parametrize(
    ("outcome", "strict", "code"),
    [
        (Outcome("Go", "", "examples survive"), False, 0),
        (Outcome("Go", "", "FAILED", failed=True, details="why"), False, 1),
        (Outcome("Go", "", "generated, not compiled: no go here", short=True), False, 0),
        (Outcome("Go", "", "generated, not compiled: no go here", short=True), True, 1),
    ],
    ids=["proven", "failed", "short", "short in CI"],
)
def test_the_exit_code_tells_the_result(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], outcome: Outcome, strict: bool, code: int
) -> None:
    """A failure fails; a compiler that is missing does so in CI only."""
    monkeypatch.setattr(generate, "prove", lambda _recipe: outcome)
    monkeypatch.setattr(sys, "argv", ["generate.py", "Go"])
    monkeypatch.setenv("CI", "true" if strict else "")
    with pytest.raises(SystemExit) as ended:
        generate.main()
    assert ended.value.code == code
    output = capsys.readouterr().out
    assert outcome.result in output
    assert output.splitlines()[-1].startswith(f"1 recipes, {code} failed") or outcome.failed
    assert ("\n── Go ──\nwhy\n" in output) == outcome.failed


def test_a_recipe_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message lists those that do."""
    monkeypatch.setattr(sys, "argv", ["generate.py", "Cobol"])
    with pytest.raises(SystemExit, match=r"^no recipe is called Cobol; there are TypeScript; .*; Swift$"):
        generate.main()


def test_a_program_that_is_missing_is_named(tmp_path: Path) -> None:
    """It is no failure of the recipe."""
    with pytest.raises(Missing, match=r"^a-program-that-nobody-has$"):
        tools.run(["a-program-that-nobody-has"], tmp_path)


def test_code_with_corrected_names_is_refused(tmp_path: Path) -> None:
    """The spelling on the wire is looked for in all that was generated."""
    path = tmp_path / "vcsp.go"
    path.write_text("reciever_login reciever_answer beasy", encoding="utf-8")
    runner.check_spelling(tmp_path)
    for wrong in ("receiver_login reciever_answer beasy", "reciever_login reciever_answer beasy Receiver"):
        path.write_text(wrong, encoding="utf-8")
        with pytest.raises(Broken, match=r"no reciever_login|receiver instead of reciever"):
            runner.check_spelling(tmp_path)


def test_the_samples_have_an_example_of_every_message() -> None:
    """All examples of all messages, and each line on its own is an object of the bundle's root."""
    bundle = DIST / "vcsp.messages.json"
    document = json.loads(bundle.read_text(encoding="utf-8"))
    lines = [json.loads(line) for line in samples.samples(bundle).splitlines()]
    assert lines[0].keys() == document["properties"].keys()
    assert sum(map(len, lines)) == sum(len(document["$defs"][name]["examples"]) for name in document["properties"])


@pytest.mark.parametrize(
    ("received", "complaint"),
    [
        ('{"A": {"x": 1, "y": null}}', "A does not survive"),
        ('{"A": {"X": 1}}', "A does not survive"),
        ('{"A": {"x": "1"}}', "A does not survive"),
        ("{}", "A does not survive"),
        ('{"A": {"x": 1}, "B": {"x": 1}}', "B does not survive"),
        ("", "1 lines of examples went in, 0 came out"),
        ("panic: no such type", "what came out is not JSON:\npanic"),
    ],
)
def test_messages_that_come_back_otherwise_are_caught(received: str, complaint: str) -> None:
    """A null for an absent field, another name, another type, a message too few or too many."""
    samples.compare('{"A": {"x": 1, "z": {}}}\n', '{"A":{"x":1}}\n')
    with pytest.raises(Broken, match=complaint):
        samples.compare('{"A": {"x": 1}}\n', received)


def test_a_client_that_tells_of_no_call_is_caught(tmp_path: Path) -> None:
    """To end with exit code 0 is not enough."""
    with pytest.raises(Broken, match=r"^no call through the reference server:\nthe call succeeded"):
        call([sys.executable, "-c", "print('the call succeeded')"], tmp_path)


def test_a_server_that_does_not_start_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The message names it."""
    monkeypatch.setitem(servers.SERVERS, "reference", ("-c", "print('no')"))
    with pytest.raises(Broken, match=r"^the reference server did not start: 'no"):
        call([sys.executable, "-c", ""], tmp_path)
