"""Variants of the reference server, each wrong in one way: `python servers.py VARIANT` serves one on a free port.

The first line on standard output is the URL. A fault shows only where its docstring says, so that the other
checks of the kit still have something to pass.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp

from signalproof_server import wire
from signalproof_server.app import Assembly
from signalproof_server.config import Settings
from signalproof_server.delivery import Emitter, Outbox
from signalproof_server.engine import Sio
from signalproof_server.errors import BadRequest, Refusal, reply_to
from signalproof_server.exchange import decide
from signalproof_server.http import Endpoint, HttpEdge
from signalproof_server.serve import Server, listen, new_event_loop
from signalproof_server.service import Rules, Service
from signalproof_server.socket import SocketEdge
from signalproof_server.store import Store
from signalproof_server.values import Answer, Decision, Emit, Facts, Leave, Login, Offer, Reply
from signalproof_server.values import Request as Wish

DEVICES_LEAKED: Final = 3
LATE: Final = 0.5
SLOW: Final = 0.2
BUSY: Final = 50
QUIET: Final = 0.1
WHILE: Final = 1.5
MOMENT: Final = 0.05


def say(line: str) -> None:
    """Write one line for the test that started this process."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def with_effects(change: Callable[[tuple[Emit, ...]], tuple[Emit, ...]]) -> Rules:
    """Make rules that decide soundly, but raise other events."""

    def rules(facts: Facts, request: Wish) -> Decision:
        decision = decide(facts, request)
        return replace(decision, effects=change(decision.effects))

    return rules


class DropsADevice(Assembly):
    """A user with several connections hears offers on all but one (OFFER-1)."""

    def rules(self) -> Rules:
        """Leave one event out."""
        return with_effects(lambda effects: effects[:-1] if len(effects) > 1 else effects)


class TrimsTexts(Assembly):
    """Descriptions lose the white space around them (OFFER-4)."""

    def rules(self) -> Rules:
        """Trim every string of every event."""

        def trimmed(effect: Emit) -> Emit:
            return replace(effect, payload={key: str(value).strip() for key, value in effect.payload.items()})

        return with_effects(lambda effects: tuple(map(trimmed, effects)))


class MixesPairsUp(Assembly):
    """An answer goes to whoever offered last, whatever `sender_login` says (ANSWER-7)."""

    def service(self, store: Store, rules: Rules, outbox: Outbox) -> Service:
        """Carry answers out as if they named nobody."""

        class Nameless(Service):
            async def handle(self, request: Wish) -> Reply:
                """Drop the name."""
                return await super().handle(
                    replace(request, sender_login=None) if isinstance(request, Answer) else request
                )

        return Nameless(store, rules, outbox)


class CrashesOnMalformedJson(Assembly):
    """A body that is no JSON gets the framework's HTML page with 500 (HTTP-4, HTTP-12)."""

    def http(self, service: Service) -> ASGIApp:
        """Put the page in place of the refusal."""

        class Edge(HttpEdge):
            async def respond(self, request: Request, endpoint: str, run: Endpoint) -> Response:
                """Replace one refusal."""
                response = await super().respond(request, endpoint, run)
                if b"well-formed JSON" in bytes(response.body):
                    return HTMLResponse("<!DOCTYPE html><html><h1>Server Error (500)</h1></html>", status_code=500)
                return response

        return Edge(service, self.settings, self.log).asgi()


class CorrectsTheSpelling(Assembly):
    """The answer comes as `receiver_answer` (ANSWER-1)."""

    def rules(self) -> Rules:
        """Rename the event."""

        def renamed(effect: Emit) -> Emit:
            return replace(effect, event=effect.event.replace("reciever", "receiver"))

        return with_effects(lambda effects: tuple(map(renamed, effects)))


class LeaksLate(Assembly):
    """Half a second later, an offer to a user with three connections comes to all strangers too (OFFER-2)."""

    def service(self, store: Store, rules: Rules, outbox: Outbox) -> Service:
        """Remember who is there, and tell them what is none of their business."""
        bound: dict[str, str] = {}

        class Gossip(Service):
            async def handle(self, request: Wish) -> Reply:
                """Carry the request out, and talk about it afterwards."""
                reply = await super().handle(request)
                if isinstance(request, Login):
                    bound[request.sid] = request.login
                elif isinstance(request, Leave):
                    bound.pop(request.sid, None)
                elif isinstance(request, Offer):
                    self.gossip(request)
                return reply

            def gossip(self, offer: Offer) -> None:
                """Send the offer to everybody who is not concerned."""
                sender = bound[offer.sid]
                if list(bound.values()).count(offer.reciever_login) < DEVICES_LEAKED:
                    return
                loop = asyncio.get_running_loop()
                for sid, login in bound.items():
                    if login not in {sender, offer.reciever_login}:
                        loop.call_later(LATE, outbox.publish, [wire.sender_offer(sid, sender, offer.offer)])

        return Gossip(store, rules, outbox)


class DoublesAnswers(Assembly):
    """Every answer comes twice, as from a task that is retried (ANSWER-1)."""

    def emitter(self, sio: Sio) -> Emitter:
        """Emit answers again."""
        emit = super().emitter(sio)

        async def twice(effect: Emit) -> None:
            await emit(effect)
            if effect.event == "reciever_answer":
                await emit(effect)

        return twice


class AcknowledgesTooEarly(Assembly):
    """A login that ends in a digit is acknowledged before it is stored (LOGIN-2)."""

    def sockets(self, sio: Sio, service: Service) -> SocketEdge:
        """Reply first, store afterwards."""

        class Edge(SocketEdge):
            def __init__(self, *parts: object) -> None:
                super().__init__(*parts)  # type: ignore[arg-type]  # handed through
                self.storing: set[asyncio.Task[Reply]] = set()

            async def login(self, sid: str, arguments: tuple[object, ...]) -> Reply:
                """Promise what is not yet true."""
                request = wire.decode_login(sid, arguments, self.settings.limits)
                if not request.login[-1].isdigit():
                    return await super().login(sid, arguments)
                asyncio.get_running_loop().call_later(SLOW, self.store, request)
                return wire.DONE

            def store(self, request: Login) -> None:
                """Keep the promise."""
                task = asyncio.create_task(self.service.handle(request))
                self.storing.add(task)
                task.add_done_callback(self.storing.discard)

        return Edge(sio, service, self.settings, self.log)


class GivesNoCodes(Assembly):
    """Refusals over HTTP have no `code` (HTTP-14, a SHOULD)."""

    def http(self, service: Service) -> ASGIApp:
        """Take the code out."""

        class Edge(HttpEdge):
            async def post(self, request: Request, decode: wire.Decoder) -> Reply:
                """Refuse without a code."""
                try:
                    return await super().post(request, decode)
                except Refusal as refusal:
                    reply = reply_to(refusal)
                    return replace(reply, body={key: reply.body[key] for key in ("status", "message")})

        return Edge(service, self.settings, self.log).asgi()


class EchoesSids(Assembly):
    """Every answer is refused with a message that holds the sid; each is also said on standard output (SEC-3)."""

    def rules(self) -> Rules:
        """Refuse answers, talkatively."""

        def rules(facts: Facts, request: Wish) -> Decision:
            if isinstance(request, Answer):
                say(request.sid)
                raise BadRequest(f"Connection {request.sid} may not answer.")
            return decide(facts, request)

        return rules


class SaysWhenItIsBusy(Assembly):
    """Sound; says `busy` once some requests have come."""

    def service(self, store: Store, rules: Rules, outbox: Outbox) -> Service:
        """Count requests."""

        class Counting(Service):
            count = 0

            async def handle(self, request: Wish) -> Reply:
                """Count one."""
                self.count += 1
                if self.count == BUSY:
                    say("busy")
                return await super().handle(request)

        return Counting(store, rules, outbox)


class SaysWhenItIsQuiet(Assembly):
    """Sound; says `quiet` once no request has come for a tenth of a second after an accepted offer."""

    def service(self, store: Store, rules: Rules, outbox: Outbox) -> Service:
        """Watch the requests."""

        class Watching(Service):
            offers = 0
            timer: asyncio.TimerHandle | None = None

            async def handle(self, request: Wish) -> Reply:
                """Put the word off."""
                if self.timer is not None:
                    self.timer.cancel()
                reply = await super().handle(request)
                self.offers += isinstance(request, Offer)
                if self.offers:
                    self.timer = asyncio.get_running_loop().call_later(QUIET, say, "quiet")
                return reply

        return Watching(store, rules, outbox)


class StandsStillInACrowd(Assembly):
    """Sound; answers one request after the other, so that what comes in a crowd waits for all that came before."""

    def service(self, store: Store, rules: Rules, outbox: Outbox) -> Service:
        """Take a moment for each request, and no two at once."""

        class Queueing(Service):
            turn = asyncio.Lock()

            async def handle(self, request: Wish) -> Reply:
                """Wait for a turn, and take some time."""
                async with self.turn:
                    loop = asyncio.get_running_loop()
                    done: asyncio.Future[None] = loop.create_future()
                    loop.call_later(MOMENT, done.set_result, None)
                    await done
                    return await super().handle(request)

        return Queueing(store, rules, outbox)


class DeliversAfterAWhile(Assembly):
    """Sound; raises events a second and a half after the reply, as ORDER-3 allows."""

    def emitter(self, sio: Sio) -> Emitter:
        """Put each event off."""
        inner = super().emitter(sio)
        tasks: set[asyncio.Task[None]] = set()

        def go(effect: Emit) -> None:
            tasks.add(asyncio.ensure_future(inner(effect)))

        async def emit(effect: Emit) -> None:
            asyncio.get_running_loop().call_later(WHILE, go, effect)

        return emit


class HidesALogin(Assembly):
    """Whoever is called boy is never on the list (PRES-1)."""

    def http(self, service: Service) -> ASGIApp:
        """Take them off."""

        class Edge(HttpEdge):
            async def respond(self, request: Request, endpoint: str, run: Endpoint) -> Response:
                """Leave some out."""
                response = await super().respond(request, endpoint, run)
                if request.method != "GET" or not request.url.path.endswith("/online"):
                    return response
                body = json.loads(bytes(response.body))
                return JSONResponse({**body, "payload": [x for x in body["payload"] if not x.endswith(".boy")]})

        return Edge(service, self.settings, self.log).asgi()


class SpeaksSocketIoOnly(Assembly):
    """A Socket.IO server of something else: there is no `/offer`."""

    def http(self, service: Service) -> ASGIApp:
        """Know no path."""
        return PlainTextResponse("Not Found", status_code=404)


VARIANTS: Final[Mapping[str, type[Assembly]]] = {
    variant.__name__: variant
    for variant in (
        Assembly, DropsADevice, TrimsTexts, MixesPairsUp, CrashesOnMalformedJson, CorrectsTheSpelling, LeaksLate,
        DoublesAnswers, AcknowledgesTooEarly, GivesNoCodes, EchoesSids, SaysWhenItIsBusy, SaysWhenItIsQuiet,
        StandsStillInACrowd, DeliversAfterAWhile, HidesALogin, SpeaksSocketIoOnly,
    )
}  # fmt: skip


def main() -> None:
    """Serve the variant that the command line names."""
    app = VARIANTS[sys.argv[1]](Settings(log_level="error")).build()
    server = Server(app, listen("127.0.0.1", 0), say)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(server.run_app())


if __name__ == "__main__":
    main()
