"""Which counters a caller is held to: those of its plan, or where limits were set closer to it, those in force."""

from __future__ import annotations

from collections.abc import Mapping

from wardgate.domain.consumer import Application, Subscription
from wardgate.domain.effective import Effective, effective
from wardgate.domain.limit import Plan
from wardgate.gateway.ports import StoreUnavailableError
from wardgate.limits.client import LimitClient
from wardgate.limits.limitset import LimitSet
from wardgate.policy.exchange import Exchange


class Entitlements:
    """The plans of the environment and the limits in force. What was counted is kept by subscription, plan, kind and
    period: an amount that is set anew holds at once and takes nothing back that was used."""

    __slots__ = ("_limits", "plans")

    def __init__(self, plans: Mapping[str, Plan], limits: LimitClient) -> None:
        self.plans = plans
        self._limits = limits

    def of_plan(self, subscription: Subscription) -> LimitSet | None:
        """The counters of the subscription's plan alone; a plan this worker does not know shuts rather than opens.

        Raises:
            StoreUnavailableError: the plan is not known.
        """
        if subscription.plan is None:
            return None
        plan = self.plans.get(subscription.plan)
        if plan is None:
            raise unknown_plan(subscription.plan)
        return self._limits.bind(subscription.id, plan) if plan.limits else None

    def in_force(self, exchange: Exchange) -> LimitSet | None:
        """The counters of all limits in force for the exchange. Raises StoreUnavailableError as :meth:`of_plan`."""
        subscription, principal = exchange.subscription, exchange.principal
        if subscription is None or principal is None:
            return None
        found = limits_in_force(exchange, subscription, principal.application, self.plans)
        if not found:
            return None
        plan = Plan(name=subscription.plan or "", limits=tuple(each.limit for each in found))
        return self._limits.bind(subscription.id, plan)

    def changed(self, plans: Mapping[str, Plan], names: set[str]) -> None:
        """These plans have other limits now; what was counted under unchanged ones stays with the authority."""
        self.plans = plans
        for name in names:
            self._limits.forget_plan(name)


def unknown_plan(name: str) -> StoreUnavailableError:
    """The error for a plan this worker has not read."""
    return StoreUnavailableError(f"plan {name!r} is not known yet")


def limits_in_force(
    exchange: Exchange, subscription: Subscription, application: Application, plans: Mapping[str, Plan]
) -> tuple[Effective, ...]:
    """Every limit the exchange is held to, where it comes from, and what it stands before.

    Raises:
        StoreUnavailableError: the subscription's plan is not known.
    """
    plan = None
    if subscription.plan is not None:
        plan = plans.get(subscription.plan)
        if plan is None:
            raise unknown_plan(subscription.plan)
    return effective(
        exchange.resource.api.limits,
        plan.limits if plan is not None else (),
        subscription.controls.limits,
        application.limits,
    )
