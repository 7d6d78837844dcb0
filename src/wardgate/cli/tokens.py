"""``wardgate tokens``: look into tokens and take them back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from wardgate.cli.errors import DONE, REFUSED, CommandError
from wardgate.cli.identity import with_server
from wardgate.cli.keys import read_key
from wardgate.cli.options import DATA_DIR, ENVIRONMENT, DataDir, Environment, Json
from wardgate.cli.output import print_fields, print_json, shown_time

if TYPE_CHECKING:
    from wardgate.domain.oauth import RevocationKind
    from wardgate.identity.manage_tokens import TokenRecord

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
    data_dir: DataDir = DATA_DIR,
    environment: Environment = ENVIRONMENT,
    json_: Json = False,
) -> int:
    """Say what a token of this installation holds and whether it is accepted; the status is 0 if it is, else 1."""
    from wardgate.identity import manage_tokens

    text = read_key(token)
    record = with_server(
        data_dir,
        environment,
        manage_tokens.issuer_said(text),
        lambda server: manage_tokens.introspect(server, text),
    )
    if json_:
        print_json(_json(record))
    else:
        print_fields([(name, _shown(name, value)) for name, value in _json(record).items()])
    return DONE if record.state == "active" else REFUSED


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
    data_dir: DataDir = DATA_DIR,
    environment: Environment = ENVIRONMENT,
    json_: Json = False,
) -> None:
    """Take back tokens issued so far; every gateway worker refuses them at once, signed ones included.

    Give exactly one of the options. Clients and accounts stay as they are.
    """
    from wardgate.identity import manage_tokens

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
        record = with_server(
            data_dir,
            environment,
            manage_tokens.issuer_said(text),
            lambda server: manage_tokens.revoke_token(server, text),
        )
        if json_:
            print_json(_json(record))
        else:
            print("the token is revoked" if record.token else "the refresh token's grant is revoked")
        return
    kind, key = chosen[0]
    ended = with_server(data_dir, environment, "", lambda server: manage_tokens.revoke(server, kind, key))
    if json_:
        print_json({"revoked": kind, "key": key, "grants": ended})
    else:
        print(f"tokens of the {kind} {key} are revoked; grants ended: {ended}")


def _json(record: TokenRecord) -> dict[str, Any]:
    token, grant = record.token, record.refresh_of
    if token is None:
        shape: dict[str, Any] = {"state": record.state, "kind": "refresh_token"}
        if grant is not None:
            shape |= {
                "client": grant.client,
                "subject": grant.subject,
                "grant": grant.id,
                "scopes": list(grant.scopes),
            }
        return shape
    return {
        "state": record.state,
        "kind": "access_token",
        "jti": token.id,
        "issuer": token.issuer,
        "client": token.client,
        "subject": token.subject,
        "grant": token.grant,
        "audiences": sorted(token.audiences),
        "scopes": sorted(token.scopes),
        "roles": sorted(token.roles),
        "issued_at": token.issued_at,
        "expires_at": token.expires_at,
        "bound_to_key": token.jkt or token.x5t or None,
    }


def _shown(name: str, value: Any) -> str:
    if name in ("issued_at", "expires_at"):
        return shown_time(value)
    if isinstance(value, list):
        return " ".join(value) or "-"
    return str(value or "-")
