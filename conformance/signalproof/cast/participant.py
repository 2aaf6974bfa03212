"""What a participant does: every request of the protocol, to be judged or expected to be accepted.

`try_…` posts and gives the posting, whatever the reply; the form without `try_` expects acceptance, under
`requirement` or the check's first requirement.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Unpack

from signalproof.cast.connection import Connection
from signalproof.cast.request import Variation
from signalproof.judge.posting import Audience, Listener, Posting
from signalproof.protocol.wire import (
    ANSWER,
    CALL,
    CANDIDATE,
    DECLINE,
    OFFER,
    REFRESH,
    STATUS,
    Encoding,
    Marked,
    answer_fields,
    call_fields,
    candidate,
    candidate_fields,
    decline_fields,
    offer_fields,
    status_fields,
)

__all__ = ["Participant"]


class Participant(Connection):
    """A connection and the acts of its user."""

    # ── offer and answer ───────────────────────────────────────────────────────────────────────

    def draft_offer(
        self, to: Participant | str, carrying: Marked | None = None, elsewhere: str | None = None
    ) -> Posting:
        """Make the posting of an offer before it is sent, for those who listen for it meanwhile."""
        audience = self._everywhere(to, "OFFER-11", elsewhere)
        return self.draft(OFFER, carrying or self.marked("offer"), audience)

    def _everywhere(self, to: Participant | str, to_oneself: str, elsewhere: str | None = None) -> Audience:
        """Give the live connections of a user; to oneself those are the others, by the requirement `to_oneself`."""
        login = to if isinstance(to, str) else to.login
        if login == self.login:
            return Audience(self.siblings, elsewhere=elsewhere or to_oneself)
        return Audience(self.live_with(login), elsewhere=elsewhere)

    async def try_offer(
        self,
        to: Participant | str,
        *,
        carrying: Marked | None = None,
        draft: Posting | None = None,
        elsewhere: str | None = None,
        **variation: Unpack[Variation],
    ) -> Posting:
        """Post an offer and give the posting, whatever the reply; `elsewhere` as in `Audience`."""
        posting = draft or self.draft_offer(to, carrying, elsewhere)
        base = offer_fields(self.sid, to if isinstance(to, str) else to.login, posting.text)
        peer = to.name if isinstance(to, Participant) else self._stage.who(to)
        return await self.send(posting, base, peer=peer, **variation)

    async def offer(
        self,
        to: Participant | str,
        *,
        carrying: Marked | None = None,
        encoding: Encoding = Encoding.JSON,
        elsewhere: str | None = None,
        requirement: str | None = None,
    ) -> Posting:
        """Post an offer and expect that it is accepted."""
        posting = await self.try_offer(to, carrying=carrying, encoding=encoding, elsewhere=elsewhere)
        return self.expectations.accepted(posting, requirement)

    async def try_answer(
        self,
        offer: Posting,
        *,
        named: bool | str = False,
        carrying: Marked | None = None,
        audience: Audience | None = None,
        **variation: Unpack[Variation],
    ) -> Posting:
        """Post the answer to `offer` and give the posting, whatever the reply.

        `named` sends `sender_login`: the offerer's, or the one given. Its `audience` is the connection that offered,
        unless another one is given.
        """
        marked = carrying or self.marked("answer")
        author = offer.author
        ordinary = Audience(frozenset({author}), self.live_with(author.login) - {author})
        posting = self.draft(ANSWER, marked, audience or ordinary)
        sender = named if isinstance(named, str) else author.login if named else None
        base = answer_fields(self.sid, marked.text, sender)
        peer = self._stage.who(named) if isinstance(named, str) else author.name
        return await self.send(posting, base, peer=peer, **variation)

    async def answer(
        self,
        offer: Posting,
        *,
        named: bool | str = False,
        carrying: Marked | None = None,
        encoding: Encoding = Encoding.JSON,
        requirement: str | None = None,
    ) -> Posting:
        """Post the answer to `offer` and expect that it is accepted."""
        posting = await self.try_answer(offer, named=named, carrying=carrying, encoding=encoding)
        return self.expectations.accepted(posting, requirement)

    # ── candidates ─────────────────────────────────────────────────────────────────────────────

    async def try_candidate(
        self,
        to: Iterable[Listener],
        *,
        tolerated: Iterable[Listener] = (),
        elsewhere: str | None = None,
        login: str | None = None,
        carrying: Marked | None = None,
        **variation: Unpack[Variation],
    ) -> Posting:
        """Post an ICE candidate that the connections `to` have to hear; `login` names the peer."""
        targets, tolerated = frozenset(to), frozenset(tolerated)
        # ICE-3 is about other users; of the peer's own devices only ICE-7 says which should not hear it.
        peers = frozenset().union(*(self.live_with(target.login) for target in targets))
        audience = Audience(targets, tolerated, peers - targets - tolerated, elsewhere)
        posting = self.draft(CANDIDATE, carrying or self.marked("candidate", candidate), audience)
        base = candidate_fields(self.sid, posting.text, login)
        peer = "" if login is None else self._stage.who(login)
        return await self.send(posting, base, peer=peer, **variation)

    async def candidate(
        self,
        to: Iterable[Listener],
        *,
        tolerated: Iterable[Listener] = (),
        login: str | None = None,
        carrying: Marked | None = None,
        requirement: str | None = None,
    ) -> Posting:
        """Post an ICE candidate and expect that it is accepted."""
        posting = await self.try_candidate(to, tolerated=tolerated, login=login, carrying=carrying)
        return self.expectations.accepted(posting, requirement)

    # ── calls ──────────────────────────────────────────────────────────────────────────────────

    async def try_ring(
        self, callee: Participant | str, *, audience: Audience | None = None, **variation: Unpack[Variation]
    ) -> Posting:
        """Call a user: `POST /call`; its `audience` is that user, unless another one is given."""
        login = callee if isinstance(callee, str) else callee.login
        posting = self.draft(CALL, self.unmarked(), audience or self._everywhere(callee, "CALL-14"))
        return await self.send(posting, call_fields(self.sid, login), peer=self._stage.who(login), **variation)

    async def ring(self, callee: Participant, *, requirement: str | None = None) -> Posting:
        """Call a user and expect that it rings."""
        return self.expectations.accepted(await self.try_ring(callee), requirement)

    async def try_decline(
        self, caller: Participant | str, *, audience: Audience | None = None, **variation: Unpack[Variation]
    ) -> Posting:
        """Decline the call of a user: `POST /decline`; its `audience` is the caller, unless another one is given."""
        login = caller if isinstance(caller, str) else caller.login
        posting = self.draft(DECLINE, self.unmarked(), audience or Audience(self.live_with(login)))
        return await self.send(posting, decline_fields(self.sid, login), peer=self._stage.who(login), **variation)

    async def decline(self, caller: Participant, *, requirement: str | None = None) -> Posting:
        """Decline the call of a user and expect that this is accepted."""
        return self.expectations.accepted(await self.try_decline(caller), requirement)

    async def try_status(self, status: str, **variation: Unpack[Variation]) -> Posting:
        """Say `free` or `beasy`: `POST /status`."""
        posting = self.draft(STATUS, self.unmarked(), Audience())
        return await self.send(posting, status_fields(self.sid, status), **variation)

    async def status(self, status: str, *, requirement: str | None = None) -> Posting:
        """Say `free` or `beasy` and expect that this is accepted."""
        return self.expectations.accepted(await self.try_status(status), requirement)

    async def try_refresh(
        self, peer: Participant | str, *, audience: Audience | None = None, **variation: Unpack[Variation]
    ) -> Posting:
        """Ask a peer to start anew: `POST /refresh`; its `audience` is the peer, unless another one is given."""
        login = peer if isinstance(peer, str) else peer.login
        posting = self.draft(REFRESH, self.unmarked(), audience or Audience(self.live_with(login)))
        return await self.send(posting, call_fields(self.sid, login), peer=self._stage.who(login), **variation)

    async def refresh(self, peer: Participant, *, requirement: str | None = None) -> Posting:
        """Ask a peer to start anew and expect that this is accepted."""
        return self.expectations.accepted(await self.try_refresh(peer), requirement)
