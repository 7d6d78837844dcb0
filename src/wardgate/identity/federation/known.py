"""A provider that may be used now: found, not suspended, its settings sound and its metadata read."""

from __future__ import annotations

from dataclasses import dataclass

from wardgate.domain.people import IdentityProvider
from wardgate.domain.provider import ProviderSettings, read_settings
from wardgate.identity.errors import PageError
from wardgate.identity.federation.discovery import Metadata
from wardgate.identity.federation.providers import IssuerRule, issuer_rule
from wardgate.identity.ports import FetchError
from wardgate.identity.server import Server


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A provider that may be used, with all that follows from how it is set."""

    provider: IdentityProvider
    settings: ProviderSettings
    rule: IssuerRule
    metadata: Metadata
    redirect_uri: str


class RefusedError(Exception):
    """A sign-in at a provider fails. ``why`` is for the person, ``note`` for the log."""

    def __init__(self, provider: IdentityProvider, why: str, note: str, *, status: int = 403) -> None:
        super().__init__(why)
        self.provider = provider
        self.why = why
        self.note = note
        self.status = status


async def known_provider(server: Server, provider_id: str | None) -> Known:
    """The provider with that id.

    Raises:
        PageError: there is none here, or it is suspended.
        RefusedError: it cannot be used now.
    """
    async with server.store.reading() as tx:
        provider = await tx.providers.get(provider_id or "")
    if provider is None or provider.environment != server.settings.environment:
        raise PageError(
            "There is no such page", "Nothing is at this address.", "Check the address.", status=404
        )
    if provider.status != "active":
        raise PageError(
            f"Signing in with {provider.name} is suspended",
            "It cannot be used at the moment.",
            "Sign in in another way, or ask those who run this service.",
            status=403,
        )
    away = f"{provider.name} cannot be reached at the moment."
    try:
        settings = read_settings(provider.settings)
        rule = issuer_rule(provider, settings)
        metadata = await server.memory.discovery.of(server.fetch, rule, server.clock())
    except FetchError as error:
        raise RefusedError(provider, away, str(error), status=502) from None
    except ValueError as error:
        raise RefusedError(
            provider, f"{provider.name} is not set up rightly here.", str(error), status=500
        ) from None
    return Known(
        provider=provider,
        settings=settings,
        rule=rule,
        metadata=metadata,
        redirect_uri=server.settings.url(f"/oauth2/federation/{provider.id}/callback"),
    )
