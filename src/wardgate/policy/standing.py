"""Shuts what was retired or switched off, before anything is asked of the caller."""

from __future__ import annotations

from wardgate.domain.api import Api, Resource
from wardgate.domain.rejection import Rejection
from wardgate.policy.exchange import Exchange, Step

_RETIRED = Rejection.of("api_retired")
_DISABLED = Rejection.of("api_disabled")


def retired(_exchange: Exchange) -> Rejection | None:
    """The step of every resource of a retired API."""
    return _RETIRED


def disabled(_exchange: Exchange) -> Rejection | None:
    """The step of what the kill switch shut. When it will be back nobody said, so the answer does not either."""
    return _DISABLED


def standing_step(api: Api, resource: Resource) -> Step | None:
    """The step for how the API stands in this environment; ``None``: nothing is shut."""
    standing = api.standing
    if standing.lifecycle == "retired":
        return retired
    if standing.off and ("*" in standing.off or resource.name in standing.off):
        return disabled
    return None
