"""Brings environments to what they are to be, with all that follows for what is deployed there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from wardgate.control.authority import require
from wardgate.control.binding import bind_to
from wardgate.control.compare.taken_hosts import shared_host, taken_hosts
from wardgate.control.errors import ConflictError
from wardgate.control.gate_settings import gate_settings
from wardgate.control.held import hold_ungated
from wardgate.control.ports import Environment, Transaction
from wardgate.control.state import check_mounts
from wardgate.domain.audit import AuditEvent
from wardgate.domain.codec import encode
from wardgate.domain.promotion import Promotion


async def put_environments(
    tx: Transaction,
    before: tuple[Environment, ...],
    after: tuple[Environment, ...],
    now: float,
    *,
    rebound: str = "",
    note: str = "",
) -> tuple[Promotion, ...]:
    """Afterwards the environments are those of ``after``, which has all of ``before`` and perhaps more.

    Where variables changed, every deployment is bound anew and announced, but for those of ``rebound``: the caller does so.
    Settings that weaken what an environment other than the first serves stay as they were: the requests that are returned
    wait for a second person. Identity providers are for the caller to put in place, where no request waits for that.

    Raises:
        BindingError: an API deployed there names a variable that is no longer there.
        ConflictError: another would be the first, and APIs are promoted to that, or the one that is now has in use what no
            second person agreed to.
        ForbiddenError: they differ, and the actor may not change environments, by whatever section of a document.
    """
    if before == after:
        return ()
    require(tx.actor, "environments.edit")
    known = {each.name: each for each in before}
    _check_hosts(before, after)
    count = len(before)
    for each in after:
        if each.name not in known:
            count += 1
            await tx.environments.add(replace(each, position=count, production=False))
            await tx.audit.record(
                AuditEvent(action="environment.add", target=each.name, environment=each.name, note=note),
                at=now,
            )
            if (
                each.settings.identity_providers
            ):  # people sign in by them, which is not for one person to decide
                known[each.name] = replace(each, settings=replace(each.settings, identity_providers=()))
    await _arrange(tx, before, after, now, note)
    waiting = []
    for each in after:
        old = known.get(each.name)
        if old is None or old.settings == each.settings:
            continue
        held = await gate_settings(tx, old, each, now, reason=note)
        if held is None:
            await settle(tx, old, each, now, rebinds=each.name != rebound, note=note)
        else:
            waiting.append(held)
    return tuple(waiting)


def _check_hosts(before: tuple[Environment, ...], after: tuple[Environment, ...]) -> None:
    """Returns when no host would be of two environments, nor a new environment have hosts that others answer: it has no
    settings before that a request could wait with. Raises ConflictError."""
    shared = shared_host(after)
    if shared is not None and shared_host(before) is None:
        host, one, other = shared
        raise ConflictError(
            "host_shared",
            f"The host {host} would be of both {one} and {other}, and served by neither",
            f"Take it from {one} first, or give {other} another",
        )
    known = {each.name for each in before}
    for each in after:
        for taken in taken_hosts((), each, before) if each.name not in known else ():
            raise ConflictError(
                "host_taken",
                f"{each.name} is new, and {taken.sentence}",
                "Add it without that host, and give it the host afterwards: a second person approves",
            )


async def _arrange(
    tx: Transaction,
    before: tuple[Environment, ...],
    after: tuple[Environment, ...],
    now: float,
    note: str,
) -> None:
    old, new = [each.name for each in before], [each.name for each in after]
    if old:
        await require_nothing_served(tx, old[0], new[0])
    if old and old[0] != new[0]:
        await hold_ungated(tx, old[0], now, note=note)
    if new[: len(old)] != old:
        await tx.environments.order(new)
        await tx.audit.record(
            AuditEvent(
                action="environment.order",
                target="environments",
                before={"order": old},
                after={"order": new},
                note=note,
            ),
            at=now,
        )
    was = next((each.name for each in before if each.production), "")
    production = next((each.name for each in after if each.production), "")
    if production != was:
        await _require_promoted(tx, production)
        await tx.environments.set_production(production)
        await tx.audit.record(
            AuditEvent(
                action="environment.production",
                target=production,
                environment=production,
                before={"production": was},
                after={"production": production},
                note=note,
            ),
            at=now,
        )


async def _require_promoted(tx: Transaction, name: str) -> None:
    """Returns when all that is deployed there was promoted to it: what was applied while it was the first environment passed
    no gate. Raises ConflictError."""
    for deployment in await tx.apis.deployed(name):
        api = deployment.bound.id
        asked = await tx.promotions.list(environment=name, api=api)
        if all(
            (each.kind, each.status, each.revision) != ("promote", "done", deployment.revision)
            for each in asked
        ):
            raise ConflictError(
                "environment_applied",
                f"{name} cannot be for production: {api} was applied there when it was the first environment, and "
                "passed no gate",
                f"Withdraw {api} from {name}, and promote it there",
            )


async def require_nothing_served(tx: Transaction, first: str, other: str) -> None:
    """Returns when ``other`` may be the first environment after ``first`` (empty: it is already): nothing is deployed
    there, nor was and is to come back. What is applied to it passes no gate. Raises ConflictError."""
    if first in ("", other):
        return
    if await tx.apis.in_force(other):
        raise ConflictError(
            "environment_first",
            f"{other} cannot become the first environment while APIs are deployed there: what is applied would be in "
            "force there at once",
            "Withdraw them first, or keep the order",
        )
    if await tx.promotions.withdrawn(other):
        raise ConflictError(
            "environment_first",
            f"{other} cannot become the first environment: APIs were promoted to it before, and withdrawn, so what is "
            "applied there would pass the gate by",
            "Add a new environment, and put that first",
        )


async def settle(
    tx: Transaction, old: Environment, new: Environment, now: float, *, rebinds: bool = True, note: str = ""
) -> None:
    """Afterwards the settings of an environment are those of ``new``, whatever they weaken.

    Raises:
        BindingError: an API deployed there names a variable that is no longer there.
        ConflictError: two APIs would claim one place.
    """
    before = replace(old.settings, identity_providers=None)
    after = replace(new.settings, identity_providers=None)
    if before == after:
        return
    await tx.environments.set_settings(new.name, after)
    for name in _differing(before.plans, after.plans):
        await tx.feed.append("plan", f"{new.name} {name}", at=now)
    if (before.hosts, before.token_endpoint) != (after.hosts, after.token_endpoint):
        await tx.feed.append("environment", new.name, at=now)
    if rebinds and before.variables != after.variables:
        await rebind(tx, new, now)
    if rebinds and (before.hosts, before.variables) != (after.hosts, after.variables):
        check_mounts((each.bound for each in await tx.apis.deployed(new.name)), after.hosts)
    changed = [
        name
        for name in ("hosts", "variables", "plans", "retention", "token_endpoint", "leaks", "leak_overlap")
        if getattr(before, name) != getattr(after, name)
    ]
    await tx.audit.record(
        AuditEvent(
            action="environment.set",
            target=new.name,
            environment=new.name,
            before={name: encode(getattr(before, name)) for name in changed},
            after={name: encode(getattr(after, name)) for name in changed},
            note=note,
        ),
        at=now,
    )


async def rebind(tx: Transaction, environment: Environment, now: float) -> list[str]:
    """Binds every deployment there anew and announces those that are served otherwise now; which they are.

    Raises:
        BindingError: an API names a variable or secret that is not there.
    """
    secrets = frozenset(each.name for each in await tx.environments.secrets(environment.name))
    changed = []
    for deployment in await tx.apis.deployed(environment.name):
        bound = bind_to(deployment.entry.api, environment, secrets)
        if bound != deployment.bound:
            await tx.apis.rebind(environment.name, bound.id, bound, bound.content_hash())
            await tx.feed.append("api", f"{environment.name} {bound.id}", at=now)
            changed.append(bound.id)
    return changed


def _differing(before: Any, after: Any) -> Iterable[str]:
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
