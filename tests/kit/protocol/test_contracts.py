"""What `signalproof schema` prints."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

from signalproof.cli import main
from signalproof.protocol import contracts

ROOT = Path(__file__).resolve().parents[3]
V1 = ROOT / "schemas" / "v1"
NAMES = sorted(path.stem for path in V1.glob("*.json"))


def schema(*arguments: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(main, ["schema", *arguments])


@pytest.mark.parametrize(("option", "file"), [(key, file) for key, (file, _) in contracts.DOCUMENTS.items()])
def test_a_document_is_printed_byte_for_byte(option: str, file: str) -> None:
    """It is what lies below `schemas/v1/dist`, so that its hash is the same."""
    done = schema(f"--{option}")
    assert done.exit_code == 0
    assert done.stdout_bytes == (V1 / "dist" / file).read_bytes()
    assert done.stderr == ""


def test_every_published_document_has_an_option() -> None:
    """Nothing is there that cannot be printed."""
    published = {path.name for path in (V1 / "dist").glob("*.json")}
    assert {file for file, _ in contracts.DOCUMENTS.values()} == published


@pytest.mark.parametrize("name", NAMES)
def test_a_definition_is_printed_with_all_that_it_refers_to_and_nothing_else(name: str) -> None:
    """It stands alone: a stock validator judges its examples, and every reference stays inside."""
    alone = json.loads(schema(name).stdout)
    source = json.loads((V1 / f"{name}.json").read_text(encoding="utf-8"))
    assert (alone["$schema"], alone["$id"], alone["title"]) == (source["$schema"], source["$id"], name)
    Draft202012Validator.check_schema(alone)
    validator = Draft202012Validator(alone)
    for example in source["examples"]:
        validator.validate(example)
    assert set(references(alone)) == {f"#/$defs/{key}" for key in alone.get("$defs", {})}


def references(value: Any) -> list[str]:
    """Give every reference in a schema."""
    if isinstance(value, list):
        return [target for item in value for target in references(item)]
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [target for key, item in value.items() if key != "examples" for target in references(item)]
    return []


def test_the_list_has_a_line_for_each_definition() -> None:
    """Name and what it is, in one sentence."""
    lines = schema("--list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == NAMES
    assert all(line.endswith(".") for line in lines)
    assert all(line[22] == " " for line in lines)
    assert all(line[23] != " " for line in lines)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("CallRequests", "CallRequest"),
        ("callrequest", "CallRequest"),
        ("CallRequest.json", "CallRequest"),
        ("ReceiverAnswerEvent", "RecieverAnswerEvent"),
        ("sender_offer", "SenderOfferEvent"),
    ],
)
def test_a_name_that_is_nearly_right_is_corrected(written: str, meant: str) -> None:
    """Case, a file ending, the name of an event and the correct spelling lead to what is meant."""
    done = schema(written)
    assert done.exit_code != 0
    assert f"there is no definition {written!r}: did you mean {meant}" in done.stderr
    assert done.stdout == ""


def test_a_name_that_is_like_no_other_leads_to_the_list() -> None:
    """Nothing is guessed."""
    assert "there is no definition 'zzz': --list prints those that there are." in schema("zzz").stderr


@pytest.mark.parametrize("arguments", [(), ("--openapi", "--bundle"), ("--openapi", "Sid"), ("--list", "Sid")])
def test_one_thing_is_printed_at_a_time(arguments: tuple[str, ...]) -> None:
    """Two documents in one file are none."""
    done = schema(*arguments)
    assert done.exit_code != 0
    assert "give one of --bundle, --messages, " in done.stderr
    assert done.stdout == ""


def test_a_reader_that_stops_early_is_no_fault() -> None:
    """`signalproof schema --openapi | head -1` ends without a traceback."""
    command = [sys.executable, "-m", "signalproof", "schema", "--openapi"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        process.wait(30)
