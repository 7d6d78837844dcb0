"""``wardgate users``: accounts of people, their roles, and mail that waits."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from wardgate.cli.connect import HERE, MOST, Where, client_for
from wardgate.cli.errors import CommandError
from wardgate.cli.identity import with_server
from wardgate.cli.options import DATA_DIR, ENVIRONMENT, DataDir, Environment, Json
from wardgate.cli.output import print_fields, print_json, print_table, shown_time

if TYPE_CHECKING:
    from wardgate.client import models

app = App(name="users", help="Add, invite, suspend and remove people, and say what they may do.")
roles_app = App(name="roles", help="List, set and remove roles: named sets of scopes.")
app.command(roles_app)

_DEFAULT_ISSUER = "http://127.0.0.1:8080"
_LONGEST_PASSWORD = 4096

_Name = Annotated[str, Parameter(help="The user's name or id.")]
_Roles = Annotated[
    list[str] | None, Parameter(name="--role", negative=(), help="A role; may be given again.")
]
_PasswordStdin = Annotated[
    bool,
    Parameter(name="--password-stdin", negative=(), help="Read a password from standard input's first line."),
]
_OpenScopes = Annotated[
    bool,
    Parameter(
        name="--open-scopes",
        negative=(),
        help="Let scopes that no role carries any more be open to everybody.",
    ),
]
_Issuer = Annotated[
    str, Parameter(name="--issuer", help="The URL people know this installation by; links begin with it.")
]


@app.command
def add(
    name: Annotated[str, Parameter(help="What the person signs in with.")],
    /,
    *,
    email: Annotated[str, Parameter(help="The person's address; the invitation goes there.")] = "",
    display_name: Annotated[str, Parameter(help="What the person is called.")] = "",
    role: _Roles = None,
    password_stdin: _PasswordStdin = False,
    issuer: _Issuer = _DEFAULT_ISSUER,
    where: Where = HERE,
    environment: Environment = ENVIRONMENT,
    json_: Json = False,
) -> None:
    """Add a person: with a password, or else by a link, good for a week, with which they choose one.

    The link is written to standard output, and mailed where an address is given and `wardgate serve --smtp` is set.
    """
    password = _password() if password_stdin else None
    with client_for(where, environment=environment, issuer=issuer) as client:
        added = client.add_user(
            name=name, email=email, display_name=display_name, roles=role or [], password=password
        )
    _show_link(added["user"], added["link"], json_=json_)


@app.command(name="list")
def list_(*, where: Where = HERE, json_: Json = False) -> None:
    """List people with their roles."""
    with client_for(where) as client:
        found = list(client.list_users(limit=MOST))
    if json_:
        print_json({"users": found})
    elif found:
        rows = [
            (each["id"], each["name"], each["email"] or "-", ", ".join(each["roles"]) or "-", each["status"])
            for each in found
        ]
        print_table(("ID", "NAME", "E-MAIL", "ROLES", "STATUS"), rows)
    else:
        print("no users; add one with: wardgate users add NAME", file=sys.stderr)


@app.command
def show(
    name: _Name,
    /,
    *,
    where: Where = HERE,
    environment: Environment = ENVIRONMENT,
    json_: Json = False,
) -> None:
    """Show one account: its roles, how the person signs in, and where they are signed in."""
    with client_for(where, environment=environment) as client:
        user = client.show_user(name)
    if json_:
        print_json(user)
        return
    factors = ", ".join(f"{count} {kind}" for kind, count in sorted(user["factors"].items()))
    confirmed = "" if user["email_verified"] else " (not confirmed)"
    print_fields(
        [
            ("id", user["id"]),
            ("name", user["name"]),
            ("e-mail", f"{user['email']}{confirmed}" if user["email"] else "-"),
            ("status", user["status"]),
            ("since", shown_time(user["created_at"])),
            ("roles", ", ".join(user["roles"]) or "-"),
            ("signs in by", factors or "-"),
            *(
                (
                    f"session {number}",
                    f"since {shown_time(session['created_at'])}, seen {shown_time(session['seen_at'])}",
                )
                for number, session in enumerate(user["sessions"], 1)
            ),
        ]
    )


@app.command
def suspend(name: _Name, /, *, where: Where = HERE, json_: Json = False) -> None:
    """Let a person sign in no more; their sessions and tokens are refused at once."""
    with client_for(where) as client:
        _show_status(client.suspend_user(name, if_match=client.show_user(name)), json_=json_)


@app.command
def restore(name: _Name, /, *, where: Where = HERE, json_: Json = False) -> None:
    """Let a suspended person sign in again."""
    with client_for(where) as client:
        _show_status(client.restore_user(name, if_match=client.show_user(name)), json_=json_)


@app.command
def remove(name: _Name, /, *, where: Where = HERE, json_: Json = False) -> None:
    """Delete an account; its sessions and tokens are refused at once."""
    with client_for(where) as client:
        user = client.show_user(name)
        client.remove_user(name, if_match=user)
    if json_:
        print_json({"id": user["id"], "removed": True})
    else:
        print(f"{user['name']} is removed")


@app.command(name="set-roles")
def set_roles(name: _Name, /, *, role: _Roles = None, where: Where = HERE, json_: Json = False) -> None:
    """Give a person exactly these roles; those that a provider's groups give stay."""
    with client_for(where) as client:
        roles = client.set_user_roles(name, roles=role or [], if_match=client.show_user(name))["roles"]
    if json_:
        print_json({"name": name, "roles": roles})
    else:
        print(f"{name}: {', '.join(roles) or 'no roles'}")


@app.command
def reset(
    name: _Name,
    /,
    *,
    factors: Annotated[
        bool, Parameter(negative=(), help="Remove authenticator apps, passkeys and recovery codes as well.")
    ] = False,
    password_stdin: _PasswordStdin = False,
    issuer: _Issuer = _DEFAULT_ISSUER,
    where: Where = HERE,
    environment: Environment = ENVIRONMENT,
    json_: Json = False,
) -> None:
    """Let a person in who cannot sign in: set a password, or write a link, good for a day, with which they set one."""
    password = _password() if password_stdin else None
    with client_for(where, environment=environment, issuer=issuer) as client:
        state = client.show_user(name)
        reset_ = client.reset_user(name, factors=factors, password=password, if_match=state)
    _show_link(reset_["user"], reset_["link"], json_=json_)


@app.command
def outbox(*, data_dir: DataDir = DATA_DIR, json_: Json = False) -> None:
    """Show mail that waits to be sent. It may hold links that let somebody in: treat it as secret."""
    from wardgate.identity.people import manage_users

    waiting = with_server(data_dir, ENVIRONMENT, "", manage_users.outbox)
    if json_:
        print_json(
            {
                "mail": [
                    {"id": mail.id, "to": mail.to, "subject": mail.subject, "body": mail.body}
                    for mail in waiting
                ]
            }
        )
        return
    for mail in waiting:
        print_fields(
            [("to", mail.to), ("subject", mail.subject), ("waits since", shown_time(mail.created_at))]
        )
        print(f"\n{mail.body}\n")
    if not waiting:
        print("no mail waits", file=sys.stderr)


@roles_app.command(name="list")
def list_roles(*, where: Where = HERE, json_: Json = False) -> None:
    """List roles with their scopes."""
    with client_for(where) as client:
        roles = list(client.list_roles(limit=MOST))
    if json_:
        print_json({"roles": roles})
    elif roles:
        rows = [(role["name"], " ".join(role["scopes"]) or "-", role["description"] or "-") for role in roles]
        print_table(("NAME", "SCOPES", "DESCRIPTION"), rows)
    else:
        print("no roles; every scope is open to everybody", file=sys.stderr)


@roles_app.command(name="put")
def put_role(
    name: Annotated[str, Parameter(help="The role's name.")],
    /,
    *,
    scope: Annotated[
        list[str] | None,
        Parameter(name="--scope", negative=(), help="A scope it carries; may be given again."),
    ] = None,
    description: Annotated[str, Parameter(help="What it is for.")] = "",
    open_scopes: _OpenScopes = False,
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """Make a role, or replace the one of that name. What a role carries is open to its holders only."""
    from wardgate.client import NotFoundError

    scopes = [word for each in scope or () for word in each.split()]
    with client_for(where) as client:
        try:
            state = client.show_role(name)
        except NotFoundError:
            state = None
        role = client.set_role(
            name, scopes=scopes, description=description, open_scopes=open_scopes, if_match=state
        )
    if json_:
        print_json(role)
    else:
        print(f"{role['name']}: {' '.join(role['scopes']) or 'no scopes'}")


@roles_app.command(name="remove")
def remove_role(
    name: Annotated[str, Parameter(help="The role's name.")],
    /,
    *,
    open_scopes: _OpenScopes = False,
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """Delete a role; nobody holds it any more."""
    with client_for(where) as client:
        client.remove_role(name, open_scopes=open_scopes, if_match=client.show_role(name))
    if json_:
        print_json({"name": name, "removed": True})
    else:
        print(f"{name} is removed")


def _password() -> str:
    """The first line of standard input. Raises CommandError when it is empty."""
    line = sys.stdin.readline(_LONGEST_PASSWORD).rstrip("\r\n")
    if not line:
        raise CommandError(
            "password_missing",
            "Standard input holds no password",
            "Write it there: ... --password-stdin < file",
        )
    return line


def _show_link(user: models.Account, link: str | None, *, json_: bool) -> None:
    if json_:
        print_json({"id": user["id"], "name": user["name"], **({"link": link} if link else {})})
    elif link:
        print(link)
        print(f"{user['name']} chooses a password by this link; it works once", file=sys.stderr)
    else:
        print(f"{user['name']} can sign in")


def _show_status(user: models.Account, *, json_: bool) -> None:
    if json_:
        print_json({"id": user["id"], "name": user["name"], "status": user["status"]})
    else:
        print(f"{user['name']} is {user['status']}")
