"""Profile `auth`: whose a token is, and what is closed without one."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import jwt
import pytest
import socketio
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from tests.server.conftest import OK, Running, Stage, play, serving

from signalproof_server.config import Limits, Settings, TokenKey
from signalproof_server.errors import Unauthorized
from signalproof_server.exchange import decide
from signalproof_server.tokens import Tokens, UnusableKey, read_public_key, read_secret
from signalproof_server.values import Answer, Call, Connection, Decline, Facts, Login, Offer, Refresh, SetStatus

SECRET = b"0123456789abcdef0123456789abcdef"
OTHER = b"another secret that is long enough"
HMAC = TokenKey(algorithm="HS256", key=SECRET)

Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@cache
def private(name: str) -> Private:
    """Make a private key, once: of these algorithms, or one that is no good."""
    match name:
        case "RS256":
            return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
        case "ES256":
            return ec.generate_private_key(ec.SECP256R1())
        case "small":
            return rsa.generate_private_key(public_exponent=65_537, key_size=1_024)
        case _:
            return ec.generate_private_key(ec.SECP384R1())


def public_pem(key: Private) -> bytes:
    """The public half of a key."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def token(login: object = "alice", *, key: bytes = SECRET, **claims: object) -> str:
    """Make a token."""
    payload = ({} if login is None else {"sub": login}) | claims
    head, _, _ = jwt.encode({}, key, "HS256").partition(".")
    body = base64.urlsafe_b64encode(json.dumps(payload).encode()).rstrip(b"=").decode()
    signature = jwt.get_algorithm_by_name("HS256").sign(f"{head}.{body}".encode(), key)
    return f"{head}.{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def unsigned(login: str) -> str:
    """Make a token with `alg` `none`."""
    return jwt.encode({"sub": login}, "", "none")


def confused(login: str, pem: bytes) -> str:
    """Make a token that takes the public key for an HMAC secret, as no library does willingly."""
    head, body, _ = token(login).split(".")
    signature = jwt.get_algorithm_by_name("HS256").sign(f"{head}.{body}".encode(), pem)
    return f"{head}.{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def tampered() -> str:
    """Make a token of another user with the signature of this one's."""
    head, _, signature = token().split(".")
    return f"{head}.{token('bob').split('.')[1]}.{signature}"


def later(seconds: int) -> int:
    """A time as claims write it."""
    return int(time.time()) + seconds


Make = Callable[[], str]
"""Makes a token when it is used: at import, one of a minute would expire before its turn comes."""

GOOD: dict[str, Make] = {
    "plain": token,
    "not yet expired": lambda: token(exp=later(60)),
    "valid since": lambda: token(nbf=later(-60)),
    "claims that mean nothing": lambda: token(aud="x", iss="y", iat=later(3_600), jti=5, admin=True),
}


@pytest.mark.parametrize("case", GOOD)
def test_a_good_token_has_its_subject(case: str) -> None:
    """AUTH-4."""
    assert Tokens(HMAC, Limits()).subject(GOOD[case]()) == "alice"


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_a_public_key_verifies_its_own_algorithm_only(algorithm: str, tmp_path: Path) -> None:
    """AUTH-4: the algorithm is the server's choice."""
    key = private(algorithm)
    pem = public_pem(key)
    path = tmp_path / "key.pem"
    path.write_bytes(pem)
    read = read_public_key(path)
    assert read == TokenKey(algorithm=algorithm, key=pem)  # type: ignore[arg-type]  # one of them
    tokens = Tokens(read, Limits())
    assert tokens.subject(jwt.encode({"sub": "alice"}, key, algorithm)) == "alice"
    another = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    for bad in (confused("alice", pem), unsigned("alice"), jwt.encode({"sub": "alice"}, another, "RS256")):
        with pytest.raises(Unauthorized):
            tokens.subject(bad)


BAD: dict[str, Make] = {
    "expired": lambda: token(exp=later(-1)),
    "not yet valid": lambda: token(nbf=later(60)),
    "no date": lambda: token(exp="soon"),
    "wrong key": lambda: token(key=OTHER),
    "tampered": tampered,
    "no signature": lambda: f"{token().rpartition('.')[0]}.",
    "no algorithm": lambda: unsigned("alice"),
    "another algorithm": lambda: jwt.encode({"sub": "alice"}, SECRET * 2, "HS512"),
    "no subject": lambda: token(None),
    "empty subject": lambda: token(""),
    "long subject": lambda: token("a" * 81),
    "subject with a control character": lambda: token("a\n"),
    "subject with a lone surrogate": lambda: token("\ud800"),
    "subject of another type": lambda: token(5),
    "empty": lambda: "",
    "dots": lambda: "..",
    "not ASCII": lambda: "\u20ac.\u20ac.\u20ac",
    "lone surrogate": lambda: "\ud800",
    "deep": lambda: base64.urlsafe_b64encode(b"[" * 100_000).decode() + "..",
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_token_is_nobodys(case: str) -> None:
    """AUTH-4: whatever it is, it is refused and not quoted."""
    with pytest.raises(Unauthorized) as caught:
        Tokens(HMAC, Limits()).subject(BAD[case]())
    assert caught.value.http_status == 401
    assert len(caught.value.message) < 60


ALICE = Connection(sid="a1", login="alice")
REQUESTS = [
    Offer(sid="a1", reciever_login="bob", offer="o"),
    Answer(sid="a1", answer="a"),
    Call(sid="a1", login="bob"),
    Decline(sid="a1", reciever_login="bob"),
    SetStatus(sid="a1", busy=True),
    Refresh(sid="a1", login="bob"),
    Login(sid="a1", login="alice"),
]


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: type(request).__name__)
def test_the_token_has_to_be_of_the_user_of_the_sid(request_: Offer) -> None:
    """AUTH-2, AUTH-3: before anything that would tell about the state."""
    with pytest.raises(Unauthorized):
        decide(Facts(me=ALICE), replace(request_, subject="bob"))


# Key files


def test_a_secret_is_read_without_its_line_end(tmp_path: Path) -> None:
    """Editors and `echo` put one there."""
    path = tmp_path / "secret"
    path.write_bytes(SECRET + b"\r\n")
    assert read_secret(path) == HMAC
    assert "0123" not in repr(HMAC)


@pytest.mark.parametrize("content", [None, b"", b"\n", SECRET[:31] + b"\n", "RS256"])
def test_a_bad_secret_is_one_sentence(tmp_path: Path, content: bytes | str | None) -> None:
    """It names the file and quotes nothing of it."""
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else public_pem(private(content)))
    with pytest.raises(UnusableKey, match="secret") as caught:
        read_secret(path)
    assert "0123" not in str(caught.value)


@pytest.mark.parametrize("content", [None, b"", SECRET, "private", "small", "another curve"])
def test_a_bad_public_key_is_one_sentence(tmp_path: Path, content: bytes | str | None) -> None:
    """It names the file and quotes nothing of it."""
    path = tmp_path / "key.pem"
    if content == "private":
        path.write_bytes(private("ES256").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    elif content is not None:
        path.write_bytes(content if isinstance(content, bytes) else public_pem(private(content)))
    with pytest.raises(UnusableKey, match=r"key\.pem") as caught:
        read_public_key(path)
    assert "BEGIN" not in str(caught.value)


# On a real port


@pytest.fixture(scope="module")
def guarded() -> Iterator[Running]:
    """One server that asks for tokens."""
    with serving(settings=Settings(token_key=HMAC)) as running:
        yield running


@pytest.mark.parametrize(
    "auth",
    [None, {}, {"token": None}, {"token": 5}, {"token": ""}, {"token": token(key=OTHER)}, {"Token": token()}],
)
@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_a_connect_without_a_valid_token_is_refused(guarded: Running, auth: object, transport: str) -> None:
    """AUTH-1, AUTH-4."""

    async def scene(stage: Stage) -> None:
        client = socketio.AsyncClient(reconnection=False)
        errors: list[object] = []
        client.on("connect_error", errors.append)
        with pytest.raises(socketio.exceptions.ConnectionError):
            await client.connect(stage.url, transports=[transport], auth=auth)
        assert errors[0]["data"] == {"code": "unauthorized"}  # type: ignore[index]  # an object
        await client.disconnect()

    play(guarded.url, scene)


def test_a_login_has_to_be_the_subject(guarded: Running) -> None:
    """AUTH-2: and a client's own event called connect changes nothing."""

    async def scene(stage: Stage) -> None:
        async with stage.user(None, auth={"token": token("alice")}) as user:
            await user.socket.emit("connect", ({}, {"token": token("bob")}))
            for login in ("bob", "Alice", "alice "):
                assert (await user.log_in({"login": login}))["code"] == "unauthorized"
            assert await user.log_in({"login": "alice"}) == {"status": 0}

    play(guarded.url, scene)


POSTS: dict[str, dict[str, str]] = {
    "/offer": {"type": "sender", "reciever_login": "bob", "offer": "o"},
    "/ice": {"ice": "null"},
    "/call": {"login": "bob"},
    "/decline": {"reciever_login": "bob"},
    "/status": {"status": "beasy"},
    "/refresh": {"login": "bob"},
}

AUTHORIZATIONS: dict[str, tuple[Make | None, str]] = {
    "none": (None, "Bearer"),
    "another scheme": (lambda: "Basic YWxpY2U6", "Bearer"),
    "no token": (lambda: "Bearer", 'Bearer error="invalid_token"'),
    "wrong key": (lambda: f"Bearer {token(key=OTHER)}", 'Bearer error="invalid_token"'),
    "expired": (lambda: f"Bearer {token(exp=later(-1))}", 'Bearer error="invalid_token"'),
    "no algorithm": (lambda: f"Bearer {unsigned('alice')}", 'Bearer error="invalid_token"'),
    "another user": (lambda: f"Bearer {token('bob')}", 'Bearer error="invalid_token"'),
}


@pytest.mark.parametrize(("authorization", "challenge"), AUTHORIZATIONS.values(), ids=AUTHORIZATIONS)
def test_every_post_needs_a_token_of_the_user(guarded: Running, authorization: Make | None, challenge: str) -> None:
    """AUTH-3: nothing is raised, and nothing is told."""
    headers = {"authorization": authorization()} if authorization else {}

    async def scene(stage: Stage) -> None:
        async with (
            stage.user("alice", auth={"token": token("alice")}) as one,
            stage.user("bob", auth={"token": token("bob")}) as two,
        ):
            for path, fields in POSTS.items():
                response = await stage.http.post(path, json={"sid": one.sid, **fields}, headers=headers)
                assert (response.status_code, response.json()["code"]) == (401, "unauthorized")
                assert response.headers["www-authenticate"] == challenge
            stage.http.headers["authorization"] = f"bearer {token('alice')}"
            assert await stage.offer(one, "bob", "fence") == OK
            assert (await two.next_of("sender_offer"))["sender_offer"] == "fence"
            assert (await stage.offer("x", "bob"))["code"] == "unknown_sid"
            assert (len(one.events), len(two.events)) == (0, 1)

    play(guarded.url, scene)


def test_the_token_comes_before_the_body(guarded: Running) -> None:
    """AUTH-3: a stranger learns nothing, not even that the body is bad; one that is too large is read."""

    async def scene(stage: Stage) -> None:
        for body in (b"", b"{", b"x" * (2 << 20)):
            response = await stage.http.post("/offer", content=body, headers={"content-type": "text/plain"})
            assert (response.status_code, response.json()["code"]) == (401, "unauthorized")
        stage.http.headers["authorization"] = f"Bearer {token('alice')}"
        assert (await stage.http.post("/offer", json={})).status_code == 400

    play(guarded.url, scene)


def test_what_is_open_and_what_is_not(guarded: Running) -> None:
    """AUTH-5, AUTH-6, HTTP-11."""

    async def scene(stage: Stage) -> None:
        found = (await stage.http.get("/.well-known/vcsp")).json()
        assert found["profiles"] == ["core", "ice", "call", "presence", "correlation", "auth"]
        assert (await stage.http.get("/healthz")).status_code == 200
        closed = await stage.http.get("/online", headers={"origin": "https://page.example"})
        assert (closed.status_code, closed.headers["www-authenticate"]) == (401, "Bearer")
        assert closed.headers["access-control-allow-origin"] == "*"
        preflight = {
            "origin": "https://page.example",
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization,content-type",
        }
        allowed = await stage.http.options("/offer", headers=preflight)
        assert allowed.status_code == 200
        assert "authorization" in allowed.headers["access-control-allow-headers"]
        stage.http.headers["authorization"] = f"Bearer {token('nobody who is connected')}"
        assert await stage.online() == []

    play(guarded.url, scene)


def test_the_log_has_no_token_and_no_key() -> None:
    """Whether they are good or bad."""
    good, bad = token("alice"), token("alice", key=OTHER)

    async def scene(stage: Stage) -> None:
        client = socketio.AsyncClient(reconnection=False)
        with pytest.raises(socketio.exceptions.ConnectionError):
            await client.connect(stage.url, transports=["websocket"], auth={"token": bad})
        await client.disconnect()
        async with stage.user("alice", auth={"token": good}) as user:
            for one in (bad, good):
                await stage.http.post(
                    "/offer", json={"sid": user.sid, "token": one}, headers={"authorization": f"Bearer {one}"}
                )

    with serving(settings=Settings(token_key=HMAC)) as running:
        play(running.url, scene)
    text = running.log.getvalue()
    assert '"event": "connect"' in text
    for part in (*good.split("."), *bad.split("."), SECRET.decode(), "alice"):
        assert part not in text
