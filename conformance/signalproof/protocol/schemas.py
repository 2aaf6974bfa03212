"""The one registry of message schemas: validates what the target sends and what the kit sends.

Text inside a message (`offer`, `answer`, `ice`) is JSON again. For the kit's own messages the validator
follows `contentSchema` into it, which stock validators treat as an annotation only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, ValidationError, validators
from jsonschema.protocols import Validator

from signalproof.protocol.resources import resource
from signalproof.text.redact import cut
from signalproof.text.untrusted import read_json

__all__ = ["definitions", "violation"]

PLACE_CHARACTERS = 80
"""How much is shown of the way to what is wrong in a message."""
PROBLEM_CHARACTERS = 160
"""How much is shown of what is wrong there; of more, as many at both ends as these."""
BEGINNING_CHARACTERS, ENDING_CHARACTERS = 80, 76


def _content_schema(
    validator: Validator, schema: Mapping[str, Any], instance: object, parent: Mapping[str, Any]
) -> Iterator[ValidationError]:
    if not isinstance(instance, str) or parent.get("contentMediaType") != "application/json":
        return
    try:
        document = read_json(instance)
    except ValueError:
        yield ValidationError("is not JSON text")
        return
    yield from validator.descend(document, schema, schema_path="contentSchema")  # type: ignore[attr-defined]


def _pattern(_: Validator, regex: str, instance: object, __: Mapping[str, Any]) -> Iterator[ValidationError]:
    """Match as ECMA-262 does: `$` only at the very end, where Python's also stands before a line feed."""
    if isinstance(instance, str) and not re.search(regex.replace("$", r"\Z"), instance):
        yield ValidationError(f"{instance!r} does not match {regex!r}")


_Wire: type[Validator] = validators.extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]
_Strict: type[Validator] = validators.extend(_Wire, {"contentSchema": _content_schema})  # type: ignore[no-untyped-call]


@cache
def definitions() -> Mapping[str, Any]:
    """All message definitions by name, from the flat bundle."""
    bundle = json.loads(resource("schemas", "v1", "dist", "vcsp.json").read_text(encoding="utf-8"))
    return dict(bundle["$defs"])


@cache
def _validator(name: str, content: bool) -> Validator:
    return (_Strict if content else _Wire)(_inlined(definitions()[name]))


def _inlined(schema: Any) -> Any:  # noqa: ANN401 - a JSON value
    """Put definitions in place of references: no message refers to itself, and lookups cost most of the time."""
    if isinstance(schema, list):
        return [_inlined(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(definitions()[schema["$ref"].removeprefix("#/$defs/")])
    return {key: _inlined(value) for key, value in schema.items()}


def violation(name: str, message: object, *, content: bool = False) -> str | None:
    """Say how `message` breaks the schema `name`, in one line, or give None when it is valid.

    `content` looks into encoded texts as well: for what the kit itself writes, since a server forwards
    such a text whatever it holds.
    """
    error = next(iter(_validator(name, content).iter_errors(message)), None)  # type: ignore[arg-type]
    if error is None:
        return None
    where = cut("".join(f"/{part}" for part in error.absolute_path), PLACE_CHARACTERS)
    text = _ending_matters(error.message)
    return f"{where or 'the message'}: {text} (schemas/v1/{name}.json)"


def _ending_matters(text: str) -> str:
    """Shorten a message in the middle: it begins with the value, and ends with what is wrong with it.

    No part of a word is kept: it might be of a secret, which goes unknown then.
    """
    if len(text) <= PROBLEM_CHARACTERS:
        return text
    return f"{cut(text, BEGINNING_CHARACTERS)} {text[-ENDING_CHARACTERS:].partition(' ')[2]}"
