"""Checks and normalises what narrows a credential."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable

from wardgate.control.errors import InvalidError
from wardgate.domain.api import Api
from wardgate.domain.consumer import Restrictions

#: Entries one credential may have of each kind: every request is checked against them.
MAX_ENTRIES = 100
_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_REFERER = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})*")
_MAX_HOST = 253


def checked(restrictions: Restrictions, apis: Iterable[Api]) -> Restrictions:
    """``restrictions`` in canonical form: networks and hosts normalised, order kept, duplicates dropped.

    ``apis`` are those deployed where the credential will be valid; a resource must be one of theirs
    (``orders/v1 GET /items/{id}``), or name a whole API (``orders/v1``).

    Raises:
        InvalidError: an entry is wrong; the message names it.
    """
    known = {api.id: {resource.name for resource in api.resources} for api in apis}
    return Restrictions(
        cidrs=_each("cidrs", restrictions.cidrs, network),
        referers=_each("referers", restrictions.referers, _host),
        resources=_each("resources", restrictions.resources, lambda entry: _resource(entry, known)),
    )


def _each(kind: str, entries: tuple[str, ...], check: Callable[[str], str]) -> tuple[str, ...]:
    if len(entries) > MAX_ENTRIES:
        raise InvalidError(
            "restrictions",
            f"A credential may have at most {MAX_ENTRIES} {kind}, not {len(entries)}",
            "Combine them, or issue several keys",
        )
    return tuple(dict.fromkeys(check(entry) for entry in entries))


def network(entry: str) -> str:
    """A network or address in its one form. Raises InvalidError."""
    try:
        return str(ipaddress.ip_network(entry))
    except ValueError:
        try:
            meant = str(ipaddress.ip_network(entry, strict=False))
        except ValueError:
            raise InvalidError(
                "restrictions",
                f"{entry!r} is not an IP address or network",
                "Write it like 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32",
            ) from None
        raise InvalidError(
            "restrictions",
            f"{entry!r} is an address inside a network, not a network",
            f"Write {meant} for the whole network, or {entry.split('/')[0]} for that address alone",
        ) from None


def _host(entry: str) -> str:
    host = entry.lower()
    if len(host) > _MAX_HOST or not _REFERER.fullmatch(host):
        raise InvalidError(
            "restrictions",
            f"{entry!r} is not a host name a Referer can be checked against",
            "Write a host without scheme, port or path, like www.example.com or *.example.com "
            "(international names in their xn-- form)",
        )
    return host


def _resource(entry: str, known: dict[str, set[str]]) -> str:
    api, _, resource = entry.partition(" ")
    if api not in known:
        raise InvalidError(
            "restrictions",
            f"{entry!r} names the API {api!r}, which is not deployed there",
            f"Deployed APIs: {', '.join(sorted(known)) or 'none'}",
        )
    if resource and resource not in known[api]:
        near = sorted(name for name in known[api] if name.split(" ", 1)[-1] == resource.split(" ", 1)[-1])
        raise InvalidError(
            "restrictions",
            f"{entry!r} names a resource that {api} does not have",
            f"Its resources there are: {', '.join(near)}"
            if near
            else "Write it as in the OpenAPI document, like `orders/v1 GET /items/{id}`",
        )
    return f"{api} {resource}" if resource else api
