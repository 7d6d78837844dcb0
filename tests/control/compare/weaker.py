"""A strict API, and each way to weaken it alone: shared by the tests of comparing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from wardgate.control.compare import Deployable
from wardgate.domain.api import Acl, Api, ApiKeyScheme, Cors, PolicyUse, Resource
from wardgate.domain.limit import Limit, Plan, Soften
from wardgate.domain.standing import Catalogue, Standing
from wardgate.domain.trust import OAuth2Settings, TrustedIssuer
from wardgate.domain.upstream import Upstream, UpstreamTls

Change = Callable[[Deployable], Deployable]

ITEM = Resource(
    method="GET",
    path="/items/{id}",
    schemes=("oauth2",),
    scopes=("items:read", "items:list"),
    acr_values=("urn:wardgate:acr:2",),
    max_age=300,
    acl=Acl(allow=("staff",), deny=("interns",)),
    condition="claims.sub == path.id",
    policies=(PolicyUse(name="schema", config={"strict": True}),),
    max_body=1000,
)
PAY = Resource(method="POST", path="/pay", schemes=("api_key", "oauth2"), require="all")
LIST = Resource(method="GET", path="/items", schemes=("api_key",))
STRICT = Deployable(
    api=Api(
        name="orders",
        version="v1",
        base_path="/orders",
        upstream=Upstream(
            targets=("https://orders.internal",),
            tls=UpstreamTls(ca="/ca.pem", server_name="orders", certificate="/c.pem", key="/k.pem"),
            headers={"X-Gate": "${secret:GATE}"},
            max_connections=64,
        ),
        resources=(ITEM, PAY, LIST),
        hosts=("api.example.com",),
        plans=("gold", "silver"),
        cors=Cors(origins=("https://app.example.com",), methods=("PUT",), headers=("X-One",)),
        policies=(PolicyUse(name="waf"), PolicyUse(name="bot")),
        max_body=5000,
        oauth2=OAuth2Settings(
            audiences=("orders",),
            issuers=(
                TrustedIssuer(issuer="", kind="builtin"),
                TrustedIssuer(
                    issuer="https://id.example.com",
                    audiences=("orders",),
                    algorithms=("ES256",),
                    types=("at+jwt",),
                    applications={"web": "shop"},
                    role_scopes={"reader": ("items:read",)},
                    jwks_uri="https://id.example.com/jwks",
                    max_lifetime=600,
                ),
            ),
            bound="dpop",
            max_lifetime=3600,
            proof_nonce=True,
            acr_values=("urn:wardgate:acr:1",),
            max_age=3600,
        ),
        acl=Acl(allow=("staff", "partners"), deny=("banned",)),
        condition="request.secure",
        limits=(Limit(kind="concurrency", amount=10),),
        standing=Standing(off=("POST /pay",), lifecycle="retired"),
    ),
    plans=(
        Plan(
            name="gold",
            limits=(
                Limit(kind="rate", amount=100, per="minute", burst=20),
                Limit(kind="quota", amount=1000, per="day", timezone="Europe/Berlin"),
                Limit(kind="spike", amount=10, per="second"),
            ),
        ),
        Plan(
            name="silver",
            limits=(
                Limit(kind="rate", amount=10, per="minute"),
                Limit(
                    kind="quota",
                    amount=100,
                    per="day",
                    on_exceeded="soften",
                    soften=Soften(amount=1, per="second"),
                ),
            ),
        ),
    ),
    openapi_text="openapi: 3.1.0\n",
    catalogue=Catalogue(visibility="group", groups=("staff",)),
)


def api(**fields: Any) -> Change:
    """Changes fields of the API."""
    return lambda state: replace(state, api=replace(state.api, **fields))


def resource(name: str, **fields: Any) -> Change:
    """Changes fields of one resource."""

    def change(state: Deployable) -> Deployable:
        found = tuple(replace(r, **fields) if r.name == name else r for r in state.api.resources)
        return replace(state, api=replace(state.api, resources=found))

    return change


def without(name: str) -> Change:
    """Takes a resource away."""
    return lambda state: replace(
        state, api=replace(state.api, resources=tuple(r for r in state.api.resources if r.name != name))
    )


def with_resource(**fields: Any) -> Change:
    """Adds a resource."""
    return lambda state: replace(
        state, api=replace(state.api, resources=(*state.api.resources, Resource(**fields)))
    )


def upstream(**fields: Any) -> Change:
    """Changes fields of the upstream."""
    return lambda state: replace(
        state, api=replace(state.api, upstream=replace(state.api.upstream, **fields))
    )


def tls(**fields: Any) -> Change:
    """Changes fields of TLS to the upstream."""
    return lambda state: upstream(tls=replace(state.api.upstream.tls, **fields))(state)


def cors(**fields: Any) -> Change:
    """Changes fields of CORS, switching it on where it is off."""
    return lambda state: api(cors=replace(state.api.cors or Cors(), **fields))(state)


def oauth2(**fields: Any) -> Change:
    """Changes what is asked of tokens."""
    return lambda state: api(oauth2=replace(state.api.oauth2 or OAuth2Settings(), **fields))(state)


def issuer(**fields: Any) -> Change:
    """Changes the foreign issuer."""

    def change(state: Deployable) -> Deployable:
        settings = state.api.oauth2 or OAuth2Settings()
        found = tuple(replace(i, **fields) if i.kind == "jwks" else i for i in settings.issuers)
        return oauth2(issuers=found)(state)

    return change


def limit(plan: str, kind: str, **fields: Any) -> Change:
    """Changes fields of a plan's limit of that kind."""

    def change(state: Deployable) -> Deployable:
        def changed(each: Plan) -> Plan:
            found = tuple(replace(x, **fields) if x.kind == kind else x for x in each.limits)
            return replace(each, limits=found) if each.name == plan else each

        return replace(state, plans=tuple(map(changed, state.plans)))

    return change


def drop_limit(plan: str, kind: str) -> Change:
    """Takes the limits of a kind out of a plan."""

    def change(state: Deployable) -> Deployable:
        return replace(
            state,
            plans=tuple(
                replace(p, limits=tuple(x for x in p.limits if x.kind != kind)) if p.name == plan else p
                for p in state.plans
            ),
        )

    return change


def plan(new: Plan) -> Change:
    """Offers another plan."""
    return lambda state: replace(api(plans=(*state.api.plans, new.name))(state), plans=(*state.plans, new))


def catalogue(**fields: Any) -> Change:
    """Changes who may find the API."""
    return lambda state: replace(state, catalogue=replace(state.catalogue or Catalogue(), **fields))


def text(value: str) -> Change:
    """Changes the OpenAPI text."""
    return lambda state: replace(state, openapi_text=value)


_FLOW = "components: {securitySchemes: {o: {type: oauth2, flows: {implicit: {authorizationUrl: https://a, scopes: {}}}}}}\n"
_OTHER = TrustedIssuer(issuer="https://other.example.com")
_STRICT_API = STRICT.api
_ITEM = ITEM.name

#: What weakens STRICT, by a name: the change, and the kind of difference that must say so.
WEAKENINGS: dict[str, tuple[Change, str]] = {
    "security off": (
        resource(_ITEM, schemes=(), scopes=(), acr_values=(), max_age=None),
        "security_off",
    ),
    "scheme removed of all": (resource("POST /pay", schemes=("api_key",), require="any"), "scheme_removed"),
    "all becomes any": (resource("POST /pay", require="any"), "require_changed"),
    "scheme added to any": (resource("GET /items", schemes=("api_key", "oauth2")), "scheme_added"),
    "scheme replaced": (resource("GET /items", schemes=("basic",)), "scheme_removed"),
    "scope removed": (resource(_ITEM, scopes=("items:read",)), "scope_removed"),
    "acr lowered": (resource(_ITEM, acr_values=("urn:wardgate:acr:1",)), "acr_changed"),
    "acr left to the API": (resource(_ITEM, acr_values=()), "acr_changed"),
    "sign-in may be older": (resource(_ITEM, max_age=600), "max_age_changed"),
    "resource acl widened": (
        resource(_ITEM, acl=Acl(allow=("staff", "x"), deny=("interns",))),
        "acl_allow_widened",
    ),
    "resource acl dropped": (resource(_ITEM, acl=None), "acl_allow_widened"),
    "condition removed": (resource(_ITEM, condition=""), "condition_removed"),
    "resource policy removed": (resource(_ITEM, policies=()), "policy_removed"),
    "resource policy loosened": (
        resource(_ITEM, policies=(PolicyUse(name="schema", config={"strict": False}),)),
        "policy_changed",
    ),
    "resource body raised": (resource(_ITEM, max_body=2000), "max_body_raised"),
    "resource body left to the API": (resource(_ITEM, max_body=None), "max_body_raised"),
    "open resource added": (with_resource(method="GET", path="/ping", schemes=()), "resource_added"),
    "resource cut out": (
        with_resource(method="GET", path="/items/special", schemes=("oauth2",)),
        "resource_added",
    ),
    "undeclared let through": (api(undeclared="allow"), "undeclared_changed"),
    "hosts dropped": (api(hosts=()), "hosts_removed"),
    "host added": (api(hosts=("api.example.com", "www.example.com")), "host_added"),
    "key in the URL": (api(api_key=ApiKeyScheme(place="query", name="key")), "key_place_changed"),
    "key in a cookie": (api(api_key=ApiKeyScheme(place="cookie", name="key")), "key_place_changed"),
    "body raised": (api(max_body=6000), "max_body_raised"),
    "policy removed": (api(policies=(PolicyUse(name="waf"),)), "policy_removed"),
    "policies in another order": (
        api(policies=(PolicyUse(name="bot"), PolicyUse(name="waf"))),
        "policies_reordered",
    ),
    "identity headers off": (api(identity_headers=False), "identity_headers_off"),
    "assertion off": (api(assertion=False), "assertion_off"),
    "acl widened": (
        api(acl=Acl(allow=("staff", "partners", "public"), deny=("banned",))),
        "acl_allow_widened",
    ),
    "acl denies fewer": (api(acl=Acl(allow=("staff", "partners"))), "acl_deny_narrowed"),
    "api condition dropped": (api(condition=""), "condition_removed"),
    "no subscription": (api(subscription="off"), "subscription_off"),
    "default limit raised": (api(limits=(Limit(kind="concurrency", amount=11),)), "limit_raised"),
    "default limit removed": (api(limits=()), "limit_removed"),
    "no plans": (lambda s: replace(api(plans=())(s), plans=()), "plans_off"),
    "back from retirement": (
        api(standing=replace(_STRICT_API.standing, lifecycle="published")),
        "lifecycle_changed",
    ),
    "switched on": (api(standing=replace(_STRICT_API.standing, off=())), "switched_off_removed"),
    "upstream in clear": (upstream(targets=("http://orders.internal",)), "upstream_tls_off"),
    "one target in clear": (
        upstream(targets=("https://orders.internal", "http://b.internal")),
        "upstream_tls_off",
    ),
    "upstream unchecked": (tls(verify=False), "verify_off"),
    "every authority": (tls(ca=None), "upstream_ca_changed"),
    "another name": (tls(server_name="other"), "upstream_name_changed"),
    "no client certificate": (tls(certificate=None, key=None), "upstream_mutual_tls_off"),
    "client's host": (upstream(preserve_host=True), "preserve_host_on"),
    "more connections": (upstream(max_connections=128), "max_connections_raised"),
    "header not set": (upstream(headers={}), "upstream_header_removed"),
    "secret sent elsewhere": (upstream(targets=("https://orders2.internal",)), "secret_sent"),
    "secret sent to one more": (
        upstream(targets=("https://orders.internal", "https://orders2.internal")),
        "secret_sent",
    ),
    "every origin": (cors(origins=("*",)), "cors_origins_widened"),
    "another origin": (
        cors(origins=("https://app.example.com", "https://b.example.com")),
        "cors_origins_widened",
    ),
    "cors credentials": (cors(credentials=True), "credentials_on"),
    "cors method": (cors(methods=("PUT", "DELETE")), "cors_methods_widened"),
    "cors header": (cors(headers=("*",)), "cors_headers_widened"),
    "cors exposes": (cors(expose=("X-Two",)), "cors_expose_widened"),
    "audience widened": (oauth2(audiences=("orders", "everything")), "audience_added"),
    "usual audiences": (oauth2(audiences=()), "audience_changed"),
    "issuer added": (
        lambda s: oauth2(issuers=(*(s.api.oauth2 or OAuth2Settings()).issuers, _OTHER))(s),
        "issuer_added",
    ),
    "binding off": (oauth2(bound="none"), "bound_changed"),
    "binding any": (oauth2(bound="any"), "bound_changed"),
    "longer tokens": (oauth2(max_lifetime=7200), "max_lifetime_raised"),
    "endless tokens": (oauth2(max_lifetime=None), "max_lifetime_removed"),
    "more skew": (oauth2(skew=60), "skew_raised"),
    "older proofs": (oauth2(proof_age=90), "proof_age_raised"),
    "no nonce": (oauth2(proof_nonce=False), "proof_nonce_off"),
    "no acr": (oauth2(acr_values=()), "acr_changed"),
    "no max age": (oauth2(max_age=None), "max_age_removed"),
    "tokens elsewhere": (oauth2(token_endpoint="https://x.example.com/token"), "token_endpoint_changed"),
    "algorithm added": (issuer(algorithms=("ES256", "RS256")), "algorithm_added"),
    "type added": (issuer(types=("at+jwt", "jwt")), "token_type_added"),
    "client mapped": (issuer(applications={"web": "shop", "cli": "shop"}), "mapped_application_added"),
    "client mapped elsewhere": (issuer(applications={"web": "till"}), "mapped_application_changed"),
    "role grows": (issuer(role_scopes={"reader": ("items:read", "items:write")}), "role_scope_changed"),
    "keys elsewhere": (issuer(jwks_uri="https://evil.example.com/jwks"), "jwks_uri_changed"),
    "issuer audience": (issuer(audiences=("orders", "b")), "audience_added"),
    "issuer lifetime": (issuer(max_lifetime=None), "max_lifetime_raised"),
    "stale keys": (issuer(max_key_age=10**6), "max_key_age_raised"),
    "rate raised": (limit("gold", "rate", amount=200), "limit_raised"),
    "rate per second": (limit("gold", "rate", amount=2, per="second"), "limit_raised"),
    "burst raised": (limit("gold", "rate", burst=21), "limit_raised"),
    "spike raised": (limit("gold", "spike", amount=11), "limit_raised"),
    "quota raised": (limit("gold", "quota", amount=1001), "limit_raised"),
    "quota softened": (
        limit("gold", "quota", on_exceeded="soften", soften=Soften(amount=1, per="minute")),
        "limit_raised",
    ),
    "softer": (limit("silver", "quota", soften=Soften(amount=2, per="second")), "limit_raised"),
    "allow when away": (limit("silver", "rate", when_away="allow"), "limit_raised"),
    "limit removed": (drop_limit("gold", "quota"), "limit_removed"),
    "stronger plan": (
        plan(Plan(name="unlimited", limits=(Limit(kind="rate", amount=1000, per="second"),))),
        "plan_added",
    ),
    "seen by all": (catalogue(visibility="public"), "visibility_widened"),
    "seen by more": (catalogue(groups=("staff", "all")), "visible_to_added"),
    "implicit grant": (text(f"openapi: 3.1.0\n{_FLOW}"), "legacy_grant_added"),
}

#: Changes that weaken nothing.
HARMLESS: dict[str, Change] = {
    "another path": api(base_path="/v1/orders"),
    "resource added": with_resource(method="GET", path="/new", schemes=("api_key",)),
    "resource removed": without("GET /items"),
    "scope added": resource(_ITEM, scopes=("items:read", "items:list", "more")),
    "scheme added to all": resource("GET /items", schemes=("api_key", "oauth2"), require="all"),
    "operation named": resource("POST /pay", operation_id="pay"),
    "acl narrowed": api(acl=Acl(allow=("staff",), deny=("banned", "more"))),
    "policy added": api(policies=(*STRICT.api.policies, PolicyUse(name="more"))),
    "body lowered": api(max_body=4000),
    "cors off": api(cors=None),
    "retries": upstream(retries=3),
    "another path at the target": upstream(targets=("https://orders.internal:443/v2",)),
    "fewer audiences": issuer(applications={}),
    "issuer removed": oauth2(issuers=(TrustedIssuer(issuer="", kind="builtin"),)),
    "shorter tokens": oauth2(max_lifetime=60),
    "rate lowered": limit("gold", "rate", amount=50, burst=10),
    "rate per second, lower": limit("gold", "rate", amount=1, per="second", burst=10),
    "quota per month": limit("silver", "quota", amount=99),
    "weaker plan": plan(Plan(name="bronze", limits=STRICT.plans[1].limits)),
    "private": catalogue(visibility="private"),
    "documented": catalogue(docs="https://docs.example.com", tags=("a",)),
    "scope in words": api(scopes={"items:read": "Read items"}),
    "text": text("openapi: 3.1.0\ninfo: {}\n"),
}
