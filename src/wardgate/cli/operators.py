"""``wardgate operators``: who may do what at the control plane."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from wardgate.cli.connect import HERE, MOST, Where, client_for
from wardgate.cli.options import ENVIRONMENT, Environment, Json
from wardgate.cli.output import print_fields, print_json, print_table

if TYPE_CHECKING:
    from wardgate.client import models

app = App(name="operators", help="Grant and withdraw roles of operators, and let operators sign on.")
roles_app = App(name="roles", help="List, set and remove roles of operators: named sets of permissions.")
app.command(roles_app)

_Name = Annotated[str, Parameter(help="A user's or service account's name or id, or a group's name.")]
_Role = Annotated[str, Parameter(help="The role: owner, admin, publisher, ... or one of your own.")]
_Kind = Annotated[
    Literal["user", "group", "service"], Parameter(help="What is named: a user, a group, a service account.")
]
_Project = Annotated[str, Parameter(help="Only in this project; by default everywhere.")]
_Note = Annotated[str, Parameter(help="Why; kept in the audit trail.")]
_Issuer = Annotated[
    str,
    Parameter(
        name="--issuer", help="The URL people know this installation by, as `wardgate serve --issuer` has it."
    ),
]
_DEFAULT_ISSUER = "http://127.0.0.1:8080"


@app.command(name="list")
def list_(
    *,
    project: Annotated[str | None, Parameter(help="Only who holds a role in this project.")] = None,
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """List who was granted which role."""
    with client_for(where) as client:
        found = list(client.list_operators(project=project, limit=MOST))
    if json_:
        print_json({"operators": found})
    elif found:
        print_table(
            ("KIND", "NAME", "ROLE", "PROJECT", "GRANTED BY"), [row for each in found for row in _rows(each)]
        )
    else:
        print("no operators; grant a role with: wardgate operators grant NAME owner", file=sys.stderr)


@app.command
def show(name: _Name, /, *, kind: _Kind = "user", where: Where = HERE, json_: Json = False) -> None:
    """Show what one was granted directly."""
    with client_for(where) as client:
        found = client.show_operator(kind, name)
    _show(found, json_=json_)


@app.command
def grant(
    name: _Name,
    role: _Role,
    /,
    *,
    kind: _Kind = "user",
    project: _Project = "",
    note: _Note = "",
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """Grant a role, everywhere or in one project. You must hold all of it yourself."""
    with client_for(where) as client:
        found = client.grant_operator(
            kind,
            name,
            role=role,
            project=project,
            note=note,
            if_match=client.show_operator(kind, name),
        )
    _show(found, json_=json_)


@app.command
def withdraw(
    name: _Name,
    role: _Role,
    /,
    *,
    kind: _Kind = "user",
    project: _Project = "",
    note: _Note = "",
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """Take a role back. Tokens lose at once what it allowed; the last owner stays."""
    with client_for(where) as client:
        found = client.withdraw_operator(
            kind,
            name,
            role=role,
            project=project,
            note=note,
            if_match=client.show_operator(kind, name),
        )
    _show(found, json_=json_)


@app.command
def enable_sign_on(
    *,
    issuer: _Issuer = _DEFAULT_ISSUER,
    environment: Environment = ENVIRONMENT,
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """Let operators sign on with this environment's authorization server: `wardgate login`."""
    with client_for(where, environment=environment, issuer=issuer) as client:
        found = client.enable_sign_on()
    if json_:
        print_json(found)
    else:
        print(f"operators sign on in {found['environment']} as the client {found['client_id']}")


@app.command
def disable_sign_on(
    *, environment: Environment = ENVIRONMENT, where: Where = HERE, json_: Json = False
) -> None:
    """Let nobody sign on there any more; whoever did is out."""
    with client_for(where, environment=environment) as client:
        client.disable_sign_on()
    if json_:
        print_json({"disabled": environment})
    else:
        print("nobody signs on there any more")


@roles_app.command(name="list")
def list_roles(*, where: Where = HERE, json_: Json = False) -> None:
    """List roles and what they allow."""
    with client_for(where) as client:
        found = list(client.list_operator_roles(limit=MOST))
    if json_:
        print_json({"roles": found})
    else:
        print_table(
            ("NAME", "PERMISSIONS", "DESCRIPTION"),
            [(each["name"], str(len(each["permissions"])), each["description"] or "-") for each in found],
        )


@roles_app.command(name="show")
def show_role(name: _Role, /, *, where: Where = HERE, json_: Json = False) -> None:
    """Show what a role allows."""
    with client_for(where) as client:
        found = client.show_operator_role(name)
    _show_role(found, json_=json_)


@roles_app.command(name="set")
def set_role(
    name: _Role,
    /,
    *,
    permission: Annotated[
        list[str], Parameter(negative=(), help="A permission such as apis.view; may be given again.")
    ],
    description: Annotated[str, Parameter(help="What the role is for.")] = "",
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """Add a role, or replace what it allows. You must hold all of it yourself, before and after."""
    with client_for(where) as client:
        there = next((each for each in client.list_operator_roles(limit=MOST) if each["name"] == name), None)
        found = client.set_operator_role(
            name,
            permissions=permission,
            description=description,
            if_match=None if there is None else client.show_operator_role(name),
        )
    _show_role(found, json_=json_)


@roles_app.command(name="remove")
def remove_role(name: _Role, /, *, where: Where = HERE, json_: Json = False) -> None:
    """Delete a role of your own; nobody holds it any more."""
    with client_for(where) as client:
        client.remove_operator_role(name, if_match=client.show_operator_role(name))
    if json_:
        print_json({"removed": name})
    else:
        print(f"removed {name}")


def _rows(operator: models.Operator) -> list[tuple[str, str, str, str, str]]:
    return [
        (
            operator["kind"],
            operator["name"],
            held["role"],
            held["project"] or "(everywhere)",
            held["granted_by"] or "-",
        )
        for held in operator["roles"]
    ]


def _show(operator: models.Operator, *, json_: bool) -> None:
    if json_:
        print_json(operator)
    elif operator["roles"]:
        print_table(("KIND", "NAME", "ROLE", "PROJECT", "GRANTED BY"), _rows(operator))
    else:
        print(f"{operator['name']} was granted nothing")


def _show_role(role: models.Role, *, json_: bool) -> None:
    if json_:
        print_json(role)
        return
    print_fields(
        [
            ("name", role["name"]),
            ("description", role["description"] or "-"),
            ("permissions", ", ".join(role["permissions"])),
        ]
    )
