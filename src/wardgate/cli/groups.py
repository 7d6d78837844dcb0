"""``wardgate groups``: sets of people and applications that ACLs name and roles are given to."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from wardgate.cli.connect import HERE, MOST, Where, client_for
from wardgate.cli.errors import CommandError
from wardgate.cli.options import Json
from wardgate.cli.output import print_fields, print_json, print_table

if TYPE_CHECKING:
    from wardgate.client import Client, models

app = App(name="groups", help="Say who is in which group, and which roles it gives.")

_Name = Annotated[str, Parameter(help="The group's name.")]
_Users = Annotated[
    list[str] | None, Parameter(name="--user", negative=(), help="A person, by name or id; again.")
]
_Applications = Annotated[
    list[str] | None,
    Parameter(name="--application", negative=(), help="An application, by name or id; again."),
]


@app.command(name="list")
def list_(*, where: Where = HERE, json_: Json = False) -> None:
    """List groups."""
    with client_for(where) as client:
        found = list(client.list_groups(limit=MOST))
    if json_:
        print_json({"groups": found})
    elif found:
        rows = [
            (
                each["name"],
                ", ".join(each["roles"]) or "-",
                str(len(each["users"])),
                str(len(each["applications"])),
                each["description"] or "-",
            )
            for each in found
        ]
        print_table(("NAME", "ROLES", "PEOPLE", "APPLICATIONS", "DESCRIPTION"), rows)
    else:
        print("no groups; add one with: wardgate groups set NAME", file=sys.stderr)


@app.command
def show(name: _Name, /, *, where: Where = HERE, json_: Json = False) -> None:
    """Show one group and who is in it."""
    with client_for(where) as client:
        found = client.show_group(name)
    _print(found, json_=json_)


@app.command(name="set")
def set_(
    name: _Name,
    /,
    *,
    description: Annotated[str | None, Parameter(help="What it is.")] = None,
    role: Annotated[
        list[str] | None, Parameter(negative=(), help="Role that who is in it holds; again. All there are.")
    ] = None,
    no_roles: Annotated[bool, Parameter(negative=(), help="It gives no roles.")] = False,
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """Add a group, or change its description and roles. Who is in it stays."""
    with client_for(where) as client:
        present = _found(client, name)
        roles = [] if no_roles else role if role is not None else present["roles"] if present else []
        text = description if description is not None else present["description"] if present else ""
        found = client.set_group(name, if_match=present, description=text, roles=roles)
    _print(found, json_=json_)


@app.command
def add(
    name: _Name,
    /,
    *,
    user: _Users = None,
    application: _Applications = None,
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """Put people and applications in a group."""
    with client_for(where) as client:
        found = client.add_group_members(
            name, if_match=client.show_group(name), users=user or [], applications=application or []
        )
    _print(found, json_=json_)


@app.command(name="take-out")
def take_out(
    name: _Name,
    /,
    *,
    user: _Users = None,
    application: _Applications = None,
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """Take people and applications out of a group. What tokens had on account of it is refused at once."""
    with client_for(where) as client:
        found = client.remove_group_members(
            name, if_match=client.show_group(name), users=user or [], applications=application or []
        )
    _print(found, json_=json_)


@app.command
def remove(name: _Name, /, *, where: Where = HERE, json_: Json = False) -> None:
    """Remove a group."""
    with client_for(where) as client:
        client.remove_group(name, if_match=client.show_group(name))
    if json_:
        print_json({"removed": name})
    else:
        print(f"{name} is removed")


def _found(client: Client, name: str) -> models.Group | None:
    from wardgate.client.errors import ProblemError

    try:
        return client.show_group(name)
    except ProblemError as error:
        if error.code != "group_not_found":
            raise CommandError(error.code, error.message, error.remedy) from None
        return None


def _print(found: models.Group, *, json_: bool) -> None:
    if json_:
        print_json(found)
        return
    print_fields(
        [
            ("name", found["name"]),
            ("description", found["description"] or "-"),
            ("roles", ", ".join(found["roles"]) or "-"),
            ("people", ", ".join(found["users"]) or "-"),
            ("applications", ", ".join(found["applications"]) or "-"),
        ]
    )
