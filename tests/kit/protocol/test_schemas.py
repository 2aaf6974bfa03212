"""The kit's validator: what stock validators leave out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from signalproof.protocol.resources import resource
from signalproof.protocol.schemas import definitions, violation

EXAMPLES = [
    pytest.param(path, path.parent.name == "valid", id="/".join(path.with_suffix("").parts[-3:]))
    for path in sorted(resource("schemas", "v1", "examples").glob("*/*/*.json"))
]


@pytest.mark.parametrize(("path", "valid"), EXAMPLES)
def test_the_examples_are_judged_as_they_are_filed(path: Path, valid: bool) -> None:
    """Valid ones have no violation, invalid ones have one that names the schema."""
    name = path.parent.parent.name
    problem = violation(name, json.loads(path.read_text(encoding="utf-8")), content=True)
    if valid:
        assert problem is None
    else:
        assert f"schemas/v1/{name}.json" in (problem or "")


def test_encoded_text_is_looked_into_only_where_asked() -> None:
    """The kit's own messages have to be right inside; a server forwards whatever was posted."""
    for text in ("junk", '{"type":"answer","sdp":"x"}', "[" * 100_000):
        event = {"sender_login": "alice", "sender_offer": text}
        assert violation("SenderOfferEvent", event) is None
        assert "/sender_offer" in (violation("SenderOfferEvent", event, content=True) or "")
    sound = {"sender_login": "alice", "sender_offer": '{"type":"offer","sdp":"x"}'}
    assert violation("SenderOfferEvent", sound, content=True) is None


@pytest.mark.parametrize("login", ["alice\n", "\nalice", "al\x85ice", "", "x" * 81])
def test_a_pattern_matches_as_in_javascript(login: str) -> None:
    """`$` does not stand before a line feed."""
    assert violation("Login", login) is not None


@pytest.mark.parametrize("login", ["alice", " alice ", "😀" * 80, "a\u2028b"])
def test_an_odd_login_is_a_login(login: str) -> None:
    """80 code points of anything but control characters."""
    assert violation("Login", login) is None


def test_patterns_use_the_dollar_sign_only_as_their_end() -> None:
    """The validator turns every `$` into Python's end of text, escaped ones too."""

    def patterns(schema: object) -> Iterator[str]:
        if isinstance(schema, dict):
            if isinstance(schema.get("pattern"), str):
                yield schema["pattern"]
            for part in schema.values():
                yield from patterns(part)
        elif isinstance(schema, list):
            for part in schema:
                yield from patterns(part)

    found = list(patterns(dict(definitions())))
    assert found
    assert all("$" not in pattern[:-1] and not pattern.endswith("\\$") for pattern in found)


def test_a_violation_is_one_short_line_that_says_where() -> None:
    """Also for a value of a megabyte."""
    problem = violation("SenderOfferEvent", {"sender_login": "x" * 1_000_000, "sender_offer": ""}) or ""
    assert problem.startswith("/sender_login: ")
    assert "\n" not in problem
    assert len(problem) < 250
    assert (violation("SenderOfferEvent", None) or "").startswith("the message: ")
