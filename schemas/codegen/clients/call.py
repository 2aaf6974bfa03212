"""alice offers bob a session, bob answers, and they exchange ICE candidates: python call.py http://127.0.0.1:8000."""

import asyncio
import json
import sys
from typing import Any, TypeVar

import aiohttp
import socketio
import vcsp
from pydantic import BaseModel, ValidationError

Event = TypeVar("Event", bound=BaseModel)
Reply = TypeVar("Reply", vcsp.OfferReply, vcsp.IceReply, vcsp.LoginAck)


class Refused(Exception):
    """The server refused a request."""


def accepted(reply: Reply) -> Reply:
    """Give the reply back, unless its status is not 0: then it refuses, also with HTTP status 200."""
    if reply.status:
        raise Refused(f"{reply.code}: {reply.message}")
    return reply


class User:
    """One connection of one user."""

    def __init__(self, http: aiohttp.ClientSession, base_url: str, login: str) -> None:
        self.http, self.base_url, self.login = http, base_url.rstrip("/"), login
        self.socket = socketio.AsyncClient()

    async def enter(self) -> None:
        """Connect and log in."""
        url = await self._socket_url()
        path = "/".join([*url.split("/")[3:], "socket.io"])
        await self.socket.connect(url, socketio_path=path, transports=["websocket"])
        ack = await self.socket.call("login", vcsp.LoginRequest(login=self.login).model_dump())
        accepted(vcsp.LoginAck.model_validate(ack or {}))  # an acknowledgement without a payload accepts

    async def _socket_url(self) -> str:
        async with self.http.get(f"{self.base_url}/.well-known/vcsp") as response:
            text = await response.text()
        try:
            discovery = vcsp.Discovery.model_validate_json(text)
        except ValidationError:  # a server may lack this document
            return self.base_url
        return (discovery.socket_url or self.base_url).rstrip("/")

    @property
    def sid(self) -> str:
        """What a request is signed with: the id of this connection, in namespace `/`."""
        return str(self.socket.get_sid())

    def next(self, name: str, model: type[Event]) -> "asyncio.Future[Event]":
        """Listen for an event from now on, and give its payload when it comes."""
        heard: asyncio.Future[Event] = asyncio.get_running_loop().create_future()

        def hear(payload: Any) -> None:
            if not heard.done():
                heard.set_result(model.model_validate(payload))

        self.socket.on(name, hear)
        return heard

    async def post(self, endpoint: str, request: BaseModel, model: type[Reply]) -> None:
        """Post a request. What is absent must be left out, not sent as null."""
        body = request.model_dump(exclude_none=True)
        async with self.http.post(f"{self.base_url}/{endpoint}", json=body) as response:
            accepted(model.model_validate_json(await response.text()))


async def call(alice: User, bob: User) -> bool:
    """Make the call, and tell whether the descriptions arrived as they were sent."""
    await asyncio.gather(alice.enter(), bob.enter())

    # With aiortc this is `await peer.createOffer()`. It travels as JSON text.
    sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
    offer = vcsp.OfferDescription(sdp=sdp).model_dump_json()
    rings = bob.next("sender_offer", vcsp.SenderOfferEvent)
    request = vcsp.SenderOfferRequest(sid=alice.sid, reciever_login=bob.login, offer=offer)
    await alice.post("offer", request, vcsp.OfferReply)
    heard = await rings
    print(f"bob hears the offer of {heard.sender_login}, {len(heard.sender_offer)} characters")

    answer = vcsp.AnswerDescription(sdp=sdp).model_dump_json()
    picks_up = alice.next("reciever_answer", vcsp.RecieverAnswerEvent)
    reply = vcsp.RecieverAnswerRequest(
        sid=bob.sid, sender_login=heard.sender_login, offer_id=heard.offer_id, answer=answer
    )
    await bob.post("offer", reply, vcsp.OfferReply)
    answered = await picks_up
    print(f"alice hears the answer, {len(answered.reciever_answer)} characters")

    candidate = vcsp.IceCandidateInit(candidate="candidate:1 1 udp 1 127.0.0.1 9 typ host", sdpMid="0", sdpMLineIndex=0)
    for sender, peer in ((alice, bob), (bob, alice)):
        for ice in (candidate.model_dump_json(exclude_none=True), json.dumps(None)):  # null is the end of candidates
            trickles = peer.next("ice_candidate", vcsp.IceCandidateEvent)
            await sender.post("ice", vcsp.IceRequest(sid=sender.sid, login=peer.login, ice=ice), vcsp.IceReply)
            print(f"{peer.login} hears the candidate {(await trickles).ice}")
    return heard.sender_offer == offer and answered.reciever_answer == answer


async def main(base_url: str) -> int:
    """Let alice call bob within 60 s."""
    async with aiohttp.ClientSession() as http:
        alice, bob = User(http, base_url, "alice"), User(http, base_url, "bob")
        try:
            async with asyncio.timeout(60):
                exact = await call(alice, bob)
        finally:
            await asyncio.gather(alice.socket.disconnect(), bob.socket.disconnect())
    print("the call succeeded" if exact else "the server changed a description")
    return 0 if exact else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000")))
