"""Hypothesis strategies: the steps of random scenes, and what a server may be sent by nobody who is sound.

The shapes come from the published schemas. Importing it imports Hypothesis.
"""

from __future__ import annotations

import json

from hypothesis import strategies as st

from signalproof.protocol import samples
from signalproof.protocol.samples import MARKER
from signalproof.protocol.schemas import definitions
from signalproof.protocol.wire import Body, Encoding
from signalproof.scenes.draw import Draw, drawn_kinds
from signalproof.scenes.flaws import flaws
from signalproof.scenes.manners import CANDIDATES, EXTRAS, TEXTS, Manner

__all__ = [
    "BODIES",
    "FRAMES",
    "GENERATED_TEXTS",
    "LOGINS",
    "LOGIN_ARGUMENTS",
    "NUMBERS",
    "WRONG_VALUES",
    "draws",
]

# ── steps ──────────────────────────────────────────────────────────────────────────────────────

NUMBERS = st.integers(0, 11)
"""Numbers that choose among whoever is there."""
_OFTEN = st.sampled_from([True, True, True, False])
_RARELY = st.sampled_from([False, False, False, True])
_SAMPLES = {"": "", **TEXTS, **samples.descriptions()}
_CANDIDATES = {"": "", **CANDIDATES, **{name: text for name, text in samples.CANDIDATES.items() if MARKER in text}}


def _sample(name: str) -> str:
    return _SAMPLES[name]


def _candidate(name: str) -> str:
    return _CANDIDATES[name]


# By their names, for Hypothesis writes out whatever can be drawn.
_OF_TEXTS = (st.sampled_from(["", *TEXTS]) | st.sampled_from(sorted(samples.descriptions()))).map(_sample)
_OF_CANDIDATES = st.sampled_from(["", *CANDIDATES]).map(_candidate) | st.sampled_from(sorted(_CANDIDATES)).map(
    _candidate
)
_MANNERS = st.builds(
    Manner,
    _OF_TEXTS,
    st.sampled_from(Encoding),
    st.booleans(),
    _OF_CANDIDATES,
    _RARELY,
    st.sampled_from(["", "", *EXTRAS]),
    st.booleans(),
)


def draws(abilities: frozenset[str]) -> st.SearchStrategy[Draw]:
    """Draw the steps that a target with these abilities (profiles) takes."""
    by_id = _RARELY if "correlation" in abilities else st.just(False)
    flaw = st.one_of([st.sampled_from(group) for group in flaws(abilities)])
    kinds = st.sampled_from(drawn_kinds(abilities))
    return st.builds(Draw, kinds, NUMBERS, NUMBERS, _OFTEN, st.booleans(), by_id, flaw, _MANNERS)


# ── generated input ────────────────────────────────────────────────────────────────────────────

_LETTERS = "\xa0é\u00df\u0130\u0131\ufb01ñçÅ中日\u0645\u0661\ufdfd\U0001d4b3😀👩"
_MARKS = "\u200d\u0301\u202e\u2028\ufeff\ufffd\U0010ffff"
_VISIBLE = "".join(map(chr, range(0x20, 0x7F))) + _LETTERS + _MARKS
_ANY_TEXT = st.text(st.sampled_from(_VISIBLE + "\0\t\n\r\x1b\x7f\x85"), max_size=30)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)
_FIELD_NAMES = sorted(
    {name for schema in definitions().values() if "properties" in schema for name in schema["properties"]}
    | {"__proto__", "constructor", "receiver_login", ""}
)
_NASTY = dict(
    enumerate(
        [
            b"[" * 2000,
            b'{"a":' * 500,
            b'{"sid":1e999}',
            b'{"sid":' + b"9" * 5000 + b"}",
            b'{"sid":"\\ud800"}',
            b'{"sid":"x","sid":"y"}',
            b"\xef\xbb\xbf{}",
            b"sid=%ff%fe&type=%00",
            b"sid=" + b"a" * 20_000,
            b"&".join(b"k%d=v" % number for number in range(3000)),
        ]
    )
)

GENERATED_TEXTS = st.builds(
    Manner,
    st.builds(
        lambda before, after: json.dumps({"type": "offer", "sdp": f"{before} {MARKER} {after}"}), _ANY_TEXT, _ANY_TEXT
    ),
    st.sampled_from(Encoding),
)
"""Requests with the JSON text of any session description around a marker."""
LOGINS = st.text(st.sampled_from(_VISIBLE), min_size=1, max_size=30)
"""Ends of valid logins (spec/login.md)."""
WRONG_VALUES = _JSON.filter(lambda value: not isinstance(value, str))
"""JSON values that are no strings, as all required fields are."""
LOGIN_ARGUMENTS = st.lists(
    _JSON.filter(lambda value: not isinstance(value, dict) or "login" not in value)
    | st.builds(lambda value: {"login": value}, WRONG_VALUES | st.sampled_from(["", "a\u0000b", "x" * 81])),
    max_size=1,
)
"""Arguments of `login` that hold no valid one."""
_OBJECTS = st.dictionaries(st.sampled_from(_FIELD_NAMES), _JSON, max_size=5)
BODIES = st.builds(
    Body,
    st.binary(max_size=60)
    | st.sampled_from(sorted(_NASTY)).map(lambda number: _NASTY[number])
    | st.builds(lambda fields: json.dumps(fields).encode(), _OBJECTS),
    st.sampled_from([*(encoding.value for encoding in Encoding), "application/json; charset=utf-16", "text/html", ""]),
)
"""Bodies without a sid that any server knows."""
_PACKET = st.builds(
    lambda kind, namespace, number, value: f"{kind}{namespace}{number}{json.dumps(value)}",
    st.sampled_from(["40", "41", "42", "43", "44", "451-", "459999999-", "47", "4", "2", "3", "5", "6", "0", "b"]),
    st.sampled_from(["", "/admin,", "/,", "/\u0000,"]),
    st.sampled_from(["", "0", "-1", "9" * 40]),
    _JSON,
)
FRAMES = st.lists(
    st.just("40") | _PACKET | st.text('0123456789-[]{}",:/ab', max_size=20) | st.binary(max_size=30),
    min_size=1,
    max_size=4,
)
"""Frames on an Engine.IO WebSocket: packets that are sound, nearly sound, or nothing at all."""
