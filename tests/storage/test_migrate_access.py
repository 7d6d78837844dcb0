"""Schema v0009 over every older one: whatever was subscribed stays so, uncontrolled."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.storage.samples import source_of
from tests.storage.schemas import at_schema

from wardgate.control import subscriptions
from wardgate.domain.consumer import Controls
from wardgate.storage.database import open_store
from wardgate.storage.layout import SCHEMAS, database_path


@pytest.mark.parametrize("schema", SCHEMAS[: SCHEMAS.index("v0009")])
async def test_a_subscription_of_an_older_schema_is_active(tmp_path: Path, schema: str) -> None:
    """It has no controls, no expiry and no request; its application no limits and no groups."""
    at_schema(tmp_path / "data", schema)
    with closing(sqlite3.connect(database_path(tmp_path / "data"))) as connection, connection:
        connection.execute(
            "INSERT INTO applications (id, name, owner, status, created_at) VALUES ('app_1', 'mobile', '', 'active', 1.0)"
        )
        connection.execute(
            "INSERT INTO subscriptions (id, application_id, environment, api, plan, created_at) "
            "VALUES ('sub_1', 'app_1', 'development', 'orders/v1', NULL, 1.0)"
        )
    async with await open_store(tmp_path / "data") as store:
        (found,) = await subscriptions.list_subscriptions(store)
        subscription, application = found.subscription, found.application
        assert (subscription.status, subscription.controls, subscription.expires_at) == (
            "active",
            Controls(),
            None,
        )
        assert (application.limits, application.throttle, application.groups) == ((), (), ())
        source = source_of(store)
        consumer = source.consumer("app_1")
        source.close()
        assert consumer is not None
        assert consumer[1]["orders/v1"] == subscription
        async with store.reading() as tx:
            assert await tx.access_requests.list() == []
            assert await tx.groups.all() == []
            assert await tx.webhooks.all() == []
