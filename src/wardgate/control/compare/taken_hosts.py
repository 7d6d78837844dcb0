"""Hosts that an environment would take from another: where several are served together, the narrower host goes first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from wardgate.domain.difference import Difference
from wardgate.domain.environment import Environment, host_name


def taken_hosts(
    before: Sequence[str], after: Environment, others: Iterable[Environment]
) -> tuple[Difference, ...]:
    """A weakening for each host that ``after`` has beyond ``before`` and one of ``others`` answers until now: what is
    deployed to it would get requests that were meant for the other."""
    return tuple(
        Difference(
            kind="host_taken",
            place=f"environment {after.name}",
            before=other.name,
            after=host,
            weakens=True,
            sentence=f"it takes requests for {host} from {other.name}, which has {known}",
        )
        for other in others
        if other.name != after.name
        for host in after.settings.hosts
        if host not in before
        for known in other.settings.hosts
        if host != known and _answers(known, host)
    )


def shared_host(environments: Sequence[Environment]) -> tuple[str, str, str] | None:
    """A host that two environments have, and their names: nobody would serve it."""
    seen: dict[str, str] = {}
    for each in environments:
        for host in each.settings.hosts:
            other = seen.setdefault(host.lower(), each.name)
            if other != each.name:
                return host, other, each.name
    return None


def _answers(known: str, host: str) -> bool:
    name, port = host_name(known), known != host_name(known)
    if port:
        return False
    wanted = host_name(host)
    return name == wanted or (name.startswith("*") and wanted.endswith(name[1:]))
