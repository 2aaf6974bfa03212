"""HTML of the prose in a document, and of what its schemas say about a value."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Final

from markupsafe import Markup

from contract.definitions import Json, Schema

__all__ = ["Writer", "json_text", "name_of"]

CODE: Final = re.compile(r"`([^`]+)`")
NAME: Final = re.compile(r"((?:[A-Z][a-z]+){2,})")
"""A word that may be the name of a definition, such as RefusalCode."""


def json_text(value: Json) -> Markup:
    """Return a JSON value as text for a block that can be copied."""
    return _html(_text(json.dumps(value, indent=2, ensure_ascii=False)))


def name_of(reference: Schema) -> str:
    """Return the name of the definition that a schema refers to."""
    return str(reference["$ref"]).rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes HTML for one page: `definitions` are those of its document, `links` say where a piece of code leads."""

    definitions: Mapping[str, Schema]
    links: Mapping[str, str]

    def inline(self, text: str) -> Markup:
        """Return one line of Markdown, which has code in backticks and nothing else, as HTML."""
        return _html(self._inline(text))

    def block(self, text: str) -> Markup:
        """Return paragraphs and lists of Markdown as HTML."""
        html: list[str] = []
        for part in re.split(r"\n\s*\n", text.strip()):
            lines = part.splitlines()
            if all(line.startswith("- ") for line in lines):
                items = "".join(f"<li>{self._inline(line[2:])}</li>" for line in lines)
                html.append(f"<ul>{items}</ul>")
            else:
                html.append(f"<p>{self._inline(' '.join(lines))}</p>")
        return _html("\n".join(html))

    def words(self, schema: Schema, *, described: bool = True) -> Markup:
        """Return what a schema says about a value, in words; unless `described`, without its own description."""
        parts = list(self._facts(schema))
        if described and "description" in schema:
            parts.append(self._inline(schema["description"]).rstrip("."))
        return _html(". ".join(parts) + "." if parts else "Anything.")

    def introduction(self, schema: Schema) -> Markup:
        """Return the first sentence about the definition that is referred to, after a blank."""
        if "$ref" not in schema:
            return Markup()
        return _html(
            f" {self._inline(self.definitions[name_of(schema)]['description'].partition('. ')[0].rstrip('.'))}."
        )

    def _inline(self, text: str) -> str:
        parts = CODE.split(text)
        return "".join(self._code(part) if number % 2 else self._plain(part) for number, part in enumerate(parts))

    def _facts(self, schema: Schema) -> Iterator[str]:
        if "$ref" in schema:
            yield self._code(name_of(schema))
        if kind := self._kind(schema):
            yield kind
        for key in ("oneOf", "anyOf"):
            if key in schema:
                yield " or ".join(self._within(branch) for branch in schema[key])
        if "not" in schema:
            yield f"Not {self._within(schema['not']).removeprefix('always ')}"
        if "pattern" in schema:
            yield f"Matches <code>{escape(schema['pattern'])}</code>"

    def _kind(self, schema: Schema) -> str:
        if "const" in schema:
            return f"Always {_literal(schema['const'])}"
        if "enum" in schema:
            return " or ".join(_literal(one) for one in schema["enum"])
        if "contentSchema" in schema:
            return f"A string that holds JSON text: {self._within(schema['contentSchema'])}"
        if "items" in schema:
            different = ", all different" if schema.get("uniqueItems") else ""
            return f"Array: each {self._within(schema['items'])}{different}"
        kinds = schema.get("type", [])
        return " or ".join(kinds if isinstance(kinds, list) else [kinds]).capitalize() + _limits(schema)

    def _within(self, schema: Schema) -> str:
        """Return the words for a part of a sentence."""
        text = self.words(schema).rstrip(".")
        return text if text.startswith("<") else text[:1].lower() + text[1:]

    def _plain(self, text: str) -> str:
        parts = NAME.split(text)
        return "".join(self._code(part) if part in self.definitions else _text(part) for part in parts)

    def _code(self, text: str) -> str:
        html = f"<code>{_text(text)}</code>"
        return f'<a href="{escape(self.links[text])}">{html}</a>' if text in self.links else html


def _limits(schema: Schema) -> str:
    texts = []
    for low, high, unit in (("minLength", "maxLength", " characters"), ("minimum", "maximum", "")):
        least, most = schema.get(low), schema.get(high)
        if least is not None and most is not None:
            texts.append(f", {least} to {most}{unit}")
        elif least == 1 and unit:
            texts.append(", not empty")
        elif least is not None:
            texts.append(f", {least} or more{unit}")
        elif most is not None:
            texts.append(f", up to {most}{unit}")
    return "".join(texts)


def _literal(item: Json) -> str:
    return f"<code>{_text(json.dumps(item, ensure_ascii=False))}</code>"


def _html(text: str) -> Markup:
    """Take a text for HTML: what stands in it has been escaped."""
    return Markup(text)  # noqa: S704


def _text(text: str) -> str:
    return escape(text, quote=False)
