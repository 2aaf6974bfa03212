"""Frame conditions: whatever else happens, a state stays until something happens that ends it (STATE-1).

A `State` is built by a few steps and proven by the step that comes next in it. A disturbance is anything that has no
arrow in that state. All of them happen in one scene, one after the other; only where the state does not survive that
does each happen alone, to name the one that has ended it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

from signalproof.cast.cast import Cast
from signalproof.cast.participant import Participant
from signalproof.errors import NonConformance
from signalproof.judge.posting import Posting
from signalproof.protocol.wire import Body, Encoding

__all__ = ["DISTURBANCES", "RULE", "STATES", "State", "outlasts"]

RULE = "STATE-1"
Proof = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class People:
    """Who is in a scene: the two whose state it is, and two others who have nothing to do with it."""

    scene: Cast
    man: Participant
    woman: Participant
    stranger: Participant
    witness: Participant


@dataclass(frozen=True, slots=True)
class State:
    """A state: `build` brings it about and gives what proves that it is there; `profile` is what it needs."""

    build: Callable[[People], Awaitable[Proof]]
    profile: str = "core"


# ── the states ─────────────────────────────────────────────────────────────────────────────────


async def _answered(offer: Posting, reciever: Participant, sender: Participant) -> None:
    await sender.hears(await reciever.answer(offer, named=True, requirement=RULE), requirement=RULE)


async def _offered(p: People) -> Proof:
    offer = await p.man.offer(p.woman)
    await p.woman.hears(offer)
    return lambda: _answered(offer, p.woman, p.man)


async def _offered_twice(p: People) -> Proof:
    """One user has offered to two others."""
    offers = [await p.man.offer(p.woman), await p.man.offer(p.witness)]
    await asyncio.gather(p.woman.hears(offers[0]), p.witness.hears(offers[1]))

    async def both() -> None:
        await _answered(offers[0], p.woman, p.man)
        await _answered(offers[1], p.witness, p.man)

    return both


async def _crossed(p: People) -> Proof:
    """Both have offered to each other."""
    there, back = await p.man.offer(p.woman), await p.woman.offer(p.man)
    await asyncio.gather(p.woman.hears(there), p.man.hears(back))

    async def both() -> None:
        await _answered(there, p.woman, p.man)
        await _answered(back, p.man, p.woman)

    return both


async def _stable(p: People) -> Proof:
    await p.scene.exchange(p.man, p.woman)

    async def candidates_pass() -> None:
        for one, other in ((p.man, p.woman), (p.woman, p.man)):
            posting = await one.candidate([other], login=other.login, requirement=RULE)
            await other.hears(posting, requirement=RULE)

    return candidates_pass


async def _ringing(p: People) -> Proof:
    await p.woman.hears(await p.man.ring(p.woman))

    async def decline() -> None:
        await p.man.hears(await p.woman.decline(p.man, requirement=RULE), requirement=RULE)

    return decline


async def _busy(p: People) -> Proof:
    await p.woman.status("beasy")

    async def nobody_rings() -> None:
        p.scene.refused(await p.man.try_ring(p.woman), RULE)
        await p.woman.status("free", requirement=RULE)
        await p.woman.hears(await p.man.ring(p.woman, requirement=RULE), requirement=RULE)

    return nobody_rings


STATES: Mapping[str, State] = {
    "offered": State(_offered),
    "offered to two": State(_offered_twice),
    "crossed": State(_crossed),
    "stable": State(_stable, "ice"),
    "ringing": State(_ringing, "call"),
    "busy": State(_busy, "call"),
}

# ── what must not disturb them ─────────────────────────────────────────────────────────────────


async def _in_vain(tries: Iterable[tuple[str, Awaitable[Posting]]]) -> None:
    """Make requests in vain, each with what demands its refusal: whether it is refused is another check's matter.

    An event that it raises all the same is that requirement's, too: here the state alone is in question.
    """
    requirements, acts = zip(*tries, strict=True)
    for requirement, posting in zip(requirements, await asyncio.gather(*acts), strict=True):
        posting.refusal = requirement


async def _a_device_comes_and_goes(p: People, of: Participant) -> None:
    device = await p.scene.another(of)
    await device.leave()
    await _in_vain([("LOGIN-7", p.scene.offer_until_gone(device, p.stranger))])


async def _a_repeated_login(p: People) -> None:
    await asyncio.gather(p.man.log_in(p.man.login), p.woman.log_in(p.woman.login))


async def _a_stranger_comes_and_goes(p: People) -> None:
    passer = await p.scene.enter_one("passer")
    await passer.leave()
    await _in_vain([("LOGIN-7", p.scene.offer_until_gone(passer, p.stranger))])


async def _their_own_refused_requests(p: People) -> None:
    nobody = p.scene.nobody
    tries = [("OFFER-6", p.man.try_offer(nobody)), ("OFFER-6", p.woman.try_offer(nobody))]
    if "ice" in p.scene.target.profiles:
        tries.append(("ICE-3", p.woman.try_candidate([], login=nobody)))
    if "call" in p.scene.target.profiles:
        tries += [("CALL-2", p.man.try_ring(nobody)), ("CALL-5", p.woman.try_decline(nobody))]
        tries.append(("CALL-10", p.man.try_refresh(nobody)))
    await _in_vain(tries)


async def _a_stranger_s_refused_requests(p: People) -> None:
    mine = await p.stranger.try_offer(p.scene.nobody)
    mine.refusal = "OFFER-6"
    tries = [("ANSWER-7", p.stranger.try_answer(mine, named=one.login)) for one in (p.man, p.woman)]
    if "ice" in p.scene.target.profiles:
        unknown = {"sid": "unknown"}
        tries += [("ICE-6", p.stranger.try_candidate([], login=one.login, fields=unknown)) for one in (p.man, p.woman)]
    if "call" in p.scene.target.profiles:
        tries += [("CALL-5", p.stranger.try_decline(one)) for one in (p.man, p.woman)]
        tries += [("CALL-10", p.stranger.try_refresh(one)) for one in (p.man, p.woman)]
    await _in_vain(tries)


async def _malformed_requests(p: People) -> None:
    await _in_vain(
        [
            ("HTTP-4", p.man.try_offer(p.woman, body=Body(b"{", Encoding.JSON.value), malformed=True)),
            ("OFFER-8", p.woman.try_offer(p.man, fields={"type": "receiver"}, malformed=True)),
            ("HTTP-5", p.man.try_offer(p.woman, fields={"offer": None}, malformed=True)),
            ("HTTP-10", p.woman.try_offer(p.man, method="PUT")),
        ]
    )


async def _a_login_as_somebody_else(p: People) -> None:
    await asyncio.gather(*(one.try_log_in({"login": p.scene.nobody}) for one in (p.man, p.woman)))


async def _others_are_served(p: People) -> None:
    await p.scene.exchange(p.stranger, p.witness)
    if "call" in p.scene.target.profiles:
        await p.stranger.status("beasy")
        await p.stranger.status("free")
        await p.witness.hears(await p.stranger.ring(p.witness))
        await p.stranger.hears(await p.witness.decline(p.stranger))


async def _questions(p: People) -> None:
    for method, path in (("OPTIONS", "/offer"), ("GET", "/online"), ("GET", "/.well-known/vcsp"), ("HEAD", "/offer")):
        await p.scene.raw.http(method, path, headers=p.man.authorization)


DISTURBANCES: Mapping[str, Callable[[People], Awaitable[None]]] = {
    "a device of the one comes and goes": lambda p: _a_device_comes_and_goes(p, p.man),
    "a device of the other comes and goes": lambda p: _a_device_comes_and_goes(p, p.woman),
    "both log in once more": _a_repeated_login,
    "a stranger comes and goes": _a_stranger_comes_and_goes,
    "both are refused something": _their_own_refused_requests,
    "a stranger is refused something": _a_stranger_s_refused_requests,
    "malformed requests": _malformed_requests,
    "both try to log in as somebody else": _a_login_as_somebody_else,
    "others are served": _others_are_served,
    "questions are asked": _questions,
}


async def _play(scene: Cast, state: State, disturbances: Mapping[str, Callable[[People], Awaitable[None]]]) -> None:
    man, woman, stranger, witness = await scene.enter("man", "woman", "stranger", "witness")
    people = People(scene, man, woman, stranger, witness)
    proof = await state.build(people)
    for name, disturb in disturbances.items():
        scene.transcript.note("kit", name)
        await disturb(people)
    await proof()


async def _require(cast: Cast, name: str) -> None:
    """End the check where a state does not even outlast that nothing happens: it is not there, for another reason."""
    undisturbed = cast.scene()
    try:
        await _play(undisturbed, STATES[name], {})
    except NonConformance as found:
        await cast.show_scene(undisturbed)
        cast.not_testable(f"with nothing between, {found.expected}, and there was {found.received}")


async def _alone(cast: Cast, name: str, disturbance: str) -> tuple[Cast, NonConformance | None]:
    """Let one disturbance happen in a scene of its own; give the scene, and the breach if there was one."""
    scene = cast.scene()
    try:
        with scene.in_case(f"{name}: {disturbance}"):
            await _play(scene, STATES[name], {disturbance: DISTURBANCES[disturbance]})
    except NonConformance as found:
        return scene, found
    cast.count(scene)
    return scene, None


async def outlasts(cast: Cast, name: str) -> None:
    """See that a state outlasts everything that has no arrow in it, or raise the breach, with what has ended it."""
    together = cast.scene()
    try:
        await _play(together, STATES[name], DISTURBANCES)
    except NonConformance:
        await _require(cast, name)
        for scene, found in await asyncio.gather(*(_alone(cast, name, each) for each in DISTURBANCES)):
            if found is not None:
                await cast.show_scene(scene)
                raise found from None
        await cast.show_scene(together)
        raise
    cast.count(together)
