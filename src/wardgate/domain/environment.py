"""Environments: where APIs are deployed, in the order of promotion, and what is particular to each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from wardgate.domain.limit import Limit
from wardgate.domain.provider import ProviderEntry

#: What happens to a key of the environment that was found in public.
LeakPolicy = Literal["notify", "rotate", "revoke"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Days that is kept what happened: roll-ups of traffic, and the audit trail (of all environments the longest counts)."""

    rollups: int = 90
    audit: int = 730


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentSettings:
    """What belongs to an environment and is never promoted.

    ``hosts`` (lower case, optionally with a port) are those of its gateways; an API without hosts of its own answers on
    these. ``variables`` fill ``${NAME}`` in the settings of APIs deployed here, ``${secret:NAME}`` takes one of its
    secrets. ``plans`` replaces the limits of a plan here, by its name. ``token_endpoint``: who answers ``POST
    /oauth2/token`` (empty: this installation). ``leaks``: what is done about a leaked key, with ``leak_overlap`` seconds
    of grace for ``rotate``. ``identity_providers`` is ``None`` but where a document is applied, and in what was
    asked for by one: they are stored apart.
    """

    hosts: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    plans: Mapping[str, tuple[Limit, ...]] = field(default_factory=dict)
    retention: Retention = field(default_factory=Retention)
    token_endpoint: str = ""
    leaks: LeakPolicy = "notify"
    leak_overlap: int = 86400
    identity_providers: tuple[ProviderEntry, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """A place APIs are deployed to. ``tag`` stands in its keys and never changes; ``position`` orders promotion, first
    to last. What is applied is deployed to the first at once, and to all others by promotion only."""

    name: str
    tag: str
    position: int
    production: bool
    settings: EnvironmentSettings = field(default_factory=EnvironmentSettings)


def host_name(host: str) -> str:
    """A gateway's host without its port: ``api.example.com`` of ``api.example.com:8443``."""
    name, _, port = host.rpartition(":")
    return name if name and port.isdigit() and (":" not in name or name.endswith("]")) else host
