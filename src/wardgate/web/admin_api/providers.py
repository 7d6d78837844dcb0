"""Foreign OpenID providers that people sign in with."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import Field, SecretStr, StringConstraints

from wardgate.domain import people
from wardgate.identity.federation import check_provider as checks
from wardgate.identity.federation import manage_providers
from wardgate.identity.server import Server
from wardgate.web.admin_api.ask import Ask
from wardgate.web.admin_api.models import VOLATILE, Line, Model, Page, Prose, Thing
from wardgate.web.admin_api.operations import Operations
from wardgate.web.admin_api.pages import Paging

operations = Operations("providers")

ProviderId = Annotated[
    str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$", description="The provider's id, like okta.")
]
Preset = Literal["generic", "okta", "entra", "google"]
#: A client secret, or a private key in PEM. Errors never repeat it.
ProviderSecret = Annotated[SecretStr, Field(max_length=16384)]
Words = Annotated[list[Annotated[str, StringConstraints(max_length=300)]], Field(max_length=200)]
Mapped = Annotated[dict[Annotated[str, StringConstraints(max_length=300)], Words], Field(max_length=500)]


class ProviderSettings(Model):
    """What is particular to a provider. What is left out is as usual for its kind."""

    tenant: Line = Field(default="", description="Entra: the directory's id, or common or organizations.")
    tenants: Words = Field(default=[], description="Entra: whose people may come.")
    domains: Words = Field(default=[], description="Google: hosted domains whose people may come.")
    scopes: Words = []
    algorithms: Words = []
    groups_claim: Line = "groups"
    roles_claim: Line = "roles"
    name_claim: Line = "preferred_username"
    roles: Mapped = Field(default={}, description="Roles here, by a group or role at the provider.")
    groups: Mapped = Field(default={}, description="Groups here, by a group or role at the provider.")
    operators: Mapped = Field(default={}, description="Roles of operators (ROLE or ROLE@PROJECT), likewise.")
    on_overage: Literal["refuse", "ignore"] = "refuse"
    create: bool = Field(default=False, description="Make an account for everybody who has none.")
    authentication: Literal["client_secret_basic", "client_secret_post", "private_key_jwt"] = (
        "client_secret_basic"
    )
    assertion_clients: Words = []


class NewProvider(Model):
    """A provider to add."""

    preset: Preset
    name: Line
    client_id: Prose
    secret: ProviderSecret = Field(
        default=SecretStr(""), description="A client secret, a key in PEM, or empty for a client without."
    )
    issuer: Prose = Field(default="", description="By default that of the kind.")
    id: Line = Field(default="", description="Part of the redirect URI; by default made of the name.")
    environment: Line | None = Field(default=None, description="By default the server's own.")
    settings: ProviderSettings = ProviderSettings()


class NewProviderSecret(Model):
    """What is shown to the provider from now on."""

    secret: ProviderSecret


class ProviderRestoration(Model):
    """Why people sign in with it again; needed for one that is held."""

    reason: Prose = ""


class Provider(Thing):
    """A provider: never its secret."""

    id: str
    environment: str
    name: str
    preset: Preset
    issuer: str
    client_id: str
    has_secret: bool
    settings: dict[str, Any] = Field(description="Those that are not as usual.")
    status: Literal["active", "suspended"]
    held: bool = Field(description="Suspended until another person restores it.")
    redirect_path: str = Field(description="The redirect URI below this installation's issuer.")
    links: Annotated[int, VOLATILE] = Field(description="Accounts linked to it.")
    public_key: dict[str, Any] | None = Field(description="The JWK to register at it, if it has one.")


class Finding(Model):
    """One thing that was looked at."""

    what: str
    right: bool
    detail: str


class ProviderCheck(Model):
    """What is right and wrong with a provider."""

    id: str
    right: bool
    findings: list[Finding]


@operations.get("/providers", permission="providers.view", refuses=(404,))
async def list_providers(
    ask: Ask, page: Paging, environment: Annotated[str | None, Query(max_length=100)] = None
) -> Page[Provider]:
    """Providers by id."""
    server = ask.server
    found = [
        await manage_providers.show(server, each.id)
        for each in await manage_providers.list_providers(server, environment=environment)
    ]
    return page.of(found, key=lambda pair: pair[0].id, show=lambda pair: _shown(server, *pair))


@operations.get("/providers/{provider}", permission="providers.view")
async def show_provider(ask: Ask, provider: ProviderId) -> Provider:
    """One provider, with the public key to register at it if it has one."""
    return _shown(ask.server, *await manage_providers.show(ask.server, provider))


@operations.post("/providers", permission="providers.edit", location=lambda new: f"/providers/{new.id}")
async def add_provider(ask: Ask, body: NewProvider) -> Provider:
    """Add a provider that people may sign in with. It is held, but in the first environment."""
    server = ask.server
    if body.environment is not None:
        server = replace(server, settings=replace(server.settings, environment=body.environment))
    added = await manage_providers.add(
        server,
        preset=body.preset,
        name=body.name,
        client_id=body.client_id,
        secret=body.secret.get_secret_value(),
        issuer=body.issuer,
        id_=body.id,
        settings=body.settings.model_dump(exclude_unset=True),
    )
    return _shown(server, added, 0)


@operations.put(
    "/providers/{provider}/secret",
    permission="providers.edit",
    guard=show_provider,
    action="provider.set_secret",
)
async def set_provider_secret(ask: Ask, provider: ProviderId, body: NewProviderSecret) -> Provider:
    """Replace the client secret, or key, that is shown to a provider."""
    await manage_providers.set_secret(ask.server, provider, body.secret.get_secret_value())
    return await show_provider(ask, provider)


@operations.post(
    "/providers/{provider}:suspend", permission="providers.edit", guard=show_provider, status=200
)
async def suspend_provider(ask: Ask, provider: ProviderId) -> Provider:
    """Let nobody sign in with a provider; who is signed in stays so."""
    await manage_providers.suspend(ask.server, provider)
    return await show_provider(ask, provider)


@operations.post(
    "/providers/{provider}:restore", permission="providers.edit", guard=show_provider, status=200
)
async def restore_provider(ask: Ask, provider: ProviderId, body: ProviderRestoration) -> Provider:
    """Let people sign in with a suspended provider again. One that is held takes another person than those who made it
    so, and a reason."""
    await manage_providers.restore(ask.server, provider, reason=body.reason)
    return await show_provider(ask, provider)


@operations.delete("/providers/{provider}", permission="providers.edit", guard=show_provider)
async def remove_provider(ask: Ask, provider: ProviderId) -> None:
    """Delete a provider with all links to it, and the roles its groups gave."""
    await manage_providers.remove(ask.server, provider)


@operations.post("/providers/{provider}:check", permission="providers.view", status=200, together=False)
async def check_provider(ask: Ask, provider: ProviderId) -> ProviderCheck:
    """Read a provider's metadata and keys, and say what is wrong. Nothing is changed."""
    _, findings = await checks.check(ask.server, provider)
    return ProviderCheck(
        id=provider,
        right=all(each.right for each in findings),
        findings=[Finding(what=each.what, right=each.right, detail=each.detail) for each in findings],
    )


def _shown(server: Server, provider: people.IdentityProvider, links: int) -> Provider:
    return Provider(
        id=provider.id,
        environment=provider.environment,
        name=provider.name,
        preset=provider.preset,
        issuer=provider.issuer,
        client_id=provider.client_id,
        has_secret=bool(provider.sealed_secret),
        settings=dict(provider.settings),
        status=provider.status,
        held=bool(provider.held_by),
        redirect_path=f"/oauth2/federation/{provider.id}/callback",
        links=links,
        public_key=manage_providers.registered_key(server, provider),
    )
