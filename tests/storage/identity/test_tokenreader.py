"""What is stored of access tokens, fast: the same answers as a transaction's, after every commit."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from tests.storage.identity.samples_identity import GRANT, NOW, TOKEN, digest, filled

from wardgate.domain.oauth import Revocation, RevocationKind
from wardgate.identity.ports import TokenReader, TokenStanding
from wardgate.identity.stored_tokens import StoreTokenReader
from wardgate.storage.database import SqlStore
from wardgate.storage.errors import StoreError
from wardgate.storage.layout import database_path
from wardgate.storage.tokenreader import SqliteTokenReader

GOOD = TokenStanding(revoked=False, grant=GRANT)


@pytest.fixture
def fast(store: SqlStore) -> Iterator[SqliteTokenReader]:
    """A reader of ``store`` on SQLite."""
    opened = SqliteTokenReader(database_path(store.data_dir))
    yield opened
    opened.close()


async def check_opaque(store: SqlStore, reader: TokenReader) -> None:
    """Looks opaque tokens up while they come and go."""
    async with filled(store) as tx:
        await tx.access_tokens.add(digest("one"), TOKEN, "development")
        await tx.access_tokens.add(digest("bare"), replace(TOKEN, grant=""), "development")
        await tx.access_tokens.add(digest("lost"), replace(TOKEN, grant="gone"), "development")
    assert await reader.opaque(digest("one")) == TOKEN
    assert await reader.opaque(digest("bare")) == replace(TOKEN, grant="")
    assert await reader.opaque(digest("lost")) is None
    assert await reader.opaque(digest("two")) is None
    async with store.writing() as tx:
        await tx.grants.revoke([GRANT.id], NOW)
        await tx.access_tokens.revoke(digest("bare"))
    assert await reader.opaque(digest("one")) is None
    assert await reader.opaque(digest("bare")) is None


async def check_standing(store: SqlStore, reader: TokenReader, kind: RevocationKind, key: str) -> None:
    """Takes a token back by ``kind``; those issued later and those of another key stay."""
    async with filled(store):
        pass
    assert await reader.standing(TOKEN, "app_1") == GOOD
    for other, at_ms in (("other", TOKEN.issued_ms), (key, TOKEN.issued_ms - 1)):
        async with store.writing() as tx:
            await tx.revocations.add([Revocation(kind=kind, key=other, at_ms=at_ms, until=NOW + 60)], at=NOW)
        assert await reader.standing(TOKEN, "app_1") == GOOD
    async with store.writing() as tx:
        taken = Revocation(kind=kind, key=key, at_ms=TOKEN.issued_ms, until=NOW + 60)
        await tx.revocations.add([taken], at=NOW)
    assert (await reader.standing(TOKEN, "app_1")).revoked
    later = replace(TOKEN, issued_ms=TOKEN.issued_ms + 1)
    assert not (await reader.standing(later, "app_1")).revoked


KINDS: list[tuple[RevocationKind, str]] = [
    ("jti", TOKEN.id),
    ("grant", TOKEN.grant),
    ("subject", TOKEN.subject),
    ("client", TOKEN.client),
    ("application", "app_1"),
]


async def test_opaque_tokens(store: SqlStore, fast: SqliteTokenReader) -> None:
    """A token is found until it or its grant is taken back: at the very next call."""
    await check_opaque(store, fast)


@pytest.mark.every_database
async def test_opaque_tokens_of_any_store(store: SqlStore) -> None:
    """The reader for every database tells the same."""
    await check_opaque(store, StoreTokenReader(store))


@pytest.mark.parametrize(("kind", "key"), KINDS)
async def test_standing(store: SqlStore, fast: SqliteTokenReader, kind: RevocationKind, key: str) -> None:
    """What covers a token and was committed is seen at the very next call."""
    await check_standing(store, fast, kind, key)


@pytest.mark.every_database
@pytest.mark.parametrize(("kind", "key"), KINDS)
async def test_standing_in_any_store(store: SqlStore, kind: RevocationKind, key: str) -> None:
    """The reader for every database tells the same."""
    await check_standing(store, StoreTokenReader(store), kind, key)


async def test_the_grant_is_told_as_it_is_now(store: SqlStore, fast: SqliteTokenReader) -> None:
    """A grant that was revoked is there with its time, one that is not there is not; a token without one has none."""
    async with filled(store) as tx:
        await tx.grants.revoke([GRANT.id], NOW)
    for reader in (fast, StoreTokenReader(store)):
        assert (await reader.standing(TOKEN, "app_1")).grant == replace(GRANT, revoked_at=NOW)
        assert (await reader.standing(replace(TOKEN, grant="gone"), "app_1")).grant is None
        bare = await reader.standing(replace(TOKEN, grant=""), "app_1")
        assert bare == TokenStanding(revoked=False, grant=None)


async def test_a_writer_is_not_waited_for(store: SqlStore, fast: SqliteTokenReader) -> None:
    """While somebody writes, what was committed before is told at once."""
    async with filled(store):
        pass
    async with store.writing() as tx:
        await tx.grants.revoke([GRANT.id], NOW)
        assert await fast.standing(TOKEN, "app_1") == GOOD
    assert (await fast.standing(TOKEN, "app_1")).grant == replace(GRANT, revoked_at=NOW)


async def test_what_cannot_be_read_is_an_error(store: SqlStore, fast: SqliteTokenReader) -> None:
    """A damaged row is told as such; a database that fails is named, and read again once it is back."""
    async with filled(store) as tx:
        await tx.access_tokens.add(digest("one"), TOKEN, "development")
    with closing(sqlite3.connect(database_path(store.data_dir))) as other:
        other.execute("UPDATE access_tokens SET document = '[]'")
        other.execute("UPDATE grants SET document = '{}'")
        other.commit()
        with pytest.raises(StoreError, match="an access token in a form that cannot be read"):
            await fast.opaque(digest("one"))
        with pytest.raises(StoreError, match="the grant grant-1 in a form that cannot be read"):
            await fast.standing(TOKEN, "app_1")
        other.execute("ALTER TABLE revocations RENAME TO away")
        with pytest.raises(StoreError, match="cannot be read") as failed:
            await fast.standing(TOKEN, "app_1")
        assert failed.value.code == "store_unavailable"
        other.execute("ALTER TABLE away RENAME TO revocations")
    bare = replace(TOKEN, grant="")
    assert await fast.standing(bare, "app_1") == TokenStanding(revoked=False, grant=None)
