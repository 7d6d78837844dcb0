"""``wardgate tokens``: look into tokens and take them back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from wardgate.cli.connect import HERE, Where, client_for
from wardgate.cli.errors import DONE, REFUSED, CommandError
from wardgate.cli.keys import read_key
from wardgate.cli.options import ENVIRONMENT, Environment, Json
from wardgate.cli.output import print_fields, print_json, shown_time

if TYPE_CHECKING:
    from wardgate.client import models
    from wardgate.domain.oauth import RevocationKind

app = App(name="tokens", help="Look into access and refresh tokens, and take them back.")
app.command(
    "wardgate.cli.tokenkeys:app", name="keys", help="List and withdraw the keys tokens are signed with."
)

_Token = Annotated[
    str,
    Parameter(
        name="--token",
        allow_leading_hyphen=True,
        help="The token, or - to read it from standard input (better: arguments show in process lists).",
    ),
]


@app.command
def introspect(
    *,
    token: _Token,
    where: Where = HERE,
    environment: Environment = ENVIRONMENT,
    json_: Json = False,
) -> int:
    """Say what a token of this installation holds and whether it is accepted; the status is 0 if it is, else 1."""
    text = read_key(token)
    with client_for(where, environment=environment, issuer=_issuer_said(where, text)) as client:
        found = client.introspect_token(token=text)
    if json_:
        print_json(_json(found))
    else:
        print_fields([(name, _shown(name, value)) for name, value in _json(found).items()])
    return DONE if found["state"] == "active" else REFUSED


@app.command
def revoke(
    *,
    token: Annotated[
        str | None,
        Parameter(
            allow_leading_hyphen=True,
            help="One token, or - to read it from standard input; a refresh token ends its whole grant.",
        ),
    ] = None,
    jti: Annotated[str | None, Parameter(help="The token with this id.")] = None,
    grant: Annotated[str | None, Parameter(help="Every token of this grant.")] = None,
    subject: Annotated[
        str | None, Parameter(help="Every token that acts for this user, by name or id.")
    ] = None,
    client: Annotated[str | None, Parameter(help="Every token of this client.")] = None,
    application: Annotated[
        str | None, Parameter(help="Every token of this application's clients, by name or id.")
    ] = None,
    where: Where = HERE,
    environment: Environment = ENVIRONMENT,
    json_: Json = False,
) -> None:
    """Take back tokens issued so far; every gateway worker refuses them at once, signed ones included.

    Give exactly one of the options. Clients and accounts stay as they are.
    """
    given: dict[RevocationKind, str | None] = {
        "jti": jti,
        "grant": grant,
        "subject": subject,
        "client": client,
        "application": application,
    }
    chosen: list[tuple[RevocationKind, str]] = [
        (kind, value) for kind, value in given.items() if value is not None
    ]
    if len(chosen) + (token is not None) != 1:
        raise CommandError(
            "revocation_unclear",
            "Say what to revoke by exactly one option",
            "Use one of --token, --jti, --grant, --subject, --client, --application",
        )
    if token is not None:
        text = read_key(token)
        with client_for(where, environment=environment, issuer=_issuer_said(where, text)) as asked:
            taken = asked.revoke_token(token=text)
        if json_:
            print_json(_json(taken))
        elif taken["kind"] == "access_token":
            print("the token is revoked")
        else:
            print("the refresh token's grant is revoked")
        return
    kind, key = chosen[0]
    with client_for(where, environment=environment) as asked:
        revoked = asked.revoke_tokens(kind=kind, key=key)
    if json_:
        print_json({"revoked": kind, "key": key, "grants": revoked["grants"]})
    else:
        print(f"tokens of the {kind} {key} are revoked; grants ended: {revoked['grants']}")


def _issuer_said(where: Where, text: str) -> str:
    """The issuer a JWT names: the local store answers as that one. A server knows its own."""
    if where.server:
        return ""
    from wardgate.identity.manage_tokens import issuer_said

    return issuer_said(text)


def _json(found: models.TokenState) -> dict[str, Any]:
    shape: dict[str, Any] = {"state": found["state"], "kind": found["kind"]}
    if found["kind"] == "refresh_token":
        if found["grant"] is not None:
            shape |= {name: found[name] for name in ("client", "subject", "grant", "scopes")}
        return shape
    return shape | {
        "jti": found["jti"],
        "issuer": found["issuer"],
        "client": found["client"],
        "subject": found["subject"],
        "grant": found["grant"],
        "audiences": found["audiences"],
        "scopes": found["scopes"],
        "roles": found["roles"],
        "issued_at": found["issued_at"],
        "expires_at": found["expires_at"],
        "bound_to_key": found["bound_to_key"],
    }


def _shown(name: str, value: Any) -> str:
    if name in ("issued_at", "expires_at"):
        return shown_time(value)
    if isinstance(value, list):
        return " ".join(value) or "-"
    return str(value or "-")
