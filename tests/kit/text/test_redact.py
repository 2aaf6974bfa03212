"""Redaction: no secret survives in any spelling, and the same secret has the same name everywhere."""

from __future__ import annotations

import html
import json
import string
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from typing import Final
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from signalproof.text.escapes import layers
from signalproof.text.redact import Pseudonyms, Redactor, conceal, cut

ICE_CHARACTERS: Final = string.ascii_letters + string.digits + "+/"
PASSWORDS = st.text(ICE_CHARACTERS, min_size=22, max_size=40)
FRAGMENTS = st.text(ICE_CHARACTERS, min_size=4, max_size=12)
SIDS = st.text(string.ascii_letters + string.digits + "-_", min_size=16, max_size=24)
FINGERPRINTS = st.binary(min_size=32, max_size=32).map(lambda raw: raw.hex(":").upper())
UUIDS = st.uuids().map(str)
ADDRESSES = st.one_of(
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).filter(lambda address: int(address) > 0xFFFF).map(str),
    st.ip_addresses(v=6).map(lambda address: address.exploded),
    UUIDS.map(lambda name: f"{name}.local"),
)


unhurried = settings(deadline=None)
"""The machines of CI are slow at times."""


def escaped(text: str) -> str:
    """Write a text as a careful JSON encoder does, which escapes whatever HTML might misread."""
    return json.dumps(text).replace("/", r"\/").replace("+", r"\u002B").replace(":", r"\u003a")


SPELLINGS: Final[dict[str, Callable[[str], str]]] = {
    "raw": str,
    "json": json.dumps,
    "json_in_json": lambda text: json.dumps(json.dumps({"sdp": text})),
    "json_in_json_in_json": lambda text: json.dumps(json.dumps(json.dumps([text]))),
    "json_with_more_escapes": escaped,
    "percent": lambda text: quote(text, safe=""),
    "form": lambda text: urlencode({"type": "sender", "offer": json.dumps({"type": "offer", "sdp": text})}),
    "form_twice": lambda text: quote_plus(quote_plus(text)),
    "html": lambda text: html.escape(json.dumps(text)),
    "html_with_more_escapes": lambda text: text.replace("/", "&#x2F;").replace("+", "&#43;").replace(":", "&#58;"),
    "repr": repr,
    "bytes": lambda text: repr(text.encode()),
}


def peeled(text: str) -> str:
    """Take all escapes off a text, so that a secret in it shows in plain."""
    return "\n".join(layer for layer, _ in layers(text))


def description(fragment: str, password: str, fingerprint: str, address: str) -> str:
    """Give an SDP with all that is secret in one."""
    return (
        f"v=0\r\no=- 4611 2 IN IP4 {address}\r\ns=sp-k3f9-00042\r\nt=0 0\r\n"
        f"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 {address}\r\n"
        f"a=ice-ufrag:{fragment}\r\na=ice-pwd:{password}\r\na=fingerprint:sha-256 {fingerprint}\r\n"
        f"a=candidate:1 1 udp 2130706431 {address} 50000 typ srflx raddr {address} rport 9 ufrag {fragment} end\r\n"
    )


# ── nothing survives ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
@settings(max_examples=40, deadline=None)
@given(fragment=FRAGMENTS, password=PASSWORDS, fingerprint=FINGERPRINTS, address=ADDRESSES, sid=SIDS)
def test_no_secret_survives(
    spelling: Callable[[str], str], *, fragment: str, password: str, fingerprint: str, address: str, sid: str
) -> None:
    """In whatever it is wrapped; what is no secret stays."""
    sdp = description(fragment, password, fingerprint, address)
    assume(sid not in sdp)
    text = spelling(f"sid {sid} said\n{sdp}")
    redacted = Redactor(named=lambda: {sid: "<sid of man>"})(text)
    plain = peeled(redacted)
    for secret in (password, fingerprint, address, sid, f"ufrag:{fragment}", f"ufrag {fragment}"):
        assert secret not in plain
    for name in ("<sid of man>", "ufrag#1", "pwd#1", "fingerprint#1", "#1 50000 typ srflx"):
        assert name in plain
    assert "sp-k3f9-00042" in plain
    assert "m=audio 9 UDP/TLS/RTP/SAVPF 111" in plain
    assert "#2" not in plain


@unhurried
@given(
    before=st.text(string.printable + "äé€", max_size=30),
    after=st.text(string.printable + "äé€", max_size=30),
    sid=SIDS,
)
def test_a_known_secret_is_found_in_any_surroundings(before: str, after: str, sid: str) -> None:
    """Also where letters and escapes touch it."""
    assert sid not in Redactor(named=lambda: {sid: "<sid of man>"})(f"{before}{sid}{after}")


@unhurried
@given(secret=st.text(string.printable, min_size=6, max_size=30).filter(str.strip))
def test_a_known_secret_may_hold_any_character(secret: str) -> None:
    """Such as the value of a header: as it is, and inside JSON."""
    redactor = Redactor(named=lambda: {secret: "<…>"})
    assert redactor(f"((({secret})))") == "(((<…>)))"
    assert secret not in json.loads(redactor(json.dumps({"message": f"((({secret})))"})))["message"]


def test_a_known_secret_with_escapes_in_it_is_found_inside_json() -> None:
    """Such as a cookie."""
    redactor = Redactor(named=lambda: {'a="x%20y"': "<header Cookie>"})
    assert redactor(json.dumps({"message": 'bad cookie a="x%20y"'})) == '{"message": "bad cookie <header Cookie>"}'


# ── names are stable ───────────────────────────────────────────────────────────────────────────


@unhurried
@given(address=st.ip_addresses(v=6).filter(lambda address: int(address) > 0xFFFF))
def test_spellings_of_one_address_have_one_name(address: IPv6Address) -> None:
    """Short, long, in capitals."""
    text = f"{address} {address.exploded} {str(address).upper()}"
    assert Redactor()(text) == "ip#1 ip#1 ip#1"


def test_two_mentions_of_one_secret_stay_equal_and_two_secrets_stay_apart() -> None:
    """Over checks and spellings."""
    names = Pseudonyms()
    first, second = Redactor(names), Redactor(names)
    assert first("from 192.0.2.7 to 192.0.2.8") == "from ip#1 to ip#2"
    assert second(quote("[192.0.2.8]:5000", safe="")) == "%5Bip#2%5D%3A5000"
    assert second("fe80::7%eth0") == "ip#3%eth0"


def test_a_secret_is_known_again_where_nothing_says_what_it_is() -> None:
    """A password in an error message, once a description told it."""
    redactor = Redactor()
    redactor.learn(json.dumps({"sdp": "a=ice-pwd:8Jx+Ffl2yKq/3mZpQw0aTBc1\r\n"}))
    assert redactor("cannot parse '8Jx+Ffl2yKq/3mZpQw0aTBc1'") == "cannot parse 'pwd#1'"


def test_sids_of_other_checks_are_pseudonyms_too() -> None:
    """Those of this check have the name of their participant."""
    names = Pseudonyms()
    for sid in ("p1Q7xXUuUVAAAAB", "p1Q7xXUuUVAAAAC"):
        names.of("sid", sid)
    redactor = Redactor(names, named=lambda: {"p1Q7xXUuUVAAAAB": "<sid of man>"})
    assert redactor('{"sid":"p1Q7xXUuUVAAAAB","other":"p1Q7xXUuUVAAAAC"}') == '{"sid":"<sid of man>","other":"sid#2"}'


def test_tokens_are_found_by_their_form() -> None:
    """A JSON Web Token, and whatever follows `Bearer`."""
    text = "Authorization: Bearer 0123456789abcdef0123, got eyJhbGciOiJI.eyJzdWIiOiJt.c2lnbmF0dXJl"
    assert Redactor()(text) == "Authorization: Bearer token#1, got token#2"


def test_the_address_of_the_target_stays() -> None:
    """It heads every report; the same host in a description goes."""
    redactor = Redactor(shown=("127.0.0.1:8443",))
    assert redactor("127.0.0.1:8443 said c=IN IP4 127.0.0.1") == "127.0.0.1:8443 said c=IN IP4 ip#1"


ORDINARY: Final = (
    "POST /offer sender → woman",
    "conformance/signalproof/suite/test_offer.py::test_face[json]",
    "ActionController::BadRequest in std::vector at 12:30:45",
    "2026-11-22T15:20:34+00:00 nginx/1.25.3, Python 3.11.7",
    "sender_offer to be the posted text (case: crlf) at 100%",
    "candidate:1 with ufrag missing",
    r"C:\temp\new and \n and 50 % off",
    "",
)


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_texts_stay(text: str) -> None:
    """Nothing that merely looks a little like a secret."""
    assert Redactor()(text) == text


@unhurried
@given(st.text())
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    """Names are no secrets."""
    once = Redactor()(text)
    assert Redactor()(once) == once


# ── excerpts ───────────────────────────────────────────────────────────────────────────────────


@unhurried
@given(address=st.ip_addresses(v=4), fingerprint=FINGERPRINTS)
def test_concealing_keeps_every_position(address: IPv4Address, fingerprint: str) -> None:
    """And no character of a secret."""
    text = json.dumps(f"x\r\na=fingerprint:sha-256 {fingerprint}\r\nc=IN IP4 {address}\r\nend")
    hidden = conceal(text)
    assert len(hidden) == len(text)
    assert hidden == text.replace(fingerprint, "•" * len(fingerprint)).replace(str(address), "•" * len(str(address)))


@unhurried
@given(st.text(string.ascii_letters + ' ,"{}', max_size=60), st.integers(min_value=1, max_value=40))
def test_a_cut_text_ends_with_a_whole_word(text: str, limit: int) -> None:
    """So no part of a secret is left that would not be known again."""
    short = cut(text, limit)
    assert len(short) <= limit or short == text
    if short != text:
        assert text.startswith(short[:-1])
        rest = text[len(short) - 1 :]
        assert not (short[-2:-1].isalpha() and rest[:1].isalpha())
