"""A small real client for trying a server by hand: two users, one call, as `signalproof call` makes it."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from signalproof import doctor
from signalproof.cast.cast import Cast
from signalproof.cast.setting import Setting
from signalproof.config.identity import Identities
from signalproof.config.target import Target
from signalproof.errors import NonConformance
from signalproof.judge.ledger import Ledger
from signalproof.judge.transcript import Entry
from signalproof.net.http import Http

__all__ = ["converse"]

Say = Callable[[str], None]


async def converse(
    target: Target, identities: Identities, *, caller: str, callee: str, seconds: float, say: Say
) -> None:
    """Let `caller` ring `callee`, who accepts; talk for `seconds`; hang up. Each step is told to `say`.

    Raises `TargetUnusable` when the target cannot be used, `NonConformance` when a step fails.
    """
    http = Http(target)
    cast: Cast | None = None
    try:
        target = await doctor.examine(target, http, identities)
        doctor.require_interface()
        say(f"{target.url} claims {', '.join(target.profiles)}")
        cast = Cast(
            Setting(
                number=0,
                requirements=("MEDIA-1",),
                target=target,
                http=http,
                ledger=Ledger(),
                identities=identities,
            )
        )
        redact = cast.redact
        cast.transcript.follow = lambda entry: say(redact(_line(entry)))
        try:
            await _talk(cast, caller, callee, seconds, say)
        except NonConformance as found:
            raise NonConformance(
                *found.requirements,
                expected=redact(found.expected),
                received=redact(found.received),
                hint=redact(found.hint) if found.hint else None,
            ) from None
    finally:
        if cast is not None:
            cast.transcript.follow = None
            await cast.quiet()
            await cast.close()
        await http.close()


async def _talk(cast: Cast, caller: str, callee: str, seconds: float, say: Say) -> None:
    man = await (await cast.connect(caller, login=caller)).log_in(caller)
    woman = await (await cast.connect(callee, login=callee)).log_in(callee)
    if "call" in cast.target.profiles:
        await woman.hears(await man.ring(woman))
    # Who is rung makes the offer (spec/overview.md).
    make = cast.trickle_call if "ice" in cast.target.profiles else cast.call
    talk = await make(woman, man, media=True)
    say(f"candidate pair of {callee}: {talk.offerer.candidate_pair()}")
    ends = ((callee, talk.offerer), (caller, talk.answerer))
    deadline = perf_counter() + seconds
    while perf_counter() < deadline:
        await cast.pause(min(1.0, max(deadline - perf_counter(), 0)))
        for name, peer in ends:
            say(f"{name} has received {peer.frames['audio']} audio and {peer.frames['video']} video frames")
    for name, peer in ends:
        if not (peer.frames["audio"] and peer.frames["video"]):
            raise NonConformance("MEDIA-1", expected=f"sound and picture at {name}", received=str(peer.frames))
    say("hanging up")


def _line(entry: Entry) -> str:
    where = entry.source if entry.source == entry.destination else f"{entry.source} → {entry.destination}"
    return f"{entry.at * 1000:6.0f} ms  {where}: {entry.whole}"
