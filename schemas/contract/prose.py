"""HTML of the prose in a document, and of what its schemas say about a value."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Final

from contract.definitions import Json, Schema

__all__ = ["Writer", "value"]

CODE: Final = re.compile(r"`([^`]+)`")
NAME: Final = re.compile(r"((?:[A-Z][a-z]+){2,})")
"""A word that may be the name of a definition, such as RefusalCode."""


def value(example: Json) -> str:
    """Return a JSON value as a block that can be copied."""
    return f"<pre><code>{escape(json.dumps(example, indent=2, ensure_ascii=False), quote=False)}</code></pre>"


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes HTML for one page: `definitions` are those of its document, `links` say where a piece of code leads."""

    definitions: Mapping[str, Schema]
    links: Mapping[str, str]

    def inline(self, text: str) -> str:
        """Return one line of Markdown, which has code in backticks and nothing else, as HTML."""
        parts = CODE.split(text)
        return "".join(self._code(part) if number % 2 else self._plain(part) for number, part in enumerate(parts))

    def block(self, text: str) -> str:
        """Return paragraphs and lists of Markdown as HTML."""
        html: list[str] = []
        for part in re.split(r"\n\s*\n", text.strip()):
            lines = part.splitlines()
            if all(line.startswith("- ") for line in lines):
                items = "".join(f"<li>{self.inline(line[2:])}</li>" for line in lines)
                html.append(f"<ul>{items}</ul>")
            else:
                html.append(f"<p>{self.inline(' '.join(lines))}</p>")
        return "\n".join(html)

    def table(self, schema: Schema) -> str:
        """Return a table with a row for each field of an object: name, whether it is required, what it holds."""
        required = schema.get("required", ())
        rows = "".join(
            f'<tr><th scope="row"><code>{_text(name)}</code>{"" if name in required else " <small>optional</small>"}'
            f"</th><td>{self.words(field)}{self._introduced(field)}</td></tr>"
            for name, field in schema["properties"].items()
        )
        return f"<table>{rows}</table>"

    def words(self, schema: Schema) -> str:
        """Return what a schema says about a value, in words."""
        parts = list(self._facts(schema))
        if "description" in schema:
            parts.append(self.inline(schema["description"]).rstrip("."))
        return ". ".join(parts) + "." if parts else "Anything."

    def _introduced(self, schema: Schema) -> str:
        """Return the first sentence about the definition that is referred to."""
        if "$ref" not in schema:
            return ""
        return f" {self.inline(self.definitions[_name(schema)]['description'].partition('. ')[0].rstrip('.'))}."

    def _facts(self, schema: Schema) -> Iterator[str]:
        if "$ref" in schema:
            yield self._code(_name(schema))
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


def _name(schema: Schema) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _literal(item: Json) -> str:
    return f"<code>{_text(json.dumps(item, ensure_ascii=False))}</code>"


def _text(text: str) -> str:
    return escape(text, quote=False)
