"""Several use cases in one transaction, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from tests.storage.samples import FREE, application, entry

from wardgate.control import keys
from wardgate.control.apply import apply_document
from wardgate.control.errors import NotFoundError
from wardgate.control.ports_idempotency import KeptAnswer
from wardgate.domain.actor import SYSTEM, local_actor
from wardgate.domain.audit import AuditEvent
from wardgate.domain.document import Document
from wardgate.storage.database import SqlStore

pytestmark = pytest.mark.every_database


@pytest.fixture
async def shop(store: SqlStore) -> SqlStore:
    """A store with an API and the application shop."""
    document = Document(apis=(entry(),), plans=(FREE,), applications=(application("shop", orders="free"),))
    await apply_document(store, document, "development", "tester", "")
    return store


async def counted(store: SqlStore) -> dict[str, int]:
    """Rows of the tables that these tests change."""
    async with store.reading() as tx:
        connection: Any = tx._connection  # type: ignore[attr-defined]
        return {
            name: await connection.scalar(text(f"SELECT count(*) FROM {name}"))
            for name in ("credentials", "changes", "audit")
        }


async def test_use_cases_take_effect_together(shop: SqlStore) -> None:
    """Each sees what the one before did, and all of it is there after the block."""
    async with shop.acting(local_actor("ada")).together() as joined:
        issued, _ = await keys.issue(joined, application="shop", environment="development")
        assert (await keys.show(joined, issued.id)).credential.id == issued.id
        await keys.revoke(joined, issued.id)
    assert keys.state_of((await keys.show(shop, issued.id)).credential, 0) == "revoked"


async def test_nothing_is_left_of_what_failed(shop: SqlStore) -> None:
    """When the last one raises, the first one did nothing either."""
    before = await counted(shop)
    with pytest.raises(NotFoundError):
        async with shop.together() as joined:
            await keys.issue(joined, application="shop", environment="development")
            await keys.revoke(joined, "key_0")
    assert await counted(shop) == before


async def test_a_caught_failure_undoes_its_own_block_only(shop: SqlStore) -> None:
    """What was written, announced and told in a block that raised is gone; the rest is committed."""
    before = await counted(shop)
    async with shop.together() as joined:
        await keys.issue(joined, application="shop", environment="development")
        with pytest.raises(LookupError):
            async with joined.writing() as tx:
                await tx.feed.append("application", "nobody", at=1.0)
                await tx.audit.record(AuditEvent(action="key.issue", target="nothing"), at=1.0)
                raise LookupError
    after = await counted(shop)
    assert after["credentials"] == before["credentials"] + 1
    async with shop.reading() as tx:
        assert [each.event.target for each in await tx.audit.page(0, 1000)].count("nothing") == 0
        connection: Any = tx._connection  # type: ignore[attr-defined]
        rows = (await connection.execute(text("SELECT key FROM changes"))).all()
    assert "nobody" not in [row.key for row in rows]


async def test_another_may_act_within(shop: SqlStore) -> None:
    """The trail names who did each part of a transaction."""
    async with shop.acting(local_actor("ada")).together() as joined:
        for store in (joined, joined.acting(SYSTEM)):
            async with store.writing() as tx:
                await tx.audit.record(AuditEvent(action="key.issue", target="joined"), at=1.0)
    async with shop.reading() as tx:
        found = [each for each in await tx.audit.page(0, 1000) if each.event.target == "joined"]
    assert [each.actor_name for each in found] == ["ada", SYSTEM.name]


async def test_answers_are_kept_and_forgotten(store: SqlStore) -> None:
    """An answer comes back as it was, a new one takes its place, and one that is too old is none."""
    kept = KeptAnswer(fingerprint=b"f" * 32, status=201, body='{"a":1}', at=100.0, headers={"etag": '"x"'})
    async with store.writing() as tx:
        await tx.idempotency.put(b"d" * 32, kept)
    async with store.reading() as tx:
        assert await tx.idempotency.get(b"d" * 32, since=100.0) == kept
        assert await tx.idempotency.get(b"d" * 32, since=100.1) is None
        assert await tx.idempotency.get(b"e" * 32, since=0.0) is None
    newer = KeptAnswer(fingerprint=b"g" * 32, status=204, body="", at=200.0)
    async with store.writing() as tx:
        await tx.idempotency.put(b"d" * 32, newer)
    async with store.writing() as tx:
        await tx.sweep(200.0 + 86401.0)
    async with store.reading() as tx:
        assert await tx.idempotency.get(b"d" * 32, since=0.0) is None
