"""Schema v0013 over every older one that has access tokens: who issued them is what the trail says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, text
from tests.conftest import Place
from tests.postgres import Postgres
from tests.storage.schemas import at_schema, postgres_at_schema

from wardgate.control.operators import tokens
from wardgate.storage.database import SqlStore, open_store
from wardgate.storage.layout import SCHEMAS, database_path

OLDER = SCHEMAS[SCHEMAS.index("v0010") : SCHEMAS.index("v0013")]
#: Actor, token used, action, target, outcome: in the order in which it happened.
TRAIL = (
    ("usr_ann", "", "admin_token.issue", "wat_1", "done"),
    ("usr_eve", "", "admin_token.issue", "wat_1", "refused"),
    ("usr_eve", "", "admin_token.revoke", "wat_1", "done"),
    ("svc_maker", "wat_1", "admin_token.issue", "wat_2", "done"),
    ("svc_helper", "wat_2", "admin_token.issue", "wat_3", "done"),
    ("usr_ben", "tok_of_sign_on", "admin_token.issue", "wat_4", "done"),
    ("usr_ben", "wat_0", "admin_token.issue", "wat_5", "done"),
)
#: Who issued each, then who issued what it was issued with. The token wat_3 has outlived wat_2, and that of wat_5 is older
#: than the trail, as wat_6 is.
ISSUERS: Mapping[str, tuple[str | None, tuple[str, ...]]] = {
    "wat_1": ("usr_ann", ()),
    "wat_3": ("svc_helper", ("svc_maker", "usr_ann")),
    "wat_4": ("usr_ben", ()),
    "wat_5": (None, ()),
    "wat_6": (None, ()),
}


def fill(connection: Connection) -> None:
    """Writes tokens of a program, and what the trail says of them."""
    connection.execute(text("INSERT INTO service_accounts VALUES ('svc_ci', 'ci', '', 'active', 1.0)"))
    for number, token in enumerate(ISSUERS):
        connection.execute(
            text(
                "INSERT INTO admin_tokens (id, kind, owner, name, digest, prefix, last_four, permissions, created_at,"
                " expires_at, last_used_address) VALUES (:id, 'service', 'svc_ci', 'x', :digest, 'wgop_abcd', 'wxyz',"
                " '[]', 1.0, 9e9, '')"
            ),
            {"id": token, "digest": bytes([number]) * 32},
        )
    for seq, (actor, token, action, target, outcome) in enumerate(TRAIL, 1):
        connection.execute(
            text(
                "INSERT INTO audit VALUES (:seq, 1.0, 'user', :actor, :actor, '', :token, :action, :target, :outcome,"
                " '', '', '{}', '{}', '', :hash, :hash)"
            ),
            {
                "seq": seq,
                "actor": actor,
                "token": token,
                "action": action,
                "target": target,
                "outcome": outcome,
                "hash": bytes(32),
            },
        )


async def check(store: SqlStore) -> None:
    found = await tokens.list_tokens(store, everyone=True)
    assert {each.token.id: (each.token.issued_by, each.token.issued_through) for each in found} == ISSUERS


@pytest.mark.parametrize("schema", OLDER)
async def test_who_issued_a_token_is_what_the_trail_says(tmp_path: Path, schema: str) -> None:
    """Where it says nothing of it, or of one that it was issued with, nobody is known."""
    at_schema(tmp_path / "data", schema)
    engine = create_engine(f"sqlite:///{database_path(tmp_path / 'data')}")
    with engine.begin() as connection:
        fill(connection)
    engine.dispose()
    async with await open_store(tmp_path / "data") as store:
        await check(store)


@pytest.mark.only_postgresql
@pytest.mark.spoils_database
async def test_on_postgresql_it_is_the_same(place: Place, postgres: Postgres) -> None:
    """The same comes of the same rows."""
    engine = postgres_at_schema(place, postgres, "v0012")
    with engine.begin() as connection:
        fill(connection)
    engine.dispose()
    async with await open_store(place.data_dir, place.url) as store:
        await check(store)
