"""Faults of authentication; the server asks for tokens."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jwt
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.faults.registry import fault
from tests.faults.seams import Prove, Subject, Variant

from signalproof_server.errors import Unauthorized
from signalproof_server.values import Answer, Json, Login, Offer

FORGED = "forged tokens are used there too"


def _claims(token: str) -> dict[str, Any]:
    try:
        part = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(f"{part}=="))
    except (IndexError, ValueError):
        raise Unauthorized from None
    return claims if isinstance(claims, dict) else {}


def _both(server: Variant, change: Callable[[Callable[[str], str], str], str]) -> None:
    """Verify tokens in another way, on Socket.IO and on HTTP."""

    def prove(inner: Prove, token: object) -> str:
        return change(inner, token) if isinstance(token, str) else inner(token)

    def subject(inner: Subject, request: HttpRequest) -> str | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        sound = inner
        return change(lambda _: str(sound(request)), token) if scheme.lower() == "bearer" and token else inner(request)

    server.on_prove = prove
    server.on_subject = subject


@fault("AUTH-1", auth=True)
def lets_connections_in_without_a_token(server: Variant) -> None:
    """The token is asked for with the login, not with the connection: whoever sends none is let in."""

    def prove(inner: Prove, token: object) -> str:
        return "nobody in particular" if token is None else inner(token)

    server.on_prove = prove


@fault("AUTH-1", auth=True)
def crashes_on_odd_tokens(server: Variant) -> None:
    """A token that is no text raises something, and the socket is closed without a CONNECT_ERROR."""

    def prove(inner: Prove, token: object) -> str:
        if token is not None and not isinstance(token, str):
            raise RuntimeError
        return inner(token)

    server.on_prove = prove


@fault("AUTH-2", auth=True)
def any_token_opens_any_login(server: Variant) -> None:
    """Who has a token may log in as anybody."""
    server.requests(Login, lambda request: replace(request, subject=None))


@fault("AUTH-2", auth=True)
def compares_subjects_without_case(server: Variant) -> None:
    """User names are compared as people read them."""

    def login(request: Login) -> Login:
        alike = (request.subject or "").lower().strip() == request.login.lower().strip()
        return replace(request, subject=request.login) if alike else request

    server.requests(Login, login)


@fault("AUTH-3", auth=True)
def any_token_serves_any_sid(server: Variant) -> None:
    """The token is verified, but not whose it is."""
    server.requests(Offer, lambda request: replace(request, subject=None))


@fault("AUTH-3", auth=True)
def answers_need_no_token_of_the_user(server: Variant) -> None:
    """Whose the token is, is looked at in the branch for offers only."""
    server.requests(Answer, lambda request: replace(request, subject=None))


@fault("AUTH-3", collateral={"AUTH-4": FORGED}, auth=True)
def refresh_needs_no_token(server: Variant) -> None:
    """One endpoint was forgotten."""

    def subject(inner: Subject, request: HttpRequest) -> str | None:
        return None if request.url.path == "/refresh" else inner(request)

    server.on_subject = subject


@fault("AUTH-3", collateral={"AUTH-4": FORGED, "AUTH-6": FORGED}, auth=True)
def refuses_tokens_with_403(server: Variant) -> None:
    """The framework's own status for it."""

    def reply(path: str, status: int, body: Json) -> Response | None:
        return JSONResponse(body, 403) if status == 401 and path != "/online" else None

    server.replies(reply)


@fault("AUTH-3", auth=True)
def takes_basic_for_bearer(server: Variant) -> None:
    """The scheme is not looked at."""

    def subject(inner: Subject, request: HttpRequest) -> str | None:
        headers = [
            (name, b"Bearer" + value[5:] if name == b"authorization" and value.startswith(b"Basic") else value)
            for name, value in request.scope["headers"]
        ]
        return inner(HttpRequest({**request.scope, "headers": headers}))

    server.on_subject = subject


@fault("AUTH-4", collateral={"AUTH-[36]": FORGED}, auth=True)
def does_not_verify(server: Variant) -> None:
    """`jwt.decode(token, options={"verify_signature": False})`."""
    _both(server, lambda _, token: str(_claims(token).get("sub", "")))


@fault("AUTH-4", collateral={"AUTH-6": FORGED}, auth=True)
def takes_unsigned_tokens(server: Variant) -> None:
    """The algorithm is that of the token's header, and `none` is one."""

    def lax(inner: Callable[[str], str], token: str) -> str:
        try:
            header: dict[str, Any] = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            return inner(token)
        return str(_claims(token).get("sub", "")) if str(header.get("alg")).lower() == "none" else inner(token)

    _both(server, lax)


@fault("AUTH-4", auth=True)
def takes_expired_tokens(server: Variant) -> None:
    """`exp` is not looked at."""

    def lax(inner: Callable[[str], str], token: str) -> str:
        key = server.settings.token_key
        assert key is not None
        try:
            claims = jwt.decode(token, key.key, algorithms=[key.algorithm], options={"verify_exp": False})
        except jwt.PyJWTError:
            return inner(token)
        return str(claims["sub"])

    _both(server, lax)


@fault("AUTH-4", auth=True)
def verifies_on_http_only(server: Variant) -> None:
    """The connection is let in by the token's payload; requests are verified."""

    def prove(inner: Prove, token: object) -> str:
        return str(_claims(token).get("sub", "")) if isinstance(token, str) and token.count(".") == 2 else inner(token)

    server.on_prove = prove


@fault("AUTH-5", auth=True)
def hides_the_discovery_document(server: Variant) -> None:
    """A gateway asks for a token on every path."""

    def asgi(inner: ASGIApp) -> ASGIApp:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            bare = not any(name == b"authorization" for name, _ in scope["headers"])
            if scope["path"] == "/.well-known/vcsp" and bare:
                await JSONResponse({"status": 1, "message": "A token is needed."}, 401)(scope, receive, send)
            else:
                await inner(scope, receive, send)

        return app

    server.on_asgi = asgi


@fault("AUTH-6", auth=True)
def shows_everybody_who_is_online(server: Variant) -> None:
    """GET changes nothing, so it needs no token."""

    def subject(inner: Subject, request: HttpRequest) -> str | None:
        return None if request.url.path == "/online" else inner(request)

    server.on_subject = subject
