"""Faults that show in nearly every check: one thing is wrong with every reply, or with every event of a kind."""

from __future__ import annotations

from dataclasses import replace

from starlette.responses import HTMLResponse, JSONResponse, Response
from tests.faults.registry import fault
from tests.faults.seams import Variant

from signalproof_server.delivery import Emitter
from signalproof_server.values import Emit, Json

PAGE = "<!DOCTYPE html><html><head><title>DoesNotExist at {path}</title></head><body>Traceback …</body></html>"


@fault("HTTP-15")
def answers_created(server: Variant) -> None:
    """A view for a resource that is created answers 201, and so does every POST here."""
    server.replies(lambda path, status, body: JSONResponse(body, 201) if status == 200 and path == "/offer" else None)


@fault("HTTP-15")
def refuses_without_status(server: Variant) -> None:
    """The framework's own refusals, `{"detail": …}`, with a fitting HTTP status, everywhere."""

    def reply(_: str, status: int, body: Json) -> Response | None:
        if not body.get("status"):
            return None
        return JSONResponse({"detail": body["message"]}, status if status >= 400 else 409)

    server.replies(reply)


@fault("HTTP-12")
def throws_in_place_of_refusing(server: Variant) -> None:
    """`Model.objects.get()` throws, nobody catches it, and the debug page comes with HTTP 500."""

    def reply(path: str, _: int, body: Json) -> Response | None:
        return HTMLResponse(PAGE.format(path=path), 500) if body.get("status") else None

    server.replies(reply)


@fault("OFFER-1")
def corrects_the_name_of_the_event(server: Variant) -> None:
    """`offer` is the better name, and no client listens for it."""

    async def emit(inner: Emitter, effect: Emit) -> None:
        await inner(replace(effect, event="offer") if effect.event == "sender_offer" else effect)

    server.on_emit = emit


@fault("OFFER-1")
def raises_no_offers(server: Variant) -> None:
    """All offers are accepted, and none arrives."""

    async def emit(inner: Emitter, effect: Emit) -> None:
        if effect.event != "sender_offer":
            await inner(effect)

    server.on_emit = emit
