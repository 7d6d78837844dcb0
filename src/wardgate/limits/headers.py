"""The ``RateLimit-Policy`` and ``RateLimit`` fields (draft-ietf-httpapi-ratelimit-headers-10), pre-rendered per plan."""

from __future__ import annotations

from wardgate.domain.limit import Limit
from wardgate.limits.messages import period_seconds, softened


def names_of(limits: tuple[Limit, ...]) -> list[str]:
    """A name for each limit, unique among them: the kind, with the period or a number where kinds repeat."""
    kinds = [limit.kind for limit in limits]
    names: list[str] = []
    for limit in limits:
        name: str = limit.kind
        if kinds.count(limit.kind) > 1 and limit.per is not None:
            name = f"{limit.kind}-{limit.per}"
        number = 1
        unique = name
        while unique in names:
            number += 1
            unique = f"{name}-{number}"
        names.append(unique)
    return names


def named(limits: tuple[Limit, ...]) -> list[tuple[str, Limit]]:
    """Each limit with its name, and after them the rates that quotas soften to (``quota-softened``)."""
    found = list(zip(names_of(limits), limits, strict=True))
    rates = [(f"{name}-softened", rate) for name, limit in found if (rate := softened(limit)) is not None]
    return found + rates


def policy_line(limits: tuple[Limit, ...]) -> bytes:
    """The constant ``RateLimit-Policy`` line with CRLF; empty if there are no limits."""
    if not limits:
        return b""
    parts = [_policy(name, limit) for name, limit in named(limits)]
    return b"RateLimit-Policy: " + ", ".join(parts).encode() + b"\r\n"


def _policy(name: str, limit: Limit) -> str:
    if limit.kind == "concurrency":
        return f'"{name}";q={limit.amount};qu="concurrent-requests"'
    return f'"{name}";q={limit.amount};w={period_seconds(limit):.0f}'


def template(limits: tuple[Limit, ...]) -> bytes:
    """Both lines as a ``%`` template: ``%d`` for ``r`` and then ``t`` of each rate (those that quotas soften to come last),
    then of each quota, then for ``r`` of each concurrency limit. A spike limit has no remaining count and stands in the
    policy only."""
    known = named(limits)
    parts = [
        f'"{name}";r=%d' + ("" if kind == "concurrency" else ";t=%d")
        for kind in ("rate", "quota", "concurrency")
        for name, limit in known
        if limit.kind == kind
    ]
    state = b"RateLimit: " + ", ".join(parts).encode() + b"\r\n" if parts else b""
    return policy_line(limits) + state
