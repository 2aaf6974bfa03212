"""The OpenAPI and AsyncAPI documents say what the specification, the schemas, the kit and the server say."""

from __future__ import annotations

import copy
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from contract import promises
from jsonschema import Draft202012Validator

import signalproof_server.wire
from signalproof.protocol.wire import POST_PATHS

ROOT = Path(__file__).resolve().parents[1]
SCHEMAS = ROOT / "schemas"
DIST = SCHEMAS / "v1" / "dist"
TOOLS = shutil.ignore_patterns("node_modules", "codegen", "lint")
BUNDLE, OPENAPI, CLIENT, DISCRIMINATED, ASYNCAPI, EVENTS = (
    json.loads((DIST / name).read_text(encoding="utf-8"))
    for name in (
        "vcsp.json",
        "openapi.json",
        "openapi.client.json",
        "openapi.discriminator.json",
        "asyncapi.json",
        "vcsp.events.json",
    )
)
DOCUMENTS = {"openapi": OPENAPI, "openapi.client": CLIENT, "openapi.discriminator": DISCRIMINATED, "asyncapi": ASYNCAPI}
COMPONENTS = "#/components/schemas/"
NAMES = {"ProfileName", "RefusalCode"}
"""Definitions that the documents refer to in words only, for client code that wants the values."""
MEDIA = ["application/json", "application/x-www-form-urlencoded"]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table of all messages in `spec/overview.md`."""

    profile: str
    sent: bool
    """Whether the server sends it."""
    what: str
    fields: str
    schema: str


def table(topic: str, heading: str) -> Iterator[list[str]]:
    """Yield the cells of each line of the first table below a heading of the specification."""
    text = (ROOT / "spec" / f"{topic}.md").read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2]
    lines = text.partition("\n|")[2].partition("\n\n")[0].splitlines()
    for line in lines[2:]:
        yield [cell.strip() for cell in line.strip("|").split("|")]


ROWS = [
    Row(cells[0].strip("`"), cells[1].startswith("server"), cells[2], cells[3], re.findall(r"\[(\w+)\]", cells[4])[0])
    for cells in table("overview", "Messages")
]
POSTS = [row for row in ROWS if row.what.startswith("POST")]
SERVER_EVENTS = [row for row in ROWS if row.sent and row.what.startswith("event")]


def code(text: str) -> str:
    """Return the first piece of code in a cell."""
    return str(re.findall(r"`([^`]+)`", text)[0])


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield method, path and operation of each endpoint."""
    for path, item in OPENAPI["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


def name_of(schema: dict[str, Any]) -> str:
    """Return the name of the definition that is referred to."""
    assert schema.keys() == {"$ref"}
    return str(schema["$ref"]).rpartition("/")[2]


def targets(value: Any) -> Iterator[str]:
    """Yield every reference in a document."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from targets(item)
    elif isinstance(value, list):
        for item in value:
            yield from targets(item)


def payload(event: str) -> str:
    """Return the name of the payload of an AsyncAPI message."""
    return name_of(ASYNCAPI["components"]["messages"][event]["payload"])


# ── the table of all messages ──────────────────────────────────────────────────────────────────


def test_the_table_was_read() -> None:
    """The tests below compare with something."""
    assert (len(ROWS), len(POSTS), len(SERVER_EVENTS)) == (17, 7, 6)


def test_every_endpoint_of_the_specification_is_in_the_openapi_document_and_no_other() -> None:
    """Method, path and profile agree; so do the routes of the reference server and of the kit."""
    told = {("POST", code(row.what), row.profile) for row in POSTS} | {
        ("GET", "/online", "presence"),
        ("GET", "/.well-known/vcsp", "discovery"),
    }
    assert {(method, path, *operation["tags"]) for method, path, operation in operations()} == told
    posts = {path for method, path, _ in told if method == "POST"}
    assert posts == signalproof_server.wire.POSTS.keys()
    assert posts == {path for paths in POST_PATHS.values() for path in paths}


@pytest.mark.parametrize("row", POSTS, ids=lambda row: row.schema)
def test_a_request_has_the_schema_and_the_fields_of_the_table(row: Row) -> None:
    """Names, what is optional, and the values that are legal."""
    body = name_of(OPENAPI["paths"][code(row.what)]["post"]["requestBody"]["content"]["application/json"]["schema"])
    schema = OPENAPI["components"]["schemas"][body]
    assert row.schema in [body, *(name_of(branch) for branch in schema.get("oneOf", []))]
    check_fields(row, OPENAPI["components"]["schemas"])


@pytest.mark.parametrize("row", SERVER_EVENTS, ids=lambda row: row.schema)
def test_an_event_has_the_schema_and_the_fields_of_the_table(row: Row) -> None:
    """Name, direction, profile and payload."""
    event = code(row.what)
    assert payload(event) == row.schema
    assert ASYNCAPI["operations"][event]["action"] == "send"
    assert ASYNCAPI["operations"][event]["tags"] == [{"name": row.profile}]
    check_fields(row, ASYNCAPI["components"]["schemas"])


def check_fields(row: Row, schemas: dict[str, Any]) -> None:
    """Compare the cell that lists the fields with a schema."""
    schema = schemas[row.schema]
    listed = row.fields.partition(";")[0]
    optional = set(re.findall(r"`(\w+)`\?", listed))
    values = {
        field: re.findall(r"`(\w+)`", legal) for field, legal in re.findall(r"`(\w+)` = (`\w+`(?: or `\w+`)*)", listed)
    }
    spoken = {value for legal in values.values() for value in legal}
    fields = set(re.findall(r"`(\w+)`(?! = \d)", re.sub(r"\([^)]*\)", "", listed))) - spoken
    ignored = {"reciever_login"} if row.schema == "RecieverAnswerRequest" else set()
    assert fields == schema["properties"].keys() - ignored
    assert set(schema["required"]) == fields - optional
    for field, legal in values.items():
        found = schema["properties"][field]
        found = schemas[name_of(found)] if "$ref" in found else found
        assert found.get("enum", [found.get("const")]) == legal


def test_the_events_of_the_specification_are_in_the_asyncapi_document_and_no_others() -> None:
    """Beside those that the server raises: `login`, its acknowledgement, and the payload of CONNECT."""
    raised = {code(row.what) for row in SERVER_EVENTS}
    assert ASYNCAPI["operations"].keys() == raised | {"connect", "login"}
    assert ASYNCAPI["components"]["messages"].keys() == raised | {"connect", "login", "login_ack"}
    assert (payload("connect"), payload("login"), payload("login_ack")) == ("ConnectAuth", "LoginRequest", "LoginAck")
    assert [ASYNCAPI["operations"][name]["action"] for name in ("connect", "login")] == ["receive", "receive"]
    assert "reply" in ASYNCAPI["operations"]["login"]


def test_the_channel_has_every_message() -> None:
    """Each is listed once, under its own name, and each operation is about the message of its name."""
    messages = ASYNCAPI["channels"]["root"]["messages"]
    assert messages == {name: {"$ref": f"#/components/messages/{name}"} for name in ASYNCAPI["components"]["messages"]}
    for name, operation in ASYNCAPI["operations"].items():
        assert operation["messages"] == [{"$ref": f"#/channels/root/messages/{name}"}]
        assert ASYNCAPI["components"]["messages"][name]["name"] == name


def test_the_maps_of_events_agree_with_the_asyncapi_document() -> None:
    """By direction, with the acknowledgements."""
    maps = {name: EVENTS["$defs"][name]["properties"] for name in EVENTS["properties"]}
    assert maps.keys() == {"ClientAcks", "ClientEvents", "ServerEvents"}
    assert {event: name_of(schema) for event, schema in maps["ServerEvents"].items()} == {
        event: payload(event) for event, operation in ASYNCAPI["operations"].items() if operation["action"] == "send"
    }
    assert {event: name_of(schema) for event, schema in maps["ClientEvents"].items()} == {"login": payload("login")}
    assert {event: name_of(schema) for event, schema in maps["ClientAcks"].items()} == {"login": payload("login_ack")}
    assert EVENTS["$defs"].items() <= BUNDLE["$defs"].items()


# ── requests and replies ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", [path for method, path, _ in operations() if method == "POST"])
def test_a_post_takes_both_encodings_of_one_shape(path: str) -> None:
    """Any field of it is a string, so that a form can say the same (HTTP-1, HTTP-2)."""
    body = OPENAPI["paths"][path]["post"]["requestBody"]
    assert body["required"]
    assert list(body["content"]) == MEDIA
    assert body["content"][MEDIA[0]] == body["content"][MEDIA[1]]


def test_replies_have_the_statuses_of_the_specification() -> None:
    """Accepted is 200, refused 200 or 4xx, 401 without a token, and 503 only where an event cannot be handed on."""
    for method, path, operation in operations():
        statuses = list(operation["responses"])
        if path == "/.well-known/vcsp":
            assert statuses == ["200", "404"]
            assert operation["security"] == []  # AUTH-5
            continue
        raises_an_event = method == "POST" and path != "/status"
        assert statuses == ["200", "401", "4XX", *(["503"] if raises_an_event else [])]
        assert "security" not in operation
        assert "WWW-Authenticate" in operation["responses"]["401"]["headers"]
        for status in statuses[1:]:
            assert name_of(operation["responses"][status]["content"]["application/json"]["schema"]) == "Failure"
    assert OPENAPI["security"] == [{}, {"token": []}]
    assert OPENAPI["components"]["securitySchemes"]["token"]["scheme"] == "bearer"


@pytest.mark.parametrize(
    "row", [row for row in table("errors", "Accepted") if row[2] != "see there"], ids=lambda row: row[0]
)
def test_the_reply_to_send_is_an_accepted_reply_of_its_endpoint(row: list[str]) -> None:
    """The bodies in `spec/errors.md` have the shape that the OpenAPI document gives, and its required key."""
    endpoint, key, body = row
    method = endpoint.split()[0].lower()
    for path in re.findall(r"`(/[\w./-]+)`", endpoint):
        content = OPENAPI["paths"][path][method]["responses"]["200"]["content"]["application/json"]
        schema = OPENAPI["components"]["schemas"][name_of(content["schema"])]
        reply = json.loads(code(body))
        Draft202012Validator({**schema, "components": OPENAPI["components"]}).validate(reply)
        assert code(key) in schema["properties"]
        assert reply.keys() <= schema["properties"].keys()


# ── the documents themselves ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_a_document_is_self_contained(document: dict[str, Any]) -> None:
    """Each reference leads to something in it, no component has an id, and each component is used."""
    schemas = document["components"]["schemas"]
    for target in targets(document):
        part: Any = document
        assert target.startswith("#/")
        for step in target.removeprefix("#/").split("/"):
            part = part[step]
    assert '"$id"' not in json.dumps(document)
    assert '"$schema"' not in json.dumps(document)
    assert '"externalValue"' not in json.dumps(document)
    used = {target.removeprefix(COMPONENTS) for target in targets(document) if target.startswith(COMPONENTS)}
    assert used == schemas.keys() - NAMES


@pytest.mark.parametrize("document", [OPENAPI, ASYNCAPI], ids=["openapi", "asyncapi"])
def test_components_are_the_definitions_of_the_bundle(document: dict[str, Any]) -> None:
    """Nothing but the place of the references is different."""
    for name, schema in document["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        assert json.loads(json.dumps(schema).replace(COMPONENTS, "#/$defs/")) == BUNDLE["$defs"][name]


def test_the_client_variant_only_lacks_the_form_encoding() -> None:
    """Generators that send a body in every encoding they are told of are told of one."""
    bare = copy.deepcopy(OPENAPI)
    bodies = [
        operation["requestBody"]
        for path in bare["paths"].values()
        for operation in path.values()
        if "requestBody" in operation
    ]
    forms = [body["content"].pop(MEDIA[1]) for body in bodies]
    assert len(forms) == sum(map(len, POST_PATHS.values()))
    assert bare == CLIENT


def test_the_discriminator_variant_only_adds_discriminators() -> None:
    """The union of the two requests to `/offer` is the one that has a tag."""
    bare = copy.deepcopy(DISCRIMINATED)
    found = {name: schema.pop("discriminator", None) for name, schema in bare["components"]["schemas"].items()}
    assert bare == OPENAPI
    assert {name: tag for name, tag in found.items() if tag} == {
        "OfferRequest": {
            "propertyName": "type",
            "mapping": {
                "sender": f"{COMPONENTS}SenderOfferRequest",
                "reciever": f"{COMPONENTS}RecieverAnswerRequest",
            },
        }
    }


def test_examples_are_instances_of_their_schemas() -> None:
    """Each body, reply and event is shown, by a message that is valid."""
    shown: list[tuple[dict[str, Any], Any]] = []
    for _, _, operation in operations():
        contents = [part for part in [operation.get("requestBody"), *operation["responses"].values()] if part]
        for part in contents:
            for content in part.get("content", {}).values():
                assert content["examples"]
                shown += [(content["schema"], example["value"]) for example in content["examples"].values()]
    for message in ASYNCAPI["components"]["messages"].values():
        assert message["examples"]
        shown += [(message["payload"], example["payload"]) for example in message["examples"]]
    for schema, example in shown:
        target = {"$ref": f"#/$defs/{name_of(schema)}", "$defs": BUNDLE["$defs"]}
        Draft202012Validator(target).validate(example)
    assert len(shown) > 40


def test_the_documents_have_the_version_of_the_specification() -> None:
    """So they are released together."""
    text = (ROOT / "spec" / "README.md").read_text(encoding="utf-8")
    version = re.search(r"^Version: (.+)$", text, re.MULTILINE)
    assert version is not None
    assert [document["info"]["version"] for document in DOCUMENTS.values()] == [version[1]] * len(DOCUMENTS)
    assert (SCHEMAS / "v1" / "released" / version[1]).is_dir()


def test_every_operation_is_explained() -> None:
    """A summary, a description, and a name that generated code can use."""
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(set(names)) == len(names)
    for operation in [*(operation for _, _, operation in operations()), *ASYNCAPI["operations"].values()]:
        assert operation["summary"]
        assert operation["description"].strip().endswith(".")
    assert promises.of_openapi(OPENAPI)[1] == {f"POST {code(row.what)}: needs a body" for row in POSTS}


# ── the linters ────────────────────────────────────────────────────────────────────────────────


def test_the_linters_are_pinned_without_a_registry() -> None:
    """Exact versions, by hash, from whatever registry the machine uses."""
    wanted = json.loads((SCHEMAS / "lint" / "package.json").read_text(encoding="utf-8"))["dependencies"]
    packages = json.loads((SCHEMAS / "lint" / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert packages.pop("")["dependencies"] == wanted
    assert {name: packages[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    for name, package in packages.items():
        assert package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, name


# ── mistakes in the sources ────────────────────────────────────────────────────────────────────

MISTAKES = {
    "openapi.yaml: while parsing a flow mapping": (
        "openapi.yaml",
        "{$ref: CallRequest.json}",
        "{$ref: CallRequest.json",
    ),
    "openapi.yaml: not an object": ("openapi.yaml", None, "- a list\n"),
    "openapi.yaml: $ref 'Ring.json' names no definition": ("openapi.yaml", "CallRequest.json", "Ring.json"),
    "openapi.yaml: $ref 'CallRequest' names no definition": ("openapi.yaml", "CallRequest.json", "CallRequest"),
    "openapi.yaml: POST /call has no operationId": ("openapi.yaml", "operationId: postCall", "x-name: postCall"),
    "asyncapi.yaml: calling has no title": ("asyncapi.yaml", "title: Somebody calls", "x-name: calls"),
    "openapi.yaml: there is no examples/CallRequest/valid/ring.json": (
        "openapi.yaml",
        "CallRequest/valid/call.json",
        "CallRequest/valid/ring.json",
    ),
    "asyncapi.yaml: there is no examples/CallingEvent/valid/ring.json": (
        "asyncapi.yaml",
        "CallingEvent/valid/calling.json",
        "CallingEvent/valid/ring.json",
    ),
}


@pytest.mark.parametrize(("complaint", "mistake"), MISTAKES.items(), ids=MISTAKES)
def test_a_mistake_in_a_source_stops_the_build_in_one_line(
    tmp_path: Path, complaint: str, mistake: tuple[str, str | None, str]
) -> None:
    """The file and what is wrong with it, and no traceback."""
    folder = Path(shutil.copytree(SCHEMAS, tmp_path / "schemas", ignore=TOOLS))
    name, old, new = mistake
    path = folder / "v1" / name
    text = path.read_text(encoding="utf-8")
    assert old is None or old in text
    path.write_text(new if old is None else text.replace(old, new), encoding="utf-8")
    command = [sys.executable, str(folder / "build.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith(complaint)
    assert done.stderr.count("\n") == 1
