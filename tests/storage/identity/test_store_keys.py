"""Signing keys, foreign issuers and revocations as stored, and what is swept."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from tests.storage.identity.samples_identity import (
    CLIENT,
    DEVICE,
    GRANT,
    KEY,
    NOW,
    REFRESH,
    SESSION,
    TOKEN,
    digest,
    filled,
    successor,
)
from tests.storage.samples import count, feed_of, rows_of

from wardgate.domain.oauth import ClientSecret, Revocation
from wardgate.domain.people import Mail
from wardgate.storage.database import SqlStore
from wardgate.storage.layout import database_path
from wardgate.storage.repositories.identity import sweep
from wardgate.storage.tables_identity import metadata

pytestmark = pytest.mark.every_database
DAY = 86_400.0


async def test_signing_keys_are_kept_and_announced(store: SqlStore) -> None:
    """Keys of an environment come in the order they sign; adding and retiring one appends ``signing_key``."""
    first = replace(KEY, kid="key-0", active_at=NOW, algorithm="EdDSA")
    async with store.writing() as tx:
        await tx.token_keys.add(KEY)
        await tx.token_keys.add(first)
        await tx.token_keys.add(replace(KEY, kid="key-2", environment="staging"))
        await tx.token_keys.retire("key-0", NOW + 50)
        assert await tx.token_keys.all("development") == [replace(first, expires_at=NOW + 50), KEY]
        assert await tx.token_keys.all("production") == []
    assert feed_of(store.data_dir) == [("signing_key", f"key-{n}") for n in (1, 0, 2, 0)]


async def test_issuer_documents_are_replaced_and_announced(store: SqlStore) -> None:
    """The newest document and its time are kept, each appends ``issuer``."""
    async with store.writing() as tx:
        assert await tx.issuer_keys.get("https://okta.example") is None
        await tx.issuer_keys.put("https://okta.example", {"jwks": {"keys": []}}, NOW)
        await tx.issuer_keys.put("https://okta.example", {"jwks": {"keys": [{"kid": "1"}]}}, NOW + 1)
        assert await tx.issuer_keys.get("https://okta.example") == (
            {"jwks": {"keys": [{"kid": "1"}]}},
            NOW + 1,
        )
    assert feed_of(store.data_dir) == [("issuer", "https://okta.example")] * 2


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("jti", "jti-1"),
        ("grant", "grant-1"),
        ("subject", "user-1"),
        ("client", "client-1"),
        ("application", "app_1"),
    ],
)
async def test_a_revocation_covers_what_was_issued_before(store: SqlStore, kind: str, key: str) -> None:
    """A token issued up to the moment of a revocation of any kind is covered, one issued after it is not."""
    at = TOKEN.issued_ms
    revocation = Revocation(kind=kind, key=key, at_ms=at, until=NOW + 600)  # type: ignore[arg-type]
    async with store.writing() as tx:
        assert not await tx.revocations.covers(TOKEN, "app_1")
        await tx.revocations.add([revocation], at=NOW)
        assert await tx.revocations.covers(TOKEN, "app_1")
        assert await tx.revocations.covers(replace(TOKEN, issued_ms=0), "app_1")
        assert not await tx.revocations.covers(replace(TOKEN, issued_ms=at + 1), "app_1")
        other = replace(TOKEN, id="x", grant="", subject="", client="x")
        assert not await tx.revocations.covers(other, "x")
    assert feed_of(store.data_dir) == [("revocation", f"{kind} {key}")]


async def test_a_revocation_never_moves_back(store: SqlStore) -> None:
    """Revoking again keeps the later moment and the later end."""
    rows = [(500, NOW + 10), (400, NOW + 20), (300, NOW)]
    async with store.writing() as tx:
        for at_ms, until in rows:
            await tx.revocations.add([Revocation(kind="grant", key="g", at_ms=at_ms, until=until)], at=NOW)
        await tx.revocations.add([], at=NOW)
    assert rows_of(store.data_dir, "SELECT at_ms, until FROM revocations") == [(500, NOW + 20)]


async def test_a_revocation_of_nothing_is_refused(store: SqlStore) -> None:
    """An empty key would cover every token without a grant or subject."""
    with pytest.raises(ValueError, match="by grant needs a key"):
        async with store.writing() as tx:
            await tx.revocations.add([Revocation(kind="grant", key="", at_ms=1, until=NOW)], at=NOW)


def test_everything_that_ends_is_swept() -> None:
    """Each table with an end of its rows has a rule; what is only worth nothing after its end stays to be seen."""
    lasting = {"credentials", "subscriptions", "access_requests"}
    ends = {
        (table.name, column)
        for table in metadata.tables.values()
        for column in ("expires_at", "until")
        if column in table.c and table.name not in lasting
    }
    assert ends <= {(rule.table, rule.column) for rule in sweep.RULES}


def test_what_grows_with_traffic_is_swept_by_an_index(new_data_dir: Path) -> None:
    """The sweep holds the write lock: it must not read rows that stay. Tables that only operators fill are small."""
    small = {"admin_tokens", "client_secrets", "outbox", "token_keys", "issuer_documents"}
    with closing(sqlite3.connect(database_path(new_data_dir))) as connection:
        for rule in sweep.RULES:
            statement = f"SELECT {rule.key} FROM {rule.table} WHERE {rule.column} < 1 ORDER BY {rule.column}"
            plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
            assert rule.table in small or all("INDEX" in step for step in plan), (rule, plan)


async def test_what_anybody_can_make_wait_is_not_kept_for_long(store: SqlStore) -> None:
    """Requests and device codes are gone an hour after their end, used or not."""
    async with filled(store) as tx:
        await tx.once.put("authorize", digest("waits"), {}, NOW)
        await tx.device_codes.add(replace(DEVICE, expires_at=NOW))
    async with store.writing() as tx:
        assert await tx.sweep(NOW + 3600) == 0
        assert await tx.sweep(NOW + 3601) == 2


async def test_what_ended_long_ago_is_swept(store: SqlStore) -> None:
    """Everything goes some time after its end; accounts, clients and what never ends stay."""
    over = NOW + 100
    async with filled(store) as tx:
        await tx.clients.add_secret(
            ClientSecret(client=CLIENT.id, digest=digest("old"), created_at=NOW, expires_at=over)
        )
        await tx.clients.add_secret(ClientSecret(client=CLIENT.id, digest=digest("new"), created_at=NOW))
        await tx.grants.add(replace(GRANT, id="ended", expires_at=over))
        await tx.grants.add(replace(GRANT, id="revoked", revoked_at=over))
        await tx.once.put("code", digest("c"), {}, over)
        await tx.once.first("dpop", "jti", over)
        await tx.refresh_tokens.add(replace(REFRESH, family_expires_at=over, expires_at=over))
        await tx.access_tokens.add(digest("at"), replace(TOKEN, expires_at=over), "development")
        await tx.device_codes.add(replace(DEVICE, expires_at=over))
        await tx.sessions.add(replace(SESSION, expires_at=over), digest("s"))
        await tx.sessions.add(
            replace(SESSION, id="s2", expires_at=NOW + 900 * DAY, revoked_at=over), digest("s2")
        )
        await tx.throttle.fail("ada", NOW, 100.0)
        await tx.outbox.add(Mail(id="m", to="a", subject="s", body="b", created_at=over))
        await tx.token_keys.add(replace(KEY, expires_at=over))
        await tx.token_keys.add(replace(KEY, kid="key-2"))
        await tx.revocations.add([Revocation(kind="jti", key="j", at_ms=1, until=over)], at=NOW)
        await tx.issuer_keys.put("https://okta.example", {}, over)
    async with store.writing() as tx:
        assert await tx.sweep(over) == 0
        await tx.sweep(over + 40 * DAY)
        assert await tx.sweep(over + 40 * DAY) == 0
    gone = (
        "once", "replay_guards", "access_tokens", "refresh_tokens", "refresh_families", "device_codes", "sessions",
        "throttle", "outbox", "revocations", "issuer_documents",
    )  # fmt: skip
    assert {table: count(store.data_dir, table) for table in gone} == dict.fromkeys(gone, 0)
    kept = {"clients": 1, "users": 1, "grants": 1, "client_secrets": 1, "token_keys": 1}
    assert {table: count(store.data_dir, table) for table in kept} == kept


async def test_a_used_refresh_token_outlives_its_end_by_a_day(store: SqlStore) -> None:
    """Lineage is kept while reuse may still tell of a theft, and while the family lives."""
    async with filled(store) as tx:
        await tx.refresh_tokens.add(replace(REFRESH, family_expires_at=NOW + 90 * DAY))
        second = replace(successor(REFRESH, "second"), expires_at=NOW + 14 * DAY)
        assert await tx.refresh_tokens.rotate(REFRESH.digest, second, b"", NOW)
        assert await tx.sweep(REFRESH.expires_at + DAY) == 0
        assert await tx.sweep(REFRESH.expires_at + DAY + 1) == 1
        assert [each.digest for each in await tx.refresh_tokens.family("family-1")] == [second.digest]


async def test_a_sweep_is_bounded(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """One call deletes so many rows of a table, the oldest first."""
    monkeypatch.setattr(sweep, "MOST", 3)
    async with store.writing() as tx:
        for number in range(5):
            await tx.once.first("dpop", f"jti-{number}", NOW - number)
        assert await tx.sweep(NOW + 1) == 3
        assert not await tx.once.first("dpop", "jti-1", NOW)
        assert await tx.sweep(NOW + 1) == 2
        assert await tx.sweep(NOW + 1) == 0
