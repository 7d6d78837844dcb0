"""Where an API's requests go: targets, health, retries, time-outs, TLS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """Active probe of each target: GET ``path`` every ``interval`` s; ``healthy``/``unhealthy`` answers in a row turn it."""

    path: str
    interval: float = 5.0
    timeout: float = 2.0
    healthy: int = 2
    unhealthy: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitBreaker:
    """Passive health: ``failures`` in a row take a target out for ``open_seconds``; one trial request then decides."""

    failures: int = 5
    open_seconds: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamTls:
    """TLS to the upstream. ``ca`` is a PEM file (system store by default); ``certificate``/``key`` make it mutual."""

    ca: str | None = None
    server_name: str | None = None
    certificate: str | None = None
    key: str | None = None
    verify: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds: to connect, to the first byte of the answer, and between two bytes of it."""

    connect: float = 5.0
    response: float = 60.0
    idle: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """The targets of an API (``http://host:port/prefix``) and how they are used.

    ``retries`` counts further attempts at idempotent requests; ``retry_budget`` bounds them to a share of all
    requests. ``strip_base_path`` removes the API's base path before forwarding (the default: the upstream does
    not know where the gateway mounts it). ``preserve_host`` forwards the client's Host. ``headers`` are sent with every
    request, in place of the client's of the same name; their text may hold ``${secret:NAME}`` (``domain/template.py``).
    """

    targets: tuple[str, ...]
    retries: int = 1
    retry_budget: float = 0.2
    strip_base_path: bool = True
    preserve_host: bool = False
    max_connections: int = 1024
    health: HealthCheck | None = None
    breaker: CircuitBreaker = field(default_factory=CircuitBreaker)
    timeouts: Timeouts = field(default_factory=Timeouts)
    tls: UpstreamTls = field(default_factory=UpstreamTls)
    headers: Mapping[str, str] = field(default_factory=dict)
