"""Codes, refresh tokens, access tokens and device codes as stored."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.storage.identity.samples_identity import (
    CLIENT,
    DEVICE,
    GRANT,
    NOW,
    REFRESH,
    TOKEN,
    digest,
    filled,
    successor,
)

from wardgate.domain.oauth import Token
from wardgate.identity.ports import OnceRecord
from wardgate.storage.database import SqlStore
from wardgate.storage.errors import StoreError

pytestmark = pytest.mark.every_database
CODE = {"client": "client-1", "nonce": "ü\u0000", "scopes": ["a"], "max_age": None}


async def test_a_code_is_taken_once_and_remembered(store: SqlStore) -> None:
    """The first to take a code gets its document, nobody after; looking at it shows when it was used."""
    async with store.writing() as tx:
        await tx.once.put("code", digest("c"), CODE, NOW + 60)
        assert await tx.once.look("code", digest("c")) == OnceRecord(
            document=CODE, expires_at=NOW + 60, used_at=None
        )
        assert await tx.once.take("code", digest("c"), NOW + 1) == CODE
        assert await tx.once.take("code", digest("c"), NOW + 2) is None
    async with store.reading() as tx:
        assert await tx.once.look("code", digest("c")) == OnceRecord(
            document=CODE, expires_at=NOW + 60, used_at=NOW + 1
        )


async def test_a_code_is_nothing_elsewhere_or_too_late(store: SqlStore) -> None:
    """A digest counts in its own space only, and not at or after its end."""
    async with store.writing() as tx:
        await tx.once.put("code", digest("c"), CODE, NOW + 60)
        assert await tx.once.take("request", digest("c"), NOW) is None
        assert await tx.once.look("request", digest("c")) is None
        assert await tx.once.take("code", digest("d"), NOW) is None
        assert await tx.once.take("code", digest("c"), NOW + 60) is None
        await tx.once.put("request", digest("c"), {"other": True}, NOW + 60)
        assert await tx.once.take("request", digest("c"), NOW) == {"other": True}
        assert await tx.once.take("code", digest("c"), NOW + 59) == CODE


async def test_what_waits_can_be_amended_until_it_is_used(store: SqlStore) -> None:
    """A used record keeps its document; a dropped one is gone."""
    async with store.writing() as tx:
        await tx.once.put("authorize", digest("a"), {"step": 1}, NOW + 60)
        await tx.once.amend("authorize", digest("a"), {"step": 2})
        assert await tx.once.take("authorize", digest("a"), NOW) == {"step": 2}
        await tx.once.amend("authorize", digest("a"), {"step": 3})
        record = await tx.once.look("authorize", digest("a"))
        assert record is not None
        assert record.document == {"step": 2}
        await tx.once.drop("authorize", digest("a"))
        assert await tx.once.look("authorize", digest("a")) is None
        await tx.once.drop("authorize", digest("a"))


async def test_a_guard_sees_a_key_for_the_first_time_once(store: SqlStore) -> None:
    """A key is new once per guard; with the time given, again after it was over."""
    async with store.writing() as tx:
        assert await tx.once.first("dpop", "jti", NOW + 60)
        assert not await tx.once.first("dpop", "jti", NOW + 90)
        assert await tx.once.first("assertion", "jti", NOW + 60)
        assert not await tx.once.first("dpop", "jti", NOW + 120, now=NOW + 59)
        assert await tx.once.first("dpop", "jti", NOW + 120, now=NOW + 60)
        assert not await tx.once.first("dpop", "jti", NOW + 120, now=NOW + 119)


async def test_a_refresh_token_comes_back_as_it_went_in(store: SqlStore) -> None:
    """What a refresh token carries is stored; an unknown digest is nothing."""
    async with filled(store) as tx:
        await tx.refresh_tokens.add(REFRESH)
        assert await tx.refresh_tokens.find(REFRESH.digest) == REFRESH
        assert await tx.refresh_tokens.find(digest("other")) is None


async def test_rotation_keeps_the_lineage(store: SqlStore) -> None:
    """A used token names its successor, which is found by it; the family is in order, and bounded by its own end."""
    second = successor(REFRESH, "second", scopes=("openid",))
    third = successor(second, "third")
    async with filled(store) as tx:
        await tx.refresh_tokens.add(REFRESH)
        assert await tx.refresh_tokens.rotate(REFRESH.digest, second, b"sealed-2", NOW + 1)
        assert not await tx.refresh_tokens.rotate(REFRESH.digest, successor(REFRESH, "thief"), b"", NOW + 2)
        used = replace(REFRESH, consumed_at=NOW + 1, successor=second.digest, sealed=b"sealed-2")
        assert await tx.refresh_tokens.find(REFRESH.digest) == used
        assert await tx.refresh_tokens.find(digest("thief")) is None
        assert await tx.refresh_tokens.rotate(second.digest, third, b"sealed-3", NOW + 2)
        assert [token.digest for token in await tx.refresh_tokens.family("family-1")] == [
            REFRESH.digest,
            second.digest,
            third.digest,
        ]
        assert await tx.refresh_tokens.family("family-2") == []
        found = await tx.refresh_tokens.find(third.digest)
        assert found == third
        assert found.family_expires_at == REFRESH.family_expires_at


@pytest.mark.parametrize("why", ["expired", "family over", "other family", "unknown"])
async def test_what_cannot_be_rotated_is_not(store: SqlStore, why: str) -> None:
    """Neither an expired token, nor one of a family that is over, nor into another family, nor an unknown one."""
    token = (
        replace(REFRESH, expires_at=NOW + 10, family_expires_at=NOW + 5) if why == "family over" else REFRESH
    )
    new = successor(token, "second")
    if why == "other family":
        new = replace(new, family="family-2")
    now = {"expired": token.expires_at, "family over": NOW + 5}.get(why, NOW)
    async with filled(store) as tx:
        await tx.refresh_tokens.add(token)
        used = digest("unknown") if why == "unknown" else token.digest
        assert not await tx.refresh_tokens.rotate(used, new, b"sealed", now)
        assert await tx.refresh_tokens.find(token.digest) == token
        assert await tx.refresh_tokens.find(new.digest) is None


async def test_a_revoked_family_is_void_alone(store: SqlStore) -> None:
    """No token of a revoked family is found or rotated, not even one added later; another of the grant goes on."""
    second = successor(REFRESH, "second")
    other = replace(REFRESH, digest=digest("other"), family="family-2")
    async with filled(store) as tx:
        await tx.refresh_tokens.add(REFRESH)
        await tx.refresh_tokens.add(other)
        assert await tx.refresh_tokens.rotate(REFRESH.digest, second, b"", NOW)
        await tx.refresh_tokens.revoke_family("family-1", NOW + 1)
        await tx.refresh_tokens.add(successor(second, "late"))
        for void in (REFRESH.digest, second.digest, digest("late")):
            assert await tx.refresh_tokens.find(void) is None
        assert not await tx.refresh_tokens.rotate(second.digest, successor(second, "third"), b"", NOW + 2)
        assert len(await tx.refresh_tokens.family("family-1")) == 3
        assert await tx.refresh_tokens.find(other.digest) == other


async def test_a_revoked_grant_voids_its_tokens(store: SqlStore) -> None:
    """Refresh and access tokens of a revoked grant are not found; those of another grant are."""
    other = replace(TOKEN, id="jti-2", grant="grant-2")
    async with filled(store) as tx:
        await tx.grants.add(replace(GRANT, id="grant-2"))
        await tx.refresh_tokens.add(REFRESH)
        await tx.access_tokens.add(digest("one"), TOKEN, "development")
        await tx.access_tokens.add(digest("two"), other, "development")
        await tx.grants.revoke(["grant-1"], NOW)
        assert await tx.refresh_tokens.find(REFRESH.digest) is None
        assert not await tx.refresh_tokens.rotate(REFRESH.digest, successor(REFRESH, "x"), b"", NOW)
        assert await tx.access_tokens.find(digest("one")) is None
        assert await tx.access_tokens.find(digest("two")) == other


async def test_an_access_token_comes_back_as_it_went_in(store: SqlStore) -> None:
    """Everything a token says is stored, bare ones too; revoked and unknown ones are nothing."""
    bare = Token(id="jti-3", issuer="", client="client-1")
    async with filled(store) as tx:
        await tx.access_tokens.add(digest("full"), TOKEN, "development")
        await tx.access_tokens.add(digest("bare"), bare, "staging")
        assert await tx.access_tokens.find(digest("full")) == TOKEN
        assert await tx.access_tokens.find(digest("bare")) == bare
        assert await tx.access_tokens.find(digest("none")) is None
        await tx.access_tokens.revoke(digest("full"))
        assert await tx.access_tokens.find(digest("full")) is None
        await tx.access_tokens.revoke(digest("full"))


async def test_a_token_of_a_grant_that_is_not_there_is_void(store: SqlStore) -> None:
    """A token whose grant was never stored, or is gone, is not found."""
    async with filled(store) as tx:
        await tx.access_tokens.add(digest("one"), replace(TOKEN, grant="grant-9"), "development")
        assert await tx.access_tokens.find(digest("one")) is None


async def test_a_token_of_an_unknown_client_is_refused(store: SqlStore) -> None:
    """A token cannot be stored for a client that is not there (any more)."""
    with pytest.raises(StoreError, match="contradicts"):
        async with filled(store) as tx:
            await tx.access_tokens.add(digest("one"), replace(TOKEN, client="gone"), "development")


async def test_a_device_code_is_found_both_ways(store: SqlStore) -> None:
    """By the device's secret and by what the person types; polls leave the rest as it was."""
    async with filled(store) as tx:
        await tx.device_codes.add(DEVICE)
        assert await tx.device_codes.find(DEVICE.digest) == DEVICE
        assert await tx.device_codes.by_user_code(DEVICE.user_code) == DEVICE
        assert await tx.device_codes.find(DEVICE.user_code) is None
        assert await tx.device_codes.by_user_code(DEVICE.digest) is None
        await tx.device_codes.poll(DEVICE.digest, NOW + 5, 10.0)
        assert await tx.device_codes.find(DEVICE.digest) == replace(DEVICE, polled_at=NOW + 5, interval=10.0)


async def test_a_person_decides_once(store: SqlStore) -> None:
    """The first answer stands, and only before the code's end; a denied code is never used."""
    denied = replace(DEVICE, digest=digest("denied"), user_code=digest("u2"))
    late = replace(DEVICE, digest=digest("late"), user_code=digest("u3"), expires_at=NOW + 1)
    async with filled(store) as tx:
        for code in (DEVICE, denied, late):
            await tx.device_codes.add(code)
        assert not await tx.device_codes.take(DEVICE.digest, NOW)
        assert await tx.device_codes.decide(DEVICE.digest, "approved", "grant-1", NOW)
        assert not await tx.device_codes.decide(DEVICE.digest, "denied", "", NOW)
        assert await tx.device_codes.find(DEVICE.digest) == replace(
            DEVICE, status="approved", grant="grant-1"
        )
        assert await tx.device_codes.decide(denied.digest, "denied", "", NOW)
        assert not await tx.device_codes.take(denied.digest, NOW)
        assert not await tx.device_codes.decide(late.digest, "approved", "grant-1", NOW + 1)
        assert not await tx.device_codes.decide(digest("none"), "approved", "grant-1", NOW)
        assert not await tx.device_codes.take(DEVICE.digest, DEVICE.expires_at)
        assert await tx.device_codes.take(DEVICE.digest, NOW)
        assert not await tx.device_codes.take(DEVICE.digest, NOW)
        used = await tx.device_codes.find(DEVICE.digest)
        assert used is not None
        assert used.status == "used"
        await tx.clients.remove(CLIENT.id)
        assert await tx.device_codes.find(DEVICE.digest) is None
