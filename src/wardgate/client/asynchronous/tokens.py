"""Operations of tokens. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from wardgate.client.async_core import AsyncCore

if TYPE_CHECKING:
    from wardgate.client import models


class Tokens(AsyncCore):
    """Operations of tokens."""

    async def introspect_token(self, *, token: str, idempotency_key: str | None = None) -> models.TokenState:
        """Say what a token of this server's environment holds. Nothing is changed."""
        found: models.TokenState = await self._ask(
            "POST", "/tokens:introspect", body={"token": token}, idempotency_key=idempotency_key
        )
        return found

    async def revoke_token(self, *, token: str, idempotency_key: str | None = None) -> models.TokenState:
        """Take one token back; every gateway refuses it at once. Of a refresh token, its whole grant."""
        found: models.TokenState = await self._ask(
            "POST", "/tokens:revoke", body={"token": token}, idempotency_key=idempotency_key
        )
        return found

    async def revoke_tokens(
        self,
        *,
        kind: Literal["jti", "grant", "subject", "client", "application"],
        key: str,
        idempotency_key: str | None = None,
    ) -> models.Revoked:
        """Take back every token issued so far to somebody; every gateway refuses them at once. Clients and accounts stay."""
        found: models.Revoked = await self._ask(
            "POST", "/tokens:revoke-all", body={"kind": kind, "key": key}, idempotency_key=idempotency_key
        )
        return found
