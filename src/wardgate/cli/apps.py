"""``wardgate apps``: list, add, change, suspend, throttle and restore applications."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from wardgate.cli.connect import HERE, MOST, Where, client_for
from wardgate.cli.controlling import LimitTexts, limits_in, limits_text
from wardgate.cli.errors import CommandError
from wardgate.cli.options import Json
from wardgate.cli.output import print_fields, print_json, print_table

if TYPE_CHECKING:
    from wardgate.client import Client, models

app = App(name="apps", help="List, add, change, suspend, throttle and restore applications.")

_Name = Annotated[str, Parameter(help="The application's name or id.")]
_Reason = Annotated[str, Parameter(help="Why; kept in the audit trail.")]


@app.command(name="list")
def list_(*, where: Where = HERE, json_: Json = False) -> None:
    """List applications with their subscriptions."""
    with client_for(where) as client:
        found = list(client.list_applications(limit=MOST))
    if json_:
        print_json({"applications": found})
        return
    if not found:
        print("no applications; add them to wardgate.yaml and `wardgate apply` it", file=sys.stderr)
        return
    rows = [
        (
            each["id"],
            each["name"],
            each["owner"] or "-",
            f"{each['status']}, throttled" if each["throttle"] else each["status"],
            ", ".join(_subscription(item) for item in each["subscriptions"]) or "-",
        )
        for each in found
    ]
    print_table(("ID", "NAME", "OWNER", "STATUS", "SUBSCRIPTIONS"), rows)


@app.command
def show(name: _Name, /, *, where: Where = HERE, json_: Json = False) -> None:
    """Show one application."""
    with client_for(where) as client:
        found = _found(client, name)
    if json_:
        print_json(found)
    else:
        _print(found)


@app.command
def add(
    name: Annotated[str, Parameter(help="What it is called; unique.")],
    /,
    *,
    owner: Annotated[str, Parameter(help="Whom to write to about it.")] = "",
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """Add an application. It may call nothing yet: `wardgate access request`."""
    with client_for(where) as client:
        found = client.add_application(name=name, owner=owner)
    if json_:
        print_json(found)
    else:
        _print(found)


@app.command(name="set")
def set_(
    name: _Name,
    /,
    *,
    owner: Annotated[str | None, Parameter(help="Whom to write to about it.")] = None,
    limit: LimitTexts = None,
    no_limits: Annotated[bool, Parameter(negative=(), help="No limits of its own.")] = False,
    group: Annotated[
        list[str] | None, Parameter(negative=(), help="Group it is in; again. All there are.")
    ] = None,
    no_groups: Annotated[bool, Parameter(negative=(), help="It is in no group.")] = False,
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """Change an application. Its limits hold at every API, before those of its plans and subscriptions."""
    values: dict[str, Any] = {}
    if owner is not None:
        values["owner"] = owner
    if limit is not None or no_limits:
        values["limits"] = [] if no_limits else limits_in(limit)
    if group is not None or no_groups:
        values["groups"] = [] if no_groups else group
    with client_for(where) as client:
        present = _found(client, name)
        found = client.set_application(present["id"], if_match=present, **values)
    if json_:
        print_json(found)
    else:
        _print(found)


@app.command
def suspend(name: _Name, /, *, reason: _Reason = "", where: Where = HERE, json_: Json = False) -> None:
    """Refuse every request of an application until it is restored."""
    with client_for(where) as client:
        present = _found(client, name)
        found = client.suspend_application(present["id"], if_match=present, reason=reason)
    _changed(found, json_=json_)


@app.command
def throttle(
    name: _Name,
    /,
    *,
    limit: LimitTexts = None,
    reason: _Reason = "",
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """Hold an application to limits at every API until it is restored."""
    limits = limits_in(limit)
    if not limits:
        raise CommandError("limit_missing", "There is no limit to throttle to", "Add --limit 'rate 1/second'")
    with client_for(where) as client:
        present = _found(client, name)
        found = client.throttle_application(present["id"], if_match=present, limits=limits, reason=reason)
    _changed(found, json_=json_)


@app.command
def restore(name: _Name, /, *, reason: _Reason = "", where: Where = HERE, json_: Json = False) -> None:
    """Serve an application that was suspended, throttled or both as before."""
    with client_for(where) as client:
        present = _found(client, name)
        found = client.restore_application(present["id"], if_match=present, reason=reason)
    _changed(found, json_=json_)


@app.command
def remove(name: _Name, /, *, where: Where = HERE, json_: Json = False) -> None:
    """Remove an application with its subscriptions, keys and clients."""
    with client_for(where) as client:
        present = _found(client, name)
        client.remove_application(present["id"], if_match=present)
    if json_:
        print_json({"removed": present["id"]})
    else:
        print(f"{present['name']} is removed")


def _found(client: Client, name: str) -> models.Application:
    """The application with that name or id. Raises CommandError."""
    for each in client.list_applications(name=name):
        return client.show_application(each["id"])
    raise CommandError(
        "application_not_found",
        f"There is no application {name!r}",
        "`wardgate applications list` shows those there are; add it with `apply`",
    )


def _changed(found: models.Application, *, json_: bool) -> None:
    if json_:
        print_json(found)
    elif found["throttle"]:
        print(f"{found['name']} is {found['status']}, throttled to {limits_text(found['throttle'])}")
    else:
        print(f"{found['name']} is {found['status']}")


def _subscription(item: models.ApplicationSubscription) -> str:
    status = "" if item["status"] == "active" else f", {item['status']}"
    return f"{item['api']} ({item['plan'] or 'no plan'}, {item['environment']}{status})"


def _print(found: models.Application) -> None:
    print_fields(
        [
            ("id", found["id"]),
            ("name", found["name"]),
            ("owner", found["owner"] or "-"),
            ("status", found["status"]),
            ("groups", ", ".join(found["groups"]) or "-"),
            ("limits", limits_text(found["limits"])),
            ("throttled to", limits_text(found["throttle"])),
            ("subscriptions", ", ".join(_subscription(item) for item in found["subscriptions"]) or "-"),
        ]
    )
