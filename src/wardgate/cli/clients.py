"""``wardgate clients``: OAuth 2.0 clients of applications."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from wardgate.cli.clientviews import CLIENT_HEAD, client_fields, client_json, client_row
from wardgate.cli.connect import HERE, MOST, Where, client_for
from wardgate.cli.errors import CommandError
from wardgate.cli.options import ENVIRONMENT, SECONDS, Environment, Json
from wardgate.cli.output import print_fields, print_json, print_table

if TYPE_CHECKING:
    from wardgate.client import models

app = App(name="clients", help="Add, change, rotate, suspend and remove OAuth 2.0 clients of applications.")

_ClientId = Annotated[str, Parameter(help="The client_id, as `wardgate clients list` shows it: cl_01...")]
_DAY = 86400.0

#: What people call a grant, besides its own name.
_GRANTS = {
    "code": "authorization_code",
    "refresh": "refresh_token",
    "device": "urn:ietf:params:oauth:grant-type:device_code",
    "device_code": "urn:ietf:params:oauth:grant-type:device_code",
    "exchange": "urn:ietf:params:oauth:grant-type:token-exchange",
    "token_exchange": "urn:ietf:params:oauth:grant-type:token-exchange",
    "jwt_bearer": "urn:ietf:params:oauth:grant-type:jwt-bearer",
}

_Name = Annotated[str | None, Parameter(help="What people see; by default the application's name.")]
_Grant = Annotated[
    list[str] | None,
    Parameter(
        negative=(),
        help="Grant it may use: code, refresh, client_credentials, device, token_exchange, jwt_bearer, or the legacy "
        "implicit and password; may be given again.",
    ),
]
_Redirect = Annotated[
    list[str] | None,
    Parameter(name="--redirect-uri", negative=(), help="Exact redirect URI; may be given again."),
]
_Scope = Annotated[
    list[str] | None,
    Parameter(name="--scope", negative=(), help="Scope its tokens may hold; may be given again."),
]
_Authentication = Annotated[
    str | None,
    Parameter(
        help="How it proves who it is: none (a public client), client_secret_basic, client_secret_post, "
        "private_key_jwt, tls_client_auth or self_signed_tls_client_auth."
    ),
]
_JwksFile = Annotated[
    Path | None, Parameter(name="--jwks-file", help="File with its public keys, a JWK set.")
]
_Set = Annotated[
    list[str] | None,
    Parameter(
        name="--set",
        negative=(),
        help="Any other setting as NAME=VALUE, the value as JSON or text, such as require_par=true, "
        "token_format=opaque or access_lifetime=300; may be given again.",
    ),
]


@app.command
def add(
    application: Annotated[str, Parameter(help="The application's name or id.")],
    /,
    *,
    name: _Name = None,
    grant: _Grant = None,
    redirect_uri: _Redirect = None,
    scope: _Scope = None,
    authentication: _Authentication = None,
    jwks_file: _JwksFile = None,
    set_: _Set = None,
    id_: Annotated[str, Parameter(name="--id", help="Its client_id; by default a new one.")] = "",
    where: Where = HERE,
    environment: Environment = ENVIRONMENT,
    json_: Json = False,
) -> int:
    """Add an OAuth 2.0 client to an application.

    Its secret, if it has one, is written to standard output, this once: only its digest is stored. With a legacy grant
    it waits, suspended, until another person restores it, but in the first environment: status 3.
    """
    settings = _settings(name, grant, redirect_uri, scope, authentication, jwks_file, set_)
    with client_for(where) as client:
        added = client.add_client(application=application, environment=environment, id_=id_, **settings)
    return _show_changed(added, json_=json_)


@app.command(name="list")
def list_(
    *,
    application: Annotated[str | None, Parameter(help="Only this application's, by name or id.")] = None,
    environment: Annotated[str | None, Parameter(help="Only this environment's.")] = None,
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """List clients; legacy grants are marked."""
    with client_for(where) as client:
        found = list(client.list_clients(application=application, environment=environment, limit=MOST))
    if json_:
        print_json({"clients": [client_json(each) for each in found]})
    elif found:
        print_table(CLIENT_HEAD, [client_row(each) for each in found])
    else:
        print("no clients; add one with: wardgate clients add APPLICATION", file=sys.stderr)


@app.command
def show(client_id: _ClientId, /, *, where: Where = HERE, json_: Json = False) -> None:
    """Show all that is known of one client, never its secret."""
    with client_for(where) as client:
        found = client.show_client(client_id)
    if json_:
        print_json(client_json(found))
    else:
        print_fields(client_fields(found))


@app.command
def update(
    client_id: _ClientId,
    /,
    *,
    name: _Name = None,
    grant: _Grant = None,
    redirect_uri: _Redirect = None,
    scope: _Scope = None,
    authentication: _Authentication = None,
    jwks_file: _JwksFile = None,
    set_: _Set = None,
    where: Where = HERE,
    json_: Json = False,
) -> int:
    """Change a client; lists replace what was there. Status 3 if it waits for another person to restore it.

    Tokens it already has stay what they are: `wardgate tokens revoke --client` takes them back.
    """
    settings = _settings(name, grant, redirect_uri, scope, authentication, jwks_file, set_)
    if not settings:
        raise CommandError("nothing_to_change", "No setting was given", "Name one, such as --scope or --set")
    with client_for(where) as client:
        changed = client.update_client(client_id, if_match=client.show_client(client_id), **settings)
    return _show_changed(changed, json_=json_)


@app.command
def rotate(
    client_id: _ClientId,
    /,
    *,
    overlap: Annotated[
        float, SECONDS, Parameter(help="How long the old secret stays good, such as 24h.")
    ] = _DAY,
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """Give a client a new secret, written to standard output this once; the old one ends after --overlap."""
    with client_for(where) as client:
        changed = client.rotate_client(client_id, overlap=overlap, if_match=client.show_client(client_id))
    _show_changed(changed, json_=json_)


@app.command
def suspend(client_id: _ClientId, /, *, where: Where = HERE, json_: Json = False) -> None:
    """Give a client no token, and have the gateway refuse those it has, until it is restored."""
    with client_for(where) as client:
        _show_status(client.suspend_client(client_id, if_match=client.show_client(client_id)), json_=json_)


@app.command
def restore(
    client_id: _ClientId,
    /,
    *,
    reason: Annotated[str, Parameter(help="Why; needed for one that is held.")] = "",
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """Serve a suspended client again. One that is held takes another person than those who made it so."""
    with client_for(where) as client:
        found = client.restore_client(client_id, if_match=client.show_client(client_id), reason=reason)
        _show_status(found, json_=json_)


@app.command
def remove(client_id: _ClientId, /, *, where: Where = HERE, json_: Json = False) -> None:
    """Delete a client with its secrets and grants; its tokens are refused at once."""
    with client_for(where) as client:
        client.remove_client(client_id, if_match=client.show_client(client_id))
    if json_:
        print_json({"id": client_id, "removed": True})
    else:
        print(f"{client_id} is removed")


@app.command(name="registration-token")
def registration_token(
    *,
    application: Annotated[
        str | None, Parameter(help="The application the client joins; by default it brings one of its own.")
    ] = None,
    scope: Annotated[
        list[str] | None,
        Parameter(name="--scope", negative=(), help="API scope it may register for; may be given again."),
    ] = None,
    expires_in: Annotated[float, SECONDS, Parameter(help="How long the token is good, such as 24h.")] = _DAY,
    where: Where = HERE,
    environment: Environment = ENVIRONMENT,
    json_: Json = False,
) -> None:
    """Write an initial access token with which one client can register itself, once (RFC 7591)."""
    with client_for(where) as client:
        issued = client.issue_registration_token(
            environment=environment, application=application, scopes=scope or [], lifetime=expires_in
        )
    if json_:
        print_json({"token": issued["token"], "expires_in": expires_in})
    else:
        print(issued["token"])


def _settings(
    name: str | None,
    grant: list[str] | None,
    redirect_uri: list[str] | None,
    scope: list[str] | None,
    authentication: str | None,
    jwks_file: Path | None,
    others: list[str] | None,
) -> dict[str, Any]:
    settings: dict[str, Any] = dict(_other(text) for text in others or ())
    if name is not None:
        settings["name"] = name
    if grant is not None:
        settings["grant_types"] = [_GRANTS.get(each, each) for each in grant]
    if redirect_uri is not None:
        settings["redirect_uris"] = redirect_uri
    if scope is not None:
        settings["scopes"] = [word for each in scope for word in each.split()]
    if authentication is not None:
        settings["authentication"] = authentication
    if jwks_file is not None:
        try:
            settings["jwks"] = json.loads(jwks_file.read_text())
        except (OSError, ValueError) as error:
            raise CommandError(
                "jwks_invalid", f"{jwks_file} holds no JWK set ({error})", 'Write {"keys": [...]} to it'
            ) from None
    return settings


def _other(text: str) -> tuple[str, Any]:
    """``NAME=VALUE``: JSON where it is any, else the text itself."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise CommandError(
            "setting_invalid", f"{text!r} is no setting", "Write NAME=VALUE, such as require_par=true"
        )
    from wardgate.client.models import ClientSettings

    try:
        read = json.loads(value)
    except ValueError:
        read = value
    setting = name.replace("-", "_")
    if setting not in ClientSettings.__annotations__:
        raise CommandError("client_invalid", f"A client has no setting {setting!r} to change", "Leave it out")
    return setting, read


def _show_changed(changed: models.SecretClient, *, json_: bool) -> int:
    client, text = changed["client"], changed["client_secret"]
    if json_:
        print_json({**client_json(client), **({"client_secret": text} if text else {})})
    else:
        print_fields([("client_id", client["id"]), *([("client_secret", text)] if text else [])])
        if text:
            print("keep this secret now, it is not stored and cannot be shown again", file=sys.stderr)
    for warning in client["warnings"]:
        print(f"warning: {warning}", file=sys.stderr)
    if client["held"]:
        print(
            f"it weakens security; another person agrees with: wardgate clients restore {client['id']} --reason WHY",
            file=sys.stderr,
        )
    return 3 if client["held"] else 0


def _show_status(client: models.Client, *, json_: bool) -> None:
    if json_:
        print_json({"id": client["id"], "status": client["status"]})
    else:
        print(f"{client['id']} is {client['status']}")
