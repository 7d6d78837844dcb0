"""OAuth 2.0 clients of applications."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import Field, StringConstraints

from wardgate.identity import manage_clients
from wardgate.identity.client_metadata import warnings_of
from wardgate.web.admin_api.ask import Ask
from wardgate.web.admin_api.models import Line, Model, Page, Prose, ShownOnce, Thing
from wardgate.web.admin_api.operations import Operations
from wardgate.web.admin_api.pages import Paging

operations = Operations("clients")

ClientId = Annotated[
    str,
    Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._~-]*$", max_length=128, description="The client_id: cl_01h..."),
]
Authentication = Literal[
    "none",
    "client_secret_basic",
    "client_secret_post",
    "private_key_jwt",
    "tls_client_auth",
    "self_signed_tls_client_auth",
]
Algorithm = Annotated[str, Field(max_length=20, description="ES256, RS256 or EdDSA.")]
OwnAlgorithm = Annotated[str, Field(max_length=20)]
Lifetime = Annotated[int, Field(ge=1, le=366 * 86400)]
Words = Annotated[list[Annotated[str, StringConstraints(max_length=256)]], Field(max_length=200)]
Links = Annotated[list[Prose], Field(max_length=100)]


class ClientSettings(Model):
    """What may be set of a client (RFC 7591 section 2). What is left out stays, or is as usual for a new one."""

    name: Line = Field(default="", description="What people see; by default the application's name.")
    authentication: Authentication = "client_secret_basic"
    grant_types: Words = ["authorization_code", "refresh_token"]
    response_types: Words = Field(default=["code"], description="By default those that go with the grants.")
    redirect_uris: Links = []
    post_logout_redirect_uris: Links = []
    scopes: Words = []
    audiences: Links = []
    token_format: Literal["jwt", "opaque"] = "jwt"
    access_alg: Algorithm = "ES256"
    access_lifetime: Lifetime = 600
    id_token_lifetime: Lifetime = 300
    refresh_idle_lifetime: Lifetime = 14 * 86400
    refresh_lifetime: Lifetime = 90 * 86400
    id_token_alg: Algorithm = "ES256"
    userinfo_alg: Algorithm | None = None
    introspection_alg: Algorithm | None = None
    assertion_alg: OwnAlgorithm | None = Field(
        default=None, description="The only one its assertions may have."
    )
    request_alg: OwnAlgorithm | None = Field(
        default=None, description="The only one its request objects may have."
    )
    jwks: dict[str, Any] | None = Field(default=None, description="Public keys, a JWK set.")
    jwks_uri: Prose = ""
    tls_subject_dn: Prose = ""
    tls_san_dns: Prose = ""
    tls_san_uri: Prose = ""
    require_par: bool = False
    require_signed_request: bool = False
    require_dpop: bool = False
    certificate_bound: bool = False
    authorization_details_types: Words = []
    subject_type: Literal["public", "pairwise"] = "public"
    sector_identifier_uri: Prose = ""
    default_max_age: Annotated[int, Field(ge=0, le=366 * 86400)] | None = None
    require_auth_time: bool = False
    default_acr_values: Words = []
    backchannel_logout_uri: Prose = ""
    backchannel_logout_session_required: bool = False
    client_uri: Prose = ""
    logo_uri: Prose = ""
    policy_uri: Prose = ""
    tos_uri: Prose = ""
    contacts: Words = []
    trusted: bool = Field(default=False, description="Whether people are not asked for their consent.")

    def given(self) -> dict[str, Any]:
        """The settings that were sent, as use cases take them."""
        return {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in self.model_dump(exclude_unset=True).items()
        }


class NewClient(ClientSettings):
    """A client to add."""

    application: Line = Field(description="The application's name or id.")
    environment: Line
    id: Line = Field(default="", description="Its client_id; by default a new one.")

    def given(self) -> dict[str, Any]:
        """As the settings', without where it belongs."""
        found = super().given()
        return {name: found[name] for name in found.keys() - {"application", "environment", "id"}}


class ClientSecret(Model):
    """One of a client's secrets: never itself."""

    created_at: float
    expires_at: float | None


class Client(Thing):
    """An OAuth 2.0 client: never its secret."""

    id: str
    application: str = Field(description="The application's name.")
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
    held: bool = Field(
        description="Whether another person has to agree before it is served, by restoring it with a reason."
    )
    legacy_grants: list[str] = Field(description="Grants it uses that nobody should start with today.")
    secrets: list[ClientSecret]
    warnings: list[str] = Field(description="What is unwise about its settings.")


class SecretClient(Model):
    """A client, and its new secret if it got one."""

    client: Client
    client_secret: ShownOnce


class Overlap(Model):
    """How long the secret before stays good."""

    overlap: float = Field(default=86400.0, ge=0, le=366 * 86400, description="Seconds.")


class Restoration(Model):
    """Why a client is served again; needed for one that is held."""

    reason: Prose = ""


class NewRegistration(Model):
    """For whom to let a client register itself."""

    environment: Line
    application: Line | None = Field(
        default=None, description="The one the client joins; by default it brings one of its own."
    )
    scopes: Words = []
    lifetime: float = Field(default=86400.0, gt=0, le=366 * 86400, description="Seconds.")


class Registration(Model):
    """An initial access token (RFC 7591 section 3): one client can register itself with it, once."""

    token: ShownOnce
    expires_in: float


@operations.get("/clients", permission="clients.view", refuses=(404,))
async def list_clients(
    ask: Ask,
    page: Paging,
    application: Annotated[str | None, Query(max_length=200, description="Name or id.")] = None,
    environment: Annotated[str | None, Query(max_length=100)] = None,
) -> Page[Client]:
    """Clients, oldest first."""
    found = await manage_clients.list_clients(ask.store, application=application, environment=environment)
    return page.of(found, key=lambda each: (each.client.created_at, each.client.id), show=_shown)


@operations.get("/clients/{client_id}", permission="clients.view")
async def show_client(ask: Ask, client_id: ClientId) -> Client:
    """One client."""
    return _shown(await manage_clients.show(ask.store, client_id))


@operations.post("/clients", permission="clients.edit", location=lambda new: f"/clients/{new.client.id}")
async def add_client(ask: Ask, body: NewClient) -> SecretClient:
    """Add a client to an application. Its secret, if it shows one, is shown this once.

    With a legacy grant it is held, but in the first environment."""
    client, secret = await manage_clients.add(
        ask.store,
        application=body.application,
        environment=body.environment,
        settings=body.given(),
        id_=body.id,
        clock=ask.clock,
    )
    return SecretClient(
        client=await show_client(ask, client.id),
        client_secret=None if secret is None else secret.reveal().decode(),
    )


@operations.patch("/clients/{client_id}", permission="clients.edit", guard=show_client)
async def update_client(ask: Ask, client_id: ClientId, body: ClientSettings) -> SecretClient:
    """Change a client; lists replace what was there. Tokens it already has stay what they are. What makes it weaker is
    refused while it is in use, and held when it is not, but in the first environment."""
    _, secret = await manage_clients.update(ask.store, client_id, body.given(), clock=ask.clock)
    return SecretClient(
        client=await show_client(ask, client_id),
        client_secret=None if secret is None else secret.reveal().decode(),
    )


@operations.post("/clients/{client_id}:rotate", permission="clients.edit", guard=show_client, status=200)
async def rotate_client(ask: Ask, client_id: ClientId, body: Overlap) -> SecretClient:
    """Give a client a new secret, shown this once. The old one stays good for the overlap."""
    _, secret = await manage_clients.rotate_secret(
        ask.store, client_id, overlap=body.overlap, clock=ask.clock
    )
    return SecretClient(client=await show_client(ask, client_id), client_secret=secret.reveal().decode())


@operations.post("/clients/{client_id}:suspend", permission="clients.edit", guard=show_client, status=200)
async def suspend_client(ask: Ask, client_id: ClientId) -> Client:
    """Give a client no token, and have the gateways refuse those it has."""
    await manage_clients.suspend(ask.store, client_id)
    return await show_client(ask, client_id)


@operations.post("/clients/{client_id}:restore", permission="clients.edit", guard=show_client, status=200)
async def restore_client(ask: Ask, client_id: ClientId, body: Restoration) -> Client:
    """Serve a suspended client again. One that is held takes another person than those who made it so, and a reason."""
    await manage_clients.restore(ask.store, client_id, reason=body.reason, clock=ask.clock)
    return await show_client(ask, client_id)


@operations.delete("/clients/{client_id}", permission="clients.edit", guard=show_client)
async def remove_client(ask: Ask, client_id: ClientId) -> None:
    """Delete a client with its secrets and grants; its tokens are refused at once."""
    await manage_clients.remove(ask.store, client_id, clock=ask.clock)


@operations.post("/clients:registration-token", permission="clients.edit", action="client.registration_token")
async def issue_registration_token(ask: Ask, body: NewRegistration) -> Registration:
    """Let one client register itself, once. The token is shown this once."""
    secret = await manage_clients.registration_token(
        ask.store,
        environment=body.environment,
        application=body.application,
        scopes=tuple(body.scopes),
        lifetime=body.lifetime,
        clock=ask.clock,
    )
    return Registration(token=secret.reveal().decode(), expires_in=body.lifetime)


def _shown(record: manage_clients.ClientRecord) -> Client:
    fields = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(record.client).items()
        if name not in ("held_by", "held_at")
    }
    return Client.model_validate(
        fields
        | {
            "application": record.application.name,
            "held": bool(record.client.held_by),
            "legacy_grants": list(record.client.legacy),
            "warnings": list(warnings_of(record.client)),
            "secrets": [
                ClientSecret(created_at=each.created_at, expires_at=each.expires_at)
                for each in record.secrets
            ],
        }
    )
