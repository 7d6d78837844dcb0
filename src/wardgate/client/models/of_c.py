"""What the admin API is sent and answers. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

if TYPE_CHECKING:
    from wardgate.client import models


class Cancellation(TypedDict):
    """Why it is taken back."""

    reason: NotRequired[str]


class Client(TypedDict):
    """An OAuth 2.0 client: never its secret."""

    id: str
    application: str
    environment: str
    name: str
    authentication: str
    grant_types: list[str]
    response_types: list[str]
    redirect_uris: list[str]
    post_logout_redirect_uris: list[str]
    scopes: list[str]
    audiences: list[str]
    token_format: str
    access_alg: str
    access_lifetime: int
    id_token_lifetime: int
    refresh_idle_lifetime: int
    refresh_lifetime: int
    id_token_alg: str
    userinfo_alg: str | None
    introspection_alg: str | None
    assertion_alg: str | None
    request_alg: str | None
    jwks: dict[str, Any] | None
    jwks_uri: str
    tls_subject_dn: str
    tls_san_dns: str
    tls_san_uri: str
    require_par: bool
    require_signed_request: bool
    require_dpop: bool
    certificate_bound: bool
    authorization_details_types: list[str]
    subject_type: str
    sector_identifier_uri: str
    default_max_age: int | None
    require_auth_time: bool
    default_acr_values: list[str]
    backchannel_logout_uri: str
    backchannel_logout_session_required: bool
    client_uri: str
    logo_uri: str
    policy_uri: str
    tos_uri: str
    contacts: list[str]
    trusted: bool
    status: Literal["active", "suspended"]
    created_at: float
    held: bool
    legacy_grants: list[str]
    secrets: list[models.ClientSecret]
    warnings: list[str]


class ClientSecret(TypedDict):
    """One of a client's secrets: never itself."""

    created_at: float
    expires_at: float | None


class ClientSettings(TypedDict):
    """What may be set of a client (RFC 7591 section 2). What is left out stays, or is as usual for a new one."""

    name: NotRequired[str]
    authentication: NotRequired[
        Literal[
            "none",
            "client_secret_basic",
            "client_secret_post",
            "private_key_jwt",
            "tls_client_auth",
            "self_signed_tls_client_auth",
        ]
    ]
    grant_types: NotRequired[Sequence[str]]
    response_types: NotRequired[Sequence[str]]
    redirect_uris: NotRequired[Sequence[str]]
    post_logout_redirect_uris: NotRequired[Sequence[str]]
    scopes: NotRequired[Sequence[str]]
    audiences: NotRequired[Sequence[str]]
    token_format: NotRequired[Literal["jwt", "opaque"]]
    access_alg: NotRequired[str]
    access_lifetime: NotRequired[int]
    id_token_lifetime: NotRequired[int]
    refresh_idle_lifetime: NotRequired[int]
    refresh_lifetime: NotRequired[int]
    id_token_alg: NotRequired[str]
    userinfo_alg: NotRequired[str | None]
    introspection_alg: NotRequired[str | None]
    assertion_alg: NotRequired[str | None]
    request_alg: NotRequired[str | None]
    jwks: NotRequired[Mapping[str, Any] | None]
    jwks_uri: NotRequired[str]
    tls_subject_dn: NotRequired[str]
    tls_san_dns: NotRequired[str]
    tls_san_uri: NotRequired[str]
    require_par: NotRequired[bool]
    require_signed_request: NotRequired[bool]
    require_dpop: NotRequired[bool]
    certificate_bound: NotRequired[bool]
    authorization_details_types: NotRequired[Sequence[str]]
    subject_type: NotRequired[Literal["public", "pairwise"]]
    sector_identifier_uri: NotRequired[str]
    default_max_age: NotRequired[int | None]
    require_auth_time: NotRequired[bool]
    default_acr_values: NotRequired[Sequence[str]]
    backchannel_logout_uri: NotRequired[str]
    backchannel_logout_session_required: NotRequired[bool]
    client_uri: NotRequired[str]
    logo_uri: NotRequired[str]
    policy_uri: NotRequired[str]
    tos_uri: NotRequired[str]
    contacts: NotRequired[Sequence[str]]
    trusted: NotRequired[bool]


class ControlSettingsInput(TypedDict):
    """What is set for a subscription beside its plan; empty narrows nothing."""

    limits: NotRequired[Sequence[models.LimitSettingsInput]]
    cidrs: NotRequired[Sequence[str]]
    scopes: NotRequired[Sequence[str]]
    roles: NotRequired[Sequence[str]]


class ControlSettings(TypedDict):
    """What is set for a subscription beside its plan; empty narrows nothing."""

    limits: list[models.LimitSettings]
    cidrs: list[str]
    scopes: list[str]
    roles: list[str]
