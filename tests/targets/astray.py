"""The contrarian with one mistake of public reports in it: `python astray.py FAULT [--auth-secret-file FILE]`.

The first line on standard output is the base URL. Each mistake is one that `tests/faults` also plants in the reference
server: on another stack it has to be found as well, though everything around it is unusual.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import re
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parents[2]))

import jwt
from tests.targets.contrarian import Device, Fields, Refusal, Server, valid_login

__all__ = ["FAULTS", "main"]

SOON, LATE = 0.02, 0.3
LARGE: Final = 8_192
FORGOTTEN: Final = 3.0
LIFE: Final = 5.5

Tell = Callable[[Iterable[Device], str, Fields], None]


def _told(server: Server, change: Callable[[Tell], Tell]) -> None:
    """Put something in the way of all events."""
    server.world.tell = change(server.world.tell)  # type: ignore[method-assign, assignment]


def deletes_mdns_candidates(server: Server) -> None:
    """Lines with host names that end in .local are cut out of offers."""

    def change(tell: Tell) -> Tell:
        def cut(devices: Iterable[Device], event: str, payload: Fields) -> None:
            if "sender_offer" in payload:
                text = re.sub(r"a=candidate:[^\\\r\n]*\.local [^\\\r\n]*\\r\\n", "", payload["sender_offer"])
                payload = {**payload, "sender_offer": text}
            tell(devices, event, payload)

        return cut

    _told(server, change)


def sends_large_events_later(server: Server) -> None:
    """What is large goes another way, and what is small overtakes it."""

    def change(tell: Tell) -> Tell:
        def put_off(devices: Iterable[Device], event: str, payload: Fields) -> None:
            if len(json.dumps(payload)) > LARGE:
                asyncio.get_running_loop().call_later(LATE, tell, list(devices), event, payload)
            else:
                tell(devices, event, payload)

        return put_off

    _told(server, change)


def swallows_offers_that_repeat(server: Server) -> None:
    """An offer that says what another one said is taken for a double click."""
    seen: set[str] = set()

    def change(tell: Tell) -> Tell:
        def once(devices: Iterable[Device], event: str, payload: Fields) -> None:
            text = str(payload.get("sender_offer"))
            if event != "sender_offer" or text not in seen:
                tell(devices, event, payload)
            seen.add(text)

        return once

    _told(server, change)


def drops_relay_candidates(server: Server) -> None:
    """Relays cost money."""

    def change(tell: Tell) -> Tell:
        def filtered(devices: Iterable[Device], event: str, payload: Fields) -> None:
            if "typ relay" not in str(payload.get("ice")):
                tell(devices, event, payload)

        return filtered

    _told(server, change)


def emits_bytes(server: Server) -> None:
    """Texts come from a store that gives bytes."""

    def change(tell: Tell) -> Tell:
        def encoded(devices: Iterable[Device], event: str, payload: Fields) -> None:
            texts = {key: value.encode() for key, value in payload.items() if key == "sender_offer"}
            tell(devices, event, {**payload, **texts})

        return encoded

    _told(server, change)


def forgets_offers(server: Server) -> None:
    """An offer that nobody has answered after three seconds is no more."""
    made: dict[int, float] = {}
    answer = server.world.answer

    def late(device: Device, user: str, fields: Fields) -> Fields:
        for negotiation in server.world.pairs.values():
            made.setdefault(negotiation.number, time.monotonic())
        server.world.pairs = {
            pair: negotiation
            for pair, negotiation in server.world.pairs.items()
            if negotiation.answerer or time.monotonic() - made[negotiation.number] < FORGOTTEN
        }
        return answer(device, user, fields)

    offer = server.world.offer

    def noted(device: Device, user: str, fields: Fields) -> Fields:
        reply = offer(device, user, fields)
        made[device.posted[-1].number] = time.monotonic()
        return reply

    server.world.answer = late  # type: ignore[method-assign]
    server.world.offer = noted  # type: ignore[method-assign]


def closes_connections_after_some_seconds(server: Server) -> None:
    """Each request, and so each WebSocket, has a life of so many seconds."""
    connect, tasks = server.on_connect, set[asyncio.Task[None]]()

    def end(sid: str) -> None:
        tasks.add(asyncio.ensure_future(server.sio.disconnect(sid)))

    async def limited(sid: str, environment: object, auth: object = None) -> None:
        await connect(sid, environment, auth)
        asyncio.get_running_loop().call_later(LIFE, end, sid)

    server.sio.on("connect", limited)


def keeps_those_who_disconnect(server: Server) -> None:
    """The packet DISCONNECT is not looked at: who sends it and keeps the transport open is a ghost."""

    async def ignore(*_: object) -> None:
        """Do nothing."""

    server.sio._handle_disconnect = ignore


def accepts_two_logins_at_once(server: Server) -> None:
    """Whether a connection is bound is looked up, and then something is awaited."""
    server.sio.async_handlers = True

    async def login(sid: str, *arguments: Any) -> Fields | None:
        device = server.world.devices[sid]
        name = arguments[0].get("login") if arguments and isinstance(arguments[0], dict) else None
        if device.login is not None or not valid_login(name):
            return await server.on_login(sid, *arguments)
        await asyncio.sleep(SOON)
        device.login = None
        return await server.on_login(sid, *arguments)

    server.sio.on("login", login)


def takes_sids_for_logins(server: Server) -> None:
    """Events go to a room, and each connection is in one that is called like its sid."""
    online = server.world.online

    def room(login: str) -> list[Device]:
        device = server.world.devices.get(login)
        return [device] if device is not None and device.login else online(login)

    server.world.online = room  # type: ignore[method-assign]


def makes_ids_of_numbers(server: Server) -> None:
    """`String(body.offer_id)`."""
    check, act = server.endpoints["offer"]

    def lenient(fields: Fields) -> object:
        if isinstance(fields.get("offer_id"), int | float):
            fields["offer_id"] = str(fields["offer_id"])
        return check(fields)

    server.endpoints["offer"] = (lenient, act)


def a_slow_body_holds_up_everybody(server: Server) -> None:
    """There is one worker, and it reads a body to its end."""
    handle, turn = server.handle, asyncio.Lock()

    async def alone(request: Any) -> Any:
        async with turn:
            return await handle(request)

    server.handle = alone  # type: ignore[method-assign]


def publishes_its_version_as_a_number(server: Server) -> None:
    """YAML and hand-written JSON: 1.0 without quotes."""
    look = server.look

    def numbered(name: str, request: Any) -> Fields:
        document = look(name, request)
        return {**document, "version": 1.0} if "version" in document else document

    server.look = numbered  # type: ignore[method-assign]


def takes_expired_tokens(server: Server) -> None:
    """`exp` is not looked at."""

    def subject(token: object) -> str:
        options: Any = {"verify_exp": False, "verify_iat": False, "verify_aud": False, "verify_iss": False}
        try:
            claims = jwt.decode(str(token), str(server.secret), algorithms=["HS256"], options=options)
        except (jwt.InvalidTokenError, ValueError):
            raise Refusal("Montru validan ĵetonon.", 401) from None
        return str(claims["sub"])

    server.subject = subject  # type: ignore[method-assign]


FAULTS: Final[Mapping[str, Callable[[Server], None]]] = {
    fault.__name__: fault
    for fault in (
        deletes_mdns_candidates, sends_large_events_later, swallows_offers_that_repeat, drops_relay_candidates,
        emits_bytes, forgets_offers, closes_connections_after_some_seconds, keeps_those_who_disconnect,
        accepts_two_logins_at_once, takes_sids_for_logins, makes_ids_of_numbers, a_slow_body_holds_up_everybody,
        publishes_its_version_as_a_number, takes_expired_tokens,
    )
}  # fmt: skip


def main() -> None:
    """Serve the contrarian with the fault that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fault", choices=FAULTS)
    parser.add_argument("--auth-secret-file", type=Path)
    options = parser.parse_args()
    logging.disable()
    secret = options.auth_secret_file.read_text(encoding="utf-8").strip() if options.auth_secret_file else None
    server = Server(secret)
    FAULTS[options.fault](server)
    asyncio.run(server.run())


if __name__ == "__main__":
    main()
