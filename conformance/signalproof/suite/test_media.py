"""Media: real WebRTC peers that have nothing but the target to find each other (spec/media.md)."""

from __future__ import annotations

import asyncio

import pytest

from signalproof.cast.cast import Cast, MediaSession

requirement = pytest.mark.requirement
pytestmark = pytest.mark.webrtc


async def _flows(cast: Cast, call: MediaSession) -> None:
    """Expect sound, picture and data in both directions."""
    limit = cast.target.timeout
    await asyncio.gather(
        call.offerer.receives(limit, audio=2, video=1),
        call.answerer.receives(limit, audio=2, video=1),
        call.offerer.says("hello", call.answerer, limit),
        call.answerer.says("hello yourself", call.offerer, limit),
    )


@requirement("MEDIA-1", "MEDIA-2")
async def test_two_peers_connect_and_audio_video_and_data_flow_both_ways(cast: Cast) -> None:
    """The whole handshake, with ICE, DTLS, SRTP and SCTP."""
    man, woman = await cast.enter("man", "woman")
    await _flows(cast, await cast.call(man, woman))


@requirement("MEDIA-3")
async def test_a_data_channel_is_added_to_a_live_call(cast: Cast) -> None:
    """The first data channel needs a new media section, and so a re-offer."""
    man, woman = await cast.enter("man", "woman")
    call = await cast.call(man, woman)
    call.offerer.add_channel("second")
    await cast.connect_peers(man, call.offerer, woman, call.answerer)
    await call.offerer.says("over the second", call.answerer, cast.target.timeout, label="second")


@requirement("MEDIA-3")
async def test_a_track_is_added_to_a_live_call_by_either_side(cast: Cast) -> None:
    """First by the offerer, then, with roles reversed, by the answerer."""
    man, woman = await cast.enter("man", "woman")
    call = await cast.call(man, woman, media=False)
    await call.offerer.says("hello", call.answerer, cast.target.timeout)
    call.offerer.add_video()
    await cast.connect_peers(man, call.offerer, woman, call.answerer)
    await call.answerer.receives(cast.target.timeout, video=1)
    call.answerer.add_video()
    await cast.connect_peers(woman, call.answerer, man, call.offerer)
    await call.offerer.receives(cast.target.timeout, video=1)


@requirement("MEDIA-4")
async def test_ice_is_restarted_by_a_reoffer(cast: Cast) -> None:
    """New ICE credentials go through the target; DTLS lives on over the new path."""
    man, woman = await cast.enter("man", "woman")
    offerer, answerer = cast.restartable_peer(man), cast.restartable_peer(woman)
    await cast.connect_peers(man, offerer, woman, answerer)
    await offerer.says("over the first path", answerer, cast.target.timeout)
    await cast.restart_ice(man, offerer, woman, answerer)
    await offerer.says("over the second path", answerer, cast.target.timeout)
    await answerer.says("likewise", offerer, cast.target.timeout)


@requirement("MEDIA-5", "MEDIA-2")
async def test_several_calls_at_once_connect_each_to_the_right_peer(cast: Cast) -> None:
    """Three calls are set up at the same moment; what is said in each arrives in that one."""
    users = await cast.enter("man1", "woman1", "man2", "woman2", "man3", "woman3")
    calls = await asyncio.gather(
        *(cast.call(man, woman, media=False) for man, woman in zip(users[::2], users[1::2], strict=True))
    )
    limit = cast.target.timeout
    await asyncio.gather(*(call.offerer.says(f"call {n}", call.answerer, limit) for n, call in enumerate(calls)))
    for number, call in enumerate(calls):
        cast.expect(
            "MEDIA-5",
            call.answerer.messages == [f"call {number}"],
            expected=f"only the words of call {number} in call {number}",
            received=", ".join(call.answerer.messages),
        )


@requirement("MEDIA-5")
async def test_one_user_holds_two_calls(cast: Cast) -> None:
    """A hub calls two users from two peer connections; both connect."""
    hub, woman, girl = await cast.enter("hub", "woman", "girl")
    first, second = await cast.calls_at_once((hub, woman), (hub, girl))
    limit = cast.target.timeout
    await asyncio.gather(
        first.offerer.says("woman", first.answerer, limit),
        second.offerer.says("girl", second.answerer, limit),
    )


@requirement("MEDIA-6")
async def test_the_device_that_answers_connects_and_the_other_stays_idle(cast: Cast) -> None:
    """Phone and tablet hear the offer; the tablet answers."""
    man, phone = await cast.enter("man", "woman")
    tablet = await cast.another(phone)
    idle = cast.peer(phone)
    offerer, answerer = cast.peer(man), cast.peer(tablet)
    call = await cast.connect_peers(man, offerer, tablet, answerer)
    await phone.hears(call.offer, requirement="MEDIA-6")
    await _flows(cast, call)
    cast.expect("MEDIA-6", idle.is_idle(), expected="an idle second device", received="a connection")
