"""Binary data in what was received."""

from __future__ import annotations

import pytest

from signalproof.text.binary import as_text, holds_bytes


@pytest.mark.parametrize("value", [b"x", bytearray(b"x"), ({"a": b"x"},), ["a", [1, {"b": [b"x"]}]]], ids=repr)
def test_binary_data_is_found_at_any_depth_and_read_as_text(value: object) -> None:
    """In arguments, lists and objects."""
    assert holds_bytes(value)
    text = as_text(value)
    assert not holds_bytes(text)
    assert repr(text) == repr(value).replace("bytearray(b'x')", "'x'").replace("b'x'", "'x'")


@pytest.mark.parametrize("value", ["x", None, 1, ({"a": ["b", {"c": 2.5}]},)], ids=repr)
def test_what_has_none_stays_as_it_is(value: object) -> None:
    """All that JSON can say."""
    assert not holds_bytes(value)
    assert as_text(value) == value


def test_what_is_no_text_is_replaced() -> None:
    """The rest can be read."""
    torn: object = [b"a\xff"]
    assert as_text(torn) == ["a\ufffd"]
