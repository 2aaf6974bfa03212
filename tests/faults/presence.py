"""Faults of presence."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import count
from typing import Any

from tests.faults.registry import fault
from tests.faults.seams import Gone, Handle, Rounds, Variant

from signalproof_server.values import Leave, Login, Reply, Request

LISTS = "the list is read there too"


def _payload(reply: Reply, logins: list[str]) -> Reply:
    return replace(reply, body={**reply.body, "payload": logins})


@fault("PRES-1")
def lists_a_login_per_device(server: Variant) -> None:
    """The list is one of connections: no DISTINCT."""

    async def online(inner: Rounds) -> Reply:
        return _payload(await inner(), sorted(server.bound.values()))

    server.on_online = online


@fault("PRES-1")
def lists_objects(server: Variant) -> None:
    """The list has `{"login": …}` in it, which is nicer."""

    async def online(inner: Rounds) -> Reply:
        reply = await inner()
        payload: Any = reply.body["payload"]
        return replace(reply, body={**reply.body, "payload": [{"login": login} for login in payload]})

    server.on_online = online


@fault("PRES-2", collateral={"PRES-4": LISTS, "PRES-5": LISTS, "PRES-1": LISTS, "AUTH-6": LISTS})
def lists_what_was_three_seconds_ago(server: Variant) -> None:
    """The list is cached."""
    kept: list[tuple[float, Reply]] = []

    async def online(inner: Rounds) -> Reply:
        now = asyncio.get_running_loop().time()
        if not kept or kept[-1][0] < now - 3:
            kept.append((now, await inner()))
        return kept[-1][1]

    server.on_online = online


@fault("PRES-2", collateral={"PRES-4": LISTS, "PRES-5": LISTS})
def leaves_the_list_late(server: Variant) -> None:
    """The row is deleted by a job that runs every two and a half seconds."""
    gone: dict[str, float] = {}

    async def handle(inner: Handle, request: Request) -> Reply:
        login = server.sql("SELECT login FROM signalproof_connection WHERE sid = ?", request.sid)
        reply = await inner(request)
        if isinstance(request, Leave) and login:
            gone[login[0][0]] = asyncio.get_running_loop().time()
        return reply

    async def online(inner: Rounds) -> Reply:
        reply = await inner()
        now = asyncio.get_running_loop().time()
        payload: Any = reply.body["payload"]
        return _payload(reply, sorted({*payload, *(login for login, at in gone.items() if at > now - 2.5)}))

    server.on_handle = handle
    server.on_online = online


@fault("PRES-3")
def never_notices_a_silent_loss(server: Variant) -> None:
    """The handler that forgets a connection is called for good-byes, and not for connections that time out."""

    async def gone(inner: Gone, sid: str) -> None:
        if not server.has_fallen_silent(sid):
            await inner(sid)

    server.on_gone = gone


@fault("PRES-4", collateral={"AUTH-6": LISTS, "PRES-1": LISTS})
def counts_a_user_out_with_its_first_device(server: Variant) -> None:
    """`online.discard(login)` when a connection closes."""
    out: set[str] = set()

    async def handle(inner: Handle, request: Request) -> Reply:
        login = server.sql("SELECT login FROM signalproof_connection WHERE sid = ?", request.sid)
        reply = await inner(request)
        if isinstance(request, Leave) and login:
            out.add(login[0][0])
        if isinstance(request, Login):
            out.discard(request.login)
        return reply

    async def online(inner: Rounds) -> Reply:
        reply = await inner()
        payload: Any = reply.body["payload"]
        return _payload(reply, [login for login in payload if login not in out])

    server.on_handle = handle
    server.on_online = online


@fault("PRES-5", collateral={"*": "ghosts are met there too"})
def leaves_ghosts_behind(server: Variant) -> None:
    """A leave that overtakes the end of the login finds nothing to delete: one of thirty, under haste."""
    numbers = count(1)

    async def gone(inner: Gone, sid: str) -> None:
        if server.bound.get(sid, "").rpartition(".")[2].startswith("visitor") and next(numbers) % 10 == 0:
            return
        await inner(sid)

    server.on_gone = gone
