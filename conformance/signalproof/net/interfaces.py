"""The network interfaces of this machine, as ICE sees them."""

from __future__ import annotations

from aioice.ice import get_host_addresses

__all__ = ["host_addresses"]


def host_addresses() -> list[str]:
    """Give the addresses that ICE can use here: those of interfaces other than loopback."""
    return list(get_host_addresses(use_ipv4=True, use_ipv6=True))
