"""What a gateway worker reads for OAuth 2.0, against what the authorization server wrote."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

import pytest
from tests.storage.identity.samples_identity import (
    CLIENT,
    GRANT,
    KEY,
    NOW,
    TOKEN,
    digest,
    filled,
)
from tests.storage.samples import FREE, application, document, entry

from wardgate.control import applications
from wardgate.control.apply import apply_document
from wardgate.domain.oauth import Revocation, RevocationKind, TokenKey
from wardgate.gateway.ports import StoreUnavailableError
from wardgate.storage import reader_oauth
from wardgate.storage.database import SqlStore
from wardgate.storage.layout import database_path
from wardgate.storage.reader import SqliteSource


async def test_published_keys_are_read_newest_first(store: SqlStore) -> None:
    """Keys of the environment are published until they expire, those that sign later first."""
    reader = SqliteSource(database_path(store.data_dir), "development", b"", wall=lambda: NOW)
    keys = {
        "old": replace(KEY, kid="old", active_at=NOW - 5, expires_at=NOW + 1),
        "over": replace(KEY, kid="over", active_at=NOW - 9, expires_at=NOW),
        "new": replace(KEY, kid="new", active_at=NOW + 5, algorithm="EdDSA", public={"kty": "OKP"}),
        "staging": replace(KEY, kid="staging", environment="staging"),
    }
    async with store.writing() as tx:
        for key in keys.values():
            await tx.token_keys.add(key)
    assert reader.token_keys() == [
        TokenKey(kid="new", algorithm="EdDSA", public={"kty": "OKP"}),
        TokenKey(kid="old", algorithm="ES256", public=KEY.public),
    ]
    reader.close()


async def test_an_opaque_token_is_read_as_it_was_stored(store: SqlStore, source: SqliteSource) -> None:
    """A token is found in its environment, expired or not, with all it says."""
    expired = replace(TOKEN, id="old", expires_at=1.0)
    async with filled(store) as tx:
        await tx.access_tokens.add(digest("one"), TOKEN, "development")
        await tx.access_tokens.add(digest("old"), expired, "development")
        await tx.access_tokens.add(digest("far"), TOKEN, "staging")
        await tx.access_tokens.add(digest("bare"), replace(TOKEN, grant=""), "development")
    assert source.opaque(digest("one")) == TOKEN
    assert source.opaque(digest("old")) == expired
    assert source.opaque(digest("bare")) == replace(TOKEN, grant="")
    assert source.opaque(digest("far")) is None
    assert source.opaque(digest("none")) is None


@pytest.mark.parametrize("how", ["token", "grant", "client", "missing grant"])
async def test_a_void_token_is_nobody(store: SqlStore, source: SqliteSource, how: str) -> None:
    """A token that was revoked, whose grant was revoked or is gone, or whose client was removed, is not found."""
    async with filled(store) as tx:
        named = replace(TOKEN, grant="grant-9") if how == "missing grant" else TOKEN
        await tx.access_tokens.add(digest("one"), named, "development")
    if how != "missing grant":
        assert source.opaque(digest("one")) == TOKEN
    async with store.writing() as tx:
        if how == "token":
            await tx.access_tokens.revoke(digest("one"))
        elif how == "grant":
            await tx.grants.revoke([GRANT.id], NOW)
        elif how == "client":
            await tx.clients.remove(CLIENT.id)
    assert source.opaque(digest("one")) is None


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
async def test_revocations_of_every_kind_are_read(
    store: SqlStore, source: SqliteSource, kind: RevocationKind, key: str
) -> None:
    """Worker and server agree on which tokens a revocation covers, to the millisecond."""
    at = TOKEN.issued_ms
    assert not source.revoked(TOKEN, "app_1")
    async with store.writing() as tx:
        await tx.revocations.add([Revocation(kind=kind, key=key, at_ms=at, until=NOW)], at=NOW)
        tokens = [
            TOKEN,
            replace(TOKEN, issued_ms=at + 1),
            replace(TOKEN, id="", grant="", subject="", client=""),
        ]
        told = [await tx.revocations.covers(token, "app_1") for token in tokens]
    assert [source.revoked(token, "app_1") for token in tokens] == told
    assert told == [True, False, kind == "application"]


async def test_a_client_leads_to_its_application(store: SqlStore, source: SqliteSource) -> None:
    """An active client of this environment does; suspended, foreign and unknown ones do not."""
    async with filled(store) as tx:
        await tx.clients.add(replace(CLIENT, id="far", environment="staging"))
    assert source.client_application("client-1") == "app_1"
    assert source.client_application("far") is None
    assert source.client_application("none") is None
    async with store.writing() as tx:
        await tx.clients.replace(replace(CLIENT, status="suspended"))
    assert source.client_application("client-1") is None


async def test_an_application_is_read_with_its_subscriptions(store: SqlStore, source: SqliteSource) -> None:
    """By id, with the subscriptions of this environment, as new as the feed; suspended ones too; by name its id."""
    await apply_document(
        store, document([entry()], [FREE], [application("mobile", orders="free")]), "development", "test", ""
    )
    known = source.application_named("mobile")
    assert known is not None
    consumer = source.consumer(known)
    assert consumer is not None
    assert (consumer[0].name, consumer[0].status) == ("mobile", "active")
    assert {api: item.plan for api, item in consumer[1].items()} == {"orders/v1": "free"}
    await applications.suspend(store, "mobile")
    assert source.changed()
    consumer = source.consumer(known)
    assert consumer is not None
    assert consumer[0].status == "suspended"
    assert source.consumer("app_none") is None
    assert source.application_named("none") is None


async def test_what_an_issuer_said_is_read(store: SqlStore, source: SqliteSource) -> None:
    """The newest document of a foreign issuer and its time; nothing of an unknown one."""
    said = {"jwks": {"keys": [{"kid": "1"}]}, "metadata": {}}
    async with store.writing() as tx:
        await tx.issuer_keys.put("https://okta.example", said, NOW)
    assert source.issuer_document("https://okta.example") == (said, NOW)
    assert source.issuer_document("https://entra.example") is None


@pytest.mark.parametrize("table", ["access_tokens", "token_keys", "issuer_documents"])
async def test_damaged_documents_are_unavailable(store: SqlStore, source: SqliteSource, table: str) -> None:
    """What cannot be decoded is neither believed nor taken for unknown."""
    async with filled(store) as tx:
        await tx.access_tokens.add(digest("one"), TOKEN, "development")
        await tx.token_keys.add(KEY)
        await tx.issuer_keys.put("https://okta.example", {}, NOW)
    column = "public" if table == "token_keys" else "document"
    with closing(sqlite3.connect(database_path(store.data_dir))) as connection, connection:
        connection.execute(f"UPDATE {table} SET {column} = '[]'")
    reads: dict[str, Callable[[], object]] = {
        "access_tokens": lambda: source.opaque(digest("one")),
        "token_keys": source.token_keys,
        "issuer_documents": lambda: source.issuer_document("https://okta.example"),
    }
    with pytest.raises(StoreUnavailableError, match="cannot be read"):
        reads[table]()


async def test_the_reads_use_indexes(store: SqlStore) -> None:
    """Tokens, revocations and clients are found by their keys, however many there are."""
    with closing(sqlite3.connect(database_path(store.data_dir))) as connection:
        for statement in (
            reader_oauth._OPAQUE,
            reader_oauth._REVOKED,
            reader_oauth._CLIENT,
            reader_oauth._APPLICATION,
            reader_oauth._ISSUER,
        ):
            parameters = ("",) * (6 if "?6" in statement else statement.count("?"))
            plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
            assert not [line for *_, line in plan if line.startswith("SCAN") and "CONSTANT" not in line], plan
