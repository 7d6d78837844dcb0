"""Environments: the list of them, what belongs to each, their variables and secrets."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from wardgate.control.authority import require
from wardgate.control.controls import checked_limits
from wardgate.control.document.environments import ENVIRONMENT, ENVIRONMENT_WORDS, GATEWAY_HOST, VALUE
from wardgate.control.document.urls import url_problem
from wardgate.control.errors import ConflictError, InvalidError
from wardgate.control.keys import Clock
from wardgate.control.lookup import environment_named
from wardgate.control.placing import check_arrangement
from wardgate.control.ports import Environment, SecretInfo, Store, Transaction
from wardgate.control.settling import put_environments, rebind, require_nothing_served
from wardgate.domain.apikey import TAG_PATTERN
from wardgate.domain.audit import AuditEvent, by
from wardgate.domain.environment import EnvironmentSettings, LeakPolicy, Retention
from wardgate.domain.limit import Limit
from wardgate.domain.redaction import REDACTED
from wardgate.domain.secret import Secret
from wardgate.domain.template import NAME

MAX_SECRET = 16 * 1024
MAX_DAYS = 36_500
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """An environment after a change. Where that weakens something it waits for a second person: ``waiting`` is the id of the
    request, and the environment is as it was."""

    environment: Environment
    waiting: str = ""


async def list_environments(store: Store) -> list[Environment]:
    """Every environment in the order of promotion. Raises ForbiddenError."""
    async with store.reading() as tx:
        require(tx.actor, "environments.view")
        return await tx.environments.all()


async def show(store: Store, name: str) -> Environment:
    """One environment. Raises NotFoundError, ForbiddenError."""
    async with store.reading() as tx:
        require(tx.actor, "environments.view")
        return await environment_named(tx, name)


async def add(
    store: Store, *, name: str, tag: str = "", note: str = "", clock: Clock = time.time
) -> Environment:
    """A new environment, the last in the order, with nothing in it. ``tag`` (by default the name) stands in its keys.

    Raises:
        InvalidError: the name or tag cannot be used.
        ConflictError: one of them is taken.
    """
    now = clock()
    async with store.writing() as tx:
        require(tx.actor, "environments.edit")
        tag = tag or name
        if not re.fullmatch(ENVIRONMENT, name):
            raise InvalidError(
                "name", f"{name[:40]!r} is no name of an environment", f"Use {ENVIRONMENT_WORDS}"
            )
        if not re.fullmatch(TAG_PATTERN, tag):
            raise InvalidError(
                "tag",
                f"{tag[:40]!r} is no tag for keys",
                "Give a `tag` of 1 to 12 lower-case letters or digits",
            )
        known = await tx.environments.all()
        for each in known:
            if name == each.name or tag == each.tag:
                what = f"name {name!r}" if name == each.name else f"tag {tag!r}"
                raise ConflictError(
                    "environment_exists", f"The {what} is taken by {each.name}", "Choose another"
                )
        new = Environment(name=name, tag=tag, position=len(known) + 1, production=False)
        await put_environments(tx, tuple(known), (*known, new), now, note=note)
        return await environment_named(tx, name)


async def reorder(
    store: Store, names: Sequence[str], *, note: str = "", clock: Clock = time.time
) -> list[Environment]:
    """Puts the environments in this order, which must name each once. What is applied goes to the first from now on.

    Raises:
        InvalidError: an environment is missing, unknown, or stands there twice.
        ConflictError: the first would be the one for production, or have APIs deployed already; or the one that is now has
            an active identity provider, or client with a legacy grant, which no second person agreed to.
    """
    now = clock()
    async with store.writing() as tx:
        require(tx.actor, "environments.edit")
        known = {each.name: each for each in await tx.environments.all()}
        if sorted(names) != sorted(known):
            raise InvalidError(
                "order",
                "The order does not name every environment once",
                f"Name {', '.join(known)} in their order",
            )
        after = tuple(replace(known[name], position=place) for place, name in enumerate(names, 1))
        check_arrangement(after)
        await put_environments(tx, tuple(known.values()), after, now, note=note)
        return await tx.environments.all()


async def mark_production(
    store: Store, name: str, *, note: str = "", clock: Clock = time.time
) -> list[Environment]:
    """Makes this environment, and no other, the one for production.

    Raises:
        NotFoundError: there is no such environment.
        ConflictError: it is the first, and there are others.
    """
    now = clock()
    async with store.writing() as tx:
        require(tx.actor, "environments.edit")
        name = (await environment_named(tx, name)).name
        known = await tx.environments.all()
        after = tuple(replace(each, production=each.name == name) for each in known)
        check_arrangement(after)
        await put_environments(tx, tuple(known), after, now, note=note)
        return await tx.environments.all()


async def set_settings(
    store: Store,
    name: str,
    *,
    hosts: Sequence[str] | None = None,
    plans: Mapping[str, tuple[Limit, ...]] | None = None,
    retention: Retention | None = None,
    token_endpoint: str | None = None,
    leaks: LeakPolicy | None = None,
    leak_overlap: int | None = None,
    note: str = "",
    clock: Clock = time.time,
) -> Changed:
    """Changes what is given; ``None`` leaves it.

    Raises:
        NotFoundError: there is no such environment.
        InvalidError: a value cannot be used.
        ConflictError: two APIs would claim one place.
    """
    async with store.writing() as tx:
        require(tx.actor, "environments.edit")
        old = await environment_named(tx, name)
        given: dict[str, object] = {
            "hosts": None if hosts is None else tuple(dict.fromkeys(hosts)),
            "plans": None
            if plans is None
            else {plan: checked_limits(limits) for plan, limits in plans.items()},
            "retention": retention,
            "token_endpoint": token_endpoint,
            "leaks": leaks,
            "leak_overlap": leak_overlap,
        }
        named = {key: value for key, value in given.items() if value is not None}
        settings = replace(old.settings, **named)  # type: ignore[arg-type]
        check_settings(settings)
        return await _change(tx, replace(old, settings=settings), clock(), note)


async def set_variable(
    store: Store, environment: str, name: str, value: str, *, note: str = "", clock: Clock = time.time
) -> Changed:
    """Afterwards ``${name}`` means ``value`` there; what is deployed is bound anew, in the same transaction.

    Raises:
        NotFoundError: there is no such environment.
        InvalidError: the name or the value cannot be used.
        BindingError: an API deployed there cannot be used with the value.
    """
    async with store.writing() as tx:
        require(tx.actor, "environments.edit")
        old = await environment_named(tx, environment)
        variables = {**old.settings.variables, name: value}
        settings = replace(old.settings, variables=variables)
        check_settings(settings)
        return await _change(tx, replace(old, settings=settings), clock(), note)


async def unset_variable(
    store: Store, environment: str, name: str, *, note: str = "", clock: Clock = time.time
) -> Changed:
    """Afterwards there is no such variable.

    Raises:
        NotFoundError: there is no such environment.
        BindingError: an API deployed there names it.
    """
    async with store.writing() as tx:
        require(tx.actor, "environments.edit")
        old = await environment_named(tx, environment)
        variables = {key: value for key, value in old.settings.variables.items() if key != name}
        settings = replace(old.settings, variables=variables)
        return await _change(tx, replace(old, settings=settings), clock(), note)


async def secrets(store: Store, environment: str) -> list[SecretInfo]:
    """The secrets of an environment, without their values. Raises NotFoundError, ForbiddenError."""
    async with store.reading() as tx:
        require(tx.actor, "environments.view")
        return await tx.environments.secrets((await environment_named(tx, environment)).name)


async def set_secret(
    store: Store, environment: str, name: str, value: Secret, *, note: str = "", clock: Clock = time.time
) -> SecretInfo:
    """Afterwards ``${secret:name}`` means ``value`` there. Nobody reads it back but gateways.

    Raises:
        NotFoundError: there is no such environment.
        InvalidError: the name or the value cannot be used.
    """
    now = clock()
    async with store.writing() as tx:
        require(tx.actor, "secrets.edit")
        place = (await environment_named(tx, environment)).name
        _check_name("secret", name)
        _check_secret(name, value)
        known = any(each.name == name for each in await tx.environments.secrets(place))
        await tx.environments.set_secret(place, name, value.reveal(), at=now, actor=by(tx.actor))
        await tx.feed.append("environment", place, at=now)
        await tx.audit.record(
            AuditEvent(
                action="secret.set",
                target=name,
                environment=place,
                before={"value": REDACTED} if known else {},
                after={"value": REDACTED},
                note=note,
            ),
            at=now,
        )
        return SecretInfo(name=name, updated_at=now, actor=by(tx.actor))


async def remove_secret(
    store: Store, environment: str, name: str, *, note: str = "", clock: Clock = time.time
) -> None:
    """Afterwards there is no such secret; it is no error if there was none.

    Raises:
        NotFoundError: there is no such environment.
        BindingError: an API deployed there names it.
    """
    now = clock()
    async with store.writing() as tx:
        require(tx.actor, "secrets.edit")
        place = await environment_named(tx, environment)
        if not any(each.name == name for each in await tx.environments.secrets(place.name)):
            return
        await tx.environments.remove_secret(place.name, name)
        await rebind(tx, place, now)
        await tx.feed.append("environment", place.name, at=now)
        await tx.audit.record(
            AuditEvent(
                action="secret.remove",
                target=name,
                environment=place.name,
                before={"value": REDACTED},
                note=note,
            ),
            at=now,
        )


async def remove(store: Store, name: str, *, note: str = "", clock: Clock = time.time) -> None:
    """Deletes an environment that is empty, with its settings, variables, secrets and plans.

    Raises:
        NotFoundError: there is no such environment.
        ConflictError: there is something in it, it is the one for production, there is no other, or APIs are promoted to
            the one that would be the first then.
    """
    now = clock()
    async with store.writing() as tx:
        require(tx.actor, "environments.edit")
        old = await environment_named(tx, name)
        left = tuple(each for each in await tx.environments.all() if each.name != old.name)
        if not left or old.production:
            why = "is the one for production" if left else "is the last one"
            remedy = "Mark another for production first" if left else "Add another first"
            raise ConflictError("environment_needed", f"The environment {name} {why}", remedy)
        check_arrangement(left)
        await require_nothing_served(tx, old.name if old.position < left[0].position else "", left[0].name)
        used = await tx.environments.in_use(old.name)
        told = sum(old.name in each.environments for each in await tx.webhooks.all())
        if told:  # without it one would be told of every environment
            used.append(f"{told} webhook{'s' if told > 1 else ''}")
        if used:
            raise ConflictError(
                "environment_in_use",
                f"The environment {name} holds {', '.join(used)}",
                "Withdraw its APIs, revoke its keys, remove clients and subscriptions, and take it out of webhooks first",
            )
        await tx.environments.remove(old.name)
        await tx.environments.order([each.name for each in left])
        await tx.audit.record(
            AuditEvent(
                action="environment.remove",
                target=old.name,
                environment=old.name,
                before={"tag": old.tag, "position": old.position},
                note=note,
            ),
            at=now,
        )


def check_settings(settings: EnvironmentSettings) -> None:
    """Returns when these can be an environment's settings. Raises InvalidError."""
    for host in settings.hosts:
        if not re.fullmatch(GATEWAY_HOST, host):
            raise InvalidError(
                "hosts", f"{host[:100]!r} is no host in lower case", "Write api.example.com, or with :port"
            )
    for name, value in settings.variables.items():
        _check_name("variable", name)
        if not re.fullmatch(VALUE, value):
            raise InvalidError(
                "variable",
                f"The value of {name} is too long or holds control characters",
                "Use one line of text",
            )
    if settings.token_endpoint and (trouble := url_problem(settings.token_endpoint, query=True)):
        raise InvalidError(
            "token_endpoint", f"The URL cannot be used: {trouble}", "Write it as https://host/path"
        )
    for what, days in (("rollups", settings.retention.rollups), ("audit", settings.retention.audit)):
        if not 1 <= days <= MAX_DAYS:
            raise InvalidError("retention", f"The retention of {what} is {days} days", f"Use 1 to {MAX_DAYS}")
    if not 0 <= settings.leak_overlap <= 366 * 86400:
        raise InvalidError("leak_overlap", "The overlap is no time within a year", "Give it in seconds")


def _check_name(what: str, name: str) -> None:
    if not re.fullmatch(NAME, name):
        raise InvalidError(
            what, f"{name[:40]!r} is no name of a {what}", "Use letters, digits and _, the first no digit"
        )


def _check_secret(name: str, value: Secret) -> None:
    raw = value.reveal()
    if not 0 < len(raw) <= MAX_SECRET:
        raise InvalidError(
            "secret", f"The secret {name} is empty or longer than 16 KiB", "Give one line of text"
        )
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = "\0"
    if _CONTROL.search(text):
        raise InvalidError(
            "secret", f"The secret {name} is no text, or holds line breaks", "Give one line of text in UTF-8"
        )


async def _change(tx: Transaction, new: Environment, now: float, note: str) -> Changed:
    known = await tx.environments.all()
    after = tuple(new if each.name == new.name else each for each in known)
    waiting = await put_environments(tx, tuple(known), after, now, note=note)
    return Changed(
        environment=await environment_named(tx, new.name), waiting=waiting[0].id if waiting else ""
    )
