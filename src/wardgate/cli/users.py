"""``wardgate users``: accounts of people, their roles, and mail that waits."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from wardgate.cli.errors import CommandError
from wardgate.cli.identity import with_server
from wardgate.cli.options import DATA_DIR, ENVIRONMENT, DataDir, Environment, Json
from wardgate.cli.output import print_fields, print_json, print_table, shown_time

if TYPE_CHECKING:
    from wardgate.domain.people import User
    from wardgate.domain.secret import Secret
    from wardgate.identity.people.manage_users import UserRecord
    from wardgate.identity.server import Server

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
    data_dir: DataDir = DATA_DIR,
    environment: Environment = ENVIRONMENT,
    json_: Json = False,
) -> None:
    """Add a person: with a password, or else by a link, good for a week, with which they choose one.

    The link is written to standard output, and mailed where an address is given and `wardgate serve --smtp` is set.
    """
    from wardgate.identity.people import manage_users

    password = _password() if password_stdin else None
    user, link = with_server(
        data_dir,
        environment,
        issuer,
        lambda server: manage_users.add(
            server, name=name, email=email, display_name=display_name, roles=role or (), password=password
        ),
    )
    _show_link(user, link, json_=json_)


@app.command(name="list")
def list_(*, data_dir: DataDir = DATA_DIR, json_: Json = False) -> None:
    """List people with their roles."""
    from wardgate.identity.people import manage_users

    records = with_server(data_dir, ENVIRONMENT, "", manage_users.list_users)
    if json_:
        print_json({"users": [_json(record) for record in records]})
    elif records:
        rows = [
            (
                record.user.id,
                record.user.name,
                record.user.email or "-",
                ", ".join(record.roles) or "-",
                record.user.status,
            )
            for record in records
        ]
        print_table(("ID", "NAME", "E-MAIL", "ROLES", "STATUS"), rows)
    else:
        print("no users; add one with: wardgate users add NAME", file=sys.stderr)


@app.command
def show(
    name: _Name,
    /,
    *,
    data_dir: DataDir = DATA_DIR,
    environment: Environment = ENVIRONMENT,
    json_: Json = False,
) -> None:
    """Show one account: its roles, how the person signs in, and where they are signed in."""
    from wardgate.identity.people import manage_users

    record = with_server(data_dir, environment, "", lambda server: manage_users.show(server, name))
    if json_:
        print_json(_json(record))
        return
    user = record.user
    factors = ", ".join(f"{count} {kind}" for kind, count in sorted(record.factors.items()))
    print_fields(
        [
            ("id", user.id),
            ("name", user.name),
            (
                "e-mail",
                f"{user.email}{'' if user.email_verified else ' (not confirmed)'}" if user.email else "-",
            ),
            ("status", user.status),
            ("since", shown_time(user.created_at)),
            ("roles", ", ".join(record.roles) or "-"),
            ("signs in by", factors or "-"),
            *(
                (
                    f"session {number}",
                    f"since {shown_time(session.created_at)}, seen {shown_time(session.seen_at)}",
                )
                for number, session in enumerate(record.sessions, 1)
            ),
        ]
    )


@app.command
def suspend(name: _Name, /, *, data_dir: DataDir = DATA_DIR, json_: Json = False) -> None:
    """Let a person sign in no more; their sessions and tokens are refused at once."""
    from wardgate.identity.people import manage_users

    _show_status(
        with_server(data_dir, ENVIRONMENT, "", lambda server: manage_users.suspend(server, name)), json_=json_
    )


@app.command
def restore(name: _Name, /, *, data_dir: DataDir = DATA_DIR, json_: Json = False) -> None:
    """Let a suspended person sign in again."""
    from wardgate.identity.people import manage_users

    _show_status(
        with_server(data_dir, ENVIRONMENT, "", lambda server: manage_users.restore(server, name)), json_=json_
    )


@app.command
def remove(name: _Name, /, *, data_dir: DataDir = DATA_DIR, json_: Json = False) -> None:
    """Delete an account; its sessions and tokens are refused at once."""
    from wardgate.identity.people import manage_users

    user = with_server(data_dir, ENVIRONMENT, "", lambda server: manage_users.remove(server, name))
    if json_:
        print_json({"id": user.id, "removed": True})
    else:
        print(f"{user.name} is removed")


@app.command(name="set-roles")
def set_roles(
    name: _Name, /, *, role: _Roles = None, data_dir: DataDir = DATA_DIR, json_: Json = False
) -> None:
    """Give a person exactly these roles; those that a provider's groups give stay."""
    from wardgate.identity.people import manage_users

    roles = with_server(
        data_dir, ENVIRONMENT, "", lambda server: manage_users.set_roles(server, name, role or ())
    )
    if json_:
        print_json({"name": name, "roles": list(roles)})
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
    data_dir: DataDir = DATA_DIR,
    environment: Environment = ENVIRONMENT,
    json_: Json = False,
) -> None:
    """Let a person in who cannot sign in: set a password, or write a link, good for a day, with which they set one."""
    from wardgate.identity.people import manage_users

    password = _password() if password_stdin else None

    async def use(server: Server) -> tuple[User, Secret | None]:
        link = await manage_users.reset(server, name, factors=factors, password=password)
        return (await manage_users.show(server, name)).user, link

    user, link = with_server(data_dir, environment, issuer, use)
    _show_link(user, link, json_=json_)


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
def list_roles(*, data_dir: DataDir = DATA_DIR, json_: Json = False) -> None:
    """List roles with their scopes."""
    from wardgate.identity.people import manage_roles

    roles = with_server(data_dir, ENVIRONMENT, "", manage_roles.list_roles)
    if json_:
        shapes = [
            {"name": role.name, "scopes": list(role.scopes), "description": role.description}
            for role in roles
        ]
        print_json({"roles": shapes})
    elif roles:
        rows = [(role.name, " ".join(role.scopes) or "-", role.description or "-") for role in roles]
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
    data_dir: DataDir = DATA_DIR,
    json_: Json = False,
) -> None:
    """Make a role, or replace the one of that name. What a role carries is open to its holders only."""
    from wardgate.identity.people import manage_roles

    scopes = [word for each in scope or () for word in each.split()]
    role = with_server(
        data_dir,
        ENVIRONMENT,
        "",
        lambda server: manage_roles.put_role(server, name, scopes, description, open_scopes=open_scopes),
    )
    if json_:
        print_json({"name": role.name, "scopes": list(role.scopes), "description": role.description})
    else:
        print(f"{role.name}: {' '.join(role.scopes) or 'no scopes'}")


@roles_app.command(name="remove")
def remove_role(
    name: Annotated[str, Parameter(help="The role's name.")],
    /,
    *,
    open_scopes: _OpenScopes = False,
    data_dir: DataDir = DATA_DIR,
    json_: Json = False,
) -> None:
    """Delete a role; nobody holds it any more."""
    from wardgate.identity.people import manage_roles

    with_server(
        data_dir,
        ENVIRONMENT,
        "",
        lambda server: manage_roles.remove_role(server, name, open_scopes=open_scopes),
    )
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


def _json(record: UserRecord) -> dict[str, Any]:
    user = record.user
    return {
        "id": user.id,
        "name": user.name,
        "email": user.email,
        "email_verified": user.email_verified,
        "profile": dict(user.profile),
        "status": user.status,
        "created_at": user.created_at,
        "roles": list(record.roles),
        "factors": record.factors,
        "sessions": [
            {"id": session.id, "created_at": session.created_at, "seen_at": session.seen_at}
            for session in record.sessions
        ],
    }


def _show_link(user: User, link: Secret | None, *, json_: bool) -> None:
    text = None if link is None else link.reveal().decode()
    if json_:
        print_json({"id": user.id, "name": user.name, **({"link": text} if text else {})})
    elif text:
        print(text)
        print(f"{user.name} chooses a password by this link; it works once", file=sys.stderr)
    else:
        print(f"{user.name} can sign in")


def _show_status(user: User, *, json_: bool) -> None:
    if json_:
        print_json({"id": user.id, "name": user.name, "status": user.status})
    else:
        print(f"{user.name} is {user.status}")
