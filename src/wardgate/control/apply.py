"""Brings an environment to what a document says: all of it, or nothing.

APIs and plans are applied to the first environment only, and are in force there at once. What others serve changes by
promotion.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace

from wardgate.control.apply_authority import check_authority, check_places, check_shown
from wardgate.control.apply_consumers import put_applications, put_groups
from wardgate.control.apply_operating import put_operating
from wardgate.control.apply_webhooks import put_webhooks
from wardgate.control.authority import require
from wardgate.control.binding import bind_to
from wardgate.control.client_ends import remove_clients_of
from wardgate.control.clients import PutClients, Registrar, check_clients
from wardgate.control.document.difference import difference
from wardgate.control.errors import ConflictError
from wardgate.control.foresight import foresight
from wardgate.control.keys import Clock
from wardgate.control.listing import settled
from wardgate.control.listing_rules import check_listings
from wardgate.control.ports import ApiRecord, Environment, Store, Transaction
from wardgate.control.providers import (
    Federation,
    check_providers,
    providers_of,
)
from wardgate.control.settling import put_environments
from wardgate.control.state import State, check, check_mounts, merged, placed_of, read_state
from wardgate.domain.api import Api
from wardgate.domain.audit import AuditEvent
from wardgate.domain.difference import Difference
from wardgate.domain.document import NOT_LISTED, ApiEntry, Document, Unseen
from wardgate.domain.operator import ADMIN_SCOPE, DEFAULT_PROJECT
from wardgate.domain.revision import content_hash as content_hash
from wardgate.domain.revision import offered

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
    #: Ids of changes of environments that weaken something and so wait for a second person.
    waiting: tuple[str, ...] = ()
    #: With a dry run, what differs by meaning.
    differences: tuple[Difference, ...] = ()
    #: What was made with a secret that nobody has seen: what is applied may run where its output is kept.
    unseen: tuple[Unseen, ...] = ()
    #: Ids of clients that wait, suspended, until another person restores them.
    held: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """Old and new, and what people are told of the way from one to the other."""

    state: State
    target: Document
    lines: tuple[str, ...]
    environments: tuple[Environment, ...]
    #: Every API of the target as it is served, by ``name/version``.
    bound: dict[str, Api]

    @property
    def name(self) -> str:
        return self.state.environment.name

    @property
    def first(self) -> bool:
        """Whether it is the environment that APIs are applied to."""
        return self.state.environment == self.state.environments[0]


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
    federation: Federation | None = None,
    registrar: Registrar | None = None,
    clock: Clock = time.time,
) -> ApplyResult:
    """Afterwards ``environment`` is as ``document`` says; gateways are told of exactly what changed.

    APIs and plans go to the first environment only. An API gets a new revision only when its content (what is enforced, its
    settings as written, its OpenAPI text, the plans it offers) differs from the one in force. A named application has
    exactly the subscriptions listed. What the document does not name stays; with ``prune`` it goes: APIs are withdrawn
    from the first environment (their revisions stay), plans and roles deleted, and applications deleted with their keys,
    unless another environment uses them or a client of theirs registered itself: such clients always stay.
    ``around_roles`` surrounds the change of roles and groups, if there is any, and belongs to the same transaction;
    ``federation`` is what is done to identity providers in it, ``registrar`` to clients.

    Raises:
        NotFoundError: there is no such environment.
        ConflictError: the result would contradict itself, a plan to delete is in use, or the document holds APIs or plans
            and the environment is not the first.
        BindingError: an API names a variable or secret that the environment does not have.
        InvalidError: a client, webhook, project or role of operators cannot be as it is said to be.
        ForbiddenError: the actor may not change something that differs.
    """
    if dry_run:
        async with store.reading() as tx:
            plan = await _plan(tx, document, environment, prune)
            found = await foresight(tx, plan.state, plan.target, plan.environments, plan.bound)
        return ApplyResult(changes=plan.lines, revisions={}, differences=found)
    async with store.writing() as tx:
        plan = await _plan(tx, document, environment, prune)
        now = clock()
        own = plan.name if plan.first else ""
        held = await put_environments(
            tx, plan.state.environments, plan.environments, now, rebound=own, note=note
        )
        await _put_plans(tx, plan, now)
        old, new = plan.state.document, plan.target
        await put_operating(tx, old, new, now)
        unseen = await put_webhooks(tx, old, new, now)
        if (old.roles, old.groups) != (new.roles, new.groups):
            async with around_roles(tx, now):
                await _put_roles(tx, plan, now)
                await put_groups(tx, plan.state, new, now)
        await _put_providers(tx, plan, {promotion.environment for promotion in held}, federation, now)
        revisions = await _put_apis(tx, plan, now, actor, note) if plan.first else {}
        await put_applications(tx, plan.state, plan.target, environment, now)
        clients = await _put_clients(tx, plan, registrar, now)
        await _remove(tx, plan, now)
    return ApplyResult(
        changes=plan.lines,
        revisions=revisions,
        waiting=tuple(promotion.id for promotion in held),
        unseen=(*unseen, *clients.unseen),
        held=clients.held,
    )


async def _plan(tx: Transaction, document: Document, environment: str, prune: bool) -> _Plan:
    if not tx.actor.may_somewhere(
        "apis.edit"
    ):  # who publishes in a project alone sees no environment as a whole
        require(tx.actor, "environments.view")
    state = await read_state(tx, environment)
    _check_first(document, state)
    if document.operator_roles:
        require(tx.actor, "operators.view")
    if document.webhooks is not None:
        require(tx.actor, "webhooks.view")
    if document.clients is not None:
        require(tx.actor, "clients.view")
    if any(each.identity_providers is not None for each in document.environments):
        require(tx.actor, "providers.view")
    kept = await _used_elsewhere(tx, state, environment) if prune else frozenset()
    target = merged(state, document, prune=prune, kept=kept)
    environments = tuple(placed_of(state, target))
    # Before anything is said of what the document does not fit: that may be of another project.
    check_authority(tx, state, target)
    check(target)
    check_providers(state.document, target)
    check_clients(document, target)
    await check_listings(tx, state, target)
    bound = _bound(state, target, environments)
    here = next(each for each in environments if each.name == environment)
    check_mounts(bound.values(), here.settings.hosts)
    await check_shown(tx, state, target, environments)
    lines = difference(state.document, target)
    lines += await _ending(tx, state, target)
    check_places(tx, state, target, bound)
    return _Plan(state=state, target=target, lines=tuple(lines), environments=environments, bound=bound)


def _check_first(document: Document, state: State) -> None:
    """Elsewhere what is served changes by promotion."""
    first = state.environments[0]
    if state.environment == first or not (document.apis or document.plans):
        return
    what = " and ".join(
        word for word, there in (("`apis`", document.apis), ("`plans`", document.plans)) if there
    )
    api = document.apis[0].api.id if document.apis else "NAME/VERSION"
    raise ConflictError(
        "environment_promoted",
        f"The document holds {what}, which are applied to the first environment, {first.name}; "
        f"{state.environment.name} changes by promotion only",
        f"Apply it to {first.name}, then `wardgate promote {api} --to {state.environment.name}`; "
        f"or keep only `applications` in what is applied to {state.environment.name}",
    )


def _bound(state: State, target: Document, environments: tuple[Environment, ...]) -> dict[str, Api]:
    """Every API of the target with the variables of the environment in place."""
    here = next(each for each in environments if each.name == state.environment.name)
    same = here.settings.variables == state.environment.settings.variables
    bound: dict[str, Api] = {}
    for entry in target.apis:
        known = state.deployments.get(entry.api.id)
        if known is not None and same and known.entry.api == entry.api:
            bound[entry.api.id] = known.bound
        else:
            bound[entry.api.id] = bind_to(entry.api, here, state.secrets)
    return bound


async def _used_elsewhere(tx: Transaction, state: State, environment: str) -> frozenset[str]:
    """Names of applications with a subscription, a live key or a client in another environment, with a client that
    registered itself, or with that with which operators sign on."""
    names = {each.id: each.name for each in state.applications.values()}
    ids = {item.application for place, item in await tx.applications.subscriptions() if place != environment}
    ids |= {
        item.application
        for item in await tx.credentials.list()
        if item.environment != environment and item.revoked_at is None
    }
    ids |= {
        item.application
        for item in await tx.clients.list()
        if item.environment != environment or ADMIN_SCOPE in item.scopes or item.id in state.registered
    }
    return frozenset(names[each] for each in ids)


async def _ending(tx: Transaction, state: State, target: Document) -> list[str]:
    """What goes with applications and is none of the documents'."""
    staying = {each.name for each in target.applications}
    going = {name: each.id for name, each in state.applications.items() if name not in staying}
    keys = [
        f"- key {key.id} ({key.prefix}...) of application {name}"
        for name, id_ in going.items()
        for key in await tx.credentials.list(application=id_)
    ]
    kept = {each.id for each in target.clients or ()}
    clients = [
        f"- client {each.id}, with its application {name}"
        for name, id_ in going.items()
        for each in await tx.clients.list(application=id_)
        if each.id in kept
    ]
    return [*keys, *clients]


async def _put_plans(tx: Transaction, plan: _Plan, now: float) -> None:
    old = {each.name: each for each in plan.state.document.plans}
    for each in plan.target.plans:
        if old.get(each.name) != each:
            await tx.plans.put(plan.name, each)
            await tx.feed.append("plan", f"{plan.name} {each.name}", at=now)
            await tx.audit.record(
                AuditEvent(action="plan.set", target=each.name, environment=plan.name), at=now
            )


async def _put_providers(
    tx: Transaction, plan: _Plan, waiting: Collection[str], federation: Federation | None, now: float
) -> None:
    """By now the roles and groups are there that providers map groups to. What waits for a second person is checked only."""
    known = {each.name: each for each in plan.state.environments}
    for each in plan.environments:
        before, after = providers_of(known.get(each.name)), providers_of(each)
        if before == after:
            continue
        if federation is None:
            raise TypeError("identity providers differ, and nothing was given that changes them")
        await federation.check(tx, [item for item in after if item not in before])
        if each.name not in waiting:
            await federation.put(tx, each.name, before, after, now)


async def _put_clients(tx: Transaction, plan: _Plan, registrar: Registrar | None, now: float) -> PutClients:
    before, after = plan.state.document.clients or (), plan.target.clients or ()
    if before == after:
        return PutClients()
    if registrar is None:
        raise TypeError("clients differ, and nothing was given that changes them")
    return await registrar.put(tx, plan.name, before, after, now)


async def _put_roles(tx: Transaction, plan: _Plan, now: float) -> None:
    """What people may be granted; it is asked for at each grant. Tokens they gave before are for ``around_roles``."""
    old = {each.name: each for each in plan.state.document.roles}
    for each in plan.target.roles:
        if old.get(each.name) != each:
            await tx.roles.put(each)
            await tx.audit.record(
                AuditEvent(action="role.set", target=each.name, after={"scopes": list(each.scopes)}), at=now
            )
    for name in sorted(old.keys() - {each.name for each in plan.target.roles}):
        await tx.roles.remove(name)
        await tx.audit.record(AuditEvent(action="role.remove", target=name), at=now)


async def _put_apis(tx: Transaction, plan: _Plan, now: float, actor: str, note: str) -> dict[str, int]:
    revisions: dict[str, int] = {}
    plans = {each.name: each for each in plan.target.plans}
    before = {entry.api.id: entry.listing for entry in plan.state.document.apis}
    for entry in plan.target.apis:
        api = entry.api.id
        known = plan.state.deployments.get(api)
        bound = plan.bound[api]
        plain = replace(entry, listing=NOT_LISTED)
        offers = offered(entry, plans)
        announce = known is None or known.bound != bound
        if known is None or known.entry != plain or known.plans != offers:
            number = await tx.apis.add_revision(plain, offers, at=now, actor=actor, note=note)
            await tx.apis.deploy(plan.name, api, number, bound, bound.content_hash(), at=now, actor=actor)
            revisions[api] = number
        elif announce:
            await tx.apis.rebind(plan.name, api, bound, bound.content_hash())
        if before.get(api, NOT_LISTED) != entry.listing:
            announce = await _put_listing(tx, plan, entry, now) or announce
        if announce:
            await tx.feed.append("api", f"{plan.name} {api}", at=now)
        if api in revisions:
            await _tell(tx, plan, entry, known.revision if known else None, revisions[api], note, now)
    return revisions


async def _tell(
    tx: Transaction, plan: _Plan, entry: ApiEntry, before: int | None, after: int, note: str, now: float
) -> None:
    await tx.audit.record(
        AuditEvent(
            action="api.apply",
            target=entry.api.id,
            environment=plan.name,
            project=entry.listing.project or DEFAULT_PROJECT,
            before={} if before is None else {"revision": before},
            after={"revision": after},
            note=note,
        ),
        at=now,
    )


async def _put_listing(tx: Transaction, plan: _Plan, entry: ApiEntry, now: float) -> bool:
    """Stores what is said of an API beside its revision; whether gateways must know. Other environments are told here."""
    api = entry.api.id
    old = plan.state.apis.get(api, ApiRecord(api=api))
    new = settled(old, entry.listing, now)
    await tx.apis.set_standing(api, new.standing)
    await tx.apis.set_catalogue(api, new.catalogue)
    if new.standing == old.standing:
        return False
    for environment in plan.environments:
        if environment.name != plan.name:
            await tx.feed.append("api", f"{environment.name} {api}", at=now)
    return True


async def _remove(tx: Transaction, plan: _Plan, now: float) -> None:
    """Takes away what the target no longer holds, last: by now nothing refers to it."""
    applications = {each.name for each in plan.target.applications}
    for name, application in plan.state.applications.items():
        if name not in applications:
            await remove_clients_of(tx, application.id, now)
            await tx.applications.remove(application.id)
            await tx.feed.append("application", application.id, at=now)
            await tx.audit.record(
                AuditEvent(action="application.remove", target=application.id, before={"name": name}), at=now
            )
    apis = {each.api.id for each in plan.target.apis}
    for api, deployment in plan.state.deployments.items():
        if api not in apis:
            await tx.apis.withdraw(plan.name, api)
            await tx.feed.append("api", f"{plan.name} {api}", at=now)
            await tx.audit.record(
                AuditEvent(
                    action="api.withdraw",
                    target=api,
                    environment=plan.name,
                    project=plan.state.apis[api].catalogue.project,
                    before={"revision": deployment.revision},
                ),
                at=now,
            )
    plans = {each.name for each in plan.target.plans}
    for each in plan.state.document.plans:
        if each.name not in plans:
            await tx.plans.remove(plan.name, each.name)
            await tx.feed.append("plan", f"{plan.name} {each.name}", at=now)
            await tx.audit.record(
                AuditEvent(action="plan.remove", target=each.name, environment=plan.name), at=now
            )
