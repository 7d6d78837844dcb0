"""What a gateway worker reads of its environment: hosts, limits, secrets, and how each API stands."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
from tests.storage.samples import FREE, orders, source_of

from wardgate.control import catalogue
from wardgate.control import environments as use
from wardgate.control.apply import apply_document
from wardgate.domain.limit import Limit
from wardgate.domain.secret import Secret
from wardgate.domain.standing import Standing
from wardgate.gateway.ports import StoreUnavailableError
from wardgate.storage.database import SqlStore
from wardgate.storage.layout import database_path


async def test_a_worker_reads_its_environment(store: SqlStore) -> None:
    """It has the hosts, the plans' limits and the secrets of its environment, and of no other."""
    await apply_document(store, orders(), "development", "test", "")
    lower = (Limit(kind="rate", amount=1, per="minute"),)
    await use.set_settings(
        store, "development", plans={"free": lower}, hosts=["dev.example.com:8443", "[::1]"]
    )
    await use.set_secret(store, "development", "TOKEN", Secret("hunter2"))
    here, there = source_of(store), source_of(store, "staging")
    (api,) = here.apis()
    assert api.hosts == ("dev.example.com", "[::1]")
    assert here.api("orders/v1") == api
    assert here.plans() == {"free": replace(FREE, limits=lower)}
    assert here.secrets() == {"TOKEN": Secret("hunter2")}
    assert (there.plans(), there.secrets(), there.apis()) == ({}, {}, [])
    with closing(sqlite3.connect(database_path(store.data_dir))) as connection, connection:
        connection.execute("UPDATE environment_secrets SET name = 'OTHER'")
    with pytest.raises(StoreUnavailableError, match="cannot be decrypted"):
        here.secrets()
    here.close()
    there.close()


async def test_how_an_api_stands_is_filled_in(store: SqlStore) -> None:
    """Its life cycle is the same everywhere; what the kill switch shut is the environment's."""
    await apply_document(store, orders(), "development", "test", "")
    source = source_of(store)
    (api,) = source.apis()
    assert api.standing == Standing()
    await catalogue.deprecate(
        store, "orders/v1", sunset=99.0, successor="https://example.com/v2", clock=lambda: 9.0
    )
    await catalogue.switch_off(store, "orders/v1", "development", resource="GET /items", reason="broken")
    found = source.api("orders/v1")
    assert found == replace(
        api,
        standing=Standing(
            lifecycle="deprecated",
            deprecated_at=9.0,
            sunset_at=99.0,
            successor="https://example.com/v2",
            off=("GET /items",),
        ),
    )
    assert found.content_hash() == api.content_hash()
    source.close()
