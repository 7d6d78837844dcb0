"""Ranges of addresses: whether all addresses of some lie within others."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network


def covered(wanted: Collection[str], allowed: Collection[str]) -> bool:
    """Whether every address of ``wanted`` is one of ``allowed``; empty stands for every address. What is no network at all
    is not covered."""
    if not allowed:
        return True
    if not wanted:
        return _covers(allowed, ("0.0.0.0/0", "::/0"))
    return _covers(allowed, wanted)


def _covers(allowed: Collection[str], wanted: Collection[str]) -> bool:
    try:
        four, six = _split(allowed)
        wanted_four, wanted_six = _split(wanted)
    except ValueError:
        return False
    # Collapsed, two neighbours become one network, so each wanted one lies within a single one or is not covered.
    merged_four = list(collapse_addresses(four))
    merged_six = list(collapse_addresses(six))
    return all(any(each.subnet_of(known) for known in merged_four) for each in wanted_four) and all(
        any(each.subnet_of(known) for known in merged_six) for each in wanted_six
    )


def _split(networks: Collection[str]) -> tuple[list[IPv4Network], list[IPv6Network]]:
    """IPv4-mapped IPv6 networks are the IPv4 networks they stand for."""
    four: list[IPv4Network] = []
    six: list[IPv6Network] = []
    for text in networks:
        network = ip_network(text, strict=False)
        if isinstance(network, IPv4Network):
            four.append(network)
            continue
        mapped = network.network_address.ipv4_mapped
        if mapped is not None and network.prefixlen >= 96:
            four.append(IPv4Network((mapped, network.prefixlen - 96), strict=False))
        else:
            six.append(network)
    return four, six
