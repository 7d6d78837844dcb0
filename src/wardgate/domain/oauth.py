"""OAuth 2.0 nouns: clients, grants, and what a token that was believed says of its bearer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"

#: Every grant a client may be registered for; the last two are legacy (RFC 9700 sections 2.1.2 and 2.4).
GRANT_TYPES = (
    "authorization_code",
    "refresh_token",
    "client_credentials",
    DEVICE_CODE,
    TOKEN_EXCHANGE,
    JWT_BEARER,
    "implicit",
    "password",
)
LEGACY_GRANTS = frozenset(("implicit", "password"))
#: Short names for grants whose own is long.
LONG_GRANTS: Mapping[str, str] = {
    "device_code": DEVICE_CODE,
    "token_exchange": TOKEN_EXCHANGE,
    "jwt_bearer": JWT_BEARER,
}
RESPONSE_TYPES = ("code", "token", "id_token", "id_token token")
_FRONT_TYPES = ("id_token token", "token", "id_token")

#: What a ``client_id`` may be.
CLIENT_ID = r"[A-Za-z0-9][A-Za-z0-9._~-]{0,127}"
CLIENT_ID_WORDS = (
    "up to 128 letters, digits, dots, hyphens, underscores or tildes, the first a letter or digit"
)
_CLIENT_ID = re.compile(CLIENT_ID)
#: How this installation calls people and things, and people where each sector has a name of its own for them.
_MADE_ID = re.compile(r"[a-z]+_[0-9a-z]{26}|[A-Za-z0-9_-]{43}")
_MADE_CLIENT_ID = re.compile(r"cl_[0-9a-z]{26}")

ClientAuthentication = Literal[
    "none",
    "client_secret_basic",
    "client_secret_post",
    "private_key_jwt",
    "tls_client_auth",
    "self_signed_tls_client_auth",
]
#: Methods that show a secret shared with the server.
SECRET_METHODS = frozenset(("client_secret_basic", "client_secret_post"))

TokenFormat = Literal["jwt", "opaque"]
SubjectType = Literal["public", "pairwise"]
SigningAlgorithm = Literal["ES256", "RS256", "EdDSA"]

#: Scopes that mean something to the server itself (OIDC core sections 5.4 and 11); every person may grant them.
OIDC_SCOPES: Mapping[str, str] = {
    "openid": "Know who you are",
    "profile": "See your name and profile",
    "email": "See your e-mail address",
    "address": "See your postal address",
    "phone": "See your telephone number",
    "offline_access": "Keep access while you are away",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """An OAuth 2.0 client: credentials of an application in one environment, and what it may do (RFC 7591 section 2).

    ``id`` is the ``client_id``. ``scopes`` bounds what any token of it can hold; ``audiences`` the resource indicators
    it may ask for (empty: those of the APIs it is subscribed to). Lifetimes are seconds. ``jwks`` is a JWK set or
    ``None``. ``trusted`` skips consent and is set by an operator only.
    """

    id: str
    application: str
    environment: str
    name: str
    authentication: ClientAuthentication = "client_secret_basic"
    grant_types: tuple[str, ...] = ("authorization_code", "refresh_token")
    response_types: tuple[str, ...] = ("code",)
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()
    token_format: TokenFormat = "jwt"
    access_alg: SigningAlgorithm = "ES256"
    access_lifetime: int = 600
    id_token_lifetime: int = 300
    #: A refresh token ends when unused this long, and with its whole family this long after the first.
    refresh_idle_lifetime: int = 14 * 86400
    refresh_lifetime: int = 90 * 86400
    id_token_alg: SigningAlgorithm = "ES256"
    userinfo_alg: SigningAlgorithm | None = None
    introspection_alg: SigningAlgorithm | None = None
    #: What the client itself signs with, where it said: its assertions and its request objects.
    assertion_alg: str | None = None
    request_alg: str | None = None
    jwks: Mapping[str, Any] | None = None
    jwks_uri: str = ""
    #: RFC 8705 section 2.1.2: exactly one of them for ``tls_client_auth``.
    tls_subject_dn: str = ""
    tls_san_dns: str = ""
    tls_san_uri: str = ""
    require_par: bool = False
    require_signed_request: bool = False
    require_dpop: bool = False
    certificate_bound: bool = False
    authorization_details_types: tuple[str, ...] = ()
    subject_type: SubjectType = "public"
    sector_identifier_uri: str = ""
    default_max_age: int | None = None
    require_auth_time: bool = False
    default_acr_values: tuple[str, ...] = ()
    backchannel_logout_uri: str = ""
    backchannel_logout_session_required: bool = False
    client_uri: str = ""
    logo_uri: str = ""
    policy_uri: str = ""
    tos_uri: str = ""
    contacts: tuple[str, ...] = ()
    trusted: bool = False
    status: Literal["active", "suspended"] = "active"
    created_at: float = 0.0
    #: Ids of those who made it what another person has to agree to; it is suspended while there are any.
    held_by: tuple[str, ...] = ()
    #: When the first of them did, in Unix seconds; what it says once nobody holds it means nothing.
    held_at: float = 0.0

    @property
    def public(self) -> bool:
        """Whether it cannot keep a secret (RFC 6749 section 2.1)."""
        return self.authentication == "none"

    @property
    def legacy(self) -> tuple[str, ...]:
        """The grants it uses that nobody should start with today."""
        return tuple(grant for grant in self.grant_types if grant in LEGACY_GRANTS)


def client_id_problem(client_id: str) -> str | None:
    """What is wrong with a ``client_id``, after "the id", or ``None``. In tokens of its own a client is the subject (RFC
    9068 section 5): none may be called as a person is (RFC 9700 section 4.15)."""
    if not _CLIENT_ID.fullmatch(client_id):
        return "cannot be one"
    if _MADE_ID.fullmatch(client_id) and not _MADE_CLIENT_ID.fullmatch(client_id):
        return "is of the form of ids of people, as whom it would act"
    return None


def response_types_for(grant_types: tuple[str, ...]) -> tuple[str, ...]:
    """The response types that go with grants."""
    code = ("code",) if "authorization_code" in grant_types else ()
    return code + (_FRONT_TYPES if "implicit" in grant_types else ())


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSecret:
    """One secret of a client, never itself: BLAKE2b-256 keyed with the master key. Several overlap in a rotation."""

    client: str
    digest: bytes = field(repr=False)
    created_at: float
    expires_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a person let a client do, and every token that follows from it names. ``subject`` is the user's id.

    ``resources`` are the audiences agreed to; ``session`` the browser session it came from (empty: none);
    ``claims`` the OIDC ``claims`` request. ``jkt`` and ``x5t`` bind it to a key (RFC 9449, RFC 8705).
    """

    id: str
    environment: str
    client: str
    subject: str
    scopes: tuple[str, ...]
    kind: str
    created_at: float
    expires_at: float | None = None
    revoked_at: float | None = None
    resources: tuple[str, ...] = ()
    authorization_details: tuple[Mapping[str, Any], ...] = ()
    claims: Mapping[str, Any] = field(default_factory=dict)
    session: str = ""
    auth_time: int | None = None
    acr: str = ""
    amr: tuple[str, ...] = ()
    jkt: str = ""
    x5t: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What a verified access token says, whoever issued it, JWT or opaque. Times are Unix seconds.

    ``id`` is its ``jti``; ``client`` the claim its application was found by; ``grant`` and ``subject`` are empty where
    there is none. ``jkt`` and ``x5t`` (base64url SHA-256) name the key it is bound to. ``issuer`` is empty for opaque
    tokens of this server only until it is read. ``issued_ms`` (tokens of this server) orders it against revocations.
    """

    id: str
    issuer: str
    client: str
    subject: str = ""
    grant: str = ""
    audiences: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    issued_at: float = 0.0
    expires_at: float = 0.0
    issued_ms: int = 0
    jkt: str = ""
    x5t: str = ""
    acr: str = ""
    auth_time: float | None = None
    #: ``act`` of RFC 8693: who acts, outermost first.
    actors: tuple[str, ...] = ()
    authorization_details: tuple[Mapping[str, Any], ...] = ()
    #: What the next two hold is read only for APIs whose ACLs and conditions ask for it. ``groups`` are the person's;
    #: ``claims`` all that the token says. Neither is stored.
    groups: frozenset[str] = field(default=frozenset(), metadata={"stored": False})
    claims: Mapping[str, Any] | None = field(
        default=None, repr=False, compare=False, hash=False, metadata={"stored": False}
    )


RevocationKind = Literal["jti", "grant", "subject", "client", "application"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """Tokens taken back: those whose ``kind`` is ``key`` and that were issued up to ``at_ms``.

    ``until`` (Unix seconds) is when the last of them would have expired, so that the row can be swept.
    """

    kind: RevocationKind
    key: str
    at_ms: int
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenKey:
    """A public key of this server's tokens, as a JWK with ``kid``, ``alg`` and ``use``."""

    kid: str
    algorithm: SigningAlgorithm
    public: Mapping[str, Any]
