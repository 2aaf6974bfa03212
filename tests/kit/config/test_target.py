"""Options that describe a target, and the messages for those that do not."""

from __future__ import annotations

import pytest

from signalproof.config.target import Target, parse_headers, parse_profiles, parse_url
from signalproof.errors import InvalidTarget
from signalproof.text.redact import Redactor


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://example.org", "https://example.org"),
        ("http://example.org:8000/api/", "http://example.org:8000/api"),
        ("example.org:8000", "http://example.org:8000"),
        ("http://[::1]:8000//", "http://[::1]:8000"),
    ],
)
def test_a_base_url_is_understood(text: str, url: str) -> None:
    """`http://` may be left out, and slashes at the end do not count."""
    assert parse_url(text, option="--target") == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ftp://example.org",
        "http://",
        "http:///path",
        "http://example.org:port",
        "http://example.org:99999",
        "http://example.org/?a=b",
        "http://example.org/#top",
        "http://[::1",
    ],
)
def test_what_is_no_base_url_is_refused(text: str) -> None:
    """The message names the option and shows how to write it."""
    with pytest.raises(InvalidTarget, match=r"--socket-url .* is not a base URL: write it like https?://"):
        parse_url(text, option="--socket-url")


def test_headers_are_read() -> None:
    """White space around name and value does not count; a value may hold colons and be empty."""
    lines = ["Authorization: Bearer a:b", "X-Empty:", "Origin:https://example.org:8443"]
    assert parse_headers(lines) == (
        ("Authorization", "Bearer a:b"),
        ("X-Empty", ""),
        ("Origin", "https://example.org:8443"),
    )
    assert parse_headers([]) == ()


@pytest.mark.parametrize("line", ["Bearer s3cret", ":s3cret", " : s3cret"])
def test_a_header_that_is_none_is_refused_without_repeating_it(line: str) -> None:
    """It may be a secret without a name."""
    with pytest.raises(InvalidTarget, match="--header takes NAME:VALUE") as caught:
        parse_headers(["Good: yes", line])
    assert "s3cret" not in f"{caught.value!s}{caught.value!r}{caught.value.args}"


def test_profiles_are_read_in_the_order_of_the_specification() -> None:
    """`core` is always among them."""
    assert parse_profiles("call, ice,") == ("core", "ice", "call")
    assert parse_profiles("") == ("core",)


def test_profiles_that_cannot_be_checked_are_refused() -> None:
    """A name that the protocol lacks, and one for which the kit has no checks, are told apart."""
    with pytest.raises(InvalidTarget, match="there is no profile 'video'; it can be core"):
        parse_profiles("core,video")
    with pytest.raises(InvalidTarget, match="no checks for 'scale' yet"):
        parse_profiles("scale")


def test_headers_are_secrets_and_the_own_address_is_none() -> None:
    """The value, and the credentials after a scheme; short values are settings."""
    headers = parse_headers(["Authorization: Bearer s3cr3t-token", "X-Debug: on"])
    target = Target("http://10.0.0.7:81/api", "http://rt.example.org", (), "", headers=headers)
    assert target.secrets == {
        "Bearer s3cr3t-token": "<header Authorization>",
        "s3cr3t-token": "<header Authorization>",
    }
    assert set(target.shown) == {"10.0.0.7:81", "rt.example.org"}
    redact = Redactor(named=lambda: target.secrets, shown=target.shown)
    assert redact("s3cr3t-token is on at 10.0.0.7:81, 10.0.0.7") == "<header Authorization> is on at 10.0.0.7:81, ip#1"
