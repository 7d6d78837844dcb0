"""Operations of keys. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from wardgate.client.async_core import AsyncCore
from wardgate.client.wire import UNSET, State, Unset, segment

if TYPE_CHECKING:
    from wardgate.client import models


class Keys(AsyncCore):
    """Operations of keys."""

    def list_keys(
        self,
        *,
        application: str | Unset | None = UNSET,
        environment: str | Unset | None = UNSET,
        limit: int | Unset = UNSET,
    ) -> AsyncIterator[models.Key]:
        """Keys, oldest first."""
        return self._pages("/keys", {"application": application, "environment": environment, "limit": limit})

    async def issue_key(
        self,
        *,
        application: str,
        environment: str,
        name: str | Unset = UNSET,
        description: str | Unset = UNSET,
        expires_at: float | Unset | None = UNSET,
        restrictions: models.KeyRestrictionsInput | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> models.IssuedKey:
        """Issue a key to an application. Its text is shown this once."""
        found: models.IssuedKey = await self._ask(
            "POST",
            "/keys",
            body={
                "application": application,
                "environment": environment,
                "name": name,
                "description": description,
                "expires_at": expires_at,
                "restrictions": restrictions,
            },
            idempotency_key=idempotency_key,
        )
        return found

    async def show_key(self, key_id: str) -> models.Key:
        """One key."""
        found: models.Key = await self._ask("GET", f"/keys/{segment(key_id)}")
        return found

    async def rotate_key(
        self,
        key_id: str,
        *,
        if_match: State,
        overlap: float | Unset = UNSET,
        expires_at: float | Unset | None = UNSET,
        idempotency_key: str | None = None,
    ) -> models.IssuedKey:
        """Replace a key by a new one, shown this once. The old one stays valid for the overlap.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.IssuedKey = await self._ask(
            "POST",
            f"/keys/{segment(key_id)}:rotate",
            body={"overlap": overlap, "expires_at": expires_at},
            if_match=if_match,
            idempotency_key=idempotency_key,
        )
        return found

    async def verify_key(
        self, *, key: str, environment: str | Unset | None = UNSET, idempotency_key: str | None = None
    ) -> models.KeyVerdict:
        """Say of a key what the gateway would say. Nothing is changed."""
        found: models.KeyVerdict = await self._ask(
            "POST",
            "/keys:verify",
            body={"key": key, "environment": environment},
            idempotency_key=idempotency_key,
        )
        return found

    async def revoke_key(
        self, key_id: str, *, if_match: State, idempotency_key: str | None = None
    ) -> models.Key:
        """End a key for ever; every gateway refuses it at once.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.Key = await self._ask(
            "POST", f"/keys/{segment(key_id)}:revoke", if_match=if_match, idempotency_key=idempotency_key
        )
        return found
