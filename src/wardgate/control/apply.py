"""Brings an environment to what a document says: all of it, or nothing."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass

from wardgate.control.document.difference import difference
from wardgate.control.errors import ConflictError
from wardgate.control.ids import new_id
from wardgate.control.keys import Clock
from wardgate.control.lookup import environment_named
from wardgate.control.ports import Store, Transaction
from wardgate.control.state import State, check, merged, read_state
from wardgate.domain.api import Api
from wardgate.domain.codec import encode_api
from wardgate.domain.consumer import Application, Subscription
from wardgate.domain.document import ApiEntry, ApplicationEntry, Document

#: What has to be done before and after roles change, given the transaction and the time.
AroundRoles = Callable[[Transaction, float], AbstractAsyncContextManager[None]]


def _unwatched(tx: Transaction, now: float) -> AbstractAsyncContextManager[None]:
    return nullcontext()


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyResult:
    """What was changed, or with a dry run would be.

    ``changes`` are lines for people, empty when nothing differs. ``revisions`` holds the number of each new revision
    by API id; a dry run makes none.
    """

    changes: tuple[str, ...]
    revisions: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """Old and new, and what people are told of the way from one to the other."""

    state: State
    target: Document
    lines: tuple[str, ...]


async def apply_document(
    store: Store,
    document: Document,
    environment: str,
    actor: str,
    note: str,
    prune: bool = False,
    *,
    dry_run: bool = False,
    around_roles: AroundRoles = _unwatched,
    clock: Clock = time.time,
) -> ApplyResult:
    """Afterwards ``environment`` is as ``document`` says; gateways are told of exactly what changed.

    An API gets a new revision only when its content (what is enforced, its settings as written, its OpenAPI text)
    differs from the one in force. A named application has exactly the subscriptions listed. What the document does
    not name stays; with ``prune`` it goes: APIs are withdrawn (their revisions stay), plans and roles deleted, and
    applications deleted with their keys, unless another environment uses them. ``around_roles`` surrounds the change of
    roles, if there is any, and belongs to the same transaction.

    Raises:
        NotFoundError: there is no such environment.
        ConflictError: the result would contradict itself, or a plan to delete is in use.
    """
    if dry_run:
        async with store.reading() as tx:
            plan = await _plan(tx, document, environment, prune)
        return ApplyResult(changes=plan.lines, revisions={})
    async with store.writing() as tx:
        plan = await _plan(tx, document, environment, prune)
        now = clock()
        await _put_plans(tx, plan, now)
        if plan.state.document.roles != plan.target.roles:
            async with around_roles(tx, now):
                await _put_roles(tx, plan)
        await _put_server(tx, plan, environment, now)
        revisions = await _put_apis(tx, plan, environment, now, actor, note)
        await _put_applications(tx, plan, environment, now)
        await _remove(tx, plan, environment, now)
    return ApplyResult(changes=plan.lines, revisions=revisions)


def content_hash(entry: ApiEntry) -> str:
    """SHA-256 over all that a revision holds: two entries with the same hash are the same revision."""
    content = {
        "api": encode_api(entry.api),
        "source": dict(entry.source),
        "openapi_name": entry.openapi_name,
        "openapi_text": entry.openapi_text,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


async def _plan(tx: Transaction, document: Document, environment: str, prune: bool) -> _Plan:
    await environment_named(tx, environment)
    state = await read_state(tx, environment)
    kept = await _used_elsewhere(tx, state, environment) if prune else frozenset()
    target = merged(state.document, document, prune=prune, kept=kept)
    check(target)
    if prune:
        await _check_plans_elsewhere(tx, state, target, environment)
    lines = difference(state.document, target)
    lines += await _ending_keys(tx, state, target)
    return _Plan(state=state, target=target, lines=tuple(lines))


async def _used_elsewhere(tx: Transaction, state: State, environment: str) -> frozenset[str]:
    """Names of applications with a subscription or a live key in another environment."""
    names = {each.id: each.name for each in state.applications.values()}
    ids = {
        item.application for place, item in await tx.applications.subscriptions() if place != environment
    } | {
        item.application
        for item in await tx.credentials.list()
        if item.environment != environment and item.revoked_at is None
    }
    return frozenset(names[each] for each in ids)


async def _check_plans_elsewhere(tx: Transaction, state: State, target: Document, environment: str) -> None:
    staying = {plan.name for plan in target.plans}
    going = {plan.name for plan in state.document.plans} - staying
    if not going:
        return
    for place, subscription in await tx.applications.subscriptions():
        if place != environment and subscription.plan in going:
            _refuse_plan(subscription.plan, f"{subscription.api} has subscribers on it in {place}")
    for deployment in await tx.apis.everywhere():
        used = going.intersection(deployment.entry.api.plans)
        if deployment.environment != environment and used:
            _refuse_plan(min(used), f"{deployment.entry.api.id} offers it in {deployment.environment}")


def _refuse_plan(name: str | None, why: str) -> None:
    raise ConflictError(
        "plan_in_use",
        f"The plan {name!r} cannot be deleted: {why}",
        "Keep the plan in the document, or end its use there first",
    )


async def _ending_keys(tx: Transaction, state: State, target: Document) -> list[str]:
    staying = {each.name for each in target.applications}
    return [
        f"- key {key.id} ({key.prefix}...) of application {name}"
        for name, application in state.applications.items()
        if name not in staying
        for key in await tx.credentials.list(application=application.id)
    ]


async def _put_plans(tx: Transaction, plan: _Plan, now: float) -> None:
    old = {each.name: each for each in plan.state.document.plans}
    for each in plan.target.plans:
        if old.get(each.name) != each:
            await tx.plans.put(each)
            await tx.feed.append("plan", each.name, at=now)


async def _put_roles(tx: Transaction, plan: _Plan) -> None:
    """What people may be granted; it is asked for at each grant. Tokens they gave before are for ``around_roles``."""
    old = {each.name: each for each in plan.state.document.roles}
    for each in plan.target.roles:
        if old.get(each.name) != each:
            await tx.roles.put(each)
    for name in old.keys() - {each.name for each in plan.target.roles}:
        await tx.roles.remove(name)


async def _put_server(tx: Transaction, plan: _Plan, environment: str, now: float) -> None:
    if plan.state.document.authorization_server != plan.target.authorization_server:
        await tx.environments.set_authorization_server(environment, plan.target.authorization_server)
        await tx.feed.append("environment", environment, at=now)


async def _put_apis(
    tx: Transaction, plan: _Plan, environment: str, now: float, actor: str, note: str
) -> dict[str, int]:
    revisions: dict[str, int] = {}
    for entry in plan.target.apis:
        known = plan.state.deployments.get(entry.api.id)
        if known is not None and known.entry is entry:
            continue
        new_hash = content_hash(entry)
        if known is not None and (known.hash == new_hash or known.entry == entry):
            continue
        revisions[entry.api.id] = await tx.apis.deploy(
            environment, entry, new_hash, at=now, actor=actor, note=note
        )
        if known is None or known.entry.api != entry.api:
            await _announce_api(tx, environment, entry.api, now)
    return revisions


async def _announce_api(tx: Transaction, environment: str, api: Api, now: float) -> None:
    await tx.feed.append("api", f"{environment} {api.id}", at=now)


async def _put_applications(tx: Transaction, plan: _Plan, environment: str, now: float) -> None:
    new: list[Application] = []
    subscribed: list[Subscription] = []
    changed: list[str] = []
    for entry in plan.target.applications:
        application = plan.state.applications.get(entry.name)
        known = application is not None and application.owner == entry.owner
        if application is None:
            application = Application(id=new_id("app", now), name=entry.name, owner=entry.owner)
            new.append(application)
        elif not known:
            await tx.applications.set_owner(application.id, entry.owner)
        added = _added(plan.state, application, entry, now)
        subscribed += added
        if await _change_subscriptions(tx, plan.state, application, entry) or added or not known:
            changed.append(application.id)
    await tx.applications.add(new, at=now)
    await tx.applications.subscribe(environment, subscribed, at=now)
    for application_id in changed:
        await tx.feed.append("application", application_id, at=now)


def _added(state: State, application: Application, entry: ApplicationEntry, now: float) -> list[Subscription]:
    """The subscriptions ``application`` does not have yet."""
    old = state.subscriptions.get(application.id, {})
    return [
        Subscription(id=new_id("sub", now), application=application.id, api=item.api, plan=item.plan)
        for item in entry.subscriptions
        if item.api not in old
    ]


async def _change_subscriptions(
    tx: Transaction, state: State, application: Application, entry: ApplicationEntry
) -> bool:
    """Ends and moves the subscriptions ``application`` has; whether there was anything to do."""
    old = state.subscriptions.get(application.id, {})
    wanted = {item.api: item for item in entry.subscriptions}
    ended = [item.id for api, item in old.items() if api not in wanted]
    moved = [
        (item.id, wanted[api].plan)
        for api, item in old.items()
        if api in wanted and wanted[api].plan != item.plan
    ]
    await tx.applications.unsubscribe(ended)
    for subscription_id, plan in moved:
        await tx.applications.set_plan(subscription_id, plan)
    return bool(ended or moved)


async def _remove(tx: Transaction, plan: _Plan, environment: str, now: float) -> None:
    """Takes away what the target no longer holds, last: by now nothing refers to it."""
    applications = {each.name for each in plan.target.applications}
    for name, application in plan.state.applications.items():
        if name not in applications:
            await tx.applications.remove(application.id)
            await tx.feed.append("application", application.id, at=now)
    apis = {each.api.id for each in plan.target.apis}
    for api_id, deployment in plan.state.deployments.items():
        if api_id not in apis:
            await tx.apis.withdraw(environment, api_id)
            await _announce_api(tx, environment, deployment.entry.api, now)
    plans = {each.name for each in plan.target.plans}
    for each in plan.state.document.plans:
        if each.name not in plans:
            await tx.plans.remove(each.name)
            await tx.feed.append("plan", each.name, at=now)
