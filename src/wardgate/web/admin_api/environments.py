"""Environments: their order, what belongs to each, variables, and secrets, which are never read back."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from pydantic import Field, StringConstraints

from wardgate.control import environments
from wardgate.control.errors import NotFoundError
from wardgate.control.ports import SecretInfo
from wardgate.domain.environment import Environment, LeakPolicy, Retention
from wardgate.domain.secret import Secret
from wardgate.web.admin_api.ask import Ask
from wardgate.web.admin_api.limits import LimitList, limit_shown, limits_of
from wardgate.web.admin_api.models import Line, Model, Page, Prose, Thing
from wardgate.web.admin_api.operations import Operations
from wardgate.web.admin_api.pages import Paging

operations = Operations("environments")

EnvironmentName = Annotated[str, Path(pattern=r"^[a-z][a-z0-9-]{0,31}$", description="Its name: staging")]
VariableName = Annotated[
    str, Path(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$", description="Of a variable or secret.")
]
Days = Annotated[int, Field(ge=1, le=36_500)]


class RetentionModel(Model):
    """Days that is kept what happened."""

    rollups: Days = 90
    audit: Days = 730


class EnvironmentShown(Thing):
    """An environment. What is applied is in force in the first at once, and comes to the others by promotion."""

    name: str
    tag: str = Field(description="Stands in its keys: wg_<tag>_...")
    position: int
    production: bool
    hosts: list[str]
    variables: dict[str, str]
    plans: dict[str, LimitList] = Field(description="Limits that stand here for those of a plan.")
    retention: RetentionModel
    token_endpoint: str = Field(description="Who answers token requests; empty: this installation.")
    leaks: LeakPolicy
    leak_overlap: int
    waiting: str = Field(
        default="",
        description="In the answer to a change that weakens something: the promotion that waits for a second person.",
    )


class NewEnvironment(Model):
    """A new environment, the last in the order."""

    name: Line
    tag: Line = Field(default="", description="By default its name.")
    note: Prose = ""


class EnvironmentChange(Model):
    """What is to change; null leaves it."""

    hosts: Annotated[list[Line], Field(max_length=100)] | None = None
    plans: Annotated[dict[Line, LimitList], Field(max_length=100)] | None = None
    retention: RetentionModel | None = None
    token_endpoint: Prose | None = None
    leaks: LeakPolicy | None = None
    leak_overlap: Annotated[int, Field(ge=0, le=366 * 86400)] | None = None
    note: Prose = ""


class EnvironmentOrder(Model):
    """Every environment once, in the order of promotion."""

    names: Annotated[list[Line], Field(max_length=100)]
    note: Prose = ""


class EnvironmentList(Model):
    """Environments in their order."""

    environments: list[EnvironmentShown]


class Note(Model):
    """Why."""

    note: Prose = ""


class VariableValue(Model):
    """What ``${NAME}`` means."""

    value: Annotated[str, StringConstraints(max_length=10_000)]
    note: Prose = ""


class SecretValue(Model):
    """What ``${secret:NAME}`` means. It is not read back."""

    value: Annotated[str, StringConstraints(min_length=1, max_length=16_384)]
    note: Prose = ""


class VariableShown(Thing):
    """A variable. ``waiting``: as of environments."""

    name: str
    value: str
    waiting: str = ""


class SecretShown(Thing):
    """A secret, without its value."""

    name: str
    updated_at: float
    by: str


@operations.get("/environments", permission="environments.view")
async def list_environments(ask: Ask, page: Paging) -> Page[EnvironmentShown]:
    """Environments in the order of promotion."""
    found = await environments.list_environments(ask.store)
    return page.of(found, key=lambda each: (each.position,), show=_shown)


@operations.get("/environments/{name}", permission="environments.view")
async def show_environment(ask: Ask, name: EnvironmentName) -> EnvironmentShown:
    """One environment."""
    return _shown(await environments.show(ask.store, name))


@operations.post(
    "/environments", permission="environments.edit", location=lambda new: f"/environments/{new.name}"
)
async def add_environment(ask: Ask, body: NewEnvironment) -> EnvironmentShown:
    """Add an environment with nothing in it."""
    return _shown(
        await environments.add(ask.store, name=body.name, tag=body.tag, note=body.note, clock=ask.clock)
    )


@operations.post("/environments:order", permission="environments.edit", status=200)
async def order_environments(ask: Ask, body: EnvironmentOrder) -> EnvironmentList:
    """Put the environments in another order."""
    found = await environments.reorder(ask.store, body.names, note=body.note, clock=ask.clock)
    return EnvironmentList(environments=[_shown(each) for each in found])


@operations.patch("/environments/{name}", permission="environments.edit", guard=show_environment)
async def set_environment(ask: Ask, name: EnvironmentName, body: EnvironmentChange) -> EnvironmentShown:
    """Change what belongs to an environment. What weakens something waits for a second person, but in the first one."""
    changed = await environments.set_settings(
        ask.store,
        name,
        hosts=body.hosts,
        plans=None
        if body.plans is None
        else {plan: limits_of(limits) for plan, limits in body.plans.items()},
        retention=None
        if body.retention is None
        else Retention(rollups=body.retention.rollups, audit=body.retention.audit),
        token_endpoint=body.token_endpoint,
        leaks=body.leaks,
        leak_overlap=body.leak_overlap,
        note=body.note,
        clock=ask.clock,
    )
    return _shown(changed.environment, changed.waiting)


@operations.post(
    "/environments/{name}:production", permission="environments.edit", guard=show_environment, status=200
)
async def mark_production_environment(ask: Ask, name: EnvironmentName, body: Note) -> EnvironmentShown:
    """Make this the environment for production."""
    await environments.mark_production(ask.store, name, note=body.note, clock=ask.clock)
    return await show_environment(ask, name)


@operations.delete("/environments/{name}", permission="environments.edit", guard=show_environment)
async def remove_environment(ask: Ask, name: EnvironmentName) -> None:
    """Delete an environment that is empty, with its settings, secrets and plans."""
    await environments.remove(ask.store, name, clock=ask.clock)


@operations.get("/environments/{name}/variables/{variable}", permission="environments.view")
async def show_environment_variable(ask: Ask, name: EnvironmentName, variable: VariableName) -> VariableShown:
    """One variable."""
    settings = (await environments.show(ask.store, name)).settings
    if variable not in settings.variables:
        raise NotFoundError("variable", variable, f"Variables: {', '.join(settings.variables) or 'none'}")
    return VariableShown(name=variable, value=settings.variables[variable])


@operations.put(
    "/environments/{name}/variables/{variable}",
    permission="environments.edit",
    guard=show_environment_variable,
    creates=True,
    action="variable.set",
)
async def set_environment_variable(
    ask: Ask, name: EnvironmentName, variable: VariableName, body: VariableValue
) -> VariableShown:
    """Set a variable; what is deployed is bound anew at once. What weakens something waits for a second person."""
    changed = await environments.set_variable(
        ask.store, name, variable, body.value, note=body.note, clock=ask.clock
    )
    value = changed.environment.settings.variables.get(variable, "")
    return VariableShown(name=variable, value=value, waiting=changed.waiting)


@operations.delete(
    "/environments/{name}/variables/{variable}",
    permission="environments.edit",
    guard=show_environment_variable,
    action="variable.unset",
)
async def unset_environment_variable(ask: Ask, name: EnvironmentName, variable: VariableName) -> None:
    """Delete a variable that nothing deployed names."""
    await environments.unset_variable(ask.store, name, variable, clock=ask.clock)


@operations.get("/environments/{name}/secrets/{secret}", permission="environments.view")
async def show_environment_secret(ask: Ask, name: EnvironmentName, secret: VariableName) -> SecretShown:
    """One secret, without its value."""
    found = await environments.secrets(ask.store, name)
    for each in found:
        if each.name == secret:
            return _secret(each)
    raise NotFoundError("secret", secret, f"Secrets: {', '.join(each.name for each in found) or 'none'}")


@operations.put(
    "/environments/{name}/secrets/{secret}",
    permission="secrets.edit",
    guard=show_environment_secret,
    creates=True,
    action="secret.set",
)
async def set_environment_secret(
    ask: Ask, name: EnvironmentName, secret: VariableName, body: SecretValue
) -> SecretShown:
    """Set a secret. Its value is sealed, and read by gateways alone."""
    return _secret(
        await environments.set_secret(
            ask.store, name, secret, Secret(body.value), note=body.note, clock=ask.clock
        )
    )


@operations.delete(
    "/environments/{name}/secrets/{secret}",
    permission="secrets.edit",
    guard=show_environment_secret,
    action="secret.remove",
)
async def remove_environment_secret(ask: Ask, name: EnvironmentName, secret: VariableName) -> None:
    """Delete a secret that nothing deployed names."""
    await environments.remove_secret(ask.store, name, secret, clock=ask.clock)


@operations.get("/environments/{name}/secrets", permission="environments.view")
async def list_environment_secrets(ask: Ask, page: Paging, name: EnvironmentName) -> Page[SecretShown]:
    """Secrets by name, without their values."""
    found = await environments.secrets(ask.store, name)
    return page.of(
        found,
        key=lambda each: (each.name,),
        show=_secret,
    )


def _secret(info: SecretInfo) -> SecretShown:
    return SecretShown(name=info.name, updated_at=info.updated_at, by=info.actor)


def _shown(environment: Environment, waiting: str = "") -> EnvironmentShown:
    settings = environment.settings
    return EnvironmentShown(
        name=environment.name,
        tag=environment.tag,
        position=environment.position,
        production=environment.production,
        hosts=list(settings.hosts),
        variables=dict(settings.variables),
        plans={name: [limit_shown(each) for each in limits] for name, limits in settings.plans.items()},
        retention=RetentionModel(rollups=settings.retention.rollups, audit=settings.retention.audit),
        token_endpoint=settings.token_endpoint,
        leaks=settings.leaks,
        leak_overlap=settings.leak_overlap,
        waiting=waiting,
    )
