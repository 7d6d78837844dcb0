"""``wardgate admin-tokens``: access tokens of the control plane."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from wardgate.cli.connect import HERE, MOST, Where, client_for
from wardgate.cli.errors import CommandError
from wardgate.cli.options import SECONDS, Json
from wardgate.cli.output import print_fields, print_json, print_table, shown_age, shown_time

if TYPE_CHECKING:
    from wardgate.client import models

app = App(name="admin-tokens", help="Issue, list and revoke access tokens of the control plane.")

_User = Annotated[str | None, Parameter(help="A user's, by name or id; by default your own.")]
_Service = Annotated[str | None, Parameter(help="A service account's, by name or id.")]


@app.command
def issue(
    *,
    name: Annotated[str, Parameter(help="What it is for, such as laptop.")],
    user: _User = None,
    service: _Service = None,
    permissions: Annotated[
        list[str] | None,
        Parameter(
            negative=(),
            help="At most this permission, such as apis.view; may be given again; by default all that its owner holds.",
        ),
    ] = None,
    project: Annotated[
        list[str] | None, Parameter(negative=(), help="Only in this project; may be given again.")
    ] = None,
    expires: Annotated[
        float | None,
        SECONDS,
        Parameter(help="How long it is valid, such as 30d; by default 90d, at most 366d."),
    ] = None,
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """Issue an access token: your own, or a service account's.

    The token is written to standard output, this once: only its digest is stored. It never lets do more than its owner
    may at that moment.
    """
    if user is not None and service is not None:
        raise CommandError("owner_invalid", "A token is a user's or a service account's", "Name one of them")
    with client_for(where) as client:
        issued = client.issue_admin_token(
            name=name,
            user=user,
            service=service,
            permissions=permissions,
            projects=project,
            expires_at=None if expires is None else time.time() + expires,
        )
    if json_:
        print_json(issued)
        return
    token = issued["credential"]
    print(f"{token['id']} of {token['owner']} until {shown_time(token['expires_at'])}", file=sys.stderr)
    print(issued["token"])


@app.command(name="list")
def list_(
    *,
    user: _User = None,
    service: _Service = None,
    everyone: Annotated[bool, Parameter(negative=(), help="Everyone's.")] = False,
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """List access tokens with their state and last use, never the tokens themselves."""
    # At the machine itself nobody is signed in, so nobody's are one's own.
    everyone = everyone or not (where.server or user or service)
    with client_for(where) as client:
        found = list(client.list_admin_tokens(user=user, service=service, everyone=everyone, limit=MOST))
    if json_:
        print_json({"admin_tokens": found})
    elif found:
        now = time.time()
        print_table(
            ("ID", "OWNER", "NAME", "TOKEN", "STATE", "EXPIRES", "LAST USED"),
            [_row(each, now) for each in found],
        )
    else:
        print("no access tokens; issue one with: wardgate admin-tokens issue --name NAME", file=sys.stderr)


@app.command
def show(
    token_id: Annotated[str, Parameter(help="Its id, like wat_01...")],
    /,
    *,
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """Show all that is known of one access token."""
    with client_for(where) as client:
        found = client.show_admin_token(token_id)
    _show(found, json_=json_)


@app.command
def revoke(
    token_id: Annotated[str, Parameter(help="Its id, like wat_01...")],
    /,
    *,
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """End an access token for ever."""
    with client_for(where) as client:
        found = client.revoke_admin_token(token_id, if_match=client.show_admin_token(token_id))
    _show(found, json_=json_)


def _row(token: models.AdminToken, now: float) -> tuple[str, ...]:
    used = shown_age(token["last_used_at"], now)
    return (
        token["id"],
        token["owner"],
        token["name"],
        f"{token['prefix']}...{token['last_four']}",
        token["state"],
        shown_age(token["expires_at"], now),
        f"{used} from {token['last_used_address']}" if token["last_used_address"] else used,
    )


def _show(token: models.AdminToken, *, json_: bool) -> None:
    if json_:
        print_json(token)
        return
    projects = token["projects"]
    print_fields(
        [
            ("id", token["id"]),
            ("owner", f"{token['kind']} {token['owner']}"),
            ("name", token["name"]),
            ("token", f"{token['prefix']}...{token['last_four']}"),
            ("state", token["state"]),
            ("permissions", ", ".join(token["permissions"])),
            ("projects", "all" if projects is None else ", ".join(projects)),
            ("created", shown_time(token["created_at"])),
            ("expires", shown_time(token["expires_at"])),
            ("last used", shown_time(token["last_used_at"])),
            ("issued by", " through ".join((token["issued_by"] or "not known", *token["issued_through"]))),
        ]
    )
