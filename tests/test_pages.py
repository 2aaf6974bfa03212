"""The words in which the pages at `/docs` say what a schema says."""

from __future__ import annotations

from typing import Any

import pytest
from contract.pages import templates
from contract.prose import Writer, json_text

WRITER = Writer(
    definitions={"OfferId": {"description": "The name of an offer. It means nothing."}, "Login": {"description": "A."}},
    links={"OfferId": "#OfferId", "sender_offer": "docs/events#sender_offer"},
)
LINKED = '<a href="#OfferId"><code>OfferId</code></a>'


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({}, "Anything."),
        ({"type": "string"}, "String."),
        ({"type": ["string", "null"]}, "String or null."),
        ({"type": "string", "minLength": 1}, "String, not empty."),
        ({"type": "string", "minLength": 2}, "String, 2 or more characters."),
        ({"type": "string", "maxLength": 9}, "String, up to 9 characters."),
        ({"type": "string", "minLength": 1, "maxLength": 64}, "String, 1 to 64 characters."),
        ({"type": "integer", "minimum": 0}, "Integer, 0 or more."),
        ({"type": "integer", "minimum": 1, "maximum": 9}, "Integer, 1 to 9."),
        ({"type": "string", "const": "no"}, 'Always <code>"no"</code>.'),
        ({"type": "string", "enum": ["free", "beasy"]}, '<code>"free"</code> or <code>"beasy"</code>.'),
        ({"type": "integer", "not": {"const": 0}}, "Integer. Not <code>0</code>."),
        ({"type": "string", "pattern": "^[<>]+$"}, "String. Matches <code>^[&lt;&gt;]+$</code>."),
        ({"$ref": "#/x/OfferId"}, f"{LINKED}."),
        ({"anyOf": [{"$ref": "#/x/OfferId"}, {"type": "null"}]}, f"{LINKED} or null."),
        ({"type": "array", "items": {"type": "string"}, "uniqueItems": True}, "Array: each string, all different."),
        ({"type": "array", "items": {"$ref": "#/x/OfferId"}}, f"Array: each {LINKED}."),
        ({"type": "string", "contentSchema": {"$ref": "#/x/OfferId"}}, f"A string that holds JSON text: {LINKED}."),
        ({"type": "string", "description": "For `people`."}, "String. For <code>people</code>."),
    ],
)
def test_a_schema_is_said_in_words(schema: dict[str, object], words: str) -> None:
    """Type, limits, values, and where it leads."""
    assert WRITER.words(schema) == words


def test_a_table_says_what_is_optional_and_introduces_what_is_named() -> None:
    """A row for each field."""
    boxes: Any = templates().get_template("boxes.html.j2").make_module({"writer": WRITER})
    schema = {"required": ["a"], "properties": {"a": {"type": "null"}, "b": {"$ref": "#/x/OfferId"}}}
    assert boxes.table(schema) == (
        '<table><tr><th scope="row"><code>a</code></th><td>Null.</td></tr>'
        f'<tr><th scope="row"><code>b</code> <small>optional</small></th><td>{LINKED}. The name of an offer.</td></tr>'
        "</table>\n"
    )


def test_prose_is_escaped_and_linked() -> None:
    """Code that has a page of its own leads there, and so do the names of definitions; `Login` is also a word."""
    assert WRITER.inline("a <b> & `<i>`") == "a &lt;b&gt; &amp; <code>&lt;i&gt;</code>"
    assert WRITER.inline("Login: one OfferId") == f"Login: one {LINKED}"
    assert WRITER.inline("`sender_offer`") == '<a href="docs/events#sender_offer"><code>sender_offer</code></a>'
    assert json_text({"a": "<script>"}) == '{\n  "a": "&lt;script&gt;"\n}'


def test_paragraphs_and_lists() -> None:
    """That is all of Markdown that is needed."""
    assert WRITER.block("one\ntwo\n\n- a\n- `b`\n") == "<p>one two</p>\n<ul><li>a</li><li><code>b</code></li></ul>"
