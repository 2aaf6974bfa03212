"""Faults of methods, replies and limits of the HTTP endpoints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.faults.registry import fault
from tests.faults.seams import Fields, Handle, ReadBody, Respond, Variant

from signalproof_server.errors import BadRequest, Offline, TooLarge
from signalproof_server.http import Endpoint
from signalproof_server.values import Json, Offer, Reply, Request


@fault("HTTP-3", collateral={"HTTP-10": "the page is no refusal"})
def shows_a_page_for_other_methods(server: Variant) -> None:
    """The framework answers 405 by itself, in HTML."""
    server.replies(
        lambda _, status, __: HTMLResponse("<html>Method Not Allowed</html>", 405) if status == 405 else None
    )


@fault("HTTP-3")
def calls_json_text(server: Variant) -> None:
    """`return HttpResponse(json.dumps(…))`: the content type is that of a page, in one branch."""

    def reply(path: str, status: int, body: Json) -> Response | None:
        import json

        if path == "/offer" and status == 400 and "type" in str(body.get("message")):
            return PlainTextResponse(json.dumps(body), status_code=status)
        return None

    server.replies(reply)


@fault("HTTP-3", collateral={"HTTP-5": "that reply is no refusal"})
def decline_errors_are_lists(server: Variant) -> None:
    """One endpoint hands the validator's list of errors through."""

    def reply(path: str, status: int, body: Json) -> Response | None:
        return JSONResponse([body["message"]], status) if path == "/decline" and status == 400 else None

    server.replies(reply)


@fault("HTTP-9", collateral={"HTTP-12": "no reply at all"})
def hangs_up_on_long_bodies(server: Variant) -> None:
    """The server resets the connection while the client still writes."""

    def body(inner: ReadBody, kind: str, content: bytes) -> Fields:
        return inner(kind, content)

    async def respond(inner: Respond, request: HttpRequest, endpoint: str, run: Endpoint) -> Response:
        if int(request.headers.get("content-length", "0")) > 1_048_576:
            raise ConnectionResetError
        return await inner(request, endpoint, run)

    server.on_body = body
    server.on_respond = respond


@fault("HTTP-9", collateral={"HTTP-12": "a 5xx"})
def crashes_on_long_bodies(server: Variant) -> None:
    """RequestDataTooBig is not caught."""

    def reply(_: str, status: int, body: Json) -> Response | None:
        return JSONResponse({"status": 1, "message": "internal error"}, 500) if status == 413 else None

    server.replies(reply)


@fault("HTTP-9", collateral={"HTTP-*": "long bodies of other checks", "*": "the sockets of others close"})
def long_bodies_end_the_sockets(server: Variant) -> None:
    """The worker is killed for its memory, with the sockets it holds: those of the request's sender."""

    def reply(_: str, status: int, body: Json) -> Response | None:
        if status == 413 and body.get("message") == TooLarge.default:
            for sid, login in list(server.bound.items()):
                if login.endswith((".man", ".woman")):
                    server.spawn(server.engine().disconnect(sid))
        return None

    server.replies(reply)


@fault("HTTP-9b")
def refuses_long_bodies_with_400(server: Variant) -> None:
    """All bad requests look alike."""
    server.replies(lambda _, status, body: JSONResponse(body, 400) if status == 413 else None)


def _method(server: Variant, wanted: str, path: str) -> None:
    def asgi(inner: ASGIApp) -> ASGIApp:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http" and scope["method"] == wanted and scope["path"] == path:
                scope = {**scope, "method": "POST"}
            await inner(scope, receive, send)

        return app

    server.on_asgi = asgi


@fault("HTTP-10", collateral={"HTTP-10b": "it is not refused"})
def takes_put_for_post(server: Variant) -> None:
    """One handler for all methods."""
    _method(server, "PUT", "/offer")


@fault("HTTP-10")
def takes_delete_for_post_on_status(server: Variant) -> None:
    """One endpoint does not look at the method."""
    _method(server, "DELETE", "/status")


@fault("HTTP-10", collateral={"HTTP-10b": "it is not refused", "HTTP-15": "a reply of its own", "HTTP-3": "the same"})
def greets_on_get(server: Variant) -> None:
    """GET says that the endpoint is there."""

    def asgi(inner: ASGIApp) -> ASGIApp:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http" and scope["method"] in ("GET", "HEAD") and scope["path"] == "/offer":
                await JSONResponse({"hello": "POST here"})(scope, receive, send)
            else:
                await inner(scope, receive, send)

        return app

    server.on_asgi = asgi


@fault("HTTP-10b")
def answers_other_methods_with_404(server: Variant) -> None:
    """The router knows POST alone."""
    server.replies(lambda _, status, body: JSONResponse(body, 404) if status == 405 else None)


@fault("HTTP-11")
def errors_lack_cors(server: Variant) -> None:
    """The CORS middleware does not cover error handlers."""

    def asgi(inner: ASGIApp) -> ASGIApp:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            async def bare(message: Any) -> None:
                if message["type"] == "http.response.start" and message["status"] >= 400:
                    headers = [h for h in message["headers"] if not h[0].startswith(b"access-control")]
                    message = {**message, "headers": headers}
                await send(message)

            await inner(scope, receive, bare)

        return app

    server.on_asgi = asgi


@fault("HTTP-11")
def knows_no_preflight(server: Variant) -> None:
    """OPTIONS is one more method that is not allowed."""

    def asgi(inner: ASGIApp) -> ASGIApp:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http" and scope["method"] == "OPTIONS":
                await JSONResponse({"status": 1, "message": "no"}, 405)(scope, receive, send)
            else:
                await inner(scope, receive, send)

        return app

    server.on_asgi = asgi


@fault("HTTP-12", collateral={"OFFER-6": "an empty login is nobody's"})
def crashes_on_empty_logins(server: Variant) -> None:
    """The name becomes part of a key that may not be empty."""

    async def handle(inner: Handle, request: Request) -> Reply:
        if isinstance(request, Offer) and not request.reciever_login:
            raise RuntimeError
        return await inner(request)

    server.on_handle = handle


@fault("HTTP-12", collateral={"*": "everybody waits"})
def stops_for_hostile_bodies(server: Variant) -> None:
    """A body with thousands of keys keeps the only worker busy for seconds."""

    def body(inner: ReadBody, kind: str, content: bytes) -> Fields:
        fields = inner(kind, content)
        if len(fields) > 1_000:
            import time

            time.sleep(2.5)
        return fields

    server.on_body = body


@fault("HTTP-12", collateral={"OFFER-6": "it crashes", "*": "an offer to a login that nobody has"})
def crashes_on_unknown_users(server: Variant) -> None:
    """`User.objects.get()` raises DoesNotExist, and the debug page has status 500."""

    async def handle(inner: Handle, request: Request) -> Reply:
        try:
            return await inner(request)
        except Offline:
            if isinstance(request, Offer):
                raise RuntimeError from None
            raise

    server.on_handle = handle


@fault("HTTP-14")
def gives_no_codes(server: Variant) -> None:
    """Messages are for people, and there is nothing else."""

    def reply(_: str, status: int, body: Json) -> Response | None:
        bare = {key: value for key, value in body.items() if key != "code"}
        return JSONResponse(bare, status) if "code" in body else None

    server.replies(reply)


@fault("HTTP-15", collateral={"*": "a refusal has to be one"})
def refuses_in_a_shape_of_its_own(server: Variant) -> None:
    """`{"error": …}`, with a status that says the rest."""

    def reply(path: str, status: int, body: Json) -> Response | None:
        odd = path == "/offer" and status == BadRequest.http_status
        return JSONResponse({"error": body["message"]}, status) if odd else None

    server.replies(reply)


@fault("HTTP-15", collateral={"CALL-*": "the endpoint is used there", "HTTP-*": "the same"})
def accepts_refreshes_in_a_shape_of_its_own(server: Variant) -> None:
    """One endpoint says `{"status": "ok"}`."""

    def reply(path: str, _: int, body: Json) -> Response | None:
        return JSONResponse({"status": "ok"}) if path == "/refresh" and body.get("status") == 0 else None

    server.replies(reply)


@fault("HTTP-15", collateral={"ICE-*": "the endpoint is used there", "HTTP-*": "the same", "CORR-*": "the same"})
def accepts_candidates_without_a_word(server: Variant) -> None:
    """One endpoint says `{}`: there was nothing to say."""

    def reply(path: str, _: int, body: Json) -> Response | None:
        return JSONResponse({}) if path == "/ice" and body.get("status") == 0 else None

    server.replies(reply)


DISCOVERY = "/.well-known/vcsp"


def _publishes(server: Variant, change: Callable[[Json], Json]) -> None:
    server.replies(lambda path, _, body: JSONResponse(change(body)) if path == DISCOVERY else None)


@fault("HTTP-15")
def publishes_its_version_as_a_number(server: Variant) -> None:
    """YAML and hand-written JSON: 1.0 without quotes."""
    _publishes(server, lambda document: {**document, "version": 1.0})


@fault("HTTP-15")
def publishes_its_profiles_as_a_string(server: Variant) -> None:
    """An environment variable, handed through."""
    _publishes(server, lambda document: {**document, "profiles": "core, ice, call"})


@fault("HTTP-15")
def publishes_no_limits(server: Variant) -> None:
    """Nobody thought that they matter."""
    _publishes(server, lambda document: {key: value for key, value in document.items() if key != "limits"})


@fault("HTTP-15")
def publishes_less_than_the_least(server: Variant) -> None:
    """The limit of a column in the database, which is far too short, is at least told."""
    _publishes(server, lambda document: {**document, "limits": {"description_bytes": 4096}})


@fault("HTTP-15")
def publishes_a_relative_socket_url(server: Variant) -> None:
    """The path that the library was given."""
    _publishes(server, lambda document: {**document, "socket_url": "./"})


@fault("HTTP-3")
def publishes_text(server: Variant) -> None:
    """A file without an extension, which the web server takes for plain text."""

    def reply(path: str, _: int, body: Json) -> Response | None:
        import json

        return PlainTextResponse(json.dumps(body)) if path == DISCOVERY else None

    server.replies(reply)
