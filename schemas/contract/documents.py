"""The documents that are published, made of the definitions and of `openapi.yaml` and `asyncapi.yaml`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from contract.definitions import BASE, DIALECT, EVENT_MAPS, Json, Schema, flatten, reachable, refs

__all__ = ["NOTE", "Source", "bundles", "read_source", "services"]

DEFS: Final = "#/$defs/"
COMPONENTS: Final = "#/components/schemas/"
EXAMPLES: Final = "examples/"
OPERATION: Final = {
    "openapi.yaml": ("operationId", "tags", "summary", "description", "responses"),
    "asyncapi.yaml": ("action", "channel", "tags", "title", "summary", "description", "messages"),
}
"""What an operation has to say of itself, for the pages and for whoever generates code."""
FORM: Final = "application/x-www-form-urlencoded"
NOTE: Final = "Generated from schemas/v1: do not edit."


class Source(ValueError):
    """A source document that cannot be built; the text names the file and what is wrong with it."""


def bundles(definitions: Mapping[str, Schema]) -> dict[str, Schema]:
    """Return the bundles of JSON Schemas, by file name."""
    defs = {name: flatten(schema, DEFS) for name, schema in definitions.items()}
    messages = [name for name, schema in definitions.items() if schema.get("type") == "object"]
    return {
        "vcsp.json": {
            "$schema": DIALECT,
            "$id": f"{BASE}dist/vcsp.json",
            "title": "Vcsp",
            "description": f"Every definition of VCSP/1. {NOTE}",
            "$defs": defs,
        },
        "vcsp.messages.json": _rooted(
            "vcsp.messages.json",
            "VcspMessages",
            f"One property per object of VCSP/1, for generators that start from a root object. {NOTE}",
            [name for name in messages if name not in EVENT_MAPS],
            defs,
        ),
        "vcsp.events.json": _rooted(
            "vcsp.events.json",
            "VcspEvents",
            f"The Socket.IO events of VCSP/1 by direction, and their acknowledgements, for typed clients. {NOTE}",
            sorted(EVENT_MAPS & definitions.keys()),
            {name: defs[name] for name in reachable(definitions, EVENT_MAPS & definitions.keys())},
        ),
    }


def _rooted(file: str, title: str, description: str, names: list[str], defs: Mapping[str, Schema]) -> Schema:
    return {
        "$schema": DIALECT,
        "$id": f"{BASE}dist/{file}",
        "title": title,
        "description": description,
        "type": "object",
        "properties": {name: {"$ref": f"{DEFS}{name}"} for name in names},
        "additionalProperties": False,
        "$defs": defs,
    }


def read_source(path: Path) -> Schema:
    """Read one YAML source; raises `Source` when it is no YAML of an object."""
    import yaml

    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise Source(f"{path.name}: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict):
        raise Source(f"{path.name}: not an object")
    return document


def services(definitions: Mapping[str, Schema], folder: Path) -> dict[str, Schema]:
    """Return the OpenAPI and AsyncAPI documents, by file name; raises `Source`."""
    documents = {name: _self_contained(f"{name}.yaml", definitions, folder) for name in ("openapi", "asyncapi")}
    return {
        "openapi.json": documents["openapi"],
        "openapi.client.json": _json_only(documents["openapi"]),
        "openapi.discriminator.json": _discriminated(documents["openapi"]),
        "asyncapi.json": documents["asyncapi"],
    }


def _self_contained(name: str, definitions: Mapping[str, Schema], folder: Path) -> Schema:
    """Put examples and the schemas that are used into a document."""
    source = read_source(folder / name)
    used = {target for target in refs(source) if not target.startswith(("#", EXAMPLES))}
    for target in sorted(used):
        if target.removesuffix(".json") not in definitions or not target.endswith(".json"):
            raise Source(f"{name}: $ref {target!r} names no definition")
    schemas = {
        definition: flatten(definitions[definition], COMPONENTS)
        for definition in reachable(definitions, {target.removesuffix(".json") for target in used})
    }
    for place, operation in _operations(source):
        for key in OPERATION[name]:
            if key not in operation:
                raise Source(f"{name}: {place} has no {key}")
    document: Schema = _resolve(source, name, folder)
    document["info"]["description"] = f"{document['info']['description'].rstrip()}\n\n{NOTE}\n"
    document.setdefault("components", {})["schemas"] = schemas
    return document


def _operations(source: Schema) -> Iterator[tuple[str, Schema]]:
    yield from source.get("operations", {}).items()
    for path, item in source.get("paths", {}).items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def _resolve(value: Json, name: str, folder: Path) -> Json:
    """Replace what refers to a file: examples by their content, definitions by their place in this document."""
    if isinstance(value, list):
        return [_resolve(item, name, folder) for item in value]
    if not isinstance(value, dict):
        return value
    target = value.get("$ref", "")
    if target.startswith(EXAMPLES):
        return _example(target, name, folder)
    if target and not target.startswith("#"):
        return {"$ref": f"{COMPONENTS}{target.removesuffix('.json')}"}
    return dict(_members(value, name, folder))


def _members(value: Schema, name: str, folder: Path) -> Iterator[tuple[str, Json]]:
    for key, item in value.items():
        if key == "externalValue":
            yield "value", _example(item, name, folder)
        else:
            yield key, _resolve(item, name, folder)


def _example(target: str, name: str, folder: Path) -> Json:
    path = folder / target
    if not path.is_file():
        raise Source(f"{name}: there is no {target}")
    return json.loads(path.read_text(encoding="utf-8"))


def _json_only(document: Schema) -> Schema:
    """Return a copy without form-encoded bodies: openapi-python-client sends a body in each encoding at once."""
    copy: Schema = json.loads(json.dumps(document))
    for path in copy["paths"].values():
        for operation in path.values():
            operation.get("requestBody", {"content": {}})["content"].pop(FORM, None)
    return copy


def _discriminated(document: Schema) -> Schema:
    """Return a copy in which each union of tagged objects says which member is the tag, for generators that ask."""
    copy: Schema = json.loads(json.dumps(document))
    schemas = copy["components"]["schemas"]
    for schema in schemas.values():
        branches = [branch["$ref"] for branch in schema.get("oneOf", [])]
        variants = [schemas[branch.removeprefix(COMPONENTS)] for branch in branches]
        for tag in variants[0]["required"] if variants else []:
            values = [variant["properties"].get(tag, {}).get("const") for variant in variants]
            if None not in values:
                schema["discriminator"] = {
                    "propertyName": tag,
                    "mapping": dict(zip(values, branches, strict=True)),
                }
    return copy
