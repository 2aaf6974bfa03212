"""What a server publishes about itself, read as an operator would."""

from __future__ import annotations

import json
from urllib.request import urlopen

__all__ = ["socket_url"]


def socket_url(url: str) -> str:
    """Give the URL of the sockets that the server at `url` publishes."""
    with urlopen(f"{url}/.well-known/vcsp", timeout=10) as reply:
        return str(json.load(reply)["socket_url"])
