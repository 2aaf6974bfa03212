"""Decodes lines of messages and encodes them again."""

import json
import sys

import vcsp

for line in sys.stdin:
    messages = {
        name: getattr(vcsp, name).model_validate(message).model_dump(mode="json", exclude_none=True)
        for name, message in json.loads(line).items()
    }
    print(json.dumps(messages))
