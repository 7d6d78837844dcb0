"""What an environment holds now, and what it would hold after a document was applied. Pure but for one read."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

from wardgate.control.apply_webhooks import check_webhooks, merged_webhooks, webhook_entries
from wardgate.control.clients import merged_clients, read_clients
from wardgate.control.consumers import entry_of_application, merged_application
from wardgate.control.errors import ConflictError
from wardgate.control.listing import listing_of, merged_listing
from wardgate.control.lookup import environment_named
from wardgate.control.placing import entry_of, placed
from wardgate.control.ports import ApiRecord, Deployment, Environment, Transaction
from wardgate.control.providers import merged_providers, with_providers
from wardgate.domain.access import Group
from wardgate.domain.api import Api
from wardgate.domain.codec import decode_api, encode_api
from wardgate.domain.consumer import Application, Subscription
from wardgate.domain.document import (
    ApiEntry,
    AuthorizationServer,
    Document,
    EnvironmentEntry,
    SubscriptionEntry,
)
from wardgate.domain.environment import host_name
from wardgate.domain.people import Role
from wardgate.domain.reserved import token_places
from wardgate.domain.versioning import Versioning, conflict_among


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """An environment's APIs, plans and subscriptions, with the roles and applications all environments share."""

    document: Document
    #: All of them, in the order of promotion.
    environments: tuple[Environment, ...]
    environment: Environment
    secrets: frozenset[str]
    #: Every API there is, deployed here or not, by ``name/version``; likewise deployments.
    apis: dict[str, ApiRecord]
    deployments: dict[str, Deployment]
    applications: dict[str, Application]
    #: Ids of clients that registered themselves, of every environment.
    registered: frozenset[str]
    #: By application id, then by API.
    subscriptions: dict[str, dict[str, Subscription]]


async def read_state(tx: Transaction, environment: str) -> State:
    """The present state of ``environment``; its document lists things in the order they were added.

    Raises:
        NotFoundError: there is no such environment.
        ConflictError: what is stored of an identity provider is not sound.
    """
    await environment_named(tx, environment)
    environments = await with_providers(tx, await tx.environments.all())
    here = next(each for each in environments if each.name == environment)
    records = {each.api: each for each in await tx.apis.all()}
    deployments = await tx.apis.deployed(environment)
    plans = await tx.plans.all(environment)
    roles = await tx.roles.all()
    applications = await tx.applications.all()
    subscriptions: dict[str, dict[str, Subscription]] = {each.id: {} for each in applications}
    for _, subscription in await tx.applications.subscriptions(environment):
        subscriptions[subscription.application][subscription.api] = subscription
    return State(
        document=Document(
            apis=tuple(
                replace(each.entry, listing=listing_of(records[each.entry.api.id])) for each in deployments
            ),
            plans=tuple(plans.values()),
            roles=tuple(roles),
            authorization_server=_server(here),
            environments=_entries(environments, environment),
            groups=tuple(
                Group(name=each.name, description=each.description, roles=each.roles)
                for each in await tx.groups.all()
            ),
            projects=tuple(replace(each, created_at=0.0) for each in await tx.operators.projects()),
            operator_roles=tuple(await tx.operators.roles()),
            webhooks=webhook_entries(await tx.webhooks.all()),
            clients=await read_clients(tx, environment, applications),
            applications=tuple(
                entry_of_application(each, subscriptions[each.id].values()) for each in applications
            ),
        ),
        environments=environments,
        environment=here,
        secrets=frozenset(each.name for each in await tx.environments.secrets(environment)),
        apis=records,
        deployments={each.entry.api.id: each for each in deployments},
        applications={each.name: each for each in applications},
        registered=await tx.clients.registered(),
        subscriptions=subscriptions,
    )


def _same_scopes(known: Role | None, said: Role) -> Role:
    """``said``, with its scopes in the order they had: it means nothing, and documents list them in two places."""
    if known is None or set(known.scopes) != set(said.scopes):
        return said
    return replace(said, scopes=known.scopes)


def _server(environment: Environment) -> AuthorizationServer | None:
    endpoint = environment.settings.token_endpoint
    return AuthorizationServer(token_endpoint=endpoint) if endpoint else None


def merged(state: State, new: Document, *, prune: bool, kept: frozenset[str]) -> Document:
    """What holds after ``new`` is applied to ``state``.

    What ``new`` names is as it says, an application's subscriptions included. What it does not name stays, or with
    ``prune`` goes; an application in ``kept`` then loses only its subscriptions. Environments, projects and roles of
    operators always stay, and what other environments than the first hold of APIs, plans and roles.

    Raises:
        ConflictError: what it says of environments contradicts itself.
    """
    old = state.document
    whole = prune and state.environment == state.environments[0]
    entries = {entry.api.id: entry for entry in old.apis} if not whole else {}
    for entry in new.apis:
        record = state.apis.get(entry.api.id, ApiRecord(api=entry.api.id))
        entries[entry.api.id] = replace(_stored_form(entry), listing=merged_listing(record, entry.listing))
    plans = {plan.name: plan for plan in old.plans} if not whole else {}
    plans |= {plan.name: plan for plan in new.plans}
    known = {role.name: role for role in old.roles}
    roles = dict(known) if not whole else {}
    roles |= {each.name: _same_scopes(known.get(each.name), each) for each in new.roles}
    groups = {group.name: group for group in old.groups} if not whole else {}
    groups |= {group.name: group for group in new.groups}
    server = new.authorization_server
    if server is None and prune and not _names_endpoint(new, state.environment.name):
        server = AuthorizationServer()
    said = merged_providers(state.environments, new.environments, prune=whole)
    environments = placed(state.environments, said, state.environment.name, server)
    server = _server(next(each for each in environments if each.name == state.environment.name))
    present = {each.name: each for each in old.applications}
    if prune:
        applications = {name: replace(present[name], subscriptions=()) for name in present if name in kept}
    else:
        applications = dict(present)
    for each in new.applications:
        applications[each.name] = merged_application(each, present.get(each.name))
    return Document(
        apis=tuple(entries.values()),
        plans=tuple(plans.values()),
        roles=tuple(roles.values()),
        groups=tuple(groups[name] for name in sorted(groups)),
        projects=tuple(({each.name: each for each in (*old.projects, *new.projects)}).values()),
        operator_roles=tuple(
            ({each.name: each for each in (*old.operator_roles, *new.operator_roles)}).values()
        ),
        webhooks=merged_webhooks(old, new, prune=whole),
        clients=merged_clients(old, new, prune=prune, registered=state.registered),
        applications=tuple(applications.values()),
        authorization_server=server,
        environments=_entries(environments, state.environment.name),
    )


def _entries(environments: Iterable[Environment], here: str) -> tuple[EnvironmentEntry, ...]:
    """The environments; the token endpoint of this one has a section of its own."""
    entries = (entry_of(each) for each in environments)
    return tuple(replace(each, token_endpoint=None) if each.name == here else each for each in entries)


def placed_of(state: State, target: Document) -> list[Environment]:
    """The environments of a target that :func:`merged` gave. Raises ConflictError as :func:`placed` does."""
    server = target.authorization_server or AuthorizationServer()
    return placed(state.environments, target.environments, state.environment.name, server)


def _names_endpoint(document: Document, environment: str) -> bool:
    return any(each.name == environment and each.token_endpoint is not None for each in document.environments)


def check(document: Document) -> None:
    """Returns when the parts of ``document`` fit each other; where its APIs are is for :func:`check_mounts`.

    Raises:
        ConflictError: an API or application refers to what is not there.
    """
    plans = {plan.name for plan in document.plans}
    for entry in document.apis:
        for plan in entry.api.plans:
            if plan not in plans:
                raise ConflictError(
                    "plan_in_use",
                    f"The API {entry.api.id} offers the plan {plan!r}, which would not exist",
                    f"Keep the plan, or take it out of `plans` of {entry.api.id}",
                )
    _check_mapped(document)
    _check_groups(document)
    check_webhooks(document)
    offered = {entry.api.id: entry.api.plans for entry in document.apis}
    for application in document.applications:
        for subscription in application.subscriptions:
            _check_subscription(application.name, subscription, offered)


def _check_groups(document: Document) -> None:
    roles = {role.name for role in document.roles}
    for group in document.groups:
        for role in group.roles:
            if role not in roles:
                raise ConflictError(
                    "role_unknown",
                    f"The group {group.name!r} has the role {role!r}, which would not exist",
                    "Keep the role in `roles`, or take it out of the group",
                )
    known = {group.name for group in document.groups}
    for application in document.applications:
        for name in application.groups or ():
            if name not in known:
                raise ConflictError(
                    "group_unknown",
                    f"The application {application.name!r} is in the group {name!r}, which would not exist",
                    "Declare it in `groups`, or take the application out of it",
                )


def _check_mapped(document: Document) -> None:
    """Issuers name applications, by what their tokens say of the client, and each has its keys at one place."""
    known = {application.name for application in document.applications}
    places: dict[str, tuple[str, str]] = {}
    for entry in document.apis:
        for issuer in entry.api.oauth2.issuers if entry.api.oauth2 is not None else ():
            own = (issuer.jwks_uri, entry.api.id)
            place, first = places.setdefault(issuer.issuer, own) if issuer.kind == "jwks" else own
            if place != issuer.jwks_uri:
                raise ConflictError(
                    "issuer_conflict",
                    f"{entry.api.id} and {first} would read keys of {issuer.issuer} at different places",
                    "Write the same `jwks_uri` for both, or leave it out",
                )
            for client, name in issuer.applications.items():
                if name not in known:
                    raise ConflictError(
                        "application_unknown",
                        f"{entry.api.id} takes tokens of {issuer.issuer} for {client!r} as those of the application "
                        f"{name!r}, which would not exist",
                        "Declare the application, or correct its name in `issuers`",
                    )


def check_mounts(apis: Iterable[Api], hosts: tuple[str, ...] = ()) -> None:
    """Returns when no two APIs claim one place; those without hosts of their own have ``hosts``. Raises ConflictError."""
    mounts: dict[tuple[str, str], list[tuple[str, Versioning | None]]] = {}
    hosts = tuple(dict.fromkeys(host_name(host) for host in hosts))
    for each in apis:
        api = each if each.hosts or not hosts else replace(each, hosts=hosts)
        places = [(host, api.base_path, api.versioning) for host in api.hosts or ("",)]
        tokens = [(host, path, None) for host, path in token_places(api)]
        for host, path, versioning in (*places, *tokens):
            known = mounts.setdefault((host, path), [])
            others = [each for each in known if each[0] != api.id]
            other, why = conflict_among(others, versioning)
            if other:
                where = f"on the host {host}" if host else "on every host"
                raise ConflictError(
                    "mount_conflict",
                    f"{api.id} and {other} would both have the path {path or '/'!r} {where}, and {why}",
                    "Give one of them another base path or other hosts, tell them apart by `versioning`, or remove the "
                    "deployed one with --prune",
                )
            known.append((api.id, versioning))


def _check_subscription(
    application: str, subscription: SubscriptionEntry, offered: dict[str, tuple[str, ...]]
) -> None:
    if subscription.api not in offered:
        raise ConflictError(
            "api_in_use",
            f"The application {application!r} subscribes to {subscription.api!r}, which would not be deployed",
            "Remove the subscription, or deploy the API",
        )
    if subscription.plan is not None and subscription.plan not in offered[subscription.api]:
        raise ConflictError(
            "plan_in_use",
            f"The application {application!r} has {subscription.api} on the plan {subscription.plan!r}, "
            "which the API would not offer",
            f"Move the application to another plan first, or keep the plan in `plans` of {subscription.api}",
        )


def _stored_form(entry: ApiEntry) -> ApiEntry:
    """The entry as it will be read back, so that it compares equal to a stored one."""
    return replace(
        entry, api=decode_api(encode_api(entry.api)), source=json.loads(json.dumps(dict(entry.source)))
    )
