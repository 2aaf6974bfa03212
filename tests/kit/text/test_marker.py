"""Markers: found in any shape, and nothing else is taken for one."""

from __future__ import annotations

import pytest

from signalproof.judge.ledger import Ledger
from signalproof.text.marker import find_marker, is_marker


@pytest.mark.parametrize(
    "wrap",
    [
        lambda m: m,
        lambda m: f'{{"sdp":"s={m}\\r\\n"}}',
        lambda m: {"sender_login": "x", "sender_offer": f"s={m}"},
        lambda m: ({"a": [1, None, {"b": (m,)}]},),
        lambda m: [{"sdp": {"type": "offer", "sdp": m}}],
    ],
    ids=["bare", "in_text", "payload", "nested", "parsed"],
)
def test_a_marker_is_found_in_any_shape(wrap: object) -> None:
    """Also where a server has parsed the description or wrapped the payload."""
    assert callable(wrap)
    marker = Ledger().new_marker()
    assert find_marker(wrap(marker)) == marker


@pytest.mark.parametrize("value", [None, 7, "sp-abcd", "sp-ABCD-00001", {}, [[]], {"a": "b"}], ids=repr)
def test_what_holds_no_marker_has_none(value: object) -> None:
    """Nothing is taken for a marker that the kit has not written."""
    assert find_marker(value) is None


def test_markers_are_distinct_and_found_whole() -> None:
    """Two in a row differ, and two runs differ."""
    ledger = Ledger()
    markers = [ledger.new_marker() for _ in range(300)]
    assert len(set(markers)) == 300
    assert [find_marker(f"x{marker}x") for marker in markers] == markers
    assert len({Ledger().run for _ in range(20)}) > 1
    assert all(is_marker(marker) for marker in markers)
    assert not is_marker(f"x{markers[0]}")
