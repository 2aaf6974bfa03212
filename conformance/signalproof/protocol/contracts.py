"""The published documents of the contract, and single definitions out of them, as text to be printed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from signalproof.protocol.resources import resource
from signalproof.text.suggestion import nearest

__all__ = ["DOCUMENTS", "definition", "document", "names", "similar"]

DOCUMENTS: Mapping[str, tuple[str, str]] = {
    "bundle": ("vcsp.json", "Every definition, as $defs of one JSON Schema."),
    "messages": (
        "vcsp.messages.json",
        "The same below a root object, for generators that need one, such as quicktype.",
    ),
    "events": ("vcsp.events.json", "The Socket.IO events by direction, and their acknowledgements."),
    "openapi": ("openapi.json", "The HTTP requests and replies, as OpenAPI 3.1."),
    "client": ("openapi.client.json", "The same with JSON bodies only, for generators of clients."),
    "discriminator": ("openapi.discriminator.json", "OpenAPI with discriminators, for generators that need them."),
    "asyncapi": ("asyncapi.json", "The Socket.IO events, as AsyncAPI 3.0."),
}
"""Each document by the option that prints it: file name, and what it is."""

_DEFS = "#/$defs/"


def document(option: str) -> str:
    """Give the text of a document, by its key in `DOCUMENTS`."""
    return resource("schemas", "v1", "dist", DOCUMENTS[option][0]).read_text(encoding="utf-8")


def names() -> Mapping[str, str]:
    """Give the first sentence of the description of each definition, by name."""
    return {name: _first(schema["description"]) for name, schema in _bundle()["$defs"].items()}


def similar(name: str) -> list[str]:
    """Give the names of definitions that somebody who wrote `name` may have meant, the likeliest first."""
    return nearest(name.removesuffix(".json"), _bundle()["$defs"], most=3)


def definition(name: str) -> str:
    """Give one definition as a JSON Schema that stands alone; raises `KeyError` when there is none of this name."""
    bundle = _bundle()
    definitions: Mapping[str, Any] = bundle["$defs"]
    alone = {
        "$schema": bundle["$schema"],
        "$id": f"{bundle['$id'].rpartition('dist/')[0]}{name}.json",
        **definitions[name],
    }
    needed: set[str] = set()
    waiting = [name]
    while waiting:
        targets = set(_references(definitions[waiting.pop()])) - needed
        needed |= targets
        waiting += targets
    if needed:
        alone["$defs"] = {key: definitions[key] for key in sorted(needed)}
    return json.dumps(alone, indent=2, ensure_ascii=False) + "\n"


def _bundle() -> Mapping[str, Any]:
    return dict(json.loads(document("bundle")))


def _references(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "$ref":
                yield str(value).removeprefix(_DEFS)
            elif key != "examples":
                yield from _references(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from _references(item)


def _first(description: str) -> str:
    return description.partition(". ")[0].rstrip(".") + "."
