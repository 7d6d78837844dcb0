"""Operations of access. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Literal

from wardgate.client.async_core import AsyncCore
from wardgate.client.wire import UNSET, State, Unset, segment

if TYPE_CHECKING:
    from wardgate.client import models


class Access(AsyncCore):
    """Operations of access."""

    def list_access_requests(
        self,
        *,
        status: Literal["pending", "approved", "rejected", "withdrawn"] | Unset | None = UNSET,
        environment: str | Unset | None = UNSET,
        application: str | Unset | None = UNSET,
        api: str | Unset | None = UNSET,
        limit: int | Unset = UNSET,
    ) -> AsyncIterator[models.AccessRequest]:
        """Requests for access, oldest first: those you made, and of others those you may see."""
        return self._pages(
            "/access-requests",
            {
                "status": status,
                "environment": environment,
                "application": application,
                "api": api,
                "limit": limit,
            },
        )

    async def add_access_request(
        self,
        *,
        application: str,
        environment: str,
        api: str,
        plan: str | Unset | None = UNSET,
        message: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> models.AccessRequest:
        """Ask for a subscription. It is pending until somebody approves, unless its plan needs no approval."""
        found: models.AccessRequest = await self._ask(
            "POST",
            "/access-requests",
            body={
                "application": application,
                "environment": environment,
                "api": api,
                "plan": plan,
                "message": message,
            },
            idempotency_key=idempotency_key,
        )
        return found

    async def show_access_request(self, request_id: str) -> models.AccessRequest:
        """One request: one you made, or may see."""
        found: models.AccessRequest = await self._ask("GET", f"/access-requests/{segment(request_id)}")
        return found

    async def approve_access_request(
        self,
        request_id: str,
        *,
        if_match: State,
        plan: str | Unset | None = UNSET,
        controls: models.ControlSettingsInput | Unset = UNSET,
        expires_at: float | Unset | None = UNSET,
        reason: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> models.AccessRequest:
        """Grant a request, and set limits, networks, scopes, roles and expiry of the subscription in the same step.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.AccessRequest = await self._ask(
            "POST",
            f"/access-requests/{segment(request_id)}:approve",
            body={"plan": plan, "controls": controls, "expires_at": expires_at, "reason": reason},
            if_match=if_match,
            idempotency_key=idempotency_key,
        )
        return found

    async def reject_access_request(
        self, request_id: str, *, reason: str, if_match: State, idempotency_key: str | None = None
    ) -> models.AccessRequest:
        """Refuse a request, with the reason that its side is told.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.AccessRequest = await self._ask(
            "POST",
            f"/access-requests/{segment(request_id)}:reject",
            body={"reason": reason},
            if_match=if_match,
            idempotency_key=idempotency_key,
        )
        return found

    async def withdraw_access_request(
        self, request_id: str, *, if_match: State, idempotency_key: str | None = None
    ) -> models.AccessRequest:
        """Take a request back.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.AccessRequest = await self._ask(
            "POST",
            f"/access-requests/{segment(request_id)}:withdraw",
            if_match=if_match,
            idempotency_key=idempotency_key,
        )
        return found
