"""Which limits hold for a subscription, where each was set, and what it stands before."""

from __future__ import annotations

from dataclasses import dataclass

from wardgate.control.ports import Store
from wardgate.control.subscriptions import SubscriptionRecord, record_of
from wardgate.domain.consumer import throttled
from wardgate.domain.effective import Effective, effective
from wardgate.domain.limit import Limit


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectiveView:
    """A subscription with the limits in force for it. ``replaced`` is what the plan itself would set, where the
    environment has other limits in its place; ``throttled`` whether the application was throttled."""

    record: SubscriptionRecord
    limits: tuple[Effective, ...]
    replaced: tuple[Limit, ...] | None
    throttled: bool


async def effective_view(store: Store, subscription_id: str) -> EffectiveView:
    """The limits of one subscription. Raises NotFoundError, also where the actor may not see it."""
    async with store.reading() as tx:
        record = await record_of(tx, subscription_id)
        plan = record.subscription.plan
        plans = await tx.plans.all(record.environment)
        own = plans[plan].limits if plan is not None and plan in plans else ()
        environment = next(each for each in await tx.environments.all() if each.name == record.environment)
        instead = None if plan is None else environment.settings.plans.get(plan)
        application = record.application
        deployment = await tx.apis.deployment(record.environment, record.subscription.api)
        return EffectiveView(
            record=record,
            limits=effective(
                () if deployment is None else deployment.bound.limits,
                own if instead is None else instead,
                record.subscription.controls.limits,
                throttled(application.limits, application.throttle),
            ),
            replaced=None if instead is None else own,
            throttled=bool(application.throttle),
        )
