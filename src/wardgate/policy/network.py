"""Whether an address lies in one of the networks that something may be used from."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@lru_cache(maxsize=1024)
def _networks(cidrs: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(cidr) for cidr in cidrs)


def inside(client: str, cidrs: tuple[str, ...]) -> bool:
    """Whether the address ``client`` lies in one of ``cidrs``; what is no address lies in none. An IPv4 address written
    as IPv6 (RFC 4291 section 2.5.5.2) is that IPv4 address."""
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped or address
    return any(address in network for network in _networks(cidrs))
