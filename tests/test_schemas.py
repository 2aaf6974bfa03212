"""The schemas are valid, agree with their examples, and keep to the rules that make generated code good."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError, validators
from jsonschema.protocols import Validator

SCHEMAS = Path(__file__).resolve().parents[1] / "schemas"
V1 = SCHEMAS / "v1"
TOOLS = shutil.ignore_patterns("node_modules", "codegen", "lint")
FILES = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(V1.glob("*.json"))}
BUNDLE = json.loads((V1 / "dist" / "vcsp.json").read_text(encoding="utf-8"))
MESSAGES = json.loads((V1 / "dist" / "vcsp.messages.json").read_text(encoding="utf-8"))

SENT = {
    "CallRequest", "ConnectAuth", "DeclineRequest", "IceRequest", "LoginRequest", "RecieverAnswerRequest",
    "RefreshRequest", "SenderOfferRequest", "StatusRequest",
}  # fmt: skip
EVENT_MAPS = {"ClientAcks", "ClientEvents", "ServerEvents"}
SCALARS = {"string", "integer", "number", "boolean"}
BANNED_NAMES = {"Error", "Field", "IntEnum", "Object", "Ok", "Response", "Type"}
KEYWORDS = {
    "$defs", "$id", "$ref", "$schema", "additionalProperties", "anyOf", "const", "contentMediaType",
    "contentSchema", "description", "enum", "examples", "items", "maxLength", "maximum", "minLength",
    "minimum", "not", "oneOf", "pattern", "properties", "required", "title", "type", "uniqueItems",
}  # fmt: skip
"""What the code generators that were tried all take; the absent ones lose types or do not compile."""

WIRE_SPELLINGS = [
    ("SenderOfferRequest", "reciever_login"),
    ("RecieverAnswerRequest", "reciever_login"),
    ("RecieverAnswerRequest", "sender_login"),
    ("DeclineRequest", "reciever_login"),
    ("SenderOfferEvent", "sender_login"),
    ("SenderOfferEvent", "sender_offer"),
    ("RecieverAnswerEvent", "reciever_answer"),
    ("RecieverAnswerEvent", "reciever_login"),
    ("IceCandidateEvent", "ice"),
]


def content_schema(
    validator: Validator, subschema: Any, instance: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """Assert `contentSchema`, which is only an annotation by default."""
    if not isinstance(instance, str) or schema.get("contentMediaType") != "application/json":
        return
    try:
        content = json.loads(instance)
    except ValueError:
        yield ValidationError("not JSON text")
        return
    yield from validator.descend(content, subschema, schema_path="contentSchema")  # type: ignore[attr-defined]


def pattern(validator: Validator, regex: str, instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    """Assert `pattern` as ECMA-262 reads it: `$` matches at the very end only."""
    if isinstance(instance, str) and not re.search(re.sub(r"\$$", r"\\Z", regex), instance):
        yield ValidationError(f"{instance!r} does not match {regex!r}")


Strict: type[Validator] = validators.extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"contentSchema": content_schema, "pattern": pattern}
)


def strict(name: str) -> Validator:
    """Return a validator of one definition, through the bundle."""
    return Strict({"$ref": f"#/$defs/{name}", "$defs": BUNDLE["$defs"]})


def examples(kind: str) -> list[Any]:
    """Return a parameter (definition, path) for each example file of a kind."""
    return [
        pytest.param(path.parts[-3], path, id="/".join((path.parts[-3], path.stem)))
        for path in sorted((V1 / "examples").glob(f"*/{kind}/*.json"))
    ]


def subschemas(schema: Any, where: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each schema inside a schema, itself included, with its place."""
    if not isinstance(schema, dict):
        return
    yield where, schema
    for key, value in schema.items():
        if key == "properties":
            for name, item in value.items():
                yield from subschemas(item, f"{where}/{key}/{name}")
        elif key in {"items", "not", "contentSchema"}:
            yield from subschemas(value, f"{where}/{key}")
        elif key in {"oneOf", "anyOf"}:
            for number, item in enumerate(value):
                yield from subschemas(item, f"{where}/{key}/{number}")


def build(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the build script of a schemas folder."""
    return subprocess.run(
        [sys.executable, folder / "build.py", *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the schemas folder that a test may damage."""
    return Path(shutil.copytree(SCHEMAS, tmp_path / "schemas", ignore=TOOLS))


@pytest.mark.parametrize("name", FILES)
def test_schema_conforms_to_the_metaschema(name: str) -> None:
    """Each file is a valid schema of its dialect."""
    Draft202012Validator.check_schema(FILES[name])


@pytest.mark.parametrize("document", [BUNDLE, MESSAGES], ids=["vcsp.json", "vcsp.messages.json"])
def test_bundle_conforms_to_the_metaschema_and_is_flat(document: dict[str, Any]) -> None:
    """A bundle holds every definition, with local references and without identifiers inside."""
    Draft202012Validator.check_schema(document)
    assert document["$defs"].keys() == FILES.keys()
    for name, definition in document["$defs"].items():
        for where, schema in subschemas(definition):
            assert not {"$id", "$schema"} & schema.keys(), f"{name}{where}"
            if "$ref" in schema:
                assert schema["$ref"].removeprefix("#/$defs/") in FILES, f"{name}{where}"


def test_bundle_has_no_root_type() -> None:
    """The bundle only carries `$defs`, so that no generator makes a class of its root."""
    assert BUNDLE.keys() == {"$schema", "$id", "title", "description", "$defs"}


def test_messages_bundle_has_a_property_for_each_object() -> None:
    """Generators that start from a root object reach every object but the event maps."""
    objects = {name for name, schema in FILES.items() if schema.get("type") == "object"}
    assert MESSAGES["properties"] == {name: {"$ref": f"#/$defs/{name}"} for name in sorted(objects - EVENT_MAPS)}


@pytest.mark.parametrize("name", FILES)
def test_schema_keeps_to_the_authoring_rules(name: str) -> None:
    """Names and keywords are those that code generators turn into good types."""
    root = FILES[name]
    assert name not in BANNED_NAMES
    assert re.fullmatch(r"([A-Z][a-z]+)+", name)
    assert root["description"].endswith(".")
    for where, schema in subschemas(root):
        place = f"{name}{where}"
        assert schema.keys() <= KEYWORDS, place
        if "const" in schema and not where.endswith("/not"):
            assert schema["type"] in {"string", "integer"}, place
        if "$ref" in schema:
            assert schema.keys() == {"$ref"}, place
        if "oneOf" in schema:
            assert schema.keys() <= {"$schema", "$id", "title", "description", "oneOf", "examples"}, place
            assert all(branch.keys() == {"$ref"} for branch in schema["oneOf"]), place
        if where:
            assert schema.get("type") != "object", f"{place}: name this object"
            assert not {"enum", "oneOf", "anyOf"} & schema.keys(), f"{place}: name this definition"
        kinds = schema.get("type", [])
        if isinstance(kinds, list) and kinds:
            assert len(kinds) == 2, place
            assert "null" in kinds, place
            assert SCALARS & set(kinds), place


@pytest.mark.parametrize("name", [name for name, schema in FILES.items() if schema.get("type") == "object"])
def test_object_is_closed_if_and_only_if_a_client_sends_it(name: str) -> None:
    """A client is told of its own misspelt fields, and ignores the server's new ones."""
    closed = FILES[name].get("additionalProperties") is False
    assert closed == (name in SENT | EVENT_MAPS)
    assert set(FILES[name].get("required", [])) <= FILES[name].get("properties", {}).keys()


@pytest.mark.parametrize("name", FILES)
def test_definition_has_examples_of_its_own(name: str) -> None:
    """Each definition is shown in its schema, and by valid and invalid files."""
    assert FILES[name]["examples"]
    assert len(list((V1 / "examples" / name / "valid").glob("*.json"))) >= 1
    assert len(list((V1 / "examples" / name / "invalid").glob("*.json"))) >= 2


@pytest.mark.parametrize(
    ("name", "example"),
    [pytest.param(name, item, id=f"{name}/{i}") for name in FILES for i, item in enumerate(FILES[name]["examples"])],
)
def test_example_in_the_schema_validates(name: str, example: Any) -> None:
    """An `examples` entry is an instance of its schema, contents included."""
    strict(name).validate(example)


@pytest.mark.parametrize(("name", "path"), examples("valid"))
def test_valid_example_validates(name: str, path: Path) -> None:
    """A valid example is an instance of its definition, contents included."""
    strict(name).validate(json.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(("name", "path"), examples("invalid"))
def test_invalid_example_does_not_validate(name: str, path: Path) -> None:
    """An invalid example is caught, if only by its contents."""
    assert not strict(name).is_valid(json.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", ["EncodedAnswer", "EncodedCandidate", "EncodedOffer"])
def test_some_invalid_examples_are_only_content_invalid(name: str) -> None:
    """A stock validator takes a bad content, so the examples prove that ours looks inside."""
    stock = Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": BUNDLE["$defs"]})
    paths = list((V1 / "examples" / name / "invalid").glob("content_*.json"))
    assert len(paths) >= 2
    for path in paths:
        stock.validate(json.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(("name", "key"), WIRE_SPELLINGS)
def test_wire_spelling_is_kept(name: str, key: str) -> None:
    """The misspelt and the correct keys of the protocol stay as they are."""
    assert key in FILES[name]["properties"]


def test_no_key_or_value_is_corrected() -> None:
    """Nobody tidies the spelling of a key, a tag or a status."""
    assert FILES["UserStatus"]["enum"] == ["free", "beasy"]
    assert FILES["RecieverAnswerRequest"]["properties"]["type"]["const"] == "reciever"
    assert "receiver" not in json.dumps([FILES[name].get("properties") for name in FILES])


def test_event_maps_name_the_events_of_the_protocol() -> None:
    """The maps have each event of the protocol, required, with its payload."""
    payloads = {name: FILES[name]["properties"] for name in EVENT_MAPS}
    assert payloads["ClientEvents"] == {"login": {"$ref": "LoginRequest.json"}}
    assert payloads["ClientAcks"] == {"login": {"$ref": "LoginAck.json"}}
    assert payloads["ServerEvents"] == {
        "sender_offer": {"$ref": "SenderOfferEvent.json"},
        "reciever_answer": {"$ref": "RecieverAnswerEvent.json"},
        "ice_candidate": {"$ref": "IceCandidateEvent.json"},
        "calling": {"$ref": "CallingEvent.json"},
        "decline": {"$ref": "DeclineEvent.json"},
        "refresh": {"$ref": "RefreshEvent.json"},
    }
    for name, events in payloads.items():
        assert FILES[name]["required"] == list(events)


@pytest.mark.parametrize("name", sorted(SENT))
def test_every_field_a_client_sends_is_a_string(name: str) -> None:
    """A form-encoded body has only strings, and has to decode to the same object."""
    for field, schema in FILES[name]["properties"].items():
        target = FILES[schema["$ref"].removesuffix(".json")] if "$ref" in schema else schema
        assert target["type"] == "string", field


def test_bundles_are_current() -> None:
    """The bundles under version control are those that the build makes."""
    result = build(SCHEMAS, "--check")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_check_names_the_stale_bundle_and_a_build_mends_it(copy: Path) -> None:
    """The check fails in one line on a stale bundle, until it is built."""
    (copy / "v1" / "dist" / "vcsp.json").write_text("{}", encoding="utf-8")
    result = build(copy, "--check")
    assert result.returncode == 1
    assert result.stderr == "stale: v1/dist/vcsp.json; run `python schemas/build.py`\n"
    assert build(copy).returncode == 0
    assert build(copy, "--check").returncode == 0


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('"title": "CallingEvent"', '"title": "Calling"', "title is 'Calling'"),
        ("v1/CallingEvent.json", "v2/CallingEvent.json", "$id is "),
        ("Login.json", "User.json", "$ref 'User.json' names no file"),
        ("Login.json", "Login", "$ref 'Login' names no file"),
    ],
)
def test_build_refuses_a_schema_that_breaks_the_naming_rules(copy: Path, old: str, new: str, complaint: str) -> None:
    """Stem, title and identifier agree, and each reference names a file."""
    path = copy / "v1" / "CallingEvent.json"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    result = build(copy)
    assert result.returncode == 1
    assert result.stderr.startswith("CallingEvent.json: ")
    assert complaint in result.stderr


def test_build_refuses_a_definition_without_examples(copy: Path) -> None:
    """A definition whose examples are missing stops the build."""
    shutil.rmtree(copy / "v1" / "examples" / "CallingEvent" / "invalid")
    result = build(copy)
    assert result.returncode == 1
    assert result.stderr == "CallingEvent.json: no examples in examples/CallingEvent/invalid\n"


def test_python_recipe_of_the_readme_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the README says works as it is written."""
    recipe = re.search(r"```python\n(.*?)```", (SCHEMAS / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert recipe is not None
    monkeypatch.chdir(SCHEMAS.parent)
    names: dict[str, Any] = {}
    exec(recipe[1], names)
    assert not names["validator"].is_valid({"sid": "Zw3lDh2dPbkY7VbsAAAB", "ice": "not JSON"})
