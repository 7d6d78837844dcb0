"""Compares what is written as ``orders/v1@3`` (a revision), ``production`` (an environment) or ``orders/v1@production``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from wardgate.control.authority import require_somewhere
from wardgate.control.binding import bind_to
from wardgate.control.compare import Deployable, compare_all
from wardgate.control.errors import NotFoundError
from wardgate.control.outlook import no_revision
from wardgate.control.ports import Environment, Store, Transaction
from wardgate.domain.difference import Difference
from wardgate.domain.revision import Revision


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """One of the two: a revision, or what an environment serves. ``api`` narrows it; empty: all."""

    name: str
    api: str = ""
    revision: Revision | None = None
    environment: Environment | None = None
    served: dict[str, Deployable] = field(default_factory=dict)


async def differences(store: Store, before: str, after: str) -> tuple[Difference, ...]:
    """All in which ``after`` differs from ``before``.

    A revision beside an environment is bound as it would be there; one beside another is compared as it is written.

    Raises:
        NotFoundError: there is no such API, revision or environment.
        BindingError: the environment lacks a variable or secret of the revision.
        ForbiddenError: the actor may see no API.
    """
    async with store.reading() as tx:
        require_somewhere(tx.actor, "apis.view")
        old, new = await _side(tx, before), await _side(tx, after)
        left = await _deployables(tx, old, new.environment)
        right = await _deployables(tx, new, old.environment)
        if only := {side.api for side in (old, new) if side.api}:
            left = {name: each for name, each in left.items() if name in only}
            right = {name: each for name, each in right.items() if name in only}
        if len(left) == len(right) == 1 and left.keys() != right.keys() and old.api and new.api:
            # Two versions of one API, or two APIs: they are compared with each other.
            (first,), (second,) = left, right
            right = {first: right[second]}
        return compare_all(left, right)


async def _side(tx: Transaction, text: str) -> _Side:
    api, at, place = text.partition("@")
    if not at:
        environment = await _environment(tx, text)
        return _Side(name=text, environment=environment, served=await _served(tx, environment))
    record = await tx.apis.find(api)
    if record is None or not tx.actor.may("apis.view", record.catalogue.project):
        raise NotFoundError("api", api, "`wardgate apis list` shows those there are, like orders/v1")
    if re.fullmatch(r"[1-9][0-9]{0,8}", place):
        revision = await tx.apis.revision(api, int(place))
        if revision is None:
            raise no_revision(api, int(place))
        return _Side(name=text, api=api, revision=revision)
    environment = await _environment(tx, place)
    served = {name: each for name, each in (await _served(tx, environment)).items() if name == api}
    if not served:
        raise NotFoundError("deployment", text, f"{api} is not deployed to {place}")
    return _Side(name=text, api=api, environment=environment, served=served)


async def _environment(tx: Transaction, name: str) -> Environment:
    known = await tx.environments.all()
    for environment in known:
        if environment.name == name:
            return environment
    names = ", ".join(each.name for each in known)
    raise NotFoundError(
        "environment",
        name,
        f"Write a revision (orders/v1@3), an API somewhere (orders/v1@{known[0].name}), or one of {names}",
    )


async def _served(tx: Transaction, environment: Environment) -> dict[str, Deployable]:
    plans = await tx.plans.all(environment.name)
    projects = {each.api: each.catalogue.project for each in await tx.apis.all()}
    return {
        each.bound.id: Deployable.of(
            each.bound, plans, environment.settings, openapi_text=each.entry.openapi_text
        )
        for each in await tx.apis.deployed(environment.name)
        if tx.actor.may("apis.view", projects[each.bound.id])
    }


async def _deployables(tx: Transaction, side: _Side, other: Environment | None) -> dict[str, Deployable]:
    revision = side.revision
    if revision is None:
        return side.served
    api, text = revision.entry.api, revision.entry.openapi_text
    if other is None:
        return {api.id: Deployable.of(api, revision.plans, openapi_text=text)}
    secrets = frozenset(each.name for each in await tx.environments.secrets(other.name))
    bound = bind_to(api, other, secrets)
    return {api.id: Deployable.of(bound, revision.plans, other.settings, openapi_text=text)}
