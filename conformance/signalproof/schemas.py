"""The one registry of message schemas: validates what the target sends and what the kit sends.

Text inside a message (`offer`, `answer`, `ice`) is JSON again. The validator follows `contentSchema`
into it, which stock validators treat as an annotation only.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, ValidationError, validators
from jsonschema.protocols import Validator

from signalproof.resources import resource

__all__ = ["definitions", "violation"]


def _content_schema(
    validator: Validator, schema: Mapping[str, Any], instance: object, parent: Mapping[str, Any]
) -> Iterator[ValidationError]:
    if not isinstance(instance, str) or parent.get("contentMediaType") != "application/json":
        return
    try:
        document = json.loads(instance)
    except (ValueError, RecursionError):
        yield ValidationError("is not JSON text")
        return
    yield from validator.descend(document, schema, schema_path="contentSchema")  # type: ignore[attr-defined]


_Strict: type[Validator] = validators.extend(Draft202012Validator, {"contentSchema": _content_schema})


@cache
def definitions() -> Mapping[str, Any]:
    """All message definitions by name, from the flat bundle."""
    bundle = json.loads(resource("schemas", "v1", "dist", "vcsp.json").read_text(encoding="utf-8"))
    return dict(bundle["$defs"])


@cache
def _validator(name: str) -> Validator:
    return _Strict({"$ref": f"#/$defs/{name}", "$defs": definitions()})


def violation(name: str, message: object) -> str | None:
    """Say how `message` breaks the schema `name`, in one line, or give None when it is valid."""
    error = next(iter(_validator(name).iter_errors(message)), None)  # type: ignore[arg-type]
    if error is None:
        return None
    where = "".join(f"/{part}" for part in error.absolute_path)
    text = error.message if len(error.message) <= 160 else f"{error.message[:157]}…"
    return f"{where or 'the message'}: {text} (schemas/v1/{name}.json)"
