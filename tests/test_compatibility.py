"""Whatever is not additive within a major version is found, and said in words."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from contract import compatibility, promises

SCHEMAS = Path(__file__).resolve().parents[1] / "schemas"
DIST = SCHEMAS / "v1" / "dist"
TOOLS = shutil.ignore_patterns("node_modules", "codegen", "lint")
DEFS: dict[str, Any] = json.loads((DIST / "vcsp.json").read_text(encoding="utf-8"))["$defs"]
OPENAPI: dict[str, Any] = json.loads((DIST / "openapi.json").read_text(encoding="utf-8"))
ASYNCAPI: dict[str, Any] = json.loads((DIST / "asyncapi.json").read_text(encoding="utf-8"))

Change = Callable[[dict[str, Any]], object]


def changed(document: dict[str, Any], change: Change) -> dict[str, Any]:
    """Return a changed copy."""
    new = copy.deepcopy(document)
    change(new)
    assert new != document
    return new


BREAKING: list[tuple[str, Change]] = [
    ("Sid: the definition was removed", lambda d: d.pop("Sid")),
    ("CallRequest/login: the field was removed", lambda d: d["CallRequest"]["properties"].pop("login")),
    ("SenderOfferRequest/offer_id: the field is required now, and was optional",
     lambda d: d["SenderOfferRequest"]["required"].append("offer_id")),
    ("SenderOfferEvent/sender_login: the field is optional now, and was required",
     lambda d: d["SenderOfferEvent"]["required"].remove("sender_login")),
    ("StatusReply/trace: a new field is required",
     lambda d: d["StatusReply"].update(required=["trace"], properties=d["StatusReply"]["properties"] | {"trace": {}})),
    ("CallingEvent: unknown fields are not allowed any more",
     lambda d: d["CallingEvent"].update(additionalProperties=False)),
    ("CallingEvent: unknown fields have a type now",
     lambda d: d["CallingEvent"].update(additionalProperties={"type": "string"})),
    ("CallingEvent/login: is now Sid, was Login",
     lambda d: d["CallingEvent"]["properties"]["login"].update({"$ref": "#/$defs/Sid"})),
    ("Sid: type is now ['string', 'null'], was 'string'", lambda d: d["Sid"].update(type=["string", "null"])),
    ("IceCandidateInit/sdpMid: type is now 'string', was ['string', 'null']",
     lambda d: d["IceCandidateInit"]["properties"]["sdpMid"].update(type="string")),
    ("Sid: type 'string' was removed", lambda d: d["Sid"].pop("type")),
    ("IceReceipt: minProperties is now 1, was without limit", lambda d: d["IceReceipt"].update(minProperties=1)),
    ("DeclineEvent/decline: const is now 'yes', was 'no'",
     lambda d: d["DeclineEvent"]["properties"]["decline"].update(const="yes")),
    ("DeclineEvent/decline: const 'no' was removed", lambda d: d["DeclineEvent"]["properties"]["decline"].pop("const")),
    ("Sid: const narrows it now: 'a'", lambda d: d["Sid"].update(const="a")),
    ("UserStatus: no longer allowed: beasy", lambda d: d["UserStatus"]["enum"].remove("beasy")),
    ("Sid: only some values are allowed now: a, b", lambda d: d["Sid"].update(enum=["a", "b"])),
    ("Login: pattern is now '^[a-z]+$', was ", lambda d: d["Login"].update(pattern="^[a-z]+$")),
    ("Sid: pattern narrows it now: '^[a-z]+$'", lambda d: d["Sid"].update(pattern="^[a-z]+$")),
    ("Login: maxLength is now 79, was 80", lambda d: d["Login"].update(maxLength=79)),
    ("Login: minLength is now 2, was 1", lambda d: d["Login"].update(minLength=2)),
    ("Sid: maxLength is now 20, was without limit", lambda d: d["Sid"].update(maxLength=20)),
    ("Limits/held_seconds: minimum is now 1, was 0",
     lambda d: d["Limits"]["properties"]["held_seconds"].update(minimum=1)),
    ("IceCandidateInit/sdpMLineIndex: maximum is now 9, was 65535",
     lambda d: d["IceCandidateInit"]["properties"]["sdpMLineIndex"].update(maximum=9)),
    ("RefusalStatus: not is now {'const': 1}, was {'const': 0}",
     lambda d: d["RefusalStatus"].update({"not": {"const": 1}})),
    ("Discovery/profiles: items have to differ now",
     lambda d: d["Discovery"]["properties"]["profiles"].update(uniqueItems=True)),
    ("Discovery/profiles/items: maxLength is now 9, was without limit",
     lambda d: d["Discovery"]["properties"]["profiles"]["items"].update(maxLength=9)),
    ("IceReceipt: items narrows it now", lambda d: d["IceReceipt"].update(items={"type": "string"})),
    ("OfferRequest: cannot be RecieverAnswerRequest any more", lambda d: d["OfferRequest"]["oneOf"].pop()),
    ("IceCandidateOrNull: cannot be {'type': 'null'} any more", lambda d: d["IceCandidateOrNull"]["anyOf"].pop()),
    ("IceReceipt: anyOf narrows it now", lambda d: d["IceReceipt"].update(anyOf=[{"required": ["a"]}])),
    ("EncodedOffer/contentSchema: is now AnswerDescription, was OfferDescription",
     lambda d: d["EncodedOffer"].update(contentSchema={"$ref": "#/$defs/AnswerDescription"})),
    ("EncodedOffer: contentMediaType 'application/json' was removed",
     lambda d: d["EncodedOffer"].pop("contentMediaType")),
    ("Sid: contentSchema narrows it now", lambda d: d["Sid"].update(contentSchema={"type": "null"})),
    ("Sid: dependentRequired narrows it now: {'a': ['b']}", lambda d: d["Sid"].update(dependentRequired={"a": ["b"]})),
    ("ServerEvents/calling: the field was removed",
     lambda d: (d["ServerEvents"]["properties"].pop("calling"), d["ServerEvents"]["required"].remove("calling"))),
]  # fmt: skip

ADDITIVE: dict[str, Change] = {
    "definition": lambda d: d.update(Room={"type": "string"}),
    "optional_request_field": lambda d: d["CallRequest"]["properties"].update(room={"type": "string"}),
    "optional_event_field": lambda d: d["CallingEvent"]["properties"].update(room={"type": "string"}),
    "refusal_code": lambda d: d["RefusalCode"]["enum"].append("banned"),
    "any_value": lambda d: d["RefusalCode"].pop("enum"),
    "event": lambda d: (
        d["ServerEvents"]["properties"].update(left={"$ref": "#/$defs/CallingEvent"}),
        d["ServerEvents"]["required"].append("left"),
    ),
    "higher_maximum": lambda d: d["Login"].update(maxLength=100),
    "lower_minimum": lambda d: d["Limits"]["properties"]["ringing_seconds"].update(minimum=0),
    "no_limit": lambda d: d["Login"].pop("maxLength"),
    "no_pattern": lambda d: d["Login"].pop("pattern"),
    "items_may_repeat": lambda d: d["OnlineAccepted"]["properties"]["payload"].pop("uniqueItems"),
    "unknown_fields": lambda d: d["CallRequest"].pop("additionalProperties"),
    "another_branch": lambda d: d["OfferRequest"]["oneOf"].append({"$ref": "#/$defs/CallRequest"}),
    "content_of_any_shape": lambda d: d["EncodedOffer"].pop("contentSchema"),
    "prose": lambda d: d["Sid"].update(description="Another sentence.", examples=[], deprecated=True),
    "inline_what_was_named": lambda d: d["CallRequest"]["properties"].update(sid=copy.deepcopy(d["Sid"])),
}


def test_nothing_is_broken_by_no_change() -> None:
    """The definitions are compatible with themselves."""
    assert list(compatibility.broken(DEFS, copy.deepcopy(DEFS))) == []


@pytest.mark.parametrize(("complaint", "change"), BREAKING, ids=[complaint for complaint, _ in BREAKING])
def test_a_breaking_change_is_named(complaint: str, change: Change) -> None:
    """Each kind of narrowing is one line that says where and what."""
    found = list(compatibility.broken(DEFS, changed(DEFS, change)))
    assert [line for line in found if line.startswith(complaint)], found


@pytest.mark.parametrize("change", ADDITIVE.values(), ids=ADDITIVE)
def test_an_additive_change_is_fine(change: Change) -> None:
    """What the specification allows within version 1 raises no complaint."""
    assert list(compatibility.broken(DEFS, changed(DEFS, change))) == []


OPERATION = OPENAPI["paths"]["/call"]["post"]
HTTP_BREAKING: dict[str, Change] = {
    "openapi.json: POST /call was removed": lambda d: d["paths"].pop("/call"),
    "openapi.json: no longer true: POST /call: takes application/x-www-form-urlencoded of CallRequest": lambda d: d[
        "paths"
    ]["/call"]["post"]["requestBody"]["content"].pop("application/x-www-form-urlencoded"),
    "openapi.json: no longer true: POST /call: answers 200 with application/json of CallReply": lambda d: d["paths"][
        "/call"
    ]["post"]["responses"]["200"]["content"]["application/json"]["schema"].update(
        {"$ref": "#/components/schemas/Failure"}
    ),
    "openapi.json: no longer true: GET /.well-known/vcsp: answers 404": lambda d: d["paths"]["/.well-known/vcsp"][
        "get"
    ]["responses"].pop("404"),
    "openapi.json: no longer true: POST /call: is called postCall": lambda d: d["paths"]["/call"]["post"].update(
        operationId="ring"
    ),
    "openapi.json: a new demand: POST /call: needs token": lambda d: d["paths"]["/call"]["post"].update(
        security=[{"token": []}]
    ),
    "openapi.json: a new demand: POST /call: needs the query parameter room": lambda d: d["paths"]["/call"][
        "post"
    ].update(parameters=[{"name": "room", "in": "query", "required": True}]),
    "openapi.json: a new demand: GET /online: needs a body": lambda d: d["paths"]["/online"]["get"].update(
        requestBody={"required": True, "content": {}}
    ),
}
SOCKET_BREAKING: dict[str, Change] = {
    "asyncapi.json: event calling was removed": lambda d: d["operations"].pop("calling"),
    "asyncapi.json: no longer true: event calling: the server sends CallingEvent in /": lambda d: d["components"][
        "messages"
    ]["calling"]["payload"].update({"$ref": "#/components/schemas/Login"}),
    "asyncapi.json: no longer true: event login: is acknowledged with LoginAck": lambda d: d["operations"]["login"].pop(
        "reply"
    ),
}


@pytest.mark.parametrize(("complaint", "change"), HTTP_BREAKING.items(), ids=HTTP_BREAKING)
def test_a_broken_promise_of_an_endpoint_is_named(complaint: str, change: Change) -> None:
    """An endpoint that goes, answers otherwise or asks for more is one line."""
    old, new = promises.of_openapi(OPENAPI), promises.of_openapi(changed(OPENAPI, change))
    assert list(promises.broken(old, new, "openapi.json")) == [complaint]


@pytest.mark.parametrize(("complaint", "change"), SOCKET_BREAKING.items(), ids=SOCKET_BREAKING)
def test_a_broken_promise_of_an_event_is_named(complaint: str, change: Change) -> None:
    """An event that goes or has another payload is one line."""
    old, new = promises.of_asyncapi(ASYNCAPI), promises.of_asyncapi(changed(ASYNCAPI, change))
    assert list(promises.broken(old, new, "asyncapi.json")) == [complaint]


def test_a_new_endpoint_may_ask_for_a_token() -> None:
    """Demands bind nobody who was there before."""
    new = changed(
        OPENAPI, lambda d: d["paths"].update({"/leave": {"post": {**OPERATION, "security": [{"token": []}]}}})
    )
    assert list(promises.broken(promises.of_openapi(OPENAPI), promises.of_openapi(new), "openapi.json")) == []


# ── the command ────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the schemas that a test may change."""
    return Path(shutil.copytree(SCHEMAS, tmp_path / "schemas", ignore=TOOLS))


def build(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the build script of a copy."""
    command = [sys.executable, str(folder / "build.py"), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def replace(path: Path, old: str, new: str) -> None:
    """Change a text in a file."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_the_build_fails_on_a_breaking_change(folder: Path) -> None:
    """It says what is broken, and where the rule stands."""
    replace(folder / "v1" / "Login.json", '"maxLength": 80', '"maxLength": 70')
    done = build(folder)
    assert done.returncode == 1
    assert done.stderr == (
        "Login: maxLength is now 70, was 80\nWithin v1 changes are additive only, see spec/versioning.md.\n"
    )
    assert build(folder, "--check").stderr == done.stderr


def test_the_build_takes_an_additive_change(folder: Path) -> None:
    """A looser limit and another refusal code are no breach."""
    replace(folder / "v1" / "Login.json", '"maxLength": 80', '"maxLength": 90')
    assert build(folder).returncode == 0
    assert build(folder, "--check").returncode == 0


@pytest.mark.parametrize("name", ["vcsp.json", "openapi.json", "asyncapi.json", "SHA256SUMS"])
def test_a_released_file_is_frozen(folder: Path, name: str) -> None:
    """A byte that changes is noticed, and so is a file that is gone."""
    path = folder / "v1" / "released" / "1.0" / name
    path.write_text(path.read_text(encoding="utf-8").replace("a", "b"), encoding="utf-8")
    touched = build(folder, "--check")
    path.unlink()
    gone = build(folder, "--check")
    assert (touched.returncode, gone.returncode) == (1, 1)
    assert touched.stderr.splitlines()[0].endswith(": a released file is changed or missing; restore it")
    assert gone.stderr.splitlines()[0] == f"1.0/{name}: a released file is changed or missing; restore it"


def test_a_release_has_the_name_of_a_version(folder: Path) -> None:
    """Otherwise nobody could say which is the last."""
    (folder / "v1" / "released" / "draft").mkdir()
    done = build(folder, "--check")
    assert (done.returncode, done.stderr.splitlines()[0]) == (1, "released/draft: not the name of a version")


def test_a_version_is_released_once(folder: Path) -> None:
    """The next release has the next number, and from then on counts as the last one."""
    again = build(folder, "--release")
    assert (again.returncode, again.stderr) == (1, "1.0 has been released: raise `version` in the sources first\n")
    for name in ("openapi.yaml", "asyncapi.yaml"):
        replace(folder / "v1" / name, 'version: "1.0"', 'version: "1.10"')
    replace(folder / "v1" / "Login.json", '"maxLength": 80', '"maxLength": 90')
    assert build(folder, "--release").returncode == 0
    assert build(folder, "--check").returncode == 0
    replace(folder / "v1" / "Login.json", '"maxLength": 90', '"maxLength": 85')
    assert build(folder).stderr.startswith("Login: maxLength is now 85, was 90\n")
