"""Every class that is compared, and who knows its fields. One that stands in none of these tables weakens when it changes;
a test keeps them complete."""

from __future__ import annotations

from collections.abc import Mapping

from wardgate.control.compare import (
    acl,
    apis,
    consumers,
    controls,
    cors,
    limits,
    plans,
    policies,
    providers,
    resources,
    settings,
    standing,
    trust,
    upstream,
)
from wardgate.control.compare.rules import Aspect
from wardgate.domain.access import Group
from wardgate.domain.api import Acl, Api, ApiKeyScheme, Cors, PolicyUse, Resource
from wardgate.domain.consumer import Controls
from wardgate.domain.document import ApplicationEntry, SubscriptionEntry
from wardgate.domain.environment import EnvironmentSettings, Retention
from wardgate.domain.limit import Limit, Plan, Soften
from wardgate.domain.provider import ProviderEntry, ProviderSettings
from wardgate.domain.standing import Catalogue, Standing
from wardgate.domain.trust import OAuth2Settings, TrustedIssuer
from wardgate.domain.upstream import CircuitBreaker, HealthCheck, Timeouts, Upstream, UpstreamTls
from wardgate.domain.versioning import Versioning

KNOWN: Mapping[type, tuple[Aspect, ...]] = {
    Acl: acl.LIST,
    Api: apis.API,
    ApiKeyScheme: apis.API_KEY,
    ApplicationEntry: consumers.application_aspects({}, {}),
    Catalogue: standing.CATALOGUE,
    CircuitBreaker: upstream.BREAKER,
    Controls: controls.CONTROLS,
    Cors: cors.CORS,
    EnvironmentSettings: settings.SETTINGS,
    Group: consumers.GROUP,
    HealthCheck: upstream.HEALTH,
    Limit: limits.LIMIT,
    OAuth2Settings: trust.SETTINGS,
    Plan: plans.PLAN,
    PolicyUse: policies.POLICY_USE,
    ProviderEntry: providers.PROVIDER,
    ProviderSettings: providers.SETTINGS,
    Resource: resources.RESOURCE,
    Retention: settings.RETENTION,
    Soften: limits.SOFTEN,
    Standing: standing.STANDING,
    SubscriptionEntry: consumers.subscription_aspects({}, {}),
    Timeouts: upstream.TIMEOUTS,
    TrustedIssuer: trust.ISSUER,
    Upstream: upstream.UPSTREAM,
    UpstreamTls: upstream.TLS,
    Versioning: apis.VERSIONING,
}
