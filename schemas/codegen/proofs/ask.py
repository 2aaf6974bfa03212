"""Imports every module of the generated HTTP client, asks a server what it is, and has an offer refused."""

import importlib
import pkgutil
import sys

import vcsp_client
from vcsp_client import Client
from vcsp_client.api.core import post_offer
from vcsp_client.api.discovery import get_discovery
from vcsp_client.models import Discovery, Failure, OfferReply, SenderOfferRequest

for module in pkgutil.walk_packages(vcsp_client.__path__, "vcsp_client."):
    importlib.import_module(module.name)

client = Client(base_url=sys.argv[1])
discovery = get_discovery.sync(client=client)
assert isinstance(discovery, Discovery), discovery
assert "core" in discovery.profiles, discovery

request = SenderOfferRequest(sid="nobody", type_="sender", reciever_login="bob", offer='{"type":"offer","sdp":""}')
reply = post_offer.sync(client=client, body=request)
assert isinstance(reply, OfferReply | Failure), reply
assert isinstance(reply.status, int), reply
assert reply.status != 0, reply
print(f"the server follows version {discovery.version} and refuses: {reply.message}")
