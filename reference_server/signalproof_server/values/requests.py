"""Requests: what a client asks for, decoded and checked."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Answer", "Call", "Candidate", "Decline", "Leave", "Login", "Offer", "Refresh", "Request", "SetStatus"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What all requests have: who asks, and perhaps somebody else whom it concerns."""

    sid: str
    subject: str | None = None
    """The user whom the token of the request proves; None where no tokens are asked for (AUTH-3)."""

    @property
    def peer(self) -> str | None:
        """The login that the request names; None if it names nobody."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Login(Asked):
    """The event `login`: bind this connection to a login (LOGIN-2)."""

    login: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave(Asked):
    """The connection has gone (LOGIN-7); not on the wire, the socket edge makes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer(Asked):
    """POST `/offer` with `type` `sender`."""

    reciever_login: str
    offer: str = field(repr=False)
    offer_id: str | None = None
    """The client's name for the offer; None leaves it to the server (CORR-1)."""

    @property
    def peer(self) -> str | None:
        """The login that the offer is for."""
        return self.reciever_login


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Asked):
    """POST `/offer` with `type` `reciever`; without `sender_login` and `offer_id` to the latest offer (ANSWER-8)."""

    answer: str = field(repr=False)
    sender_login: str | None = None
    offer_id: str | None = None
    """The offer that is answered, if the answer names it (CORR-3)."""

    @property
    def peer(self) -> str | None:
        """The login whose offer is answered, if the answer names it (ANSWER-7)."""
        return self.sender_login


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate(Asked):
    """POST `/ice`; `login` None means the peer of the description that this connection posted last (ICE-3)."""

    ice: str = field(repr=False)
    login: str | None = None

    @property
    def peer(self) -> str | None:
        """The login that the candidate is for, if it is named."""
        return self.login


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Asked):
    """POST `/call`: ring this user (CALL-1)."""

    login: str

    @property
    def peer(self) -> str | None:
        """The callee."""
        return self.login


@dataclass(frozen=True, slots=True, kw_only=True)
class Decline(Asked):
    """POST `/decline`: do not take this user's call (CALL-5)."""

    reciever_login: str

    @property
    def peer(self) -> str | None:
        """The caller, who would have become the reciever."""
        return self.reciever_login


@dataclass(frozen=True, slots=True, kw_only=True)
class SetStatus(Asked):
    """POST `/status`: say whether this user wants to be called (CALL-4)."""

    busy: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Refresh(Asked):
    """POST `/refresh`: ask this peer to start again (CALL-10)."""

    login: str

    @property
    def peer(self) -> str | None:
        """The peer that is asked."""
        return self.login


Request = Login | Leave | Offer | Answer | Candidate | Call | Decline | SetStatus | Refresh
