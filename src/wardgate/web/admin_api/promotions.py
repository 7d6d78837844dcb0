"""Promotions, rollbacks and withdrawals: asked for, decided on, carried out."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query
from pydantic import Field

from wardgate.control import promote, rollback
from wardgate.control.promote import PromotionRecord
from wardgate.domain.promotion import Promotion, PromotionKind, PromotionStatus
from wardgate.identity.federation.declared import DeclaredProviders
from wardgate.web.admin_api.ask import Ask
from wardgate.web.admin_api.differences import DifferenceShown, shown
from wardgate.web.admin_api.models import Line, Model, Page, Prose, Seconds, Thing
from wardgate.web.admin_api.operations import Operations
from wardgate.web.admin_api.pages import Paging

operations = Operations("promotions")

PromotionId = Annotated[
    str, Path(pattern=r"^promo_[0-9a-z]{1,40}$", description="A promotion's id: promo_01h...")
]
Number = Annotated[int, Field(ge=1, le=999_999_999)]


class DecisionShown(Model):
    """What a second person said."""

    by: str
    at: float
    reason: str
    approved: bool


class PromotionSummary(Model):
    """A change of what an environment serves."""

    id: str
    kind: PromotionKind
    status: PromotionStatus
    api: str = Field(description="Empty for a change of the environment's own settings.")
    revision: int | None
    replaced: int | None = Field(description="The revision that was in force before.")
    environment: str
    requested_by: str
    requested_at: float
    reason: str
    weakenings: list[DifferenceShown] = Field(description="As asked for, or as approved.")
    decisions: list[DecisionShown]
    scheduled_at: float | None
    done_at: float | None
    failure: str


class PromotionShown(Thing):
    """One such change. While it is open, with what it would change now."""

    promotion: PromotionSummary
    differences: list[DifferenceShown]
    seen: str = Field(description="Stands for what is weakened now; approving it says that this was seen.")
    changed: bool = Field(description="Whether that is not what was asked for any more.")
    obstacle: str = Field(description="Why it could not be carried out now; empty where it could.")


class PromotionRequest(Model):
    """What to promote."""

    api: Line
    environment: Line
    revision: Number | None = Field(
        default=None, description="By default the one in force in the environment before."
    )
    reason: Prose = ""
    at: Seconds | None = Field(default=None, description="When; by default at once.")
    skip: bool = Field(default=False, description="It need not be in force in the environment before.")


class Approval(Model):
    """Why it may be."""

    reason: Prose
    seen: Line = Field(default="", description="`seen` of what was looked at; empty: as it was asked for.")


class Refusal(Model):
    """Why it may not be."""

    reason: Prose


class Cancellation(Model):
    """Why it is taken back."""

    reason: Prose = ""


class RollbackRequest(Model):
    """What to go back to."""

    api: Line
    environment: Line
    revision: Number | None = Field(default=None, description="By default the one in force before this one.")
    reason: Prose


class Withdrawal(Model):
    """What is to go."""

    api: Line
    environment: Line
    reason: Prose


@operations.get("/promotions", permission="apis.view", refuses=(404,))
async def list_promotions(
    ask: Ask,
    page: Paging,
    environment: Annotated[str | None, Query(max_length=100)] = None,
    api: Annotated[str | None, Query(max_length=300)] = None,
    status: Annotated[PromotionStatus | None, Query()] = None,
) -> Page[PromotionSummary]:
    """Promotions, rollbacks and withdrawals, newest first."""
    found = await promote.list_promotions(
        ask.store, environment=environment, api=api, statuses=() if status is None else (status,)
    )
    return page.of(found, key=lambda each: (-each.requested_at, each.id), show=_summary)


@operations.get("/promotions/{promotion_id}", permission="apis.view")
async def show_promotion(ask: Ask, promotion_id: PromotionId) -> PromotionShown:
    """One of them."""
    return _shown(await promote.show(ask.store, promotion_id))


@operations.post(
    "/promotions",
    permission="apis.promote",
    action="promotion.request",
    location=lambda made: f"/promotions/{made.promotion.id}",
)
async def request_promotion(ask: Ask, body: PromotionRequest) -> PromotionShown:
    """Ask for a revision in an environment: in force at once, at its time, or when another person agreed."""
    return _shown(
        await promote.request(
            ask.store,
            api=body.api,
            environment=body.environment,
            revision=body.revision,
            reason=body.reason,
            at=body.at,
            skip=body.skip,
            clock=ask.clock,
        )
    )


@operations.post(
    "/promotions/{promotion_id}:approve", permission="apis.approve", guard=show_promotion, status=200
)
async def approve_promotion(ask: Ask, promotion_id: PromotionId, body: Approval) -> PromotionShown:
    """Agree, as another person than the one who asked, to what is weakened."""
    await promote.approve(
        ask.store,
        promotion_id,
        reason=body.reason,
        seen=body.seen,
        federation=DeclaredProviders(ask.server),
        clock=ask.clock,
    )
    return await show_promotion(ask, promotion_id)


@operations.post(
    "/promotions/{promotion_id}:reject", permission="apis.approve", guard=show_promotion, status=200
)
async def reject_promotion(ask: Ask, promotion_id: PromotionId, body: Refusal) -> PromotionShown:
    """Decide against it."""
    await promote.reject(ask.store, promotion_id, reason=body.reason, clock=ask.clock)
    return await show_promotion(ask, promotion_id)


@operations.post(
    "/promotions/{promotion_id}:cancel", permission="apis.view", guard=show_promotion, status=200
)
async def cancel_promotion(ask: Ask, promotion_id: PromotionId, body: Cancellation) -> PromotionShown:
    """Take back what one asked for; or, with `apis.promote`, what others did."""
    await promote.cancel(ask.store, promotion_id, reason=body.reason, clock=ask.clock)
    return await show_promotion(ask, promotion_id)


@operations.post(
    "/promotions:rollback",
    permission="apis.rollback",
    action="api.rollback",
    location=lambda made: f"/promotions/{made.promotion.id}",
)
async def rollback_api(ask: Ask, body: RollbackRequest) -> PromotionShown:
    """Put a revision that was in force there before back in force, at once."""
    return _shown(
        await rollback.rollback(
            ask.store,
            api=body.api,
            environment=body.environment,
            revision=body.revision,
            reason=body.reason,
            clock=ask.clock,
        )
    )


@operations.post(
    "/promotions:withdraw",
    permission="apis.promote",
    action="api.withdraw",
    location=lambda made: f"/promotions/{made.promotion.id}",
)
async def withdraw_api(ask: Ask, body: Withdrawal) -> PromotionShown:
    """Take an API out of an environment other than the first."""
    done = await rollback.withdraw(
        ask.store, api=body.api, environment=body.environment, reason=body.reason, clock=ask.clock
    )
    return _shown(PromotionRecord(promotion=done))


def _shown(record: PromotionRecord) -> PromotionShown:
    return PromotionShown(
        promotion=_summary(record.promotion),
        differences=shown(record.differences),
        seen=record.seen,
        changed=record.changed,
        obstacle=record.obstacle,
    )


def _summary(promotion: Promotion) -> PromotionSummary:
    return PromotionSummary(
        id=promotion.id,
        kind=promotion.kind,
        status=promotion.status,
        api=promotion.api,
        revision=promotion.revision,
        replaced=promotion.replaced,
        environment=promotion.environment,
        requested_by=promotion.requested_by,
        requested_at=promotion.requested_at,
        reason=promotion.reason,
        weakenings=shown(promotion.weakenings),
        decisions=_decisions(promotion),
        scheduled_at=promotion.scheduled_at,
        done_at=promotion.done_at,
        failure=promotion.failure,
    )


def _decisions(promotion: Promotion) -> list[DecisionShown]:
    return [
        DecisionShown(by=each.by, at=each.at, reason=each.reason, approved=each.approved)
        for each in promotion.decisions
    ]
