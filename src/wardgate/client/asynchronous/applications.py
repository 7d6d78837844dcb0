"""Operations of applications. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from wardgate.client.async_core import AsyncCore
from wardgate.client.wire import UNSET, State, Unset, segment

if TYPE_CHECKING:
    from wardgate.client import models


class Applications(AsyncCore):
    """Operations of applications."""

    def list_applications(
        self, *, name: str | Unset | None = UNSET, limit: int | Unset = UNSET
    ) -> AsyncIterator[models.Application]:
        """Applications by name."""
        return self._pages("/applications", {"name": name, "limit": limit})

    async def add_application(
        self, *, name: str, owner: str | Unset = UNSET, idempotency_key: str | None = None
    ) -> models.Application:
        """Add an application. It has no subscriptions: ask for access."""
        found: models.Application = await self._ask(
            "POST", "/applications", body={"name": name, "owner": owner}, idempotency_key=idempotency_key
        )
        return found

    async def show_application(self, application_id: str) -> models.Application:
        """One application."""
        found: models.Application = await self._ask("GET", f"/applications/{segment(application_id)}")
        return found

    async def set_application(
        self,
        application_id: str,
        *,
        if_match: State,
        owner: str | Unset = UNSET,
        limits: Sequence[models.LimitSettingsInput] | Unset = UNSET,
        groups: Sequence[str] | Unset = UNSET,
    ) -> models.Application:
        """Change contact, limits (this takes access.decide) or groups (this takes people.edit).

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.Application = await self._ask(
            "PATCH",
            f"/applications/{segment(application_id)}",
            body={"owner": owner, "limits": limits, "groups": groups},
            if_match=if_match,
        )
        return found

    async def remove_application(self, application_id: str, *, if_match: State) -> None:
        """Remove an application with its subscriptions, keys and clients.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        await self._ask("DELETE", f"/applications/{segment(application_id)}", if_match=if_match)

    async def suspend_application(
        self,
        application_id: str,
        *,
        if_match: State,
        reason: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> models.Application:
        """Refuse every request of the application.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.Application = await self._ask(
            "POST",
            f"/applications/{segment(application_id)}:suspend",
            body={"reason": reason},
            if_match=if_match,
            idempotency_key=idempotency_key,
        )
        return found

    async def throttle_application(
        self,
        application_id: str,
        *,
        limits: Sequence[models.LimitSettingsInput],
        if_match: State,
        reason: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> models.Application:
        """Hold the application to limits at every API, before any that were set for it.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.Application = await self._ask(
            "POST",
            f"/applications/{segment(application_id)}:throttle",
            body={"limits": limits, "reason": reason},
            if_match=if_match,
            idempotency_key=idempotency_key,
        )
        return found

    async def restore_application(
        self,
        application_id: str,
        *,
        if_match: State,
        reason: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> models.Application:
        """Undo suspension and throttling.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.Application = await self._ask(
            "POST",
            f"/applications/{segment(application_id)}:restore",
            body={"reason": reason},
            if_match=if_match,
            idempotency_key=idempotency_key,
        )
        return found
