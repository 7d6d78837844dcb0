"""Operations of subscriptions. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Literal

from wardgate.client.async_core import AsyncCore
from wardgate.client.wire import UNSET, State, Unset, segment

if TYPE_CHECKING:
    from wardgate.client import models


class Subscriptions(AsyncCore):
    """Operations of subscriptions."""

    def list_subscriptions(
        self,
        *,
        environment: str | Unset | None = UNSET,
        application: str | Unset | None = UNSET,
        api: str | Unset | None = UNSET,
        status: Literal["active", "pending", "suspended", "rejected"] | Unset | None = UNSET,
        limit: int | Unset = UNSET,
    ) -> AsyncIterator[models.Subscription]:
        """Subscriptions, oldest first."""
        return self._pages(
            "/subscriptions",
            {
                "environment": environment,
                "application": application,
                "api": api,
                "status": status,
                "limit": limit,
            },
        )

    async def show_subscription(self, subscription_id: str) -> models.Subscription:
        """One subscription."""
        found: models.Subscription = await self._ask("GET", f"/subscriptions/{segment(subscription_id)}")
        return found

    async def set_subscription(
        self,
        subscription_id: str,
        *,
        if_match: State,
        plan: str | Unset | None = UNSET,
        controls: models.ControlSettingsInput | Unset = UNSET,
        expires_at: float | Unset | None = UNSET,
        status: Literal["active", "suspended"] | Unset = UNSET,
        reason: str | Unset = UNSET,
    ) -> models.Subscription:
        """Change plan, controls, expiry or status; it is enforced so at once.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.Subscription = await self._ask(
            "PATCH",
            f"/subscriptions/{segment(subscription_id)}",
            body={
                "plan": plan,
                "controls": controls,
                "expires_at": expires_at,
                "status": status,
                "reason": reason,
            },
            if_match=if_match,
        )
        return found

    async def show_subscription_limits(self, subscription_id: str) -> models.SubscriptionLimits:
        """Which limits hold: of plan, subscription and application the nearest of each kind and period."""
        found: models.SubscriptionLimits = await self._ask(
            "GET", f"/subscriptions/{segment(subscription_id)}/limits"
        )
        return found
