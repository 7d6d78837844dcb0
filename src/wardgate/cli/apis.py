"""``wardgate apis``: list APIs, publish, deprecate, retire and describe them, switch them off and on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from wardgate.cli.connect import HERE, MOST, Where, client_for
from wardgate.cli.errors import CommandError
from wardgate.cli.options import Json
from wardgate.cli.output import print_fields, print_json, print_table, shown_time

if TYPE_CHECKING:
    from wardgate.client import models

app = App(
    name="apis", help="List APIs, publish, deprecate, retire and describe them, switch them off and on."
)

_Api = Annotated[str, Parameter(help="The API: orders/v1.")]
_Note = Annotated[str, Parameter(help="Why; kept in the audit trail.")]
_Force = Annotated[bool, Parameter(negative=(), help="Though the step before was left out.")]
_In = Annotated[str, Parameter(name="--in", help="The environment.")]
_Resource = Annotated[
    str | None, Parameter(help="One resource, such as 'GET /items/{id}'; by default the whole API.")
]
_Reason = Annotated[str, Parameter(help="Why; kept in the audit trail.")]


@app.command(name="list")
def list_(*, where: Where = HERE, json_: Json = False) -> None:
    """List the APIs you may see, and the revisions in force."""
    with client_for(where) as client:
        found = list(client.list_apis(limit=MOST))
    if json_:
        print_json({"apis": found})
        return
    rows = [
        (
            each["api"],
            each["lifecycle"],
            each["project"],
            ", ".join(_place(place) for place in each["places"]) or "-",
        )
        for each in found
    ]
    print_table(("API", "LIFE CYCLE", "PROJECT", "IN FORCE"), rows)


@app.command
def show(api: _Api, /, *, where: Where = HERE, json_: Json = False) -> None:
    """Show one API."""
    with client_for(where) as client:
        _print(client.show_api(*parts(api)), json_=json_)


@app.command
def publish(
    api: _Api, /, *, force: _Force = False, note: _Note = "", where: Where = HERE, json_: Json = False
) -> None:
    """Offer an API: it takes subscriptions."""
    name, version = parts(api)
    with client_for(where) as client:
        seen = client.show_api(name, version)
        _print(client.publish_api(name, version, if_match=seen, force=force, note=note), json_=json_)


@app.command
def deprecate(
    api: _Api,
    /,
    *,
    sunset: Annotated[str, Parameter(help="When it ends: 2031-01-31 (UTC), or a time with an offset.")] = "",
    successor: Annotated[str, Parameter(help="The URL of what comes after it.")] = "",
    note: _Note = "",
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """Announce the end of an API: it takes no new subscriptions, and its answers say so."""
    name, version = parts(api)
    at = _moment(sunset) if sunset else None
    with client_for(where) as client:
        seen = client.show_api(name, version)
        found = client.deprecate_api(name, version, if_match=seen, sunset=at, successor=successor, note=note)
    _print(found, json_=json_)


@app.command
def retire(
    api: _Api, /, *, force: _Force = False, note: _Note = "", where: Where = HERE, json_: Json = False
) -> None:
    """End an API: it answers 410 in every environment."""
    name, version = parts(api)
    with client_for(where) as client:
        seen = client.show_api(name, version)
        _print(client.retire_api(name, version, if_match=seen, force=force, note=note), json_=json_)


@app.command
def describe(
    api: _Api,
    /,
    *,
    visibility: Annotated[str | None, Parameter(help="Who finds it: public, private or group.")] = None,
    group: Annotated[list[str] | None, Parameter(help="A group that finds it; given again for each.")] = None,
    tag: Annotated[list[str] | None, Parameter(help="A tag; given again for each.")] = None,
    project: Annotated[str | None, Parameter(help="The project it belongs to.")] = None,
    docs: Annotated[str | None, Parameter(help="The URL of its documentation.")] = None,
    contact: Annotated[str | None, Parameter(help="Whom to ask.")] = None,
    description: Annotated[str | None, Parameter(help="What it is.")] = None,
    note: _Note = "",
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """Change what people are told of an API, and who."""
    if visibility not in (None, "public", "private", "group"):
        raise CommandError("visibility_invalid", f"{visibility!r} is nobody", "Use public, private or group")
    name, version = parts(api)
    with client_for(where) as client:
        found = client.describe_api(
            name,
            version,
            if_match=client.show_api(name, version),
            visibility=visibility,  # type: ignore[arg-type]
            groups=group,
            project=project,
            tags=tag,
            docs=docs,
            contact=contact,
            description=description,
            note=note,
        )
    _print(found, json_=json_)


@app.command
def off(
    api: _Api,
    /,
    *,
    environment: _In,
    reason: _Reason,
    resource: _Resource = None,
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """Shut an API or a resource in one environment, at once: it answers 503."""
    name, version = parts(api)
    with client_for(where) as client:
        seen = client.show_api(name, version)
        found = client.switch_api_off(
            name, version, if_match=seen, environment=environment, resource=resource, reason=reason
        )
    _print(found, json_=json_)


@app.command
def on(
    api: _Api,
    /,
    *,
    environment: _In,
    reason: _Reason,
    resource: _Resource = None,
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """Open again what was shut; without a resource, all of the API."""
    name, version = parts(api)
    with client_for(where) as client:
        seen = client.show_api(name, version)
        found = client.switch_api_on(
            name, version, if_match=seen, environment=environment, resource=resource, reason=reason
        )
    _print(found, json_=json_)


def parts(api: str) -> tuple[str, str]:
    """Name and version of an API written like ``orders/v1``. Raises CommandError."""
    name, slash, version = api.partition("/")
    if not slash or not name or not version:
        raise CommandError("api_invalid", f"{api!r} is no API", "Write it like orders/v1")
    return name, version


def _moment(text: str) -> float:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is not None and at.tzinfo is None and len(text) == len("2031-01-31"):
        at = at.replace(tzinfo=UTC)
    if at is None or at.tzinfo is None:
        raise CommandError(
            "sunset_invalid", f"{text!r} is no time", "Write 2031-01-31, or 2031-01-31T08:00:00+01:00"
        )
    return at.timestamp()


def _place(place: models.PlaceShown) -> str:
    text = f"{place['environment']} {place['revision']}"
    return f"{text} ({'off' if '*' in place['off'] else 'partly off'})" if place["off"] else text


def _print(found: models.ApiShown, *, json_: bool) -> None:
    if json_:
        print_json(found)
        return
    print_fields(
        list(
            {
                "api": found["api"],
                "life cycle": found["lifecycle"],
                "sunset": "-" if found["sunset_at"] is None else shown_time(found["sunset_at"]),
                "successor": found["successor"] or "-",
                "visibility": ", ".join((found["visibility"], *found["groups"])),
                "project": found["project"],
                "tags": ", ".join(found["tags"]) or "-",
                "docs": found["docs"] or "-",
                "contact": found["contact"] or "-",
                "in force": ", ".join(_place(place) for place in found["places"]) or "-",
            }.items()
        )
    )
