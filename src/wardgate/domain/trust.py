"""Whose access tokens an API accepts, and what it asks of them (RFC 6750, RFC 9068, RFC 9449, RFC 8705, RFC 9470)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

#: ``builtin``: this installation; ``jwks``: signed tokens, keys by JWK set; ``introspection``: asked about (RFC 7662).
IssuerKind = Literal["builtin", "jwks", "introspection"]
#: Proof of possession asked for: of no token, by DPoP, by a client certificate, or by either.
Binding = Literal["none", "dpop", "mtls", "any"]
#: What names of environment variables with secrets for introspection begin with: no document reaches any other variable.
SECRET_PREFIX = "INTROSPECTION_"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedIssuer:
    """An authorization server whose tokens are believed. Times are seconds.

    ``issuer`` is compared with ``iss`` exactly. ``audiences`` empty: those of the API. ``types`` are accepted ``typ``
    values in lower case, an empty text among them for tokens without; empty means ``at+jwt`` from this installation
    and ``at+jwt``, ``jwt`` or none from others, whose access tokens often do not say what they are.
    ``application_claims``: the first one present names the client; ``applications`` maps its value to an application's
    name; a value that is not mapped stands for nobody, as a foreign issuer must not name clients of this installation.
    ``role_scopes`` gives the scopes a role stands for.
    """

    issuer: str
    kind: IssuerKind = "jwks"
    audiences: tuple[str, ...] = ()
    algorithms: tuple[str, ...] = ("ES256", "ES384", "RS256", "PS256", "EdDSA", "Ed25519")
    types: tuple[str, ...] = ()
    application_claims: tuple[str, ...] = ("azp", "client_id", "appid")
    applications: Mapping[str, str] = field(default_factory=dict)
    scope_claims: tuple[str, ...] = ("scope", "scp")
    roles_claims: tuple[str, ...] = ("roles",)
    role_scopes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: ``None``: as the API says.
    skew: int | None = None
    max_lifetime: int | None = None
    #: Where its keys are; empty: by its metadata (RFC 8414, OIDC discovery).
    jwks_uri: str = ""
    #: How long keys are believed that could not be read anew; after that its tokens answer 503.
    max_key_age: int = 86400
    introspection_endpoint: str = ""
    introspection_client_id: str = ""
    #: The name of the secret the introspection client authenticates with, never the secret; see ``SECRET_PREFIX``.
    introspection_secret: str = ""
    #: How long an answer of the introspection endpoint is believed at most.
    introspection_ttl: int = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth2Settings:
    """What an API asks of access tokens. Times are seconds.

    ``audiences`` empty: the issuer of this installation, and the issuer followed by the API's base path. ``issuers``
    empty: this installation alone. ``max_lifetime`` bounds ``exp - iat``. ``acr_values`` and ``max_age`` ask how and
    how recently the person signed in (RFC 9470); a resource may ask for more of its own.
    """

    audiences: tuple[str, ...] = ()
    issuers: tuple[TrustedIssuer, ...] = ()
    bound: Binding = "none"
    max_lifetime: int | None = None
    skew: int = 30
    #: How old a DPoP proof may be, and whether it must hold a nonce of this server (RFC 9449 section 9).
    proof_age: int = 60
    proof_nonce: bool = False
    acr_values: tuple[str, ...] = ()
    max_age: int | None = None
    #: URL of the authorization server that ``POST <base path>/oauth2/token`` is passed on to; empty: there is none.
    token_endpoint: str = ""
