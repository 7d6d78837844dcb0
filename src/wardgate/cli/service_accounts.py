"""``wardgate service-accounts``: programs that act at the control plane."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from wardgate.cli.connect import HERE, MOST, Where, client_for
from wardgate.cli.options import Json
from wardgate.cli.output import print_fields, print_json, print_table, shown_time

if TYPE_CHECKING:
    from wardgate.client import models

app = App(name="service-accounts", help="Add, suspend and remove programs that act at the control plane.")

_Name = Annotated[str, Parameter(help="The service account's name or id.")]
_Description = Annotated[str, Parameter(help="What it is for.")]


@app.command
def add(name: _Name, /, *, description: _Description = "", where: Where = HERE, json_: Json = False) -> None:
    """Add a service account, which may do nothing yet.

    Grant it a role with `wardgate operators grant NAME ROLE --kind service`, and issue it a token with
    `wardgate admin-tokens issue --service NAME`.
    """
    with client_for(where) as client:
        account = client.add_service_account(name=name, description=description)
    _show(account, json_=json_)


@app.command(name="list")
def list_(*, where: Where = HERE, json_: Json = False) -> None:
    """List service accounts."""
    with client_for(where) as client:
        found = list(client.list_service_accounts(limit=MOST))
    if json_:
        print_json({"service_accounts": found})
    elif found:
        rows = [(each["id"], each["name"], each["status"], each["description"] or "-") for each in found]
        print_table(("ID", "NAME", "STATUS", "DESCRIPTION"), rows)
    else:
        print("no service accounts; add one with: wardgate service-accounts add NAME", file=sys.stderr)


@app.command
def show(name: _Name, /, *, where: Where = HERE, json_: Json = False) -> None:
    """Show one service account."""
    with client_for(where) as client:
        account = client.show_service_account(name)
    _show(account, json_=json_)


@app.command
def describe(name: _Name, description: _Description, /, *, where: Where = HERE, json_: Json = False) -> None:
    """Describe a service account anew."""
    with client_for(where) as client:
        account = client.describe_service_account(
            name, description=description, if_match=client.show_service_account(name)
        )
    _show(account, json_=json_)


@app.command
def suspend(name: _Name, /, *, where: Where = HERE, json_: Json = False) -> None:
    """Refuse all its tokens until it is restored."""
    with client_for(where) as client:
        account = client.suspend_service_account(name, if_match=client.show_service_account(name))
    _show(account, json_=json_)


@app.command
def restore(name: _Name, /, *, where: Where = HERE, json_: Json = False) -> None:
    """Let a suspended service account's tokens count again."""
    with client_for(where) as client:
        account = client.restore_service_account(name, if_match=client.show_service_account(name))
    _show(account, json_=json_)


@app.command
def remove(name: _Name, /, *, where: Where = HERE, json_: Json = False) -> None:
    """Delete a service account with its roles and tokens."""
    with client_for(where) as client:
        client.remove_service_account(name, if_match=client.show_service_account(name))
    if json_:
        print_json({"removed": name})
    else:
        print(f"removed {name}")


def _show(account: models.ServiceAccount, *, json_: bool) -> None:
    if json_:
        print_json(account)
        return
    print_fields(
        [
            ("id", account["id"]),
            ("name", account["name"]),
            ("description", account["description"] or "-"),
            ("status", account["status"]),
            ("created", shown_time(account["created_at"])),
        ]
    )
