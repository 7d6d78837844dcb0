"""APIs as their owners keep them: life cycle, what people are told of them, and the kill switch."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from wardgate.control.authority import require, require_somewhere
from wardgate.control.document.urls import url_problem
from wardgate.control.errors import ConflictError, InvalidError, NotFoundError
from wardgate.control.keys import Clock
from wardgate.control.lifecycle import check_step
from wardgate.control.listing import deprecated_at
from wardgate.control.lookup import MAX_DESCRIPTION, MAX_NAME, checked_text, environment_named
from wardgate.control.ports import ApiRecord, Deployment, Store, Transaction
from wardgate.domain.audit import AuditEvent
from wardgate.domain.codec import encode
from wardgate.domain.instant import LATEST
from wardgate.domain.permission import Permission
from wardgate.domain.standing import Catalogue, Lifecycle, Standing, Visibility

MAX_TAGS = 50
#: The kill switch of a whole API.
WHOLE = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an API is deployed: which revision, and what is switched off there."""

    environment: str
    revision: int
    off: tuple[str, ...]
    deployed_at: float
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiView:
    """An API and where it is deployed, in the order of promotion."""

    record: ApiRecord
    places: tuple[Place, ...]


async def list_apis(store: Store) -> list[ApiView]:
    """Every API the actor may see, by name and version. Raises ForbiddenError."""
    async with store.reading() as tx:
        require_somewhere(tx.actor, "apis.view")
        places: dict[str, list[Place]] = {}
        for each in await tx.apis.everywhere():
            places.setdefault(each.bound.id, []).append(_place(each))
        return [
            ApiView(record=each, places=tuple(places.get(each.api, ())))
            for each in sorted(await tx.apis.all(), key=lambda record: record.api)
            if tx.actor.may("apis.view", each.catalogue.project)
        ]


async def show(store: Store, api: str) -> ApiView:
    """One API. Raises NotFoundError, ForbiddenError."""
    async with store.reading() as tx:
        return await _view(tx, await _named(tx, api, "apis.view"))


async def publish(
    store: Store, api: str, *, force: bool = False, note: str = "", clock: Clock = time.time
) -> ApiView:
    """Afterwards the API is offered: it takes subscriptions. What told of its end is gone.

    Raises:
        NotFoundError: there is no such API.
        ConflictError: it is retired, and that is not forced.
    """
    return await _step(store, api, "published", clock, force=force, note=note)


async def deprecate(
    store: Store,
    api: str,
    *,
    sunset: float | None = None,
    successor: str = "",
    note: str = "",
    clock: Clock = time.time,
) -> ApiView:
    """Afterwards existing subscriptions work and no new ones are taken; answers say so (RFC 9745), with ``sunset`` (Unix
    seconds) when it will end (RFC 8594), and with ``successor`` (a URL) what comes after it.

    Raises:
        NotFoundError: there is no such API.
        InvalidError: the time lies in the past, or the URL cannot be used.
        ConflictError: it is not published.
    """
    return await _step(store, api, "deprecated", clock, note=note, deprecation=(sunset, successor))


async def retire(
    store: Store, api: str, *, force: bool = False, note: str = "", clock: Clock = time.time
) -> ApiView:
    """Afterwards the API answers 410 in every environment.

    Raises:
        NotFoundError: there is no such API.
        ConflictError: it was not deprecated before, and that is not forced.
    """
    return await _step(store, api, "retired", clock, force=force, note=note)


async def describe(
    store: Store,
    api: str,
    *,
    visibility: Visibility | None = None,
    groups: Sequence[str] | None = None,
    project: str | None = None,
    tags: Sequence[str] | None = None,
    docs: str | None = None,
    contact: str | None = None,
    description: str | None = None,
    note: str = "",
    clock: Clock = time.time,
) -> ApiView:
    """Changes what people are told of an API, and who; ``None`` leaves it.

    Raises:
        NotFoundError: there is no such API.
        InvalidError: a value cannot be used.
        ForbiddenError: the actor may not edit APIs of its project, or of the one it is moved to.
    """
    async with store.writing() as tx:
        record = await _named(tx, api, "apis.edit")
        given: dict[str, Any] = {
            "visibility": visibility,
            "groups": None if groups is None else tuple(groups),
            "project": project,
            "tags": None if tags is None else tuple(tags),
            "docs": docs,
            "contact": contact,
            "description": description,
        }
        named = {key: value for key, value in given.items() if value is not None}
        catalogue = checked_catalogue(replace(record.catalogue, **named), named)
        if catalogue.project != record.catalogue.project:
            require(tx.actor, "apis.edit", catalogue.project)
            await _check_project(tx, catalogue.project)
        if catalogue != record.catalogue:
            await tx.apis.set_catalogue(record.api, catalogue)
            await _tell(tx, "api.describe", record, record.catalogue, catalogue, clock(), note)
        return await _view(tx, replace(record, catalogue=catalogue))


async def switch_off(
    store: Store,
    api: str,
    environment: str,
    *,
    reason: str,
    resource: str | None = None,
    clock: Clock = time.time,
) -> Place:
    """Afterwards an API, or one of its resources (``GET /items/{id}``), answers 503 in an environment, at once.

    Raises:
        NotFoundError: it is not deployed there, or has no such resource.
        InvalidError: there is no reason.
    """
    return await _switch(store, api, environment, resource or WHOLE, reason, clock, off=True)


async def switch_on(
    store: Store,
    api: str,
    environment: str,
    *,
    reason: str,
    resource: str | None = None,
    clock: Clock = time.time,
) -> Place:
    """Undoes :func:`switch_off` of the same thing; without ``resource`` everything of the API is on again.

    Raises:
        NotFoundError: it is not deployed there.
        InvalidError: there is no reason.
        ConflictError: ``resource`` is to be on, and the whole API is off.
    """
    return await _switch(store, api, environment, resource or WHOLE, reason, clock, off=False)


def checked_catalogue(catalogue: Catalogue, given: Collection[str]) -> Catalogue:
    """The same, what is ``given`` without outer blanks. Raises InvalidError for what cannot be told of an API. What is not
    given stands as a document said it, which may tell more."""
    for what in ("groups", "tags"):
        names: tuple[str, ...] = getattr(catalogue, what) if what in given else ()
        if len(names) > MAX_TAGS or len(set(names)) < len(names):
            raise InvalidError(
                what, f"There are too many {what}, or one twice", f"Give up to {MAX_TAGS}, each once"
            )
        for name in names:
            if not checked_text(what, name, MAX_NAME):
                raise InvalidError(what, f"One of the {what} is empty", "Remove it")
    if catalogue.visibility == "group" and not catalogue.groups:
        raise InvalidError(
            "groups", "An API that groups see needs groups", "Name them, or choose another visibility"
        )
    if catalogue.docs and (trouble := url_problem(catalogue.docs, query=True)):
        raise InvalidError(
            "docs", f"The URL of its documentation cannot be used: {trouble}", "Write https://host/path"
        )
    contact, description = catalogue.contact, catalogue.description
    return replace(
        catalogue,
        contact=checked_text("contact", contact, MAX_NAME * 3) if "contact" in given else contact,
        description=checked_text("description", description, MAX_DESCRIPTION)
        if "description" in given
        else description,
    )


async def _step(
    store: Store,
    api: str,
    lifecycle: Lifecycle,
    clock: Clock,
    *,
    force: bool = False,
    note: str = "",
    deprecation: tuple[float | None, str] | None = None,
) -> ApiView:
    now = clock()
    async with store.writing() as tx:
        record = await _named(tx, api, "apis.edit")
        old = record.standing
        check_step(record.api, old.lifecycle, lifecycle, force=force)
        sunset, successor = old.sunset_at, old.successor
        if deprecation is not None:
            sunset, successor = deprecation
            _check_end(sunset, successor, now)
        elif lifecycle == "published":
            sunset, successor = None, ""
        new = Standing(
            lifecycle=lifecycle,
            deprecated_at=deprecated_at(old, lifecycle, now),
            sunset_at=sunset,
            successor=successor,
        )
        if new != old:
            await tx.apis.set_standing(record.api, new)
            for environment in await tx.environments.all():
                if await tx.apis.deployment(environment.name, record.api) is not None:
                    await tx.feed.append("api", f"{environment.name} {record.api}", at=now)
            verb = {"published": "publish", "deprecated": "deprecate", "retired": "retire"}[lifecycle]
            await _tell(tx, f"api.{verb}", record, old, new, now, note)
        return await _view(tx, replace(record, standing=new))


def _check_end(sunset: float | None, successor: str, now: float) -> None:
    if sunset is not None and not (now < sunset <= LATEST):
        raise InvalidError("sunset", "The time of its end is not ahead", "Give a later one, or none")
    if successor and (trouble := url_problem(successor, query=True)):
        raise InvalidError("successor", f"The URL cannot be used: {trouble}", "Write https://host/path")


async def _switch(
    store: Store, api: str, environment: str, what: str, reason: str, clock: Clock, *, off: bool
) -> Place:
    now = clock()
    async with store.writing() as tx:
        record = await _named(tx, api, "apis.switch")
        reason = checked_text("reason", reason, MAX_DESCRIPTION)
        if not reason:
            raise InvalidError("reason", "There is no reason", "Say why, in a sentence")
        place = (await environment_named(tx, environment)).name
        deployment = await tx.apis.deployment(place, record.api)
        if deployment is None:
            raise NotFoundError("deployment", f"{record.api} in {place}", "Promote it there first")
        known = {resource.name for resource in deployment.bound.resources}
        if off and what != WHOLE and what not in known:
            raise NotFoundError(
                "resource", what, f"Name one of {record.api} as its document does, like `GET /items/{{id}}`"
            )
        if off:
            after = tuple(dict.fromkeys((*deployment.off, what)))
        else:
            after = () if what == WHOLE else tuple(each for each in deployment.off if each != what)
        if not off and what != WHOLE and WHOLE in after:
            raise ConflictError(
                "api_switched_off",
                f"{record.api} is switched off as a whole in {place}",
                "Switch the API on first",
            )
        if after != deployment.off:
            await tx.apis.set_off(place, record.api, after)
            await tx.feed.append("api", f"{place} {record.api}", at=now)
            await tx.audit.record(
                AuditEvent(
                    action="api.switch_off" if off else "api.switch_on",
                    target=record.api,
                    environment=place,
                    project=record.catalogue.project,
                    before={"off": list(deployment.off)},
                    after={"off": list(after)},
                    note=reason,
                ),
                at=now,
            )
        return _place(replace(deployment, off=after))


async def _named(tx: Transaction, api: str, permission: Permission) -> ApiRecord:
    require_somewhere(tx.actor, permission)
    found = await tx.apis.find(api)
    if found is None:
        raise NotFoundError("api", api, "`wardgate apis list` shows those there are, like orders/v1")
    require(tx.actor, permission, found.catalogue.project)
    return found


async def _check_project(tx: Transaction, project: str) -> None:
    if all(each.name != project for each in await tx.operators.projects()):
        raise NotFoundError(
            "project", project, "`wardgate projects list` shows those there are; add it first"
        )


async def _view(tx: Transaction, record: ApiRecord) -> ApiView:
    places = []
    for environment in await tx.environments.all():
        deployment = await tx.apis.deployment(environment.name, record.api)
        if deployment is not None:
            places.append(_place(deployment))
    return ApiView(record=record, places=tuple(places))


def _place(deployment: Deployment) -> Place:
    return Place(
        environment=deployment.environment,
        revision=deployment.revision,
        off=deployment.off,
        deployed_at=deployment.deployed_at,
        actor=deployment.actor,
    )


async def _tell(
    tx: Transaction, action: str, record: ApiRecord, old: object, new: object, now: float, note: str
) -> None:
    before, after = encode(old), encode(new)
    differing = [key for key in after if before[key] != after[key]]
    await tx.audit.record(
        AuditEvent(
            action=action,
            target=record.api,
            project=record.catalogue.project,
            before={key: before[key] for key in differing},
            after={key: after[key] for key in differing},
            note=note,
        ),
        at=now,
    )
