"""APIs: where they are deployed, their life cycle, what people are told of them, and the kill switch."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from pydantic import Field, StringConstraints

from wardgate.control import catalogue
from wardgate.domain.standing import Lifecycle, Visibility
from wardgate.web.admin_api.ask import Ask
from wardgate.web.admin_api.models import Line, Model, Page, Prose, Seconds, Thing
from wardgate.web.admin_api.operations import Operations
from wardgate.web.admin_api.pages import Paging

operations = Operations("apis")

_PART = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
ApiName = Annotated[str, Path(pattern=_PART, description="The first part of orders/v1.")]
ApiVersion = Annotated[str, Path(pattern=_PART, description="The second part of orders/v1.")]
Words = Annotated[list[Line], Field(max_length=50)]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=1000)]


class PlaceShown(Model):
    """Where an API is deployed."""

    environment: str
    revision: int
    off: list[str] = Field(description="What the kill switch shut: `*` for all of it, or resources.")
    deployed_at: float
    by: str


class ApiShown(Thing):
    """An API, whatever is deployed of it."""

    api: str
    lifecycle: Lifecycle
    deprecated_at: float | None
    sunset_at: float | None
    successor: str
    visibility: Visibility
    groups: list[str]
    project: str
    tags: list[str]
    docs: str
    contact: str
    description: str
    places: list[PlaceShown]


class ApiDescription(Model):
    """What is to change; null leaves it."""

    visibility: Visibility | None = None
    groups: Words | None = None
    project: Line | None = None
    tags: Words | None = None
    docs: Prose | None = None
    contact: Prose | None = None
    description: Prose | None = None
    note: Prose = ""


class ApiStep(Model):
    """A step of the life cycle."""

    force: bool = Field(default=False, description="Though the step before was left out.")
    note: Prose = ""


class ApiDeprecation(Model):
    """How an API ends."""

    sunset: Seconds | None = None
    successor: Prose = Field(default="", description="The URL of what comes after it.")
    note: Prose = ""


class ApiSwitch(Model):
    """What to switch, and why."""

    environment: Line
    resource: Prose | None = Field(default=None, description="`GET /items/{id}`; by default the whole API.")
    reason: Reason


@operations.get("/apis", permission="apis.view")
async def list_apis(ask: Ask, page: Paging) -> Page[ApiShown]:
    """APIs by name and version, of the projects one may see."""
    return page.of(await catalogue.list_apis(ask.store), key=lambda each: (each.record.api,), show=_shown)


@operations.get("/apis/{name}/{version}", permission="apis.view")
async def show_api(ask: Ask, name: ApiName, version: ApiVersion) -> ApiShown:
    """One API."""
    return _shown(await catalogue.show(ask.store, f"{name}/{version}"))


@operations.patch("/apis/{name}/{version}", permission="apis.edit", guard=show_api)
async def describe_api(ask: Ask, name: ApiName, version: ApiVersion, body: ApiDescription) -> ApiShown:
    """Change what people are told of an API."""
    found = await catalogue.describe(
        ask.store,
        f"{name}/{version}",
        visibility=body.visibility,
        groups=body.groups,
        project=body.project,
        tags=body.tags,
        docs=body.docs,
        contact=body.contact,
        description=body.description,
        note=body.note,
        clock=ask.clock,
    )
    return _shown(found)


@operations.post("/apis/{name}/{version}:publish", permission="apis.edit", guard=show_api, status=200)
async def publish_api(ask: Ask, name: ApiName, version: ApiVersion, body: ApiStep) -> ApiShown:
    """Offer an API: it takes subscriptions."""
    return _shown(
        await catalogue.publish(
            ask.store, f"{name}/{version}", force=body.force, note=body.note, clock=ask.clock
        )
    )


@operations.post("/apis/{name}/{version}:deprecate", permission="apis.edit", guard=show_api, status=200)
async def deprecate_api(ask: Ask, name: ApiName, version: ApiVersion, body: ApiDeprecation) -> ApiShown:
    """Announce the end of an API: it takes no new subscriptions, and its answers say so."""
    found = await catalogue.deprecate(
        ask.store,
        f"{name}/{version}",
        sunset=body.sunset,
        successor=body.successor,
        note=body.note,
        clock=ask.clock,
    )
    return _shown(found)


@operations.post("/apis/{name}/{version}:retire", permission="apis.edit", guard=show_api, status=200)
async def retire_api(ask: Ask, name: ApiName, version: ApiVersion, body: ApiStep) -> ApiShown:
    """End an API: it answers 410 in every environment."""
    return _shown(
        await catalogue.retire(
            ask.store, f"{name}/{version}", force=body.force, note=body.note, clock=ask.clock
        )
    )


@operations.post(
    "/apis/{name}/{version}:switch-off",
    permission="apis.switch",
    guard=show_api,
    status=200,
    action="api.switch_off",
)
async def switch_api_off(ask: Ask, name: ApiName, version: ApiVersion, body: ApiSwitch) -> ApiShown:
    """Shut an API or a resource in one environment, at once: it answers 503."""
    api = f"{name}/{version}"
    await catalogue.switch_off(
        ask.store, api, body.environment, resource=body.resource, reason=body.reason, clock=ask.clock
    )
    return _shown(await catalogue.show(ask.store, api))


@operations.post(
    "/apis/{name}/{version}:switch-on",
    permission="apis.switch",
    guard=show_api,
    status=200,
    action="api.switch_on",
)
async def switch_api_on(ask: Ask, name: ApiName, version: ApiVersion, body: ApiSwitch) -> ApiShown:
    """Open again what was shut. Without a resource everything of the API is on again."""
    api = f"{name}/{version}"
    await catalogue.switch_on(
        ask.store, api, body.environment, resource=body.resource, reason=body.reason, clock=ask.clock
    )
    return _shown(await catalogue.show(ask.store, api))


def _shown(view: catalogue.ApiView) -> ApiShown:
    standing, told = view.record.standing, view.record.catalogue
    return ApiShown(
        api=view.record.api,
        lifecycle=standing.lifecycle,
        deprecated_at=standing.deprecated_at,
        sunset_at=standing.sunset_at,
        successor=standing.successor,
        visibility=told.visibility,
        groups=list(told.groups),
        project=told.project,
        tags=list(told.tags),
        docs=told.docs,
        contact=told.contact,
        description=told.description,
        places=[
            PlaceShown(
                environment=place.environment,
                revision=place.revision,
                off=list(place.off),
                deployed_at=place.deployed_at,
                by=place.actor,
            )
            for place in view.places
        ],
    )
