"""Operations of providers. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Literal

from wardgate.client.async_core import AsyncCore
from wardgate.client.wire import UNSET, State, Unset, segment

if TYPE_CHECKING:
    from wardgate.client import models


class Providers(AsyncCore):
    """Operations of providers."""

    def list_providers(
        self, *, environment: str | Unset | None = UNSET, limit: int | Unset = UNSET
    ) -> AsyncIterator[models.Provider]:
        """Providers by id."""
        return self._pages("/providers", {"environment": environment, "limit": limit})

    async def add_provider(
        self,
        *,
        preset: Literal["generic", "okta", "entra", "google"],
        name: str,
        client_id: str,
        secret: str | Unset = UNSET,
        issuer: str | Unset = UNSET,
        id_: str | Unset = UNSET,
        environment: str | Unset | None = UNSET,
        settings: models.ProviderSettings | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> models.Provider:
        """Add a provider that people may sign in with. It is held, but in the first environment."""
        found: models.Provider = await self._ask(
            "POST",
            "/providers",
            body={
                "preset": preset,
                "name": name,
                "client_id": client_id,
                "secret": secret,
                "issuer": issuer,
                "id": id_,
                "environment": environment,
                "settings": settings,
            },
            idempotency_key=idempotency_key,
        )
        return found

    async def show_provider(self, provider: str) -> models.Provider:
        """One provider, with the public key to register at it if it has one."""
        found: models.Provider = await self._ask("GET", f"/providers/{segment(provider)}")
        return found

    async def remove_provider(self, provider: str, *, if_match: State) -> None:
        """Delete a provider with all links to it, and the roles its groups gave.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        await self._ask("DELETE", f"/providers/{segment(provider)}", if_match=if_match)

    async def set_provider_secret(self, provider: str, *, secret: str, if_match: State) -> models.Provider:
        """Replace the client secret, or key, that is shown to a provider.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.Provider = await self._ask(
            "PUT", f"/providers/{segment(provider)}/secret", body={"secret": secret}, if_match=if_match
        )
        return found

    async def suspend_provider(
        self, provider: str, *, if_match: State, idempotency_key: str | None = None
    ) -> models.Provider:
        """Let nobody sign in with a provider; who is signed in stays so.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.Provider = await self._ask(
            "POST",
            f"/providers/{segment(provider)}:suspend",
            if_match=if_match,
            idempotency_key=idempotency_key,
        )
        return found

    async def restore_provider(
        self,
        provider: str,
        *,
        if_match: State,
        reason: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> models.Provider:
        """Let people sign in with a suspended provider again. One that is held takes another person than those who made it
        so, and a reason.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.Provider = await self._ask(
            "POST",
            f"/providers/{segment(provider)}:restore",
            body={"reason": reason},
            if_match=if_match,
            idempotency_key=idempotency_key,
        )
        return found

    async def check_provider(
        self, provider: str, *, idempotency_key: str | None = None
    ) -> models.ProviderCheck:
        """Read a provider's metadata and keys, and say what is wrong. Nothing is changed."""
        found: models.ProviderCheck = await self._ask(
            "POST", f"/providers/{segment(provider)}:check", idempotency_key=idempotency_key
        )
        return found
