"""Authentication with bearer tokens (spec/auth.md)."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable
from secrets import token_hex

import pytest

from signalproof.cast.cast import Cast
from signalproof.cast.participant import Participant
from signalproof.judge.posting import Posting
from signalproof.protocol.wire import login_payload

requirement = pytest.mark.requirement


def _tampered(token: str) -> dict[str, str]:
    """Give forgeries of a JSON Web Token, by name; a token of another kind is only broken."""
    forged = {"empty": "", "garbage": "garbage", "cut": token[:-8], "longer": f"{token}AAAA"}
    parts = token.split(".")
    if len(parts) != 3:
        return forged
    header, payload, signature = parts
    try:
        claims = json.loads(base64.urlsafe_b64decode(f"{payload}=="))
    except ValueError:
        return forged
    if not isinstance(claims, dict):
        return forged
    import jwt  # with cryptography, which nobody should wait for who has no tokens

    other = _encoded({**claims, "exp": 4102444800})
    swapped = signature[::-1] if signature[::-1] != signature else f"A{signature[1:]}"
    return forged | {
        "another_signature": f"{header}.{payload}.{swapped}",
        "another_payload": f"{header}.{other}.{signature}",
        "no_signature": f"{header}.{payload}.",
        "alg_none": f"{_encoded({'alg': 'none', 'typ': 'JWT'})}.{payload}.",
        "alg_None": f"{_encoded({'alg': 'None', 'typ': 'JWT'})}.{payload}.{signature}",
        "another_key": jwt.encode(claims, token_hex(32), algorithm="HS256"),
        "empty_key": f"{_encoded({'alg': 'HS256', 'typ': 'JWT'})}.{payload}.{_encoded({})}",
    }


def _encoded(part: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


async def _valid(cast: Cast, connection: Participant) -> str:
    return await cast.token_of(connection) or ""


NO_TOKEN: dict[str, object] = {
    "none": None,
    "empty object": {},
    "empty": {"token": ""},
    "null": {"token": None},
    "number": {"token": 7},
    "array": {"token": ["x"]},
    "another key": {"tokens": "x"},
    "string": "x",
}


@requirement("AUTH-1")
async def test_a_connect_without_a_token_is_refused(cast: Cast) -> None:
    """The answer is CONNECT_ERROR; whoever has a token connects."""
    man, woman = await cast.enter("man", "woman")
    for auth in cast.cases(NO_TOKEN):
        await cast.raw.expect_connect_error(auth, "AUTH-1")
    await cast.exchange(man, woman)


@requirement("AUTH-2")
async def test_the_login_has_to_be_the_subject_of_the_token(cast: Cast) -> None:
    """Another login is refused and binds nothing; then the right one works on the same socket."""
    man, woman = await cast.enter("man", "woman")
    impostor = await cast.connect("impostor")
    for login in (woman.login, cast.nobody, f"{impostor.identity} ", impostor.identity.upper()):
        ack = await impostor.try_log_in(login_payload(login))
        cast.refused_ack("AUTH-2", ack)
    cast.refused(await impostor.try_offer(man), "AUTH-2")
    await woman.hears(await man.offer(woman))
    await impostor.log_in(impostor.identity)
    await man.hears(await impostor.offer(man))


Act = Callable[[Participant, Participant, str | None], Awaitable[Posting]]
ACTS = [
    pytest.param(lambda w, m, a: w.try_offer(m, authorization=a), id="offer"),
    pytest.param(
        lambda w, m, a: w.try_candidate([m], login=m.login, authorization=a), id="ice", marks=pytest.mark.profile("ice")
    ),
    *(
        pytest.param(act, id=name, marks=pytest.mark.profile("call"))
        for name, act in (
            ("call", lambda w, m, a: w.try_ring(m, authorization=a)),
            ("decline", lambda w, m, a: w.try_decline(m, authorization=a)),
            ("status", lambda w, m, a: w.try_status("free", authorization=a)),
            ("refresh", lambda w, m, a: w.try_refresh(m, authorization=a)),
        )
    ),
]


async def _ready(cast: Cast) -> tuple[Participant, Participant]:
    """Bring two users where the woman can use every endpoint toward the man."""
    man, woman = await cast.enter("man", "woman")
    await cast.exchange(man, woman)
    if "call" in cast.target.profiles:
        await woman.hears(await man.ring(woman))
    return man, woman


def _expect_401(cast: Cast, posting: Posting, requirement_id: str) -> None:
    reply = cast.refused(posting, requirement_id, client_error=True)
    cast.expect(requirement_id, reply.status == 401, expected="HTTP 401", received=f"HTTP {reply.status}")


@requirement("AUTH-3")
@pytest.mark.parametrize("act", ACTS)
async def test_a_post_needs_a_token_of_the_user_of_its_sid(cast: Cast, act: Act) -> None:
    """Without a token, with another scheme, and with another user's token: 401, and nothing is raised."""
    man, woman = await _ready(cast)
    mine, his = await _valid(cast, woman), await _valid(cast, man)
    for authorization in (None, "", "Bearer", "Bearer ", mine, f"Basic {mine}", f"Bearer {his}", f"Bearer {mine} x"):
        _expect_401(cast, await act(woman, man, authorization), "AUTH-3")
    posting = cast.accepted(await act(woman, man, f"Bearer {mine}"), "AUTH-3")
    if posting.kind.event:
        await man.hears(posting)


@requirement("AUTH-3")
async def test_an_answer_needs_a_token_of_the_user_of_its_sid(cast: Cast) -> None:
    """A refused answer leaves the offer open."""
    man, woman = await cast.enter("man", "woman")
    offer = await man.offer(woman)
    await woman.hears(offer)
    for authorization in (None, f"Bearer {await _valid(cast, man)}"):
        _expect_401(cast, await woman.try_answer(offer, authorization=authorization), "AUTH-3")
    await man.hears(await woman.answer(offer))


@requirement("AUTH-4")
async def test_a_forged_token_is_worth_nothing_over_http(cast: Cast) -> None:
    """Tampered with, without signature, with `alg` `none`, or signed with another key: 401."""
    man, woman = await cast.enter("man", "woman")
    for forged in _tampered(await _valid(cast, man)).values():
        _expect_401(cast, await man.try_offer(woman, authorization=f"Bearer {forged}"), "AUTH-4")
    await woman.hears(await man.offer(woman))


@requirement("AUTH-4")
async def test_a_forged_token_is_worth_nothing_over_socket_io(cast: Cast) -> None:
    """None of the forgeries opens a connection."""
    man, woman = await cast.enter("man", "woman")
    for forged in _tampered(await _valid(cast, man)).values():
        await cast.raw.expect_connect_error({"token": forged}, "AUTH-4")
    await cast.exchange(man, woman)


@requirement("AUTH-4")
async def test_an_expired_token_is_worth_nothing(cast: Cast) -> None:
    """Neither for a request nor for a connection."""
    man, woman = await cast.enter("man", "woman")
    expired = await cast.token_of(man, expired=True)
    if expired is None:
        cast.not_testable("an expired token can only be made from a secret or private key")
    _expect_401(cast, await man.try_offer(woman, authorization=f"Bearer {expired}"), "AUTH-4")
    await cast.raw.expect_connect_error({"token": expired}, "AUTH-4")
    await woman.hears(await man.offer(woman))


@requirement("AUTH-5")
async def test_discovery_needs_no_token(cast: Cast) -> None:
    """Whoever wants to know that tokens are needed has none yet."""
    man, woman = await cast.enter("man", "woman")
    reply = await cast.raw.http("GET", "/.well-known/vcsp")
    cast.expect(
        "AUTH-5",
        reply.status in {200, 404},
        expected="the discovery document without a token",
        received=f"HTTP {reply.status}",
    )
    await cast.exchange(man, woman)


@requirement("AUTH-6")
@pytest.mark.profile("presence")
async def test_the_list_of_users_needs_a_token(cast: Cast) -> None:
    """Without one, and with a forged one: 401."""
    man, woman = await cast.enter("man", "woman")
    await cast.exchange(man, woman)
    forged = _tampered(await _valid(cast, man)).values()
    for headers in ({}, *({"authorization": f"Bearer {token}"} for token in forged if token)):
        reply = await cast.raw.http("GET", "/online", headers=headers)
        cast.expect("AUTH-6", reply.status == 401, expected="HTTP 401 for GET /online", received=f"HTTP {reply.status}")
    listed = await cast.presence.online()
    cast.expect("AUTH-6", man.login in listed, expected="man in /online", received="a list without man")
