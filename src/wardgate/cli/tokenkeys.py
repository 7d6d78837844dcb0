"""``wardgate tokens keys``: the keys that tokens are signed with."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated, Any, cast

from cyclopts import App, Parameter

from wardgate.cli.identity import with_server
from wardgate.cli.options import DATA_DIR, ENVIRONMENT, DataDir, Environment, Json
from wardgate.cli.output import print_json, print_table, shown_age, shown_time
from wardgate.control.errors import NotFoundError

if TYPE_CHECKING:
    from wardgate.identity.keys import KeyRing
    from wardgate.identity.ports import StoredKey
    from wardgate.identity.server import Server

app = App(name="keys", help="List the keys tokens are signed with, and withdraw one that others may know.")


@app.command(name="list")
def list_(
    *, data_dir: DataDir = DATA_DIR, environment: Environment = ENVIRONMENT, json_: Json = False
) -> None:
    """List an environment's published keys. They follow one another by themselves, on schedule."""
    from wardgate.identity.rotation import active, published

    async def read(server: Server) -> list[StoredKey]:
        async with server.store.reading() as tx:
            return published(await tx.token_keys.all(environment), time.time())

    now = time.time()
    keys = with_server(data_dir, environment, "", read)
    signing = {found.kid for key in keys if (found := active(keys, key.algorithm, now)) is not None}
    if json_:
        print_json({"keys": [_json(key, key.kid in signing, now) for key in keys]})
    elif keys:
        rows = [
            (
                key.kid,
                key.algorithm,
                _state(key, key.kid in signing, now),
                shown_time(key.active_at),
                shown_age(key.expires_at, now),
            )
            for key in keys
        ]
        print_table(("KID", "ALGORITHM", "STATE", "SIGNS FROM", "GONE"), rows)
    else:
        print("no keys yet; `wardgate serve` makes them when they are needed", file=sys.stderr)


@app.command
def withdraw(
    kid: Annotated[str, Parameter(help="The key's id, as `wardgate tokens keys list` shows it.")],
    /,
    *,
    data_dir: DataDir = DATA_DIR,
    environment: Environment = ENVIRONMENT,
    json_: Json = False,
) -> None:
    """Stop using a key that others may know: every token it signed is refused at once, and a new key takes its place."""

    async def use(server: Server) -> bool:
        return await cast("KeyRing", server.keys).withdraw(kid, server.clock())

    if not with_server(data_dir, environment, "", use):
        raise NotFoundError("key", kid, f"`wardgate tokens keys list --environment {environment}` shows them")
    if json_:
        print_json({"kid": kid, "withdrawn": True})
    else:
        print(f"{kid} is withdrawn; tokens it signed are refused")


def _state(key: StoredKey, signs: bool, now: float) -> str:
    if signs:
        return "signs"
    return "next" if key.active_at > now else "verifies only"


def _json(key: StoredKey, signs: bool, now: float) -> dict[str, Any]:
    return {
        "kid": key.kid,
        "algorithm": key.algorithm,
        "state": _state(key, signs, now),
        "created_at": key.created_at,
        "active_at": key.active_at,
        "expires_at": key.expires_at,
    }
