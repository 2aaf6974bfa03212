"""Bundle the schema files of `schemas/v1` into self-contained documents.

`python schemas/build.py` writes `v1/dist`; `--check` writes nothing and fails if a bundle is stale.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

BASE = "https://vcsp.example/schemas/v1/"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
SOURCE = Path(__file__).resolve().parent / "v1"
EVENT_MAPS = frozenset({"ClientEvents", "ServerEvents"})
"""Objects that are no messages: they only give typed clients the payload of each event."""

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
Schema: TypeAlias = dict[str, Json]


def read_definitions(folder: Path) -> dict[str, Schema]:
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


def problems(definitions: dict[str, Schema], folder: Path) -> Iterator[str]:
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


def flatten(schema: Json) -> Json:
    """Return a schema whose references point into `$defs` of the document that will hold it."""
    if isinstance(schema, list):
        return [flatten(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    flat: Schema = {}
    for key, value in schema.items():
        if key == "$ref" and isinstance(value, str):
            flat[key] = f"#/$defs/{value.removesuffix('.json')}"
        elif key == "examples":
            flat[key] = value
        elif key not in {"$id", "$schema"}:
            flat[key] = flatten(value)
    return flat


def bundles(definitions: dict[str, Schema]) -> dict[str, Schema]:
    """Return the documents to publish, by file name."""
    defs: Schema = {name: flatten(schema) for name, schema in definitions.items()}
    messages: Schema = {
        name: {"$ref": f"#/$defs/{name}"}
        for name, schema in definitions.items()
        if schema.get("type") == "object" and name not in EVENT_MAPS
    }
    return {
        "vcsp.json": {
            "$schema": DIALECT,
            "$id": f"{BASE}dist/vcsp.json",
            "title": "Vcsp",
            "description": "Every definition of VCSP/1. Generated from schemas/v1: do not edit.",
            "$defs": defs,
        },
        "vcsp.messages.json": {
            "$schema": DIALECT,
            "$id": f"{BASE}dist/vcsp.messages.json",
            "title": "VcspMessages",
            "description": "One property per object of VCSP/1, for generators that start from a root object. "
            "Generated from schemas/v1: do not edit.",
            "type": "object",
            "properties": messages,
            "additionalProperties": False,
            "$defs": defs,
        },
    }


def main() -> None:
    """Write the bundles, or check that they are current."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a bundle is stale")
    check: bool = parser.parse_args().check

    definitions = read_definitions(SOURCE)
    if found := list(problems(definitions, SOURCE)):
        raise SystemExit("\n".join(found))

    dist = SOURCE / "dist"
    documents = {
        dist / name: json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        for name, document in bundles(definitions).items()
    }
    stale = [path for path, text in documents.items() if not path.exists() or path.read_bytes() != text.encode()]
    if check and stale:
        names = ", ".join(path.relative_to(SOURCE.parent).as_posix() for path in stale)
        raise SystemExit(f"stale: {names}; run `python schemas/build.py`")
    for path in stale:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(documents[path].encode())


if __name__ == "__main__":
    main()
