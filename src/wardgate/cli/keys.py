"""``wardgate keys``: issue, list, show, rotate, revoke, verify."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from wardgate.cli.errors import DONE, REFUSED, CommandError
from wardgate.cli.keyviews import (
    KEY_HEAD,
    key_fields,
    key_json,
    key_row,
    restrictions_of,
    verdict_json,
    verdict_text,
)
from wardgate.cli.options import DATA_DIR, ENVIRONMENT, SECONDS, DataDir, Environment, Json
from wardgate.cli.output import print_fields, print_json, print_table
from wardgate.cli.store import with_store

if TYPE_CHECKING:
    from wardgate.control.keys import KeyRecord
    from wardgate.control.ports import Store
    from wardgate.domain.secret import Secret

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
    data_dir: DataDir = DATA_DIR,
    environment: Environment = ENVIRONMENT,
    json_: Json = False,
) -> None:
    """Issue a key to an application.

    The key is written to standard output, this once: only its digest is stored.
    """
    from wardgate.control import keys

    async def use(store: Store) -> tuple[KeyRecord, Secret]:
        credential, secret = await keys.issue(
            store,
            application=application,
            environment=environment,
            name=name,
            description=description,
            expires_at=None if expires_in is None else time.time() + expires_in,
            restrictions=restrictions_of(cidr, referer, resource),
        )
        return await keys.show(store, credential.id), secret

    _show_new(*with_store(data_dir, use), json_=json_)


@app.command(name="list")
def list_(
    *,
    application: Annotated[str | None, Parameter(help="Only this application's, by name or id.")] = None,
    environment: Annotated[str | None, Parameter(help="Only this environment's.")] = None,
    data_dir: DataDir = DATA_DIR,
    json_: Json = False,
) -> None:
    """List keys with their state and last use, never the keys themselves."""
    from wardgate.control import keys

    records = with_store(
        data_dir, lambda store: keys.list_keys(store, application=application, environment=environment)
    )
    if json_:
        print_json({"keys": [key_json(record.credential, record.application.name) for record in records]})
    elif records:
        now = time.time()
        print_table(
            KEY_HEAD, [key_row(record.credential, record.application.name, now) for record in records]
        )
    else:
        print("no keys; issue one with: wardgate keys issue APPLICATION", file=sys.stderr)


@app.command
def show(key_id: _KeyId, /, *, data_dir: DataDir = DATA_DIR, json_: Json = False) -> None:
    """Show all that is known of one key."""
    from wardgate.control import keys

    record = with_store(data_dir, lambda store: keys.show(store, key_id))
    if json_:
        print_json(key_json(record.credential, record.application.name))
    else:
        print_fields(key_fields(record.credential, record.application.name))


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
    data_dir: DataDir = DATA_DIR,
    json_: Json = False,
) -> None:
    """Replace a key by a new one, written to standard output this once.

    The old one stays valid for --overlap (0: not at all). `wardgate keys list` shows when it falls idle.
    """
    from wardgate.control import keys

    async def use(store: Store) -> tuple[KeyRecord, Secret]:
        credential, secret = await keys.rotate(
            store,
            key_id,
            overlap=overlap,
            expires_at=None if expires_in is None else time.time() + expires_in,
        )
        return await keys.show(store, credential.id), secret

    _show_new(*with_store(data_dir, use), json_=json_)


@app.command
def revoke(key_id: _KeyId, /, *, data_dir: DataDir = DATA_DIR, json_: Json = False) -> None:
    """End a key for ever; every gateway worker refuses it at once."""
    from wardgate.control import keys

    async def use(store: Store) -> KeyRecord:
        await keys.revoke(store, key_id)
        return await keys.show(store, key_id)

    record = with_store(data_dir, use)
    if json_:
        print_json(key_json(record.credential, record.application.name))
    else:
        print(f"{key_id} of {record.application.name} is revoked")


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
    data_dir: DataDir = DATA_DIR,
    json_: Json = False,
) -> int:
    """Say of a key what the gateway would say; the status is 0 if it is accepted, else 1."""
    from wardgate.control.verify import verify as judge

    presented = read_key(key)
    verdict = with_store(data_dir, lambda store: judge(store, presented, environment=environment))
    if json_:
        print_json(verdict_json(verdict))
    else:
        print(verdict_text(verdict))
    return DONE if verdict.accepted else REFUSED


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


def _show_new(record: KeyRecord, secret: Secret, *, json_: bool) -> None:
    key = secret.reveal().decode()
    if json_:
        print_json({**key_json(record.credential, record.application.name), "key": key})
        return
    print(key)
    print(
        f"{record.credential.id}: keep this key now, it is not stored and cannot be shown again",
        file=sys.stderr,
    )
