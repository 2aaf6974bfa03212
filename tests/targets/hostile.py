"""Servers that send what nobody should have to read: `python hostile.py KIND`.

Each behaves but for one thing, so that a client gets as far as that. The first line on standard output is the URL.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Final

from aiohttp import web

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.targets.null import serve

ESCAPES: Final = "\x1b[31mred\x1b[0m\x07\x1b]0;title\x07\u202e\x9b31m"
"""What terminals take for commands."""
OPENING: Final = '{"sid":"engine","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000}'
LIMITS: Final = {"description_bytes": 262_144, "body_bytes": 1_048_576, "login_code_points": 80}


def nested(levels: int) -> str:
    """Write so many arrays, one in the other."""
    return "[" * levels + "]" * levels


@dataclass(frozen=True, slots=True)
class Manner:
    """What the server says where: `%s` is the new sid, `%t` the token, `%k` a header; `endless` never ends."""

    discovery: str = ""
    opening: str = OPENING
    connected: str = '40{"sid":"%s"}'
    acknowledgement: str = '[{"status":0}]'
    reply: str = '{"status":0,"message":"ok","offer":"ok"}'
    events: tuple[str, ...] = ()
    endless: str = ""


GOOD: Final = Manner()
KINDS: Final = {
    "deep-discovery": replace(GOOD, discovery=nested(5_000)),
    "vast-limits": replace(
        GOOD,
        discovery=json.dumps(
            {
                "protocol": "vcsp",
                "version": ESCAPES,
                "profiles": ["core"],
                "limits": {**LIMITS, "ringing_seconds": 10**400},
            }
        ),
    ),
    "endless-discovery": replace(GOOD, endless="/.well-known/vcsp"),
    "endless-reply": replace(GOOD, endless="/offer"),
    "deep-opening": replace(GOOD, opening='{"sid":"engine","pingInterval":' + '{"a":' * 5_000 + "}"),
    "vast-timer": replace(GOOD, opening=OPENING.replace("25000", f"1{'0' * 400}")),
    "wrong-timers": replace(GOOD, opening=OPENING.replace("25000", "NaN").replace("20000", '"soon"')),
    "refused": replace(GOOD, connected="44" + json.dumps({"message": ESCAPES})),
    "refused-login": replace(GOOD, acknowledgement=json.dumps([{"status": 1, "message": ESCAPES}])),
    "repeats-token": replace(GOOD, connected='44{"message":"no user has the token %t and the key %k."}'),
    "repeats-token-later": replace(GOOD, acknowledgement='[{"status":1,"message":"%t is not yours, by %k"}]'),
    "repeats-token-in-replies": replace(GOOD, reply='{"status":1,"message":"%t and %k are not enough"}'),
    "list": replace(GOOD, acknowledgement='[["ok"]]'),
    "deep-acknowledgement": replace(GOOD, acknowledgement=nested(500)),
    "deep-event": replace(GOOD, events=(f'42["sender_offer",{nested(500)}]',)),
    "deepest-event": replace(GOOD, events=(f'42["sender_offer",{nested(100_000)}]',)),
    "vast-name": replace(GOOD, events=(f'42["{"n" * 1_000_000}",1]',)),
    "escapes": replace(
        GOOD,
        reply=json.dumps({"status": 1, "message": ESCAPES}),
        events=(json.dumps([ESCAPES, {ESCAPES: ESCAPES}]).join(("42", "")),),
    ),
    "attachments": replace(GOOD, events=('4599999999-["sender_offer",{"_placeholder":true,"num":0}]',)),
    "garbage": replace(GOOD, events=('42{"no":"array"}', "4zzz", "42[]", "42[1,2]", "\0", '42["sender_offer"]')),
    "flood": replace(GOOD, events=('42["sender_offer",{"sender_offer":"again"}]',) * 3_000),
}


class Server:
    """One server; its events go to every connection, whenever anything is posted."""

    def __init__(self, manner: Manner) -> None:
        self.manner = manner
        self.sockets: set[web.WebSocketResponse] = set()
        self.numbers = count()
        self.token = self.key = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve any request."""
        if request.path == "/socket.io/":
            if "upgrade" in request.headers:
                return await self.talk(request)
            return web.Response(text=f"0{self.manner.opening}")
        await request.read()
        if request.path == self.manner.endless:
            return await pour(request)
        if request.method == "GET":
            return web.Response(text=self.manner.discovery, content_type="application/json")
        for socket in list(self.sockets):
            with suppress(ConnectionError):
                for event in self.manner.events:
                    await socket.send_str(event)
        return web.Response(text=self.filled(self.manner.reply), content_type="application/json")

    async def talk(self, request: web.Request) -> web.WebSocketResponse:
        """Speak Engine.IO and Socket.IO, as far as a login goes."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.add(socket)
        self.key = request.headers.get("x-key", "")
        await socket.send_str(f"0{self.manner.opening}")
        async for message in socket:
            for packet in self.answers(str(message.data)):
                await socket.send_str(packet)
        self.sockets.discard(socket)
        return socket

    def filled(self, text: str) -> str:
        """Put in what the client has sent."""
        return text.replace("%t", self.token).replace("%k", self.key)

    def answers(self, packet: str) -> Iterator[str]:
        """Give what is sent after a packet."""
        if packet.startswith("40"):
            if packet != "40":
                self.token = str(json.loads(packet[2:]).get("token"))
            yield self.filled(self.manner.connected.replace("%s", f"socket-{next(self.numbers)}"))
        elif packet.startswith("42") and (number := packet[2 : packet.find("[")]):
            yield f"43{number}{self.filled(self.manner.acknowledgement)}"


async def pour(request: web.Request) -> web.StreamResponse:
    """Reply without an end."""
    response = web.StreamResponse()
    await response.prepare(request)
    with suppress(ConnectionError):
        while True:
            await response.write(b" " * 1_000_000)
    return response


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    options = parser.parse_args()
    logging.disable()  # nobody reads it, and a full pipe would stop the process
    asyncio.run(serve(Server(KINDS[options.kind]).handle, sockets=False))
