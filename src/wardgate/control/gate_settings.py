"""The gate before an environment's own settings: what weakens what is served there waits for a second person."""

from __future__ import annotations

import time
from dataclasses import replace

from wardgate.control.binding import bind_to
from wardgate.control.compare import Deployable, compare_all
from wardgate.control.compare.rules import At
from wardgate.control.compare.settings import settings as settings_differences
from wardgate.control.compare.taken_hosts import taken_hosts
from wardgate.control.ids import new_id
from wardgate.control.ports import Environment, Transaction
from wardgate.domain.audit import AuditEvent, by
from wardgate.domain.codec import encode
from wardgate.domain.difference import Difference, weakenings
from wardgate.domain.environment import EnvironmentSettings
from wardgate.domain.promotion import OPEN, Promotion
from wardgate.domain.revision import hash_of


def settings_hash(settings: EnvironmentSettings) -> str:
    """What tells settings apart; as before there were providers among them, where there are none."""
    document = encode(settings)
    if settings.identity_providers is None:
        del document["identity_providers"]
    return hash_of(document)


async def settings_outlook(
    tx: Transaction, before: Environment, after: Environment
) -> tuple[Difference, ...]:
    """All that differs with the settings of ``after``: in themselves, and in every API deployed there.

    Raises:
        BindingError: an API deployed there names a variable that would not be there.
    """
    secrets = frozenset(each.name for each in await tx.environments.secrets(before.name))
    plans = await tx.plans.all(before.name)
    old: dict[str, Deployable] = {}
    new: dict[str, Deployable] = {}
    same = before.settings.variables == after.settings.variables
    for each in await tx.apis.deployed(before.name):
        text = each.entry.openapi_text
        bound = each.bound if same else bind_to(each.entry.api, after, secrets)
        old[each.bound.id] = Deployable.of(each.bound, plans, before.settings, openapi_text=text)
        new[each.bound.id] = Deployable.of(bound, plans, after.settings, openapi_text=text)
    own = settings_differences(At(place=f"environment {before.name}"), before.settings, after.settings)
    taken = taken_hosts(before.settings.hosts, after, await tx.environments.all())
    return (*own, *taken, *compare_all(old, new))


async def gate_settings(
    tx: Transaction, before: Environment, after: Environment, now: float | None = None, *, reason: str = ""
) -> Promotion | None:
    """``None`` when the settings of ``after`` may take effect at once: in the first environment, unless it takes hosts from
    another, or where nothing is weaker.

    Else they may not: the request that waits for a second person, made by the transaction's actor. Asked again for the
    same, it is the same request.

    Raises:
        BindingError: an API deployed there names a variable that would not be there.
    """
    if before.settings.identity_providers == after.settings.identity_providers:  # then they are none of it
        before, after = (
            replace(each, settings=replace(each.settings, identity_providers=None))
            for each in (before, after)
        )
    known = await tx.environments.all()
    first = before.name == known[0].name  # as they are ordered by now
    if first and not taken_hosts(before.settings.hosts, after, known):
        return None
    weak = weakenings(await settings_outlook(tx, before, after))
    if not weak:
        return None
    for asked in await tx.promotions.list(environment=before.name, api="", statuses=OPEN):
        if asked.settings == after.settings and asked.base == settings_hash(before.settings):
            return asked
    at = time.time() if now is None else now
    promotion = Promotion(
        id=new_id("promo", at),
        kind="settings",
        status="pending",
        environment=before.name,
        requested_by_id=tx.actor.id,
        requested_by=by(tx.actor),
        requested_at=at,
        reason=reason,
        weakenings=weak,
        settings=after.settings,
        base=settings_hash(before.settings),
    )
    await tx.promotions.add(promotion)
    await tx.audit.record(
        AuditEvent(
            action="promotion.request",
            target=promotion.id,
            environment=before.name,
            after={"kind": "settings", "weakenings": [str(each) for each in weak]},
            note=reason,
        ),
        at=at,
    )
    await tx.webhooks.emit(
        "promotion.requested",
        {"promotion": promotion.id, "kind": "settings", "environment": before.name, "weakens": True},
    )
    return promotion
