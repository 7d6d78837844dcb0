"""What a gateway worker reads, against what control wrote."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from tests.storage.samples import (
    FREE,
    GOLD,
    application,
    digest_of,
    document,
    entry,
    orders,
    put_anywhere,
    source_of,
)

from wardgate.control import applications, keys
from wardgate.control.apply import apply_document
from wardgate.domain.change import Change
from wardgate.domain.consumer import Credential, Restrictions
from wardgate.domain.document import Document
from wardgate.domain.principal import Principal, Shown
from wardgate.domain.secret import Secret
from wardgate.gateway.ports import GatewaySource, LostPlaceError, StoreUnavailableError
from wardgate.storage.database import SqlStore
from wardgate.storage.layout import database_path
from wardgate.storage.ledger import Ledger
from wardgate.storage.reader import SqliteSource


async def put(store: SqlStore, wanted: Document, environment: str = "development") -> None:
    """Applies a document."""
    await apply_document(store, wanted, environment, "test", "")


def judged(credential: Credential | Shown) -> tuple[object, ...]:
    """What of ``credential`` the request path reads."""
    return (
        credential.id,
        credential.environment,
        credential.expires_at,
        credential.revoked_at,
        credential.restrictions,
    )


async def test_a_new_key_is_a_whole_principal(store: SqlStore, source: SqliteSource) -> None:
    """A key just issued is found with its application, subscriptions and all that it is judged by."""
    await put(store, orders())
    credential, key = await keys.issue(
        store,
        application="mobile",
        environment="development",
        name="ios",
        description="the phone",
        expires_at=time.time() + 1000,
        restrictions=Restrictions(cidrs=("10.0.0.0/8",), resources=("orders/v1 GET /items",)),
    )
    principal = source.principal(digest_of(store, key))
    assert principal is not None
    assert judged(principal.credential) == judged(credential)
    assert (principal.application.name, principal.application.status) == ("mobile", "active")
    assert [(api, item.api, item.plan) for api, item in principal.subscriptions.items()] == [
        ("orders/v1", "orders/v1", "free")
    ]


async def test_an_unknown_digest_is_nobody(store: SqlStore, source: SqliteSource) -> None:
    """A digest that was never stored, or shares only its start with a stored one, gives nothing."""
    await put(store, orders())
    _, key = await keys.issue(store, application="mobile", environment="development")
    digest = digest_of(store, key)
    assert source.principal(bytes(32)) is None
    assert source.principal(digest[:-1] + bytes([digest[-1] ^ 1])) is None
    assert source.principal(digest[:8]) is None
    assert source.principal(b"") is None


async def test_ended_keys_are_read_as_ended(store: SqlStore, source: SqliteSource) -> None:
    """Revoked, rotated and rotated-at-once keys show it to a reader that knew them before."""
    await put(store, orders())
    issued = [await keys.issue(store, application="mobile", environment="development") for _ in range(3)]
    for _, key in issued:
        assert known(store, source, key).credential.revoked_at is None
    await keys.revoke(store, issued[0][0].id, clock=lambda: 5e9)
    assert known(store, source, issued[0][1]).credential.revoked_at == 5e9
    successor, new_key = await keys.rotate(store, issued[1][0].id, overlap=60, clock=lambda: 5e9)
    old = known(store, source, issued[1][1]).credential
    assert (old.expires_at, old.revoked_at) == (5e9 + 60, None)
    assert judged(known(store, source, new_key).credential) == judged(successor)
    await keys.rotate(store, issued[2][0].id, overlap=0, clock=lambda: 5e9)
    gone = known(store, source, issued[2][1]).credential
    assert gone.revoked_at == 5e9


async def test_an_application_is_read_as_it_is_now(store: SqlStore, source: SqliteSource) -> None:
    """Suspension and new subscriptions show with the feed, although applications are remembered between look-ups."""
    await put(store, orders())
    _, key = await keys.issue(store, application="mobile", environment="development")
    assert known(store, source, key).application.status == "active"
    await applications.suspend(store, "mobile")
    assert source.changed()
    assert known(store, source, key).application.status == "suspended"
    await applications.restore(store, "mobile")
    wanted = document([entry(), entry("users")], [FREE], [application("mobile", orders="free", users="free")])
    await put(store, wanted)
    assert source.changed()
    assert set(known(store, source, key).subscriptions) == {"orders/v1", "users/v1"}
    place = source.position()
    await put(store, document(applications=[application("mobile", users="free")]))
    assert source.changes(place)
    assert set(known(store, source, key).subscriptions) == {"users/v1"}
    await put(store, document(applications=[application("mobile")]))
    assert source.changed()
    assert known(store, source, key).subscriptions == {}


async def test_a_removed_application_takes_its_keys_along(store: SqlStore, source: SqliteSource) -> None:
    """A key of an application that was pruned is unknown."""
    await put(store, orders())
    _, key = await keys.issue(store, application="mobile", environment="development")
    known(store, source, key)
    await apply_document(store, document([entry()], [FREE]), "development", "test", "", prune=True)
    assert source.principal(digest_of(store, key)) is None


async def test_subscriptions_are_those_of_the_keys_environment(store: SqlStore) -> None:
    """A key brings its own environment's subscriptions, whatever environment the worker serves."""
    await put(store, orders())
    elsewhere = document([entry(plans=("gold",))], [GOLD], [application("mobile", orders="gold")])
    await put_anywhere(store, elsewhere, "staging")
    _, key = await keys.issue(store, application="mobile", environment="staging")
    reader = source_of(store, "development")
    principal = known(store, reader, key)
    reader.close()
    assert principal.credential.environment == "staging"
    assert principal.subscriptions["orders/v1"].plan == "gold"


async def test_apis_and_plans_of_one_environment(store: SqlStore, source: SqliteSource) -> None:
    """A worker sees the APIs deployed where it serves, in their revision in force, and its plans."""
    await put(store, orders())
    await put_anywhere(store, document([entry("users", plans=())], [GOLD]), "staging")
    newer = entry(targets=("http://127.0.0.1:9001",))
    await put(store, document([newer]))
    assert source.apis() == [newer.api]
    assert source.api("orders/v1") == newer.api
    assert source.api("users/v1") is None
    assert source.api("orders") is None
    assert source.plans() == {"free": FREE}
    await apply_document(store, document(), "development", "test", "", prune=True)
    assert source.apis() == []
    assert source.api("orders/v1") is None


async def test_the_feed_is_read_in_order(store: SqlStore, source: SqliteSource) -> None:
    """Changes come once each, with the time they were made, and the position is that of the newest."""
    assert source.position() == 0
    assert source.changes(0) == []
    app = await applications.add(store, name="mobile", clock=lambda: 7.0)
    await applications.suspend(store, "mobile", clock=lambda: 8.0)
    assert source.changes(0) == [
        Change(1, "application", app.id, 7.0),
        Change(2, "application", app.id, 8.0),
    ]
    assert source.changes(1) == [Change(2, "application", app.id, 8.0)]
    assert source.changes(2) == []
    assert source.position() == 2


async def test_a_lost_place_is_noticed(store: SqlStore, source: SqliteSource) -> None:
    """Swept rows and a feed that is shorter than expected raise; a place at the end of a swept feed is fine."""
    times = iter([1e9, 1e9 + 50_000, 1e9 + 100_000, 1e9 + 150_000])
    for name in ("a", "b", "c", "d"):
        await applications.add(store, name=name, clock=lambda: next(times))
    ledger = Ledger(database_path(store.data_dir))
    assert ledger.sweep(1e9 + 200_000).changes == 3
    with pytest.raises(LostPlaceError, match="starts at 4"):
        source.changes(2)
    assert [change.seq for change in source.changes(3)] == [4]
    assert ledger.sweep(1e9 + 900_000).changes == 1
    ledger.close()
    assert source.position() == 4
    assert source.changes(4) == []
    with pytest.raises(LostPlaceError):
        source.changes(3)
    with pytest.raises(LostPlaceError):
        source.changes(9)


async def test_changed_tells_of_every_commit(store: SqlStore, source: SqliteSource) -> None:
    """``changed`` is true once after each commit of another connection."""
    assert source.changed()
    assert not source.changed()
    await applications.add(store, name="mobile")
    assert source.changed()
    assert not source.changed()


async def test_signing_keys_match_the_protocol(store: SqlStore, source: SqliteSource) -> None:
    """The seeded key is there, usable, and gone an hour after it was retired."""
    (key,) = source.signing_keys()
    assert key.private_pem.startswith(b"-----BEGIN PRIVATE KEY-----")
    with closing(sqlite3.connect(database_path(store.data_dir))) as connection, connection:
        connection.execute("UPDATE signing_keys SET retired_at = ?", (time.time() - 10,))
    assert [each.kid for each in source.signing_keys()] == [key.kid]
    with closing(sqlite3.connect(database_path(store.data_dir))) as connection, connection:
        connection.execute("UPDATE signing_keys SET retired_at = ?", (time.time() - 4000,))
    assert source.signing_keys() == []
    implemented: GatewaySource = source
    assert implemented.master_key() == store.master_key()


async def test_a_wrong_master_key_opens_no_signing_key(store: SqlStore) -> None:
    """A worker with another master key cannot sign, and says the store is unusable."""
    reader = SqliteSource(database_path(store.data_dir), "development", bytes(32))
    with pytest.raises(StoreUnavailableError, match="not the one"):
        reader.signing_keys()
    reader.close()


def test_a_missing_database_is_unavailable_until_it_is_there(tmp_path: Path) -> None:
    """Reading before the database is there fails as unavailable and never creates it."""
    reader = SqliteSource(tmp_path / "wardgate.db", "development", bytes(32))
    for _ in range(2):
        with pytest.raises(StoreUnavailableError, match=r"wardgate\.db cannot be read"):
            reader.principal(bytes(32))
    assert not (tmp_path / "wardgate.db").exists()
    with closing(sqlite3.connect(tmp_path / "wardgate.db")) as connection, connection:
        connection.execute("CREATE TABLE environment_settings (environment, document)")
    assert reader.token_endpoint() == ""
    reader.close()


async def test_a_reader_recovers_from_a_failure(store: SqlStore, source: SqliteSource) -> None:
    """After a read failed the next one opens the database again, and reports a change."""
    source.changed()
    path = database_path(store.data_dir)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("ALTER TABLE plans RENAME TO hidden")
    with pytest.raises(StoreUnavailableError):
        source.plans()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("ALTER TABLE hidden RENAME TO plans")
    assert source.plans() == {}
    assert source.changed()


@pytest.mark.parametrize(
    ("statement", "read"),
    [
        ("UPDATE plans SET document = '{}'", lambda source: source.plans()),
        ("UPDATE deployments SET bound = '{\"name\": 1}'", lambda source: source.apis()),
        ("UPDATE deployments SET bound = 'nonsense'", lambda source: source.api("orders/v1")),
    ],
)
async def test_damaged_rows_are_unavailable(
    store: SqlStore, source: SqliteSource, statement: str, read: Callable[[SqliteSource], object]
) -> None:
    """What cannot be decoded is never served by halves."""
    await put(store, orders())
    with closing(sqlite3.connect(database_path(store.data_dir))) as connection, connection:
        connection.execute(statement)
    with pytest.raises(StoreUnavailableError, match="cannot be read"):
        read(source)


async def test_damaged_restrictions_never_widen_a_key(store: SqlStore, source: SqliteSource) -> None:
    """A credential whose restrictions cannot be read is not served."""
    await put(store, orders())
    _, key = await keys.issue(store, application="mobile", environment="development")
    with closing(sqlite3.connect(database_path(store.data_dir))) as connection, connection:
        connection.execute("UPDATE credentials SET restrictions = '{\"cidr\": []}'")
    with pytest.raises(StoreUnavailableError, match="restrictions of key_"):
        source.principal(digest_of(store, key))


async def test_use_figures_are_left_out(store: SqlStore, source: SqliteSource) -> None:
    """A principal holds no use figures, which would be stale, and is not changed by their moving."""
    await put(store, orders())
    credential, key = await keys.issue(store, application="mobile", environment="development")
    ledger = Ledger(database_path(store.data_dir))
    ledger.write([], [(credential.id, 3, 9.0, "192.0.2.1")], [])
    ledger.close()
    assert judged(known(store, source, key).credential) == judged(credential)
    stored = (await keys.show(store, credential.id)).credential
    assert stored == replace(credential, use_count=3, last_used_at=9.0, last_used_address="192.0.2.1")


def test_reader_and_ledger_import_nothing_heavy() -> None:
    """What the gateway and the supervisor import of storage loads neither SQLAlchemy nor a web framework."""
    heavy = ("sqlalchemy", "alembic", "aiosqlite", "starlette", "pydantic", "httpx2")
    code = (
        "import sys, wardgate.storage.reader, wardgate.storage.ledger, wardgate.storage.masterkey, "
        "wardgate.storage.migrate, wardgate.control.feed\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def known(store: SqlStore, source: SqliteSource, key: Secret) -> Principal:
    """The principal of a key that must be known."""
    principal = source.principal(digest_of(store, key))
    assert principal is not None
    return principal
