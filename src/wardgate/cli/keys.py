"""``wardgate keys``: issue, list, show, rotate, revoke, verify."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from wardgate.cli.connect import HERE, MOST, Where, client_for
from wardgate.cli.errors import DONE, REFUSED, CommandError
from wardgate.cli.keyviews import KEY_HEAD, key_fields, key_row, verdict_text
from wardgate.cli.options import ENVIRONMENT, SECONDS, Environment, Json
from wardgate.cli.output import print_fields, print_json, print_table

if TYPE_CHECKING:
    from wardgate.client import models

app = App(name="keys", help="Issue, list, rotate, revoke and verify API keys.")

_KeyId = Annotated[str, Parameter(help="The key's id, as `wardgate keys list` shows it: key_01...")]
_DAY = 86400.0
_LONGEST_KEY = 4096


@app.command
def issue(
    application: Annotated[str, Parameter(help="The application's name or id.")],
    /,
    *,
    name: Annotated[str, Parameter(help="What the key is called in lists.")] = "",
    description: Annotated[str, Parameter(help="What it is for.")] = "",
    expires_in: Annotated[
        float | None, SECONDS, Parameter(help="How long it is valid, such as 90d; by default until revoked.")
    ] = None,
    cidr: Annotated[
        list[str] | None, Parameter(negative=(), help="Network it may be used from; may be given again.")
    ] = None,
    referer: Annotated[
        list[str] | None,
        Parameter(negative=(), help="Host a Referer must name, such as *.example.com; may be given again."),
    ] = None,
    resource: Annotated[
        list[str] | None,
        Parameter(
            negative=(), help="Resource it is for, such as 'orders/v1 GET /items'; may be given again."
        ),
    ] = None,
    where: Where = HERE,
    environment: Environment = ENVIRONMENT,
    json_: Json = False,
) -> None:
    """Issue a key to an application.

    The key is written to standard output, this once: only its digest is stored.
    """
    with client_for(where) as client:
        issued = client.issue_key(
            application=application,
            environment=environment,
            name=name,
            description=description,
            expires_at=None if expires_in is None else time.time() + expires_in,
            restrictions={"cidrs": cidr or [], "referers": referer or [], "resources": resource or []},
        )
    _show_new(issued, json_=json_)


@app.command(name="list")
def list_(
    *,
    application: Annotated[str | None, Parameter(help="Only this application's, by name or id.")] = None,
    environment: Annotated[str | None, Parameter(help="Only this environment's.")] = None,
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """List keys with their state and last use, never the keys themselves."""
    with client_for(where) as client:
        found = list(client.list_keys(application=application, environment=environment, limit=MOST))
    if json_:
        print_json({"keys": found})
    elif found:
        now = time.time()
        print_table(KEY_HEAD, [key_row(key, now) for key in found])
    else:
        print("no keys; issue one with: wardgate keys issue APPLICATION", file=sys.stderr)


@app.command
def show(key_id: _KeyId, /, *, where: Where = HERE, json_: Json = False) -> None:
    """Show all that is known of one key."""
    with client_for(where) as client:
        key = client.show_key(key_id)
    if json_:
        print_json(key)
    else:
        print_fields(key_fields(key))


@app.command
def rotate(
    key_id: _KeyId,
    /,
    *,
    overlap: Annotated[
        float, SECONDS, Parameter(help="How long the old key stays valid, such as 24h.")
    ] = _DAY,
    expires_in: Annotated[
        float | None,
        SECONDS,
        Parameter(help="How long the new key is valid; by default as long as the old was."),
    ] = None,
    where: Where = HERE,
    json_: Json = False,
) -> None:
    """Replace a key by a new one, written to standard output this once.

    The old one stays valid for --overlap (0: not at all). `wardgate keys list` shows when it falls idle.
    """
    with client_for(where) as client:
        issued = client.rotate_key(
            key_id,
            overlap=overlap,
            expires_at=None if expires_in is None else time.time() + expires_in,
            if_match=client.show_key(key_id),
        )
    _show_new(issued, json_=json_)


@app.command
def revoke(key_id: _KeyId, /, *, where: Where = HERE, json_: Json = False) -> None:
    """End a key for ever; every gateway worker refuses it at once."""
    with client_for(where) as client:
        key = client.revoke_key(key_id, if_match=client.show_key(key_id))
    if json_:
        print_json(key)
    else:
        print(f"{key_id} of {key['application']} is revoked")


@app.command
def verify(
    *,
    key: Annotated[
        str,
        Parameter(
            allow_leading_hyphen=True,
            help="The key, or - to read it from standard input (better: arguments show in process lists).",
        ),
    ],
    environment: Annotated[
        str | None, Parameter(help="Where it is presented; by default where it belongs.")
    ] = None,
    where: Where = HERE,
    json_: Json = False,
) -> int:
    """Say of a key what the gateway would say; the status is 0 if it is accepted, else 1."""
    presented = read_key(key)
    with client_for(where) as client:
        verdict = client.verify_key(key=presented, environment=environment)
    if json_:
        print_json(verdict)
    else:
        print(verdict_text(verdict))
    return DONE if verdict["accepted"] else REFUSED


def read_key(option: str) -> str:
    """The key given to ``--key``: its value, or the first line of standard input for ``-``.

    Raises:
        CommandError: standard input holds no key.
    """
    if option != "-":
        return option
    line = sys.stdin.readline(_LONGEST_KEY).strip()
    if not line:
        raise CommandError(
            "key_missing", "Standard input holds no key", "Write the key to it, as in: ... --key - < file"
        )
    return line


def _show_new(issued: models.IssuedKey, *, json_: bool) -> None:
    key, text = issued["credential"], issued["key"]
    if json_:
        print_json({**key, "key": text})
        return
    if text is None:
        raise CommandError(
            "key_shown_before",
            f"The answer with the key {key['id']} was lost, and it cannot be shown again",
            f"Replace it: wardgate keys rotate {key['id']} --overlap 0s",
        )
    print(text)
    print(f"{key['id']}: keep this key now, it is not stored and cannot be shown again", file=sys.stderr)
