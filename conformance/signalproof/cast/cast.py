"""Calls between real WebRTC peers that have nothing but the target to find each other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from signalproof.cast.company import Company
from signalproof.cast.participant import Participant
from signalproof.cast.setting import Setting
from signalproof.errors import NonConformance
from signalproof.judge.posting import Posting
from signalproof.judge.transcript import Channel
from signalproof.net.description import fingerprint
from signalproof.protocol.wire import CANDIDATE, Marked

if TYPE_CHECKING:
    from signalproof.net.ice_restart import RestartablePeer
    from signalproof.net.peer import Peer

__all__ = ["Cast", "MediaSession"]

P = TypeVar("P", bound="Peer")


@dataclass(frozen=True, slots=True)
class MediaSession:
    """Two real peers that were connected through the target."""

    offerer: Peer
    answerer: Peer
    offer: Posting
    answer: Posting


class Cast(Company):
    """The company of one check, with the peers that its members get."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.handshakes = 0
        self._peers: list[Peer] = []

    def peer(self, connection: Participant, *, media: bool = True) -> Peer:
        """Give `connection` a WebRTC peer whose states stand in the ladder."""
        from signalproof.net.peer import Peer

        return self._known(Peer(self._teller(connection), media=media))

    def restartable_peer(self, connection: Participant) -> RestartablePeer:
        """Give `connection` a WebRTC peer without media that can restart ICE."""
        from signalproof.net.ice_restart import RestartablePeer

        return self._known(RestartablePeer(self._teller(connection), media=False))

    def _teller(self, connection: Participant) -> Callable[[str], None]:
        def tell(state: str) -> None:
            self.transcript.note(connection.name, state, Channel.PEER)

        return tell

    def _known(self, peer: P) -> P:
        self._peers.append(peer)
        return peer

    async def call(self, man: Participant, woman: Participant, *, media: bool = True) -> MediaSession:
        """Set up a call between real peers and wait until both are connected (MEDIA-1, MEDIA-2)."""
        return await self.connect_peers(man, self.peer(man, media=media), woman, self.peer(woman, media=media))

    async def connect_peers(self, man: Participant, offerer: Peer, woman: Participant, answerer: Peer) -> MediaSession:
        """Exchange offer and answer of two peers through the target; also a renegotiation."""
        offer = await man.offer(woman, carrying=await offerer.offer(self.new_marker()))
        return await self._conclude(man, offerer, woman, answerer, offer)

    async def calls_at_once(self, *pairs: tuple[Participant, Participant]) -> list[MediaSession]:
        """Set up several calls without media, of which none is answered before all have been offered."""
        ends = [(man, self.peer(man, media=False), woman, self.peer(woman, media=False)) for man, woman in pairs]
        offers = [man.offer(woman, carrying=await peer.offer(self.new_marker())) for man, peer, woman, _ in ends]
        calls = zip(ends, await asyncio.gather(*offers), strict=True)
        return await asyncio.gather(*(self._conclude(*four, offer) for four, offer in calls))

    async def _conclude(
        self, man: Participant, offerer: Peer, woman: Participant, answerer: Peer, offer: Posting
    ) -> MediaSession:
        text = await self._description(woman, offer, offerer)
        carrying = await answerer.answer(text, self.new_marker())
        answer = await woman.answer(offer, named=True, carrying=carrying)
        await offerer.accept(await self._description(man, answer, answerer))
        await asyncio.gather(offerer.connected(self.target.timeout), answerer.connected(self.target.timeout))
        self.handshakes += 1
        return MediaSession(offerer, answerer, offer, answer)

    async def trickle_call(
        self, man: Participant, woman: Participant, *, media: bool = False, early: bool = False
    ) -> MediaSession:
        """Set up a call whose descriptions hold no candidates: both sides post theirs one by one (ICE-10).

        With `early` the answerer posts its candidates before its answer, if the target takes them there.
        """
        offerer, answerer = self.peer(man, media=media), self.peer(woman, media=media)
        offer = await man.offer(woman, carrying=await offerer.offer(self.new_marker(), trickle=True))
        description = await self._description(woman, offer, offerer)
        carrying = await answerer.answer(description, self.new_marker(), trickle=True)
        await self._trickle(man, offerer, woman, answerer)
        waiting = answerer.candidates(self.new_marker)
        posted: list[Posting] = []
        if early:
            posted = [await woman.try_candidate([man], login=man.login, carrying=text) for text in waiting]
            waiting = [text for text, posting in zip(waiting, posted, strict=True) if not posting.accepted]
            for posting in posted:
                if not posting.accepted:
                    self.refused(posting, "ICE-5")
        answer = await woman.answer(offer, named=True, carrying=carrying)
        await offerer.accept(await self._description(man, answer, answerer))
        for posting in posted:
            if posting.accepted:
                await offerer.add_candidate(str((await man.hears(posting)).fields[CANDIDATE.text_key]))
        for text in waiting:
            await self._pass_on(woman, text, man, offerer)
        await asyncio.gather(offerer.connected(self.target.timeout), answerer.connected(self.target.timeout))
        self.handshakes += 1
        return MediaSession(offerer, answerer, offer, answer)

    async def _trickle(self, author: Participant, source: Peer, hearer: Participant, sink: Peer) -> None:
        for text in source.candidates(self.new_marker):
            await self._pass_on(author, text, hearer, sink)

    async def _pass_on(self, author: Participant, text: Marked, hearer: Participant, sink: Peer) -> None:
        posting = await author.candidate([hearer], login=hearer.login, carrying=text)
        heard = await hearer.hears(posting, requirement=self.requirements[0])
        await sink.add_candidate(str(heard.fields[CANDIDATE.text_key]))

    async def restart_ice(
        self, man: Participant, offerer: RestartablePeer, woman: Participant, answerer: RestartablePeer
    ) -> None:
        """Restart ICE of two connected peers by a re-offer."""
        carrying = await offerer.restart_offer(self.new_marker())
        offer = await man.offer(woman, carrying=carrying)
        text = await self._description(woman, offer, offerer)
        carrying = await answerer.restart_answer(text, self.new_marker())
        answer = await woman.answer(offer, named=True, carrying=carrying)
        text = await self._description(man, answer, answerer)
        try:
            async with asyncio.timeout(self.target.timeout):
                await offerer.restart_accept(text)
        except (TimeoutError, ConnectionError) as error:
            self.breach(
                NonConformance(
                    "MEDIA-4",
                    expected="the restarted ICE session to connect",
                    received=str(error) or "no path",
                )
            )

    async def _description(self, hearer: Participant, posting: Posting, writer: Peer) -> str:
        """Wait for the description that `writer` posted and give its text; the fingerprint first (MEDIA-2)."""
        received = await posting.wait_at(hearer, self.target.timeout)
        if received is not None:
            found = fingerprint(str(received.fields.get(posting.kind.text_key)))
            self.expect(
                "MEDIA-2",
                found == writer.fingerprint,
                expected=f"the DTLS fingerprint of {posting.author.name}: {writer.fingerprint}",
                received=str(found),
            )
        heard = await hearer.hears(posting, requirement=self.requirements[0])
        return str(heard.fields[posting.kind.text_key])

    async def quiet(self) -> None:
        """Close the peers and raw sockets, which use the processor; see `Company.quiet`."""
        await asyncio.gather(*(peer.close() for peer in self._peers), return_exceptions=True)
        await super().quiet()
