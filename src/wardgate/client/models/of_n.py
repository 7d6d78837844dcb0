"""What the admin API is sent and answers. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

if TYPE_CHECKING:
    from wardgate.client import models


class NewAccessRequest(TypedDict):
    """What is asked for."""

    application: str
    environment: str
    api: str
    plan: NotRequired[str | None]
    message: NotRequired[str]


class NewApplication(TypedDict):
    """An application to add."""

    name: str
    owner: NotRequired[str]


class NewClient(TypedDict):
    """A client to add."""

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
    application: str
    environment: str
    id: NotRequired[str]


class NewEnvironment(TypedDict):
    """A new environment, the last in the order."""

    name: str
    tag: NotRequired[str]
    note: NotRequired[str]


class NewProvider(TypedDict):
    """A provider to add."""

    preset: Literal["generic", "okta", "entra", "google"]
    name: str
    client_id: str
    secret: NotRequired[str]
    issuer: NotRequired[str]
    id: NotRequired[str]
    environment: NotRequired[str | None]
    settings: NotRequired[models.ProviderSettings]


class NewProviderSecret(TypedDict):
    """What is shown to the provider from now on."""

    secret: str


class NewRegistration(TypedDict):
    """For whom to let a client register itself."""

    environment: str
    application: NotRequired[str | None]
    scopes: NotRequired[Sequence[str]]
    lifetime: NotRequired[float]


class NewServiceAccount(TypedDict):
    """Which account to make."""

    name: str
    description: NotRequired[str]


class NewUser(TypedDict):
    """A person to add."""

    name: str
    email: NotRequired[str]
    display_name: NotRequired[str]
    roles: NotRequired[Sequence[str]]
    password: NotRequired[str | None]


class NewWebhook(TypedDict):
    """A webhook to add."""

    url: str
    description: NotRequired[str]
    events: NotRequired[
        Sequence[
            Literal[
                "access.requested",
                "access.approved",
                "access.rejected",
                "access.withdrawn",
                "subscription.changed",
                "application.suspended",
                "application.throttled",
                "application.restored",
                "key.issued",
                "key.rotated",
                "key.revoked",
                "key.leaked",
                "promotion.requested",
                "promotion.approved",
                "promotion.rejected",
                "promotion.done",
                "webhook.test",
            ]
        ]
    ]
    environments: NotRequired[Sequence[str]]


class Note(TypedDict):
    """Why."""

    note: NotRequired[str]
