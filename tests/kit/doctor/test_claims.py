"""What a target claims: read out of its document, and followed no further than the operator has said."""

from __future__ import annotations

import json

import pytest

from signalproof.config.identity import Anonymous, Minted
from signalproof.config.target import Target
from signalproof.doctor import complete, discovery_in
from signalproof.errors import TargetUnusable
from signalproof.net.http import HttpReply
from signalproof.protocol.discovery import Discovery

SECRET = (("Authorization", "Basic c2VjcmV0"),)
TOKENS = Minted("s" * 32, "HS256")


def discovery(**members: object) -> Discovery:
    """Read a document with these members besides what it needs."""
    document = {"protocol": "vcsp", "version": "1.0", "profiles": ["core"], "limits": {}, **members}
    return discovery_in(HttpReply(200, {"content-type": "application/json"}, json.dumps(document).encode(), 0.0))


def target(socket_url: str = "", headers: tuple[tuple[str, str], ...] = ()) -> Target:
    """Make a target of which nothing is known."""
    url = "https://chat.example"
    return Target(url=url, socket_url=socket_url, profiles=(), profiles_reason="", headers=headers)


def test_a_sound_document_says_what_is_checked() -> None:
    """And without one it is core."""
    found = complete(target(), discovery(profiles=["core", "ice"], limits={"ringing_seconds": 3}), Anonymous())
    assert (found.profiles, found.profiles_reason) == (("core", "ice"), "claimed by the discovery document")
    assert found.limits == {"ringing_seconds": 3}
    assert (found.socket_url, found.socket_url_from) == ("https://chat.example", "")
    found = complete(target(), Discovery(served=False), Anonymous())
    assert (found.profiles, found.profiles_reason) == (("core",), "no discovery document, so core alone")


def test_a_wrong_document_is_read_as_far_as_it_goes() -> None:
    """And the header says what is wrong with it."""
    found = complete(target(), discovery(version=1.0, profiles="core,ice"), Anonymous())
    assert found.profiles == ("core", "ice")
    assert found.profiles_reason.startswith("the discovery document is wrong: /version: 1.0 is not of type 'string'")
    assert found.profiles_reason.endswith("; checking core and what it names readably")


def test_another_origin_is_followed_where_there_is_nothing_to_lose() -> None:
    """And it is remembered who named it."""
    found = complete(target(), discovery(socket_url="https://rt.chat.example"), Anonymous())
    assert (found.socket_url, found.socket_url_from) == ("https://rt.chat.example", "the discovery document")


@pytest.mark.parametrize("there", ["https://rt.evil.example", "https://chat.example:8443", "http://chat.example:443"])
@pytest.mark.parametrize("secret", ["headers", "tokens"])
def test_secrets_go_to_no_other_origin_unasked(there: str, secret: str) -> None:
    """Both origins are named, and the option that says yes."""
    asked = target(headers=SECRET if secret == "headers" else ())
    identities = TOKENS if secret == "tokens" else Anonymous()
    with pytest.raises(TargetUnusable) as unusable:
        complete(asked, discovery(socket_url=there), identities)
    assert "https://chat.example" in unusable.value.problem
    assert f"Socket.IO is at {there}, another origin than https://chat.example" in unusable.value.problem
    assert f"--socket-url {there}" in unusable.value.remedy


def test_a_path_of_the_same_origin_needs_no_leave() -> None:
    """Nor does its port when it is written out."""
    for there in ("https://chat.example/rt", "https://chat.example:443", "https://CHAT.example"):
        assert complete(target(headers=SECRET), discovery(socket_url=there), TOKENS).socket_url == there


def test_no_document_leads_away_from_tls() -> None:
    """Whatever there is to lose; the operator may."""
    with pytest.raises(TargetUnusable, match=r"at http://chat\.example, another origin than .*, without TLS"):
        complete(target(), discovery(socket_url="http://chat.example"), Anonymous())
    found = complete(
        target(socket_url="http://chat.example", headers=SECRET),
        discovery(socket_url="http://evil.example"),
        TOKENS,
    )
    assert found.socket_url == "http://chat.example"


def test_a_url_that_cannot_be_used_is_told() -> None:
    """There would be nowhere to connect to."""
    for url in ("ftp://rt.example", "https://user:secret@rt.example"):
        with pytest.raises(TargetUnusable, match=r"The discovery document is wrong: socket_url") as unusable:
            complete(target(), discovery(socket_url=url), Anonymous())
        assert "--socket-url" in unusable.value.remedy
        assert "secret" not in unusable.value.problem
