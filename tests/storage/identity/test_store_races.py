"""What must happen once happens once, however many try at the same time, on SQLite and on PostgreSQL.

Five stores are opened on one database, as five processes would, with ten tasks each.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TypeVar

import pytest
from tests.conftest import Place
from tests.storage.identity.samples_identity import (
    DEVICE,
    FACTOR,
    GRANT,
    NOW,
    REFRESH,
    USER,
    digest,
    fill,
    filled,
    successor,
)

from wardgate.domain.people import Mail
from wardgate.identity.ports import RefreshToken, Transaction
from wardgate.storage.database import SqlStore, open_store

pytestmark = pytest.mark.every_database
TAKERS = 50
T = TypeVar("T")


@pytest.fixture
async def stores(place: Place, store: SqlStore) -> AsyncIterator[list[SqlStore]]:
    """Five stores of one database, which holds what the tests need."""
    async with filled(store) as tx:
        await tx.factors.add(FACTOR)
    async with AsyncExitStack() as opened:
        others = [
            await opened.enter_async_context(await open_store(place.data_dir, place.url)) for _ in range(4)
        ]
        yield [store, *others]


async def race(stores: list[SqlStore], attempt: Callable[[Transaction, int], Awaitable[T]]) -> list[T]:
    """What fifty attempts returned, each in a transaction of its own, all started together."""
    start = asyncio.Event()

    async def one(number: int) -> T:
        await start.wait()
        async with stores[number % len(stores)].overlapping.writing() as tx:
            return await attempt(tx, number)

    tasks = [asyncio.create_task(one(number)) for number in range(TAKERS)]
    await asyncio.sleep(0)
    start.set()
    return await asyncio.gather(*tasks)


async def test_a_code_has_one_taker(stores: list[SqlStore]) -> None:
    """Of fifty takers of one code one gets its document."""
    async with stores[0].writing() as tx:
        await tx.once.put("code", digest("c"), {"nonce": "n"}, NOW + 60)
    results = await race(stores, lambda tx, number: tx.once.take("code", digest("c"), NOW))
    assert Counter(map(str, results)) == {"{'nonce': 'n'}": 1, "None": TAKERS - 1}


async def test_a_refresh_token_is_rotated_once(stores: list[SqlStore]) -> None:
    """Of fifty rotations one succeeds; all others find what it stored, its successor included, at once."""
    async with stores[0].writing() as tx:
        await tx.refresh_tokens.add(REFRESH)

    async def rotate(tx: Transaction, number: int) -> tuple[bool, tuple[bytes, bytes]]:
        new = successor(REFRESH, f"successor-{number}")
        won = await tx.refresh_tokens.rotate(REFRESH.digest, new, f"sealed-{number}".encode(), NOW + 1)
        used = await tx.refresh_tokens.find(REFRESH.digest)
        assert used is not None
        assert used.consumed_at == NOW + 1
        following = await tx.refresh_tokens.find(used.successor)
        assert following is not None
        assert (following.parent, following.family) == (REFRESH.digest, "family-1")
        return won, (used.successor, used.sealed)

    results = await race(stores, rotate)
    assert Counter(won for won, _ in results) == {True: 1, False: TAKERS - 1}
    assert len({stored for _, stored in results}) == 1
    async with stores[0].reading() as tx:
        assert len(await tx.refresh_tokens.family("family-1")) == 2


async def test_a_rotation_that_fails_leaves_the_token_to_the_next(stores: list[SqlStore]) -> None:
    """When the winner's transaction is rolled back one of those that waited wins instead."""
    async with stores[0].writing() as tx:
        await tx.refresh_tokens.add(REFRESH)
    failed: list[int] = []

    async def rotate(tx: Transaction, number: int) -> bool:
        new = successor(REFRESH, f"successor-{number}")
        won = await tx.refresh_tokens.rotate(REFRESH.digest, new, b"", NOW + 1)
        if won and len(failed) < 3:
            failed.append(number)
            raise ConnectionResetError
        return won

    async def attempt(tx: Transaction, number: int) -> bool:
        return await rotate(tx, number)

    async def one(number: int) -> bool:
        try:
            async with stores[number % len(stores)].overlapping.writing() as tx:
                return await attempt(tx, number)
        except ConnectionResetError:
            return False

    results = await asyncio.gather(*(one(number) for number in range(TAKERS)))
    assert (sum(results), len(failed)) == (1, 3)


async def test_a_device_code_is_used_once(stores: list[SqlStore]) -> None:
    """Of fifty polls of an approved device one gets tokens."""
    async with stores[0].writing() as tx:
        await tx.device_codes.add(replace(DEVICE, status="approved", grant="grant-1"))
    results = await race(stores, lambda tx, number: tx.device_codes.take(DEVICE.digest, NOW))
    assert Counter(results) == {True: 1, False: TAKERS - 1}


async def test_a_device_is_decided_on_once(stores: list[SqlStore]) -> None:
    """Of fifty answers that contradict each other one stands."""
    async with stores[0].writing() as tx:
        await tx.device_codes.add(DEVICE)

    async def decide(tx: Transaction, number: int) -> bool:
        status = "approved" if number % 2 else "denied"
        return await tx.device_codes.decide(DEVICE.digest, status, f"grant-{number}", NOW)  # type: ignore[arg-type]

    results = await race(stores, decide)
    assert Counter(results) == {True: 1, False: TAKERS - 1}
    async with stores[0].reading() as tx:
        found = await tx.device_codes.find(DEVICE.digest)
    assert found is not None
    assert found.grant == f"grant-{results.index(True)}"


async def test_every_failure_counts(stores: list[SqlStore]) -> None:
    """Fifty failures at once are fifty, and each attempt is told another number."""
    results = await race(stores, lambda tx, number: tx.throttle.fail("ada", NOW, 60.0))
    assert sorted(results) == list(range(1, TAKERS + 1))
    async with stores[0].reading() as tx:
        assert await tx.throttle.count("ada", NOW) == (TAKERS, NOW)


async def test_a_one_time_code_is_used_once(stores: list[SqlStore]) -> None:
    """Of fifty uses of one counter one succeeds."""
    results = await race(stores, lambda tx, number: tx.factors.advance("factor-1", 1000, NOW))
    assert Counter(results) == {True: 1, False: TAKERS - 1}


@pytest.mark.parametrize("over", [False, True])
async def test_a_guard_lets_one_through(stores: list[SqlStore], over: bool) -> None:
    """Of fifty that bring one key one is the first, also where an old entry is over."""
    if over:
        async with stores[0].writing() as tx:
            await tx.once.first("dpop", "jti", NOW - 1)
    results = await race(stores, lambda tx, number: tx.once.first("dpop", "jti", NOW + 60, now=NOW))
    assert Counter(results) == {True: 1, False: TAKERS - 1}


async def test_a_recovery_code_is_used_once(stores: list[SqlStore]) -> None:
    """Of fifty that remove one factor one did."""
    results = await race(stores, lambda tx, number: tx.factors.remove("factor-1"))
    assert Counter(results) == {True: 1, False: TAKERS - 1}


async def test_mail_has_one_sender(stores: list[SqlStore]) -> None:
    """Every message is given to one of fifty senders."""
    async with stores[0].writing() as tx:
        for number in range(30):
            await tx.outbox.add(Mail(id=f"mail-{number}", to="a", subject="s", body="b", created_at=NOW))
    results = await race(stores, lambda tx, number: tx.outbox.due(NOW, 3))
    given = Counter(mail.id for mails in results for mail in mails)
    assert set(given.values()) == {1}
    async with stores[0].writing() as tx:
        rest = await tx.outbox.due(NOW, 100)
    assert len(given) + len(rest) == 30


async def test_roles_are_set_side_by_side(stores: list[SqlStore]) -> None:
    """Fifty sign-ins that bring the same roles contradict each other nowhere."""
    await race(stores, lambda tx, number: tx.users.set_roles(USER.id, ["b", "a"], source="provider-1"))
    async with stores[0].reading() as tx:
        assert await tx.users.roles(USER.id) == ("a", "b")


async def test_a_grant_is_revoked_before_or_after_a_rotation(stores: list[SqlStore]) -> None:
    """Whichever comes first: after both nothing that descends from the token is found."""
    await _add_tokens(stores[0])

    async def attempt(tx: Transaction, number: int) -> object:
        if number % 10 == 9:
            await tx.grants.revoke([f"grant-r{number // 10}"], NOW + 1)
            return None
        token = _token(number // 10)
        return await tx.refresh_tokens.rotate(token.digest, successor(token, f"s{number}"), b"", NOW + 1)

    results = await race(stores, attempt)
    assert all(results[group * 10 : group * 10 + 9].count(True) <= 1 for group in range(5))
    async with stores[0].reading() as tx:
        for number in range(TAKERS):
            assert await tx.refresh_tokens.find(digest(f"s{number}")) is None
            assert await tx.refresh_tokens.find(_token(number // 10).digest) is None


def _token(group: int) -> RefreshToken:
    return replace(REFRESH, digest=digest(f"r{group}"), grant=f"grant-r{group}", family=f"family-r{group}")


async def _add_tokens(store: SqlStore) -> None:
    async with store.writing() as tx:
        for group in range(5):
            await tx.grants.add(replace(GRANT, id=f"grant-r{group}"))
            await tx.refresh_tokens.add(_token(group))


@pytest.mark.only_postgresql
async def test_a_revocation_waits_for_a_rotation(stores: list[SqlStore]) -> None:
    """On PostgreSQL too a grant is not revoked between a rotation and its commit, so that the time taken after it is
    later than that of every token the rotation led to."""
    async with stores[0].writing() as tx:
        await tx.refresh_tokens.add(REFRESH)
    order: list[str] = []

    async def revoke() -> None:
        async with stores[1].overlapping.writing() as tx:
            await tx.grants.revoke(["grant-1"], NOW)
            order.append("revoked")

    async with stores[0].overlapping.writing() as tx:
        assert await tx.refresh_tokens.rotate(REFRESH.digest, successor(REFRESH, "x"), b"", NOW)
        revoking = asyncio.create_task(revoke())
        await asyncio.sleep(0.2)
        order.append("issued")
    await revoking
    assert order == ["issued", "revoked"]


@pytest.mark.only_postgresql
async def test_overlapping_transactions_do_not_wait_for_each_other(store: SqlStore) -> None:
    """On PostgreSQL the server's transactions run side by side, while those of use cases are alone."""
    async with store.writing() as tx:
        await fill(tx)
    async with asyncio.timeout(3), store.overlapping.writing() as one:
        await one.throttle.fail("one", NOW, 60.0)
        async with store.overlapping.writing() as two, store.writing() as alone:
            await two.throttle.fail("two", NOW, 60.0)
            await alone.throttle.fail("three", NOW, 60.0)
    entered: list[int] = []

    async def alone_too(number: int) -> None:
        async with store.writing():
            entered.append(number)
            assert entered == [number]
            await asyncio.sleep(0.05)
            entered.remove(number)

    await asyncio.gather(*(alone_too(number) for number in range(4)))
