"""Operations of promotions. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from wardgate.client.sync_core import Core
from wardgate.client.wire import UNSET, State, Unset, segment

if TYPE_CHECKING:
    from wardgate.client import models


class Promotions(Core):
    """Operations of promotions."""

    def list_promotions(
        self,
        *,
        environment: str | Unset | None = UNSET,
        api: str | Unset | None = UNSET,
        status: Literal["pending", "scheduled", "done", "rejected", "cancelled", "failed"]
        | Unset
        | None = UNSET,
        limit: int | Unset = UNSET,
    ) -> Iterator[models.PromotionSummary]:
        """Promotions, rollbacks and withdrawals, newest first."""
        return self._pages(
            "/promotions", {"environment": environment, "api": api, "status": status, "limit": limit}
        )

    def request_promotion(
        self,
        *,
        api: str,
        environment: str,
        revision: int | Unset | None = UNSET,
        reason: str | Unset = UNSET,
        at: float | Unset | None = UNSET,
        skip: bool | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> models.PromotionShown:
        """Ask for a revision in an environment: in force at once, at its time, or when another person agreed."""
        found: models.PromotionShown = self._ask(
            "POST",
            "/promotions",
            body={
                "api": api,
                "environment": environment,
                "revision": revision,
                "reason": reason,
                "at": at,
                "skip": skip,
            },
            idempotency_key=idempotency_key,
        )
        return found

    def show_promotion(self, promotion_id: str) -> models.PromotionShown:
        """One of them."""
        found: models.PromotionShown = self._ask("GET", f"/promotions/{segment(promotion_id)}")
        return found

    def approve_promotion(
        self,
        promotion_id: str,
        *,
        reason: str,
        if_match: State,
        seen: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> models.PromotionShown:
        """Agree, as another person than the one who asked, to what is weakened.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.PromotionShown = self._ask(
            "POST",
            f"/promotions/{segment(promotion_id)}:approve",
            body={"reason": reason, "seen": seen},
            if_match=if_match,
            idempotency_key=idempotency_key,
        )
        return found

    def reject_promotion(
        self, promotion_id: str, *, reason: str, if_match: State, idempotency_key: str | None = None
    ) -> models.PromotionShown:
        """Decide against it.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.PromotionShown = self._ask(
            "POST",
            f"/promotions/{segment(promotion_id)}:reject",
            body={"reason": reason},
            if_match=if_match,
            idempotency_key=idempotency_key,
        )
        return found

    def cancel_promotion(
        self,
        promotion_id: str,
        *,
        if_match: State,
        reason: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> models.PromotionShown:
        """Take back what one asked for; or, with `apis.promote`, what others did.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.PromotionShown = self._ask(
            "POST",
            f"/promotions/{segment(promotion_id)}:cancel",
            body={"reason": reason},
            if_match=if_match,
            idempotency_key=idempotency_key,
        )
        return found

    def rollback_api(
        self,
        *,
        api: str,
        environment: str,
        reason: str,
        revision: int | Unset | None = UNSET,
        idempotency_key: str | None = None,
    ) -> models.PromotionShown:
        """Put a revision that was in force there before back in force, at once."""
        found: models.PromotionShown = self._ask(
            "POST",
            "/promotions:rollback",
            body={"api": api, "environment": environment, "revision": revision, "reason": reason},
            idempotency_key=idempotency_key,
        )
        return found

    def withdraw_api(
        self, *, api: str, environment: str, reason: str, idempotency_key: str | None = None
    ) -> models.PromotionShown:
        """Take an API out of an environment other than the first."""
        found: models.PromotionShown = self._ask(
            "POST",
            "/promotions:withdraw",
            body={"api": api, "environment": environment, "reason": reason},
            idempotency_key=idempotency_key,
        )
        return found
