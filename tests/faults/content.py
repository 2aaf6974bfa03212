"""Faults of servers that look into what they forward: they edit, shorten, refuse or leave out what they do not know."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

from tests.faults.registry import fault
from tests.faults.seams import Effects, Handle, Variant, text_of

from signalproof_server.delivery import Emitter
from signalproof_server.errors import BadRequest
from signalproof_server.values import Answer, Candidate, Emit, Facts, Offer, Reply, Request

LONG = "the longest description is met there too"


def _sdp(text: str) -> str:
    """Give the SDP of a description; an empty one where there is none."""
    try:
        description = json.loads(text)
    except ValueError:
        return ""
    sdp = description.get("sdp") if isinstance(description, dict) else None
    return sdp if isinstance(sdp, str) else ""


def _edits(server: Variant, edit: Callable[[str], str]) -> None:
    """Edit the SDP of offers and answers; a text in which there is nothing to edit goes on as it came."""

    def edited(text: str) -> str:
        sdp = _sdp(text)
        changed = edit(sdp)
        if changed == sdp:
            return text
        return json.dumps(json.loads(text) | {"sdp": changed}, separators=(",", ":"), ensure_ascii=False)

    for kind in (Offer, Answer):
        server.texts(kind, edited)


@fault("OFFER-4", "ANSWER-1")
def deletes_mdns_candidates(server: Variant) -> None:
    """Host names ending in .local are of no use in the data centre, where the server used to end the media itself."""
    _edits(server, lambda sdp: re.sub(r"a=candidate:\S+ \d \S+ \d+ \S+\.local [^\r\n]*\r?\n", "", sdp))


@fault("OFFER-4", "ANSWER-1")
def deletes_tcp_candidates(server: Variant) -> None:
    """A workaround for an old media server, which fell over ICE-TCP."""
    _edits(server, lambda sdp: re.sub(r"a=candidate:\S+ \d tcp [^\r\n]*\r?\n", "", sdp, flags=re.IGNORECASE))


@fault("OFFER-4", "ANSWER-1")
def deletes_extmap_allow_mixed(server: Variant) -> None:
    """The well-known workaround for Chromium 71, at the wrong place and for ever."""
    _edits(server, lambda sdp: re.sub(r"a=extmap-allow-mixed\r?\n", "", sdp))


@fault("OFFER-4", "ANSWER-1")
def deletes_simulcast(server: Variant) -> None:
    """Nobody here forwards layers, so they are not offered."""
    _edits(server, lambda sdp: re.sub(r"a=(rid|simulcast):[^\r\n]*\r?\n", "", sdp))


@fault("OFFER-4", "ANSWER-1")
def rewrites_parameters_of_opus(server: Variant) -> None:
    """`sdp.replace("useinbandfec=1", "useinbandfec=1;stereo=1;maxaveragebitrate=510000")`, for music."""
    _edits(server, lambda sdp: sdp.replace("useinbandfec=1", "useinbandfec=1;stereo=1;maxaveragebitrate=510000"))


@fault("OFFER-4", "ANSWER-1")
def modernises_data_channels(server: Variant) -> None:
    """Old clients shall be able to talk to new ones."""
    _edits(
        server,
        lambda sdp: re.sub(
            r"m=application (\d+) DTLS/SCTP 5000", r"m=application \1 UDP/DTLS/SCTP webrtc-datachannel", sdp
        ),
    )


@fault("OFFER-4", "ANSWER-1")
def takes_bundles_apart(server: Variant) -> None:
    """A gateway that cannot bundle is protected from it."""
    _edits(server, lambda sdp: re.sub(r"a=group:BUNDLE[^\r\n]*\r?\n", "", sdp))


@fault("OFFER-4", "ANSWER-1", collateral={"HTTP-8": LONG})
def cuts_after_200_lines(server: Variant) -> None:
    """`splitlines()[:200]`, against long descriptions in the log."""
    _edits(server, lambda sdp: "".join(sdp.splitlines(keepends=True)[:200]))


@fault("HTTP-8", collateral={"OFFER-4": "it is refused", "ANSWER-1": "the same"})
def refuses_more_than_400_lines(server: Variant) -> None:
    """A validator of SDP that wants to be on the safe side."""

    async def handle(inner: Handle, request: Request) -> Reply:
        text = request.offer if isinstance(request, Offer) else request.answer if isinstance(request, Answer) else ""
        if _sdp(text).count("\n") > 400:
            raise BadRequest("The SDP has too many lines.")
        return await inner(request)

    server.on_handle = handle


def _leaves_out(server: Variant, odd: Callable[[str], bool]) -> None:
    """Accept candidates and do not forward those that are odd."""

    def effects(_: Facts, request: Candidate, effects: Effects) -> Effects:
        return () if odd(request.ice) else effects

    server.effects(Candidate, effects)


@fault("ICE-1", collateral={"ICE-2": "the accepted candidate does not come"})
def forwards_candidates_of_the_first_section(server: Variant) -> None:
    """Everything is bundled anyway, so candidates of other media sections are thought to be superfluous."""
    _leaves_out(server, lambda text: re.search(r'"sdpMLineIndex": ?[1-9]', text) is not None)


@fault("ICE-1", collateral={"ICE-2": "the accepted candidate does not come"})
def drops_tcp_candidates(server: Variant) -> None:
    """A filter that was meant to save messages: TCP candidates hardly ever win."""
    _leaves_out(server, lambda text: " tcp " in text.lower())


@fault("ICE-1", collateral={"ICE-2": "the accepted candidate does not come"})
def drops_relay_candidates(server: Variant) -> None:
    """Relays cost money, and a setting forbids them."""
    _leaves_out(server, lambda text: "typ relay" in text)


def _swallows(server: Variant, kind: type[Offer] | type[Answer]) -> None:
    seen: set[tuple[str, str]] = set()

    def effects(_: Facts, request: Offer | Answer, effects: Effects) -> Effects:
        key = request.sid, text_of(request)
        known = key in seen
        seen.add(key)
        return () if known else effects

    server.effects(kind, effects)


@fault("OFFER-1", collateral={"ORDER-1": "the offer does not come"})
def swallows_offers_that_repeat(server: Variant) -> None:
    """A filter against double clicks remembers a digest of each offer of a connection."""
    _swallows(server, Offer)


@fault("ANSWER-1")
def swallows_answers_that_repeat(server: Variant) -> None:
    """A filter against double clicks remembers a digest of each answer of a connection."""
    _swallows(server, Answer)


# ── events of another form ───────────────────────────────────────────────────────────────────────


@fault("ORDER-5")
def emits_what_redis_gives(server: Variant) -> None:
    """Texts go through Redis, whose driver gives bytes, and nobody decodes them."""

    async def emit(inner: Emitter, effect: Emit) -> None:
        texts = ("sender_offer", "reciever_answer", "ice")
        payload: Any = {k: str(v).encode() if k in texts else v for k, v in effect.payload.items()}
        await inner(replace(effect, payload=payload))

    server.on_emit = emit


@fault("ORDER-5")
def recovers_connections(server: Variant) -> None:
    """Connection state recovery of Node.js appends the offset of each event behind its object."""
    numbers = count(10_000)

    async def emit(inner: Emitter, effect: Emit) -> None:
        payload: Any = (effect.payload, f"PGbO{next(numbers)}")
        await inner(replace(effect, payload=payload))

    server.on_emit = emit


@fault("ORDER-5", "OFFER-1", collateral={"*": "every event comes several times"})
def repeats_until_acknowledged(server: Variant) -> None:
    """Nothing shall be lost: what is not acknowledged in a fifth of a second is emitted again, three times."""

    async def repeat(effect: Emit) -> None:
        came = asyncio.Event()
        for _ in range(4):
            await server.engine().emit(effect.event, effect.payload, to=effect.sid, callback=lambda *_: came.set())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(came.wait(), 0.2)
                return

    async def emit(_: Emitter, effect: Emit) -> None:
        server.spawn(repeat(effect))

    server.on_emit = emit


@fault("ORDER-5")
def asks_whether_candidates_came(server: Variant) -> None:
    """`emit` with a callback that counts what was delivered, for a statistic."""

    async def emit(inner: Emitter, effect: Emit) -> None:
        if effect.event != "ice_candidate":
            await inner(effect)
        else:
            await server.engine().emit(effect.event, effect.payload, to=effect.sid, callback=lambda *_: None)

    server.on_emit = emit
