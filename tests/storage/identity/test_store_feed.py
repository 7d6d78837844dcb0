"""The change feed under many writers: in the order of commits, and without gaps."""

from __future__ import annotations

import asyncio

import pytest
from tests.storage.identity.samples_identity import KEY, NOW
from tests.storage.samples import feed_of, rows_of

from wardgate.control.applications import add
from wardgate.domain.oauth import Revocation
from wardgate.storage.database import SqlStore

pytestmark = pytest.mark.every_database
WRITERS = 12


class RolledBackError(Exception):
    """Ends a transaction."""


async def test_the_order_of_the_feed_is_that_of_commits(store: SqlStore) -> None:
    """A follower that reads on from its place never misses a change, whoever commits when, and whoever fails."""
    seen: list[int] = []
    done = asyncio.Event()

    async def write(number: int) -> None:
        for turn in range(5):
            try:
                async with store.overlapping.writing() as tx:
                    await tx.throttle.fail(f"{number}-{turn}", NOW, 60.0)
                    await tx.revocations.add(
                        [
                            Revocation(kind="jti", key=f"{number}-{turn}-{n}", at_ms=1, until=NOW)
                            for n in "ab"
                        ],
                        at=NOW,
                    )
                    await asyncio.sleep(0.001 * (number % 4))
                    if turn == 2:
                        raise RolledBackError
            except RolledBackError:
                continue

    async def follow() -> None:
        while True:
            last = done.is_set()
            statement = f"SELECT seq FROM changes WHERE seq > {seen[-1] if seen else 0} ORDER BY seq"
            seen.extend(row[0] for row in await asyncio.to_thread(rows_of, store.data_dir, statement))
            if last:
                return

    following = asyncio.create_task(follow())
    await asyncio.gather(*(write(number) for number in range(WRITERS)))
    done.set()
    await following
    assert seen == list(range(1, WRITERS * 4 * 2 + 1))


async def test_a_failed_transaction_announces_nothing(store: SqlStore) -> None:
    """What was appended by a block that raised is neither there nor leaves a gap."""
    for failing in (True, False):
        try:
            async with store.writing() as tx:
                await tx.token_keys.add(KEY)
                if failing:
                    raise RolledBackError
        except RolledBackError:
            continue
    assert feed_of(store.data_dir) == [("signing_key", "key-1")]
    assert rows_of(store.data_dir, "SELECT seq FROM changes") == [(1,)]


@pytest.mark.only_postgresql
async def test_a_swept_feed_counts_on(store: SqlStore) -> None:
    """On PostgreSQL the sweep takes old changes along, but never the newest, so that no number is given twice."""
    for number in range(3):
        await add(store, name=f"app-{number}", clock=lambda: NOW)
    async with store.writing() as tx:
        assert await tx.sweep(NOW + 2 * 86_400) == 2
        assert await tx.sweep(NOW + 2 * 86_400) == 0
    await add(store, name="last", clock=lambda: NOW + 2 * 86_400)
    assert rows_of(store.data_dir, "SELECT seq FROM changes ORDER BY seq") == [(3,), (4,)]


@pytest.mark.only_postgresql
async def test_one_sweeps_at_a_time(store: SqlStore) -> None:
    """While another transaction sweeps there is nothing to do."""
    async with store.overlapping.writing() as one, store.overlapping.writing() as two:
        await two.throttle.fail("ada", NOW, 1.0)
        assert await one.sweep(NOW) == 0
        assert await two.sweep(NOW + 10) == 0
