"""What the OpenAPI and AsyncAPI documents promise to clients, in sentences that can be compared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from contract.definitions import Json, Schema

__all__ = ["broken", "of_asyncapi", "of_openapi"]

METHODS: Final = ("delete", "get", "patch", "post", "put")

Promises = tuple[set[str], set[str]]
"""What a document promises to clients, and what it demands of them."""


def broken(old: Promises, new: Promises, document: str) -> Iterator[str]:
    """Yield one line for each promise that is gone, and each new demand where something was promised before."""
    before, after = ({_subject(promise) for promise in side[0]} for side in (old, new))
    for subject in sorted(before - after):
        yield f"{document}: {subject} was removed"
    for promise in sorted(old[0] - new[0]):
        if _subject(promise) in after:
            yield f"{document}: no longer true: {promise}"
    for demand in sorted(new[1] - old[1]):
        if _subject(demand) in before:
            yield f"{document}: a new demand: {demand}"


def of_openapi(document: Schema) -> Promises:
    """Return what an OpenAPI document promises and demands."""
    promises: set[str] = set()
    demands: set[str] = set()
    for path, item in document["paths"].items():
        for method in item.keys() & set(METHODS):
            subject = f"{method.upper()} {path}"
            operation = item[method]
            promises.add(f"{subject}: is called {operation['operationId']}")
            promises |= {f"{subject}: {sentence}" for sentence in _exchanged(operation)}
            demands |= {f"{subject}: {sentence}" for sentence in _demanded(operation, document)}
    return promises, demands


def _exchanged(operation: Schema) -> Iterator[str]:
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"takes {media} of {_name(content)}"
    for status, response in operation["responses"].items():
        if "content" not in response:
            yield f"answers {status}"
        for media, content in response.get("content", {}).items():
            yield f"answers {status} with {media} of {_name(content)}"


def _demanded(operation: Schema, document: Schema) -> Iterator[str]:
    if operation.get("requestBody", {}).get("required"):
        yield "needs a body"
    for parameter in operation.get("parameters", ()):
        if parameter.get("required"):
            yield f"needs the {parameter['in']} parameter {parameter['name']}"
    ways = operation.get("security", document.get("security", []))
    if ways and {} not in ways:
        yield f"needs {' or '.join(sorted('+'.join(sorted(way)) for way in ways))}"


def of_asyncapi(document: Schema) -> Promises:
    """Return what an AsyncAPI document promises; it has nothing to demand but what is in the schemas."""
    promises: set[str] = set()
    for name, operation in document["operations"].items():
        where = document["channels"][_tail(operation["channel"]["$ref"])]["address"]
        verb = "sends" if operation["action"] == "send" else "takes"
        promises.add(f"event {name}: the server {verb} {_payloads(operation, document)} in {where}")
        if "reply" in operation:
            promises.add(f"event {name}: is acknowledged with {_payloads(operation['reply'], document)}")
    return promises, set()


def _payloads(holder: Schema, document: Schema) -> str:
    messages = document["components"]["messages"]
    return " or ".join(sorted(_tail(messages[_tail(one["$ref"])]["payload"]["$ref"]) for one in holder["messages"]))


def _name(content: Json) -> str:
    return _tail(content.get("schema", {}).get("$ref", "anything"))


def _tail(reference: str) -> str:
    return reference.rpartition("/")[2]


def _subject(sentence: str) -> str:
    return sentence.partition(": ")[0]
