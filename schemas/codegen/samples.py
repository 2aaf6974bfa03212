"""Messages that generated code has to decode and encode without loss."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from codegen.outcome import Broken

__all__ = ["compare", "samples"]


def samples(bundle: Path) -> str:
    """Give the examples of all messages, as lines that each hold one example of as many messages as have one left."""
    document = json.loads(bundle.read_text(encoding="utf-8"))
    examples = {name: document["$defs"][name]["examples"] for name in document["properties"]}
    rounds = max(len(given) for given in examples.values())
    lines = [{name: given[turn] for name, given in examples.items() if turn < len(given)} for turn in range(rounds)]
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def compare(given: str, received: str) -> None:
    """Insist that the same messages came back; white space and the order of keys do not count."""
    try:
        before, after = ([_trimmed(json.loads(line)) for line in text.splitlines()] for text in (given, received))
    except ValueError:
        raise Broken(f"what came out is not JSON:\n{received}") from None
    if len(before) != len(after):
        raise Broken(f"{len(before)} lines of examples went in, {len(after)} came out:\n{received}")
    for old, new in zip(before, after, strict=True):
        for name in old | new:
            if old.get(name) != new.get(name):
                raise Broken(f"{name} does not survive:\n  {old.get(name)}\n  {new.get(name)}")


def _trimmed(message: Any) -> Any:
    """Leave out empty objects: some encoders do, and nobody may read the only one there is, an IceReceipt."""
    if isinstance(message, dict):
        return {key: _trimmed(value) for key, value in message.items() if value != {}}
    return message
