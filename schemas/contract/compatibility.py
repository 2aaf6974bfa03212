"""What a change breaks: the definitions as they were released, and as they are now.

Within a major version changes are additive only (`spec/versioning.md`). Whoever has generated code from the
release has to get along with whoever has generated code from what is here now, in both directions. So a field
may be neither required any more nor be required from now on, and limits may only become looser.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from contract.definitions import EVENT_MAPS, Json, Schema

__all__ = ["broken"]

PROSE: Final = frozenset({"$comment", "default", "deprecated", "description", "examples", "title"})
LOWER: Final = frozenset({"minItems", "minLength", "minProperties", "minimum", "exclusiveMinimum"})
UPPER: Final = frozenset({"maxItems", "maxLength", "maxProperties", "maximum", "exclusiveMaximum"})

Found = Iterator[tuple[str, str]]
"""Where something is broken, as a path below the definition, and what, in words."""


def broken(old: Mapping[str, Schema], new: Mapping[str, Schema]) -> Iterator[str]:
    """Yield one line for each change from the old `$defs` to the new ones that is not additive."""
    for name, schema in old.items():
        if name not in new:
            yield f"{name}: the definition was removed"
            continue
        for where, what in _Comparison(old, new, grows=name in EVENT_MAPS).compare(schema, new[name], name):
            yield f"{where}: {what}"


class _Comparison:
    """Two sets of definitions; `grows` allows new required fields, for maps of events."""

    def __init__(self, old: Mapping[str, Schema], new: Mapping[str, Schema], *, grows: bool) -> None:
        self.old = old
        self.new = new
        self.grows = grows
        self.special: Mapping[str, Callable[[Schema, Schema, str], Found]] = {
            "additionalProperties": self._openness,
            "anyOf": self._branches("anyOf"),
            "contentSchema": self._part("contentSchema"),
            "enum": self._values,
            "items": self._part("items"),
            "oneOf": self._branches("oneOf"),
            "properties": self._properties,
            "required": self._required,
            "uniqueItems": self._uniqueness,
        }

    def compare(self, old: Schema, new: Schema, where: str) -> Found:
        """Yield what an instance, or code made from the old schema, would notice."""
        before, after = old.get("$ref"), new.get("$ref")
        if before and after:
            if before != after:
                yield where, f"is now {_name(after)}, was {_name(before)}"
            return
        if before or after:
            old = self.old[_name(before)] if before else old
            new = self.new[_name(after)] if after else new
        for key in sorted((old.keys() | new.keys()) - PROSE - {"$ref"}):
            if old.get(key) == new.get(key):
                continue
            if key in self.special:
                yield from self.special[key](old, new, where)
            else:
                yield from ((where, what) for what in _keyword(key, old, new))

    def _properties(self, old: Schema, new: Schema, where: str) -> Found:
        fields = new.get("properties", {})
        for field, schema in old.get("properties", {}).items():
            if field not in fields:
                yield f"{where}/{field}", "the field was removed"
            else:
                yield from self.compare(schema, fields[field], f"{where}/{field}")

    def _required(self, old: Schema, new: Schema, where: str) -> Found:
        before, after = set(old.get("required", ())), set(new.get("required", ()))
        fields = old.get("properties", {}).keys()
        for field in sorted(after - before):
            if field in fields:
                yield f"{where}/{field}", "the field is required now, and was optional"
            elif not self.grows:
                yield f"{where}/{field}", "a new field is required"
        for field in sorted(before - after):
            if field in new.get("properties", {}):
                yield f"{where}/{field}", "the field is optional now, and was required"

    def _values(self, old: Schema, new: Schema, where: str) -> Found:
        if "enum" not in old:
            yield where, f"only some values are allowed now: {_list(new['enum'])}"
        elif "enum" in new and (gone := [value for value in old["enum"] if value not in new["enum"]]):
            yield where, f"no longer allowed: {_list(gone)}"

    def _openness(self, old: Schema, new: Schema, where: str) -> Found:
        before, after = old.get("additionalProperties", True), new.get("additionalProperties", True)
        if after is False:
            yield where, "unknown fields are not allowed any more"
        elif isinstance(before, dict) and isinstance(after, dict):
            yield from self.compare(before, after, f"{where}/*")
        elif isinstance(after, dict):
            yield where, "unknown fields have a type now"

    def _uniqueness(self, _old: Schema, new: Schema, where: str) -> Found:
        if new.get("uniqueItems"):
            yield where, "items have to differ now"

    def _part(self, key: str) -> Callable[[Schema, Schema, str], Found]:
        def compare(old: Schema, new: Schema, where: str) -> Found:
            if key not in old:
                yield where, f"{key} narrows it now"
            elif key in new:
                yield from self.compare(old[key], new[key], f"{where}/{key}")

        return compare

    def _branches(self, key: str) -> Callable[[Schema, Schema, str], Found]:
        def compare(old: Schema, new: Schema, where: str) -> Found:
            if key not in old:
                yield where, f"{key} narrows it now"
            for branch in old.get(key, ()):
                if key in new and not any(not list(self.compare(branch, other, where)) for other in new[key]):
                    yield where, f"cannot be {_branch(branch)} any more"

        return compare


def _keyword(key: str, old: Schema, new: Schema) -> Iterator[str]:
    """Yield what a keyword with a plain value breaks."""
    before, after = old.get(key), new.get(key)
    if key in LOWER | UPPER:
        if after is None:
            return
        tighter = before is None or (after > before if key in LOWER else after < before)
        if tighter:
            yield f"{key} is now {after}, was {'without limit' if before is None else before}"
    elif before is None:
        yield f"{key} narrows it now: {after!r}"
    elif after is not None:
        yield f"{key} is now {after!r}, was {before!r}"
    elif key not in {"format", "not", "pattern"}:
        yield f"{key} {before!r} was removed"


def _name(target: str) -> str:
    return target.rpartition("/")[2]


def _branch(schema: Schema) -> str:
    return _name(schema["$ref"]) if "$ref" in schema else repr(schema)


def _list(values: list[Json]) -> str:
    return ", ".join(str(value) for value in values)
