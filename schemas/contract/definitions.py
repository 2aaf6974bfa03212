"""The definitions, one file each: reading them, following their references, and what is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

__all__ = ["BASE", "DIALECT", "EVENT_MAPS", "Json", "Schema", "flatten", "problems", "reachable", "read", "refs"]

BASE: Final = "https://vcsp.example/schemas/v1/"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
EVENT_MAPS: Final = frozenset({"ClientAcks", "ClientEvents", "ServerEvents"})
"""Objects that are no messages: they only give typed clients the payload of each event."""

Json: TypeAlias = Any
Schema: TypeAlias = dict[str, Any]


def read(folder: Path) -> dict[str, Schema]:
    """Return the schema of each definition, by name, in alphabetical order."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}


def refs(schema: Json) -> Iterator[str]:
    """Yield the target of each `$ref` in a schema, as it is written."""
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "$ref" and isinstance(value, str):
                yield value
            elif key != "examples":
                yield from refs(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from refs(item)


def reachable(definitions: Mapping[str, Schema], names: Iterable[str]) -> list[str]:
    """Return these definitions and all that they refer to, directly or not, in alphabetical order."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [target.removesuffix(".json") for target in refs(definitions[name])]
    return sorted(found)


def flatten(schema: Json, prefix: str) -> Json:
    """Return a schema whose references point below `prefix` in the document that will hold it."""
    if isinstance(schema, list):
        return [flatten(item, prefix) for item in schema]
    if not isinstance(schema, dict):
        return schema
    flat: Schema = {}
    for key, value in schema.items():
        if key == "$ref" and isinstance(value, str):
            flat[key] = f"{prefix}{value.removesuffix('.json')}"
        elif key == "examples":
            flat[key] = value
        elif key not in {"$id", "$schema"}:
            flat[key] = flatten(value, prefix)
    return flat


def problems(definitions: Mapping[str, Schema], folder: Path) -> Iterator[str]:
    """Yield one line for each rule of naming, reference or examples that a definition breaks."""
    for name, schema in definitions.items():
        for key, expected in (("$schema", DIALECT), ("$id", f"{BASE}{name}.json"), ("title", name)):
            if schema.get(key) != expected:
                yield f"{name}.json: {key} is {schema.get(key)!r}, expected {expected!r}"
        for target in refs(schema):
            if target.removesuffix(".json") not in definitions or not target.endswith(".json"):
                yield f"{name}.json: $ref {target!r} names no file of this folder"
        for kind in ("valid", "invalid"):
            if not any((folder / "examples" / name / kind).glob("*.json")):
                yield f"{name}.json: no examples in examples/{name}/{kind}"
    for example in sorted((folder / "examples").iterdir()):
        if example.name not in definitions:
            yield f"examples/{example.name}: no schema of this name"
