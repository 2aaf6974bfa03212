"""Who is in a random scene, and who of them takes a step: chosen by any number, at random or so that it makes sense."""

from __future__ import annotations

from signalproof.cast.cast import Cast
from signalproof.cast.participant import Participant
from signalproof.scenes.model import RINGING_SECONDS, Model

__all__ = ["USERS", "Roster"]

USERS = ("man", "woman", "rival")
"""The users of a scene, each with one connection at its start."""


class Roster:
    """A scene, its model, and the connections that are there."""

    def __init__(self, scene: Cast) -> None:
        self.scene = scene
        self.model = Model(ringing_seconds=scene.target.limits.get("ringing_seconds", RINGING_SECONDS))
        self.present: list[Participant] = []

    def _take(self, device: Participant) -> None:
        self.present.append(device)
        self.model.comes(device)

    def device(self, number: int) -> Participant:
        """Give one of the connections that are live, by any number."""
        return self.present[number % len(self.present)]

    def login(self, number: int) -> str:
        """Give the login of one of the users, or one that nobody has, by any number."""
        names = (*USERS, None)
        name = names[number % len(names)]
        return self.scene.nobody if name is None else self.scene.login(name)

    def peer(self, device: Participant, number: int) -> str:
        """Give the login of another user who is online, if there is one."""
        others = [login for login in self.model.online() if login != device.login]
        return others[number % len(others)] if others else self.scene.nobody

    def answerer(self, number: int) -> tuple[Participant, str | None]:
        """Give a connection to which there is an offer, unanswered if possible, and the sender; or any connection."""
        negotiations = [*self.model.negotiations.values()]
        found = [n for n in negotiations if n.answerer is None] or negotiations
        if not found:
            return self.device(number), None
        negotiation = found[number % len(found)]
        devices = [device for device in self.present if device.login == negotiation.reciever]
        return devices[number % len(devices)], negotiation.sender

    def negotiator(self, number: int) -> tuple[Participant, str | None]:
        """Give a connection that takes part in a negotiation, and its peer's login; or any connection."""
        found = [
            (device, peer)
            for n in self.model.negotiations.values()
            for device, peer in ((n.offer.author, n.reciever), (n.answerer, n.sender))
            if isinstance(device, Participant) and device in self.present
        ]
        return found[number % len(found)] if found else (self.device(number), None)

    def callee(self, number: int) -> tuple[Participant, str]:
        """Give a connection that is being called, and the caller; or any connection and user."""
        ringing = sorted(self.model.ringing)
        if not ringing:
            return self.device(number), self.login(number)
        caller, callee = ringing[number % len(ringing)]
        return next(device for device in self.present if device.login == callee), caller

    def another(self, device: Participant) -> Participant:
        """Give the newest connection of the same user, be it the same one."""
        return next(each for each in reversed(self.present) if each.login == device.login)

    def offer_id(self, device: Participant, number: int, *, apt: bool) -> str:
        """Give the id of an offer to this user that is not answered, if apt, or of any offer; or one of none."""
        offers = self.model.open_offers(device.login) if apt else self.model.history
        ids = [each.offer_id for each in offers if each.offer_id]
        return ids[number % len(ids)] if ids else "unknown"
