"""Issuing, listing, rotating, revoking and verifying API keys."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from tests.storage.samples import digest_of, feed_of, orders

from wardgate.control import applications, keys
from wardgate.control.apply import apply_document
from wardgate.control.errors import ConflictError, InvalidError, NotFoundError
from wardgate.control.verify import verify
from wardgate.domain import apikey
from wardgate.domain.consumer import Credential, Restrictions
from wardgate.domain.secret import Secret
from wardgate.storage.database import SqlStore

pytestmark = pytest.mark.every_database

NOW = 1_700_000_000.0
DAY = 86_400.0


async def issued(store: SqlStore, **settings: object) -> tuple[Credential, Secret]:
    """A key of ``mobile`` in development at ``NOW``."""
    if not await applications.list_applications(store):
        await apply_document(store, orders(), "development", "test", "")
    wanted = {"application": "mobile", "environment": "development", "clock": lambda: NOW} | settings
    return await keys.issue(store, **wanted)  # type: ignore[arg-type]


async def test_an_issued_key_is_well_formed_and_shown_once(store: SqlStore) -> None:
    """The key bears its environment's tag and checksum; the credential only what may be shown."""
    credential, key = await issued(store, name=" ios ", description="d")
    text = key.reveal().decode()
    assert apikey.tag_of(key.reveal()) == "dev"
    assert (credential.prefix, credential.last_four) == (text[:11], text[-4:])
    assert credential.name == "ios"
    assert credential.lineage == credential.id
    assert text not in repr((credential, key))
    assert text not in repr(await keys.show(store, credential.id))


async def test_issuing_announces_the_digest(store: SqlStore) -> None:
    """A gateway that cached the digest as unknown is told."""
    _, key = await issued(store)
    assert feed_of(store.data_dir)[-1] == ("credential", digest_of(store, key).hex())


@pytest.mark.parametrize(
    ("settings", "error", "code", "says"),
    [
        ({"application": "desktop"}, NotFoundError, "application_not_found", "'desktop'"),
        ({"environment": "qa"}, NotFoundError, "environment_not_found", "'qa'"),
        ({"expires_at": NOW}, InvalidError, "expiry_invalid", "in the past"),
        ({"expires_at": NOW - 90}, InvalidError, "expiry_invalid", "90 s in the past"),
        ({"expires_at": math.nan}, InvalidError, "expiry_invalid", "no point in time"),
        ({"expires_at": math.inf}, InvalidError, "expiry_invalid", "no point in time"),
        ({"name": "x" * 101}, InvalidError, "name_invalid", "101 characters"),
        ({"name": "a\nb"}, InvalidError, "name_invalid", "control characters"),
        ({"description": "a\x1b[0m"}, InvalidError, "description_invalid", "control characters"),
    ],
)
async def test_a_key_that_cannot_be_is_refused(
    store: SqlStore, settings: dict[str, object], error: type[Exception], code: str, says: str
) -> None:
    """Wrong settings are named with their code, and no key is made."""
    await issued(store)
    before = feed_of(store.data_dir)
    with pytest.raises(error, match=says) as caught:
        await issued(store, **settings)
    assert getattr(caught.value, "code", None) == code
    assert feed_of(store.data_dir) == before
    assert len(await keys.list_keys(store)) == 1


async def test_an_application_has_several_keys(store: SqlStore) -> None:
    """Keys are listed oldest first, by application and environment."""
    first, _ = await issued(store)
    second, _ = await issued(store, environment="staging", clock=lambda: NOW + 1)
    other = await applications.add(store, name="web")
    third, _ = await issued(store, application=other.id, clock=lambda: NOW + 2)

    async def ids(**which: str) -> list[str]:
        return [record.credential.id for record in await keys.list_keys(store, **which)]

    assert await ids() == [first.id, second.id, third.id]
    assert await ids(application="mobile") == [first.id, second.id]
    assert await ids(environment="staging") == [second.id]
    assert await ids(application="web", environment="staging") == []
    with pytest.raises(NotFoundError, match="'nobody'"):
        await ids(application="nobody")
    with pytest.raises(NotFoundError, match="'qa'"):
        await ids(environment="qa")


async def test_rotation_carries_everything_over(store: SqlStore) -> None:
    """The successor has the old key's restrictions, names and lineage; the old one ends after the overlap."""
    narrow = Restrictions(cidrs=("10.0.0.0/8",), referers=("*.example.com",))
    old, old_key = await issued(store, name="ios", description="d", restrictions=narrow)
    before = len(feed_of(store.data_dir))
    new, new_key = await keys.rotate(store, old.id, overlap=DAY, clock=lambda: NOW + 10)
    assert new_key != old_key
    assert (new.application, new.environment, new.name, new.description, new.restrictions, new.lineage) == (
        (old.application, old.environment, "ios", "d", narrow, old.id)
    )
    ended = (await keys.show(store, old.id)).credential
    assert ended == replace(old, expires_at=NOW + 10 + DAY, replaced_by=new.id)
    assert feed_of(store.data_dir, before) == [
        ("credential", digest_of(store, new_key).hex()),
        ("credential", digest_of(store, old_key).hex()),
    ]
    assert keys.state_of(ended, NOW + 11) == "rotating"
    assert keys.state_of(ended, NOW + 10 + DAY) == "expired"
    third, _ = await keys.rotate(store, new.id, overlap=0, clock=lambda: NOW + 20)
    assert third.lineage == old.id


async def test_rotation_without_overlap_revokes(store: SqlStore) -> None:
    """With an overlap of 0 the old key is revoked in the same transaction."""
    old, _ = await issued(store)
    new, _ = await keys.rotate(store, old.id, overlap=0, clock=lambda: NOW + 10)
    ended = (await keys.show(store, old.id)).credential
    assert ended == replace(old, revoked_at=NOW + 10, replaced_by=new.id)


async def test_rotation_never_lengthens_a_key(store: SqlStore) -> None:
    """An overlap past the old key's expiry keeps that expiry; the successor lives as long as the old was issued for."""
    old, _ = await issued(store, expires_at=NOW + 100)
    new, _ = await keys.rotate(store, old.id, overlap=DAY, clock=lambda: NOW + 60)
    assert (await keys.show(store, old.id)).credential.expires_at == NOW + 100
    assert new.expires_at == NOW + 160
    another, _ = await keys.rotate(store, new.id, overlap=1, expires_at=NOW + 5000, clock=lambda: NOW + 70)
    assert another.expires_at == NOW + 5000


async def test_an_ended_key_is_not_rotated(store: SqlStore) -> None:
    """A key that was rotated, revoked or has expired is refused with what to do instead."""
    rotated, _ = await issued(store)
    new, _ = await keys.rotate(store, rotated.id, overlap=DAY, clock=lambda: NOW)
    with pytest.raises(ConflictError, match=f"Rotate {new.id} instead") as caught:
        await keys.rotate(store, rotated.id, overlap=DAY, clock=lambda: NOW)
    assert caught.value.code == "key_already_rotated"
    revoked, _ = await issued(store)
    await keys.revoke(store, revoked.id)
    with pytest.raises(ConflictError, match="is revoked"):
        await keys.rotate(store, revoked.id, overlap=DAY, clock=lambda: NOW)
    expired, _ = await issued(store, expires_at=NOW + 1)
    with pytest.raises(ConflictError, match="is expired"):
        await keys.rotate(store, expired.id, overlap=DAY, clock=lambda: NOW + 2)


@pytest.mark.parametrize("overlap", [-1.0, math.nan, math.inf])
async def test_an_impossible_overlap_is_refused(store: SqlStore, overlap: float) -> None:
    """Negative and endless overlaps change nothing."""
    old, _ = await issued(store)
    with pytest.raises(InvalidError, match="not possible"):
        await keys.rotate(store, old.id, overlap=overlap, clock=lambda: NOW)
    assert (await keys.show(store, old.id)).credential == old


async def test_revoking_is_final_and_said_once(store: SqlStore) -> None:
    """A revoked key keeps its time of revocation; revoking it again announces nothing."""
    credential, key = await issued(store)
    assert (await keys.revoke(store, credential.id, clock=lambda: NOW + 5)).revoked_at == NOW + 5
    feed = feed_of(store.data_dir)
    assert feed[-1] == ("credential", digest_of(store, key).hex())
    assert (await keys.revoke(store, credential.id, clock=lambda: NOW + 9)).revoked_at == NOW + 5
    assert feed_of(store.data_dir) == feed


async def test_a_key_given_for_an_id_is_not_repeated(store: SqlStore) -> None:
    """Someone who pastes the key itself where its id belongs does not read it in the error."""
    _, key = await issued(store)
    text = key.reveal().decode()
    for use in (keys.show, keys.revoke):
        with pytest.raises(NotFoundError) as caught:
            await use(store, text)
        assert text[7:] not in repr(caught.value) + str(caught.value)
    with pytest.raises(NotFoundError, match="key_123"):
        await keys.show(store, "key_123")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (Restrictions(cidrs=("192.0.2.7", "192.0.2.7/32")), Restrictions(cidrs=("192.0.2.7/32",))),
        (Restrictions(cidrs=("2001:DB8::/32",)), Restrictions(cidrs=("2001:db8::/32",))),
        (
            Restrictions(referers=("WWW.Example.com", "*.example.com", "localhost")),
            Restrictions(referers=("www.example.com", "*.example.com", "localhost")),
        ),
        (
            Restrictions(resources=("orders/v1 GET /items/{id}", "orders/v1")),
            Restrictions(resources=("orders/v1 GET /items/{id}", "orders/v1")),
        ),
    ],
)
async def test_restrictions_are_stored_in_canonical_form(
    store: SqlStore, given: Restrictions, kept: Restrictions
) -> None:
    """Networks and hosts are normalised, and duplicates dropped."""
    credential, _ = await issued(store, restrictions=given)
    assert (await keys.show(store, credential.id)).credential.restrictions == kept


@pytest.mark.parametrize(
    ("restrictions", "says"),
    [
        (Restrictions(cidrs=("10.0.0.1/8",)), r"Write 10\.0\.0\.0/8"),
        (Restrictions(cidrs=("10.0.0.0/33",)), "not an IP address or network"),
        (Restrictions(cidrs=("example.com",)), "not an IP address or network"),
        (Restrictions(cidrs=("",)), "not an IP address or network"),
        (Restrictions(cidrs=tuple(f"10.0.{n}.0/24" for n in range(101))), "at most 100 cidrs"),
        (Restrictions(referers=("https://example.com",)), "without scheme"),
        (Restrictions(referers=("example.com:443",)), "without scheme"),
        (Restrictions(referers=("*",)), "not a host name"),
        (Restrictions(referers=("*.*.example.com",)), "not a host name"),
        (Restrictions(referers=("m\u00fcnchen.example",)), "xn--"),
        (Restrictions(referers=("a" * 64 + ".example",)), "not a host name"),
        (Restrictions(resources=("orders/v2 GET /items",)), "Deployed APIs: orders/v1"),
        (Restrictions(resources=("orders/v1 POST /items",)), "Its resources there are: GET /items$"),
        (Restrictions(resources=("orders/v1 GET /nowhere",)), "that orders/v1 does not have"),
        (Restrictions(resources=("GET /items",)), "'GET', which is not deployed"),
    ],
)
async def test_wrong_restrictions_are_refused(store: SqlStore, restrictions: Restrictions, says: str) -> None:
    """An entry that is wrong is named with the remedy, and no key is made."""
    await apply_document(store, orders(), "development", "test", "")
    with pytest.raises(InvalidError, match=says) as caught:
        await issued(store, restrictions=restrictions)
    assert caught.value.code == "restrictions_invalid"
    assert await keys.list_keys(store) == []


async def test_resources_must_be_deployed_where_the_key_is_valid(store: SqlStore) -> None:
    """A resource of an API of another environment does not count."""
    await apply_document(store, orders(), "development", "test", "")
    with pytest.raises(InvalidError, match="Deployed APIs: none"):
        await issued(
            store, environment="staging", restrictions=Restrictions(resources=("orders/v1 GET /items",))
        )


async def test_verify_says_what_the_gateway_would(store: SqlStore) -> None:
    """Each way a key can be wrong has the reason of the log; a good key is accepted."""
    credential, key = await issued(store, expires_at=NOW + 50)
    text = key.reveal().decode()

    async def reason(key: Secret | str, environment: str | None = None, at: float = NOW) -> str | None:
        verdict = await verify(store, key, environment=environment, clock=lambda: at)
        return None if verdict.reason is None else verdict.reason.name

    assert await reason(key) is None
    assert await reason(text) is None
    assert await reason("") == "credential_malformed"
    assert await reason(text[:-1]) == "credential_malformed"
    assert await reason("\udcff") == "credential_malformed"
    assert await reason(text.swapcase()) == "credential_malformed"
    assert await reason(apikey.generate("dev", lambda size: bytes(size))) == "key_unknown"
    assert await reason(key, "production") == "key_wrong_environment"
    assert await reason(key, at=NOW + 50) == "key_expired"
    await applications.suspend(store, "mobile")
    assert await reason(key) == "application_suspended"
    await keys.revoke(store, credential.id)
    assert await reason(key) == "key_revoked"
    with pytest.raises(NotFoundError, match="'qa'"):
        await reason(key, "qa")
    verdict = await verify(store, key, clock=lambda: NOW)
    assert (verdict.environment, verdict.accepted) == ("development", False)
    assert verdict.credential is not None
    assert verdict.credential.id == credential.id
    assert text not in repr(verdict)
