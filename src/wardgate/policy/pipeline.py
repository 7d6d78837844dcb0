"""The table: every built-in step, its phase, and why it stands there.

``hygiene`` (strict parsing, canonical path, header rules) and ``route`` come before any step and are the gateway's
own; the steps below run in this order, cheap refusals before dear ones, and nothing that identifies a caller is
believed before ``authenticate``. Policies of third parties run after the built-in steps of their phase. ``forward``,
``response`` and ``record`` follow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wardgate.domain.api import Api, Resource
from wardgate.domain.rejection import Rejection
from wardgate.policy import api_key, limits, subscription, tls_required
from wardgate.policy.compiled import CompiledApi, CompiledResource, NamedStep
from wardgate.policy.cors import CorsRules
from wardgate.policy.exchange import Exchange, Step
from wardgate.policy.registry import PHASES, CompileContext, PolicyRegistry

Table = tuple[NamedStep, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One built-in step: where it runs, why there, and how it is compiled (``None``: this resource needs none)."""

    policy: str
    phase: str
    why: str
    compile: Callable[[Api, Resource, str], Step | None]


TABLE: tuple[Row, ...] = (
    Row(
        "tls_required",
        "network",
        "before the key is even looked at: a key sent in clear is burnt whether or not it is valid",
        lambda _api, _resource, _environment: tls_required.tls_required,
    ),
    Row(
        "api_key",
        "authenticate",
        "one cached look-up tells who calls; all later steps need it",
        lambda _api, resource, environment: (
            api_key.compile_step(environment) if "api_key" in resource.schemes else None
        ),
    ),
    Row(
        "scheme_unavailable",
        "authenticate",
        "a resource whose schemes this gateway cannot check stays shut",
        lambda _api, resource, _environment: _shut(resource),
    ),
    Row(
        "subscription",
        "authorize",
        "free of I/O, so before any counter is touched",
        lambda api, resource, _environment: subscription.subscription if resource.schemes else None,
    ),
    Row(
        "limits",
        "limit",
        "last of the cheap steps: a request refused above must not use up the caller's limits",
        lambda api, resource, _environment: limits.limits if resource.schemes and api.plans else None,
    ),
)

_UNAVAILABLE = Rejection.of("scheme_unavailable", b'WWW-Authenticate: Bearer realm="wardgate"')


def _shut(resource: Resource) -> Step | None:
    """A resource with scopes takes OAuth2 only: a key alone never opens it, nor does the lack of any scheme."""
    if not resource.scopes and (not resource.schemes or "api_key" in resource.schemes):
        return None
    return _scheme_unavailable


def _scheme_unavailable(_exchange: Exchange) -> Rejection | None:
    return _UNAVAILABLE


def compile_api(api: Api, environment: str, registry: PolicyRegistry) -> CompiledApi:
    """The API with each resource's steps in the table's order.

    Raises:
        PolicyConfigError: a pluggable policy is unknown or its settings are wrong.
    """
    cors = CorsRules(api.cors) if api.cors is not None else None
    shared: dict[Table, tuple[Table, tuple[Step, ...]]] = {}
    undeclared = None
    if api.undeclared == "allow":
        undeclared = _compile(api, undeclared_resource(api), environment, registry, cors, shared)
    resources = tuple(
        _compile(api, resource, environment, registry, cors, shared) for resource in api.resources
    )
    return CompiledApi(api, resources, undeclared, cors)


def undeclared_resource(api: Api) -> Resource:
    """What stands for every request to ``api`` that its OpenAPI document does not declare."""
    return Resource(method="*", path="*", schemes=api.schemes, require=api.require)


def _compile(
    api: Api,
    resource: Resource,
    environment: str,
    registry: PolicyRegistry,
    cors: CorsRules | None,
    shared: dict[Table, tuple[Table, tuple[Step, ...]]],
) -> CompiledResource:
    steps: list[NamedStep] = []
    for row in TABLE:
        step = row.compile(api, resource, environment)
        if step is not None:
            steps.append(NamedStep(row.policy, row.phase, step))
    for use in (*api.policies, *resource.policies):
        policy = registry.get(use.name)
        policy.validate(use.config)
        step = policy.compile(use.config, CompileContext(api, resource))
        if step is not None:
            steps.append(NamedStep(policy.name, policy.phase, step))
    steps.sort(key=lambda named: PHASES.index(named.phase))
    table = tuple(steps)
    table, calls = shared.setdefault(table, (table, tuple(named.call for named in table)))
    return CompiledResource(api, resource, table, calls, cors)
