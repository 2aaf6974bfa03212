"""Decodes lines of messages and encodes them again, requests to `/offer` as the union that they are."""

import json
import sys

import msgspec
import vcsp

UNION = {"SenderOfferRequest", "RecieverAnswerRequest"}

for line in sys.stdin:
    messages = {
        name: msgspec.to_builtins(
            msgspec.convert(message, type=vcsp.OfferRequest if name in UNION else getattr(vcsp, name))
        )
        for name, message in json.loads(line).items()
    }
    print(json.dumps(messages))
