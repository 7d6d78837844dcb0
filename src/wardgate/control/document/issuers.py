"""``security.oauth2.issuers``: the authorization servers whose access tokens an API accepts."""

from __future__ import annotations

import re
from dataclasses import replace

from wardgate.control.document.fields import Fields, suggestion
from wardgate.control.document.names import LINE, LINE_WORDS, SCOPE, SCOPE_WORDS, TITLE, TITLE_WORDS
from wardgate.control.document.presets import PRESETS, preset_issuers
from wardgate.control.document.urls import read_url
from wardgate.domain.trust import SECRET_PREFIX, TrustedIssuer
from wardgate.openapi.tree import Node, Path, Scalar

BUILTIN = TrustedIssuer(issuer="", kind="builtin")
#: Signatures that another party's public key can check (RFC 7518 section 3.1, RFC 8037, RFC 9864).
ALGORITHMS = (
    "ES256",
    "ES384",
    "ES512",
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "EdDSA",
    "Ed25519",
)
LONGEST = 366 * 86400

_KEYS = (
    "preset",
    "tenant",
    "issuer",
    "jwks_uri",
    "audiences",
    "algorithms",
    "types",
    "application_claims",
    "applications",
    "scope_claims",
    "roles_claims",
    "role_scopes",
    "skew",
    "max_lifetime",
    "max_key_age",
    "introspection",
)
_CLAIM = r"[\x21-\x7e]{1,256}"
_CLAIM_WORDS = "the name of a claim, such as azp"
_TYPE = r"(?:[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126})?"
_TYPE_WORDS = 'a media type without `application/`, such as at+jwt, or "" for tokens that say none'
_VARIABLE = SECRET_PREFIX + r"[A-Za-z0-9_]{1,127}"
_SYMMETRIC = re.compile(r"HS\d+|none", re.IGNORECASE)


def read_issuers(oauth2: Fields) -> tuple[TrustedIssuer, ...]:
    """Every issuer of the list; mistakes are noted."""
    found: list[TrustedIssuer] = []
    for item, path in oauth2.items("issuers"):
        for issuer in _read(oauth2, item, path):
            if issuer.issuer and any(known.issuer == issuer.issuer for known in found):
                message = f"the issuer {issuer.issuer!r} stands here twice"
                oauth2.report.add(item.line, path, message, "Merge the two")
            elif issuer.kind == "builtin" and BUILTIN in found:
                oauth2.report.add(item.line, path, "'builtin' stands here twice", "Remove one of them")
            else:
                found.append(issuer)
    if "issuers" in oauth2 and not found and not oauth2.items("issuers"):
        oauth2.problem("issuers", "an empty list of issuers says nothing", "Write `issuers: [builtin]`")
    return tuple(found)


def _read(oauth2: Fields, item: Node, path: Path) -> tuple[TrustedIssuer, ...]:
    if isinstance(item, Scalar):
        if item.value == "builtin":
            return (BUILTIN,)
        remedy = "Write `builtin`, or a mapping such as `{ issuer: https://id.example.com }`"
        oauth2.report.add(item.line, path, f"{item.value!r} is no issuer", remedy)
        return ()
    fields = Fields(oauth2.report, item, path, _KEYS)
    preset = fields.choice("preset", PRESETS, None)
    bases = _generic(fields) if preset is None else preset_issuers(fields, preset)
    if preset is not None and not fields.items("audiences") and not oauth2.items("audiences"):
        fields.problem(
            None,
            f"tokens of {preset} name an audience of their own, and none is given",
            "Add `audiences:` with what stands in `aud`, such as api://orders",
        )
    return tuple(_introspected(fields, _checks(fields, base)) for base in bases)


def _generic(fields: Fields) -> tuple[TrustedIssuer, ...]:
    if "issuer" not in fields:
        fields.problem(None, "the key 'issuer' is missing", "Add `issuer:` with what stands in `iss`")
    if "tenant" in fields:
        fields.problem("tenant", "only the preset entra has a tenant", "Add `preset: entra`, or remove it")
    return (TrustedIssuer(issuer=read_url(fields, "issuer", variables=True)),)


def _checks(fields: Fields, base: TrustedIssuer) -> TrustedIssuer:
    """``base`` with all that the settings say of its tokens."""
    names = fields.texts("algorithms", r"[\S ]+", f"one of {', '.join(ALGORITHMS)}")
    for index, name in enumerate(names):
        if name not in ALGORITHMS:
            path = (*fields.path, "algorithms", index)
            remedy = suggestion(name, ALGORITHMS, "algorithms")
            if _SYMMETRIC.fullmatch(name):
                remedy = (
                    "Use one with a public key, such as ES256: nobody else's tokens can be checked otherwise"
                )
            fields.report.add(fields.line, path, f"the algorithm {name!r} is not accepted", remedy)
    return replace(
        base,
        audiences=fields.texts("audiences", LINE, LINE_WORDS) or base.audiences,
        algorithms=tuple(name for name in names if name in ALGORITHMS) or base.algorithms,
        types=tuple(each.lower() for each in fields.texts("types", _TYPE, _TYPE_WORDS)) or base.types,
        application_claims=fields.texts("application_claims", _CLAIM, _CLAIM_WORDS)
        or base.application_claims,
        applications=_applications(fields),
        scope_claims=fields.texts("scope_claims", _CLAIM, _CLAIM_WORDS) or base.scope_claims,
        roles_claims=fields.texts("roles_claims", _CLAIM, _CLAIM_WORDS) or base.roles_claims,
        role_scopes=_role_scopes(fields),
        skew=fields.integer("skew", None, 0, 600),
        max_lifetime=fields.integer("max_lifetime", None, 1, LONGEST),
        jwks_uri=base.jwks_uri or read_url(fields, "jwks_uri", query=True, variables=True),
        max_key_age=fields.integer("max_key_age", base.max_key_age, 300, 30 * 86400),
    )


def _applications(fields: Fields) -> dict[str, str]:
    """By the value of the application claim, the application's name."""
    inner = fields.child("applications", ())
    found: dict[str, str] = {}
    for client in inner.entries if inner else ():
        name = inner.text(client, "", TITLE, TITLE_WORDS) if inner else ""
        if name:
            found[client] = name
    return found


def _role_scopes(fields: Fields) -> dict[str, tuple[str, ...]]:
    inner = fields.child("role_scopes", ())
    return {role: inner.texts(role, SCOPE, SCOPE_WORDS) for role in inner.entries} if inner else {}


def _introspected(fields: Fields, issuer: TrustedIssuer) -> TrustedIssuer:
    """``issuer``, or where its tokens are asked about (RFC 7662) instead of read, how."""
    inner = fields.child("introspection", ("endpoint", "client_id", "secret_env", "ttl"))
    if inner is None:
        return issuer
    for key in ("jwks_uri", "algorithms", "types", "max_key_age", "preset"):
        if key in fields:
            fields.problem(key, f"{key!r} has no meaning for tokens that are asked about", "Remove it")
    if "endpoint" not in inner:
        inner.problem(None, "the key 'endpoint' is missing", "Add `endpoint:` with the URL of RFC 7662")
    return replace(
        issuer,
        kind="introspection",
        introspection_endpoint=read_url(inner, "endpoint", query=True, variables=True),
        introspection_client_id=inner.required("client_id", _CLAIM, "the client the gateway asks as"),
        introspection_secret=inner.required(
            "secret_env",
            _VARIABLE,
            f"an environment variable that holds the client's secret and begins with {SECRET_PREFIX}",
        ),
        introspection_ttl=inner.integer("ttl", issuer.introspection_ttl, 0, 3600),
    )
