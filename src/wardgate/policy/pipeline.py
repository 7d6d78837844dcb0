"""The table: every built-in step, its phase, and why it stands there.

``hygiene`` (strict parsing, canonical path, header rules) and ``route`` come before any step and are the gateway's
own; the steps below run in this order, cheap refusals before dear ones, and nothing that identifies a caller is
believed before ``authenticate``. Policies of third parties run after the built-in steps of their phase. ``forward``,
``response`` and ``record`` follow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from wardgate.domain.api import Acl, Api, Resource
from wardgate.domain.rejection import Rejection
from wardgate.domain.trust import OAuth2Settings
from wardgate.policy import api_key, credentials, limits, oauth2, subscription, tls_required
from wardgate.policy.acl import Acls
from wardgate.policy.challenge import Challenge
from wardgate.policy.compiled import CompiledApi, CompiledResource, NamedStep
from wardgate.policy.condition import Conditions
from wardgate.policy.cors import CorsRules, with_version
from wardgate.policy.credentials import Combination
from wardgate.policy.exchange import Exchange, Step
from wardgate.policy.expression import expression
from wardgate.policy.registry import PHASES, CompileContext, PolicyRegistry
from wardgate.policy.standing import standing_step
from wardgate.policy.trusted import Profile, audiences_by_issuer, profile_of, with_claims

Table = tuple[NamedStep, ...]

#: Where a protected resource tells how to get a token for it (RFC 9728 section 3.1).
METADATA_PATH = "/.well-known/oauth-protected-resource"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compilation:
    """What the steps of one API have in common. ``issuer`` is this installation's own (RFC 8414)."""

    api: Api
    environment: str
    issuer: str
    keys: bool
    tokens: bool
    settings: OAuth2Settings
    profile: Profile
    audiences: Mapping[str, frozenset[str]]
    #: Made so far: resources that ask for the same share their rule, their challenge and their steps.
    made: dict[object, Step] = field(default_factory=dict)
    rules: dict[object, tuple[Combination, Challenge]] = field(default_factory=dict)

    def rule(self, resource: Resource) -> Combination:
        """Which credentials the resource takes."""
        return self.asked(resource)[0]

    def asked(self, resource: Resource) -> tuple[Combination, Challenge]:
        """Which credentials the resource takes, and how its refusals ask for them."""
        settings = self.settings
        person = bool(resource.acr_values or settings.acr_values) or not (
            resource.max_age is None and settings.max_age is None
        )
        key = (resource.schemes, resource.scopes, resource.require, person)
        asked = self.rules.get(key)
        if asked is None:
            rule = credentials.combination(resource, keys=self.keys, tokens=self.tokens, asks_person=person)
            challenge = Challenge(
                key=rule.takes_key,
                bearer=rule.takes_token and settings.bound != "dpop",
                dpop=rule.takes_token and settings.bound in ("dpop", "any"),
                scopes=resource.scopes,
                metadata=metadata_url(self.issuer, self.api),
            )
            asked = self.rules[key] = rule, challenge
        return asked


def metadata_url(issuer: str, api: Api) -> str:
    """Where the API's protected-resource document is; empty where ``issuer`` is not known."""
    return f"{issuer}{METADATA_PATH}{api.base_path.rstrip('/')}" if issuer else ""


@dataclass(frozen=True, slots=True)
class Row:
    """One built-in step: where it runs, why there, and how it is compiled (``None``: this resource needs none)."""

    policy: str
    phase: str
    why: str
    compile: Callable[[Compilation, Resource], Step | None]


def _token_step(shared: Compilation, resource: Resource) -> Step | None:
    rule, challenge = shared.asked(resource)
    if not rule.tokens:
        return None
    full = bool(acls_of(shared.api, resource) or conditions_of(shared.api, resource))
    key = ("oauth2", rule, challenge, full)
    if key not in shared.made:
        shared.made[key] = oauth2.OAuth2(
            rule,
            challenge,
            with_claims(shared.profile) if full else shared.profile,
            shared.audiences,
            shared.settings,
        )
    return shared.made[key]


def _key_step(shared: Compilation, resource: Resource) -> Step | None:
    rule, challenge = shared.asked(resource)
    if not rule.keys:
        return None
    if not rule.tokens:
        return api_key.compile_step(shared.environment)
    key = ("api_key", rule, challenge)
    if key not in shared.made:
        shared.made[key] = api_key.KeyAndToken(shared.environment, rule, challenge)
    return shared.made[key]


def _scope_step(shared: Compilation, resource: Resource) -> Step | None:
    rule, challenge = shared.asked(resource)
    if not resource.scopes or not rule.needs_token:
        return None
    return shared.made.setdefault(("scopes", challenge), oauth2.Scopes(resource.scopes, challenge))


def _step_up_step(shared: Compilation, resource: Resource) -> Step | None:
    rule, challenge = shared.asked(resource)
    if not rule.tokens:
        return None
    key = ("step_up", challenge, resource.acr_values, resource.max_age)
    step = shared.made.get(key) or oauth2.step_up_of(resource, shared.settings, challenge)
    return None if step is None else shared.made.setdefault(key, step)


def acls_of(api: Api, resource: Resource) -> tuple[Acl, ...]:
    """The ACLs of a resource that asks for a credential: the API's and its own."""
    return tuple(acl for acl in (api.acl, resource.acl) if acl is not None) if resource.schemes else ()


def conditions_of(api: Api, resource: Resource) -> tuple[str, ...]:
    """The conditions of a resource that asks for a credential: the API's and its own."""
    return tuple(filter(None, (api.condition, resource.condition))) if resource.schemes else ()


def _acl_step(shared: Compilation, resource: Resource) -> Step | None:
    acls = acls_of(shared.api, resource)
    return shared.made.setdefault(("acl", acls), Acls(acls)) if acls else None


def _condition_step(shared: Compilation, resource: Resource) -> Step | None:
    texts = conditions_of(shared.api, resource)
    if not texts:
        return None
    scheme = shared.api.api_key
    name = scheme.name.lower() if scheme.place == "header" else scheme.name
    made = Conditions(
        tuple(expression(text) for text in texts),
        "" if scheme.place == "cookie" else name,
        in_query=scheme.place == "query",
    )
    return shared.made.setdefault(("condition", texts), made)


def _subscription_step(shared: Compilation, resource: Resource) -> Step | None:
    if not resource.schemes:
        return None
    return subscription.subscription if shared.api.subscription == "required" else subscription.unsubscribed


def _limits_step(shared: Compilation, resource: Resource) -> Step | None:
    if not resource.schemes:
        return None
    if shared.api.limits:
        return limits.effective_limits
    return limits.limits if shared.api.plans else limits.own_limits


TABLE: tuple[Row, ...] = (
    Row(
        "standing",
        "network",
        "first of all: what is shut for everyone asks nobody for anything",
        lambda shared, resource: standing_step(shared.api, resource),
    ),
    Row(
        "tls_required",
        "network",
        "before a credential is even looked at: one sent in clear is burnt whether or not it is valid",
        lambda _shared, _resource: tls_required.tls_required,
    ),
    Row(
        "scheme_unavailable",
        "authenticate",
        "a resource whose schemes this gateway cannot check stays shut, whatever is sent",
        lambda shared, resource: _scheme_unavailable if shared.rule(resource).kind == "shut" else None,
    ),
    Row(
        "oauth2",
        "authenticate",
        "before the key, as it knows what a request without the credentials it needs is told",
        _token_step,
    ),
    Row(
        "api_key",
        "authenticate",
        "one cached look-up tells who calls; all later steps need it",
        _key_step,
    ),
    Row(
        "subscription",
        "authorize",
        "free of I/O, so before any counter is touched",
        _subscription_step,
    ),
    Row(
        "acl",
        "authorize",
        "groups are known by now, and cheaper to look at than anything below",
        _acl_step,
    ),
    Row(
        "scopes",
        "authorize",
        "after the subscription: what the application may call at all is the wider question",
        _scope_step,
    ),
    Row(
        "condition",
        "authorize",
        "the dearest question about the request itself, so for those who may call at all; it may ask for all they have",
        _condition_step,
    ),
    Row(
        "step_up",
        "authorize",
        "last of what is asked of a token: its holder can only answer it by signing in again",
        _step_up_step,
    ),
    Row(
        "limits",
        "limit",
        "last of the cheap steps: a request refused above must not use up the caller's limits",
        _limits_step,
    ),
)

_UNAVAILABLE = Rejection.of("scheme_unavailable", b'WWW-Authenticate: Bearer realm="wardgate"')


def _scheme_unavailable(_exchange: Exchange) -> Rejection | None:
    return _UNAVAILABLE


def compile_api(api: Api, environment: str, registry: PolicyRegistry, issuer: str = "") -> CompiledApi:
    """The API with each resource's steps in the table's order. ``issuer`` is this installation's (RFC 8414).

    Raises:
        PolicyConfigError: a pluggable policy is unknown or its settings are wrong.
    """
    cors = CorsRules(with_version(api.cors, api.versioning)) if api.cors is not None else None
    settings = api.oauth2 or OAuth2Settings()
    common = Compilation(
        api=api,
        environment=environment,
        issuer=issuer,
        keys=credentials.uses(api, "api_key"),
        tokens=credentials.uses(api, "oauth2"),
        settings=settings,
        profile=profile_of(settings, issuer),
        audiences=audiences_by_issuer(settings, issuer, api.base_path),
    )
    shared: dict[Table, tuple[Table, tuple[Step, ...]]] = {}
    undeclared = None
    if api.undeclared == "allow":
        undeclared = _compile(common, undeclared_resource(api), registry, cors, shared)
    resources = tuple(_compile(common, resource, registry, cors, shared) for resource in api.resources)
    return CompiledApi(api, resources, undeclared, cors)


def undeclared_resource(api: Api) -> Resource:
    """What stands for every request to ``api`` that its OpenAPI document does not declare."""
    return Resource(method="*", path="*", schemes=api.schemes, require=api.require)


def _compile(
    common: Compilation,
    resource: Resource,
    registry: PolicyRegistry,
    cors: CorsRules | None,
    shared: dict[Table, tuple[Table, tuple[Step, ...]]],
) -> CompiledResource:
    steps: list[NamedStep] = []
    for row in TABLE:
        step = row.compile(common, resource)
        if step is not None:
            steps.append(NamedStep(row.policy, row.phase, step))
    api = common.api
    for use in (*api.policies, *resource.policies):
        policy = registry.get(use.name)
        policy.validate(use.config)
        step = policy.compile(use.config, CompileContext(api, resource))
        if step is not None:
            steps.append(NamedStep(policy.name, policy.phase, step))
    steps.sort(key=lambda named: PHASES.index(named.phase))
    table = tuple(steps)
    table, calls = shared.setdefault(table, (table, tuple(named.call for named in table)))
    return CompiledResource(api, resource, table, calls, cors, common.rule(resource), tokens=common.tokens)
