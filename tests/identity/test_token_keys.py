"""Signing keys: made when needed, published before they sign and after, the same in every process."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.identity.token_side import ISSUER, Holder, Side

from wardgate.domain.oauth import SigningAlgorithm
from wardgate.identity import keys as keys_module
from wardgate.identity.http import Call
from wardgate.identity.keys import KeyRing, handle_jwks
from wardgate.identity.ports import StoredKey
from wardgate.identity.rotation import (
    LONGEST_TOKEN,
    active,
    jwks_max_age,
    last_needed,
    needed_from,
    published,
)
from wardgate.identity.server import IdentitySettings
from wardgate.jose.encoding import decode
from wardgate.jose.jws import verify
from wardgate.jose.keys import ALGORITHMS, KeySet
from wardgate.storage.errors import MasterKeyError
from wardgate.storage.vault import Vault

SETTINGS = IdentitySettings(issuer=ISSUER, environment="development", key_lifetime=1000, key_overlap=100)


def another(side: Side) -> KeyRing:
    """The keys as another process has them."""
    return KeyRing(side.store, side.server.vault, side.server.settings, clock=side.clock)


def header_of(text: str) -> bytes:
    """The header of a JWS, decoded."""
    return decode(text.split(".")[0].encode())


async def kids(side: Side) -> list[str]:
    """The ids of the JWK set."""
    return [key["kid"] for key in (await side.keys.jwks())["keys"]]


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "EdDSA"])
async def test_what_is_signed_verifies_by_the_published_set(side: Side, algorithm: SigningAlgorithm) -> None:
    """The first key of each algorithm is made on the way; its private half is nowhere to be seen."""
    text = await side.keys.sign({"a": 1}, typ="at+jwt", algorithm=algorithm)
    jwks = await side.keys.jwks()
    header, claims = verify(text, KeySet.from_jwks(jwks), algorithms=ALGORITHMS, types=frozenset(("at+jwt",)))
    assert (header["alg"], header["typ"], claims) == (algorithm, "at+jwt", {"a": 1})
    assert len(header["kid"]) == 43
    assert all(not {"d", "p", "q", "k"} & set(key) and key["use"] == "sig" for key in jwks["keys"])


@pytest.mark.every_database
async def test_every_process_signs_with_the_same_key(side: Side) -> None:
    """Ten that start at once make one key."""
    rings = [another(side) for _ in range(10)]
    texts = await asyncio.gather(*(ring.sign({}, typ="JWT") for ring in rings for _ in range(3)))
    assert len(await kids(side)) == 1
    assert [await side.keys.claims_of(text, "JWT") for text in texts] == [{}] * 30


async def test_a_successor_is_published_before_it_signs(side: Side) -> None:
    """Rotation: published an overlap ahead, then signs; the old key stays until its last token has expired."""
    side.keys = KeyRing(side.store, side.server.vault, SETTINGS, clock=side.clock)
    first = await side.keys.sign({"n": 1}, typ="JWT")
    await side.keys.maintain(side.clock())
    assert len(await kids(side)) == 1
    side.clock.forward(900)
    await side.keys.maintain(side.clock())
    old, new = await kids(side)
    assert json.loads(header_of(await side.keys.sign({}, typ="JWT")))["kid"] == old
    side.clock.forward(100)
    assert json.loads(header_of(await side.keys.sign({}, typ="JWT")))["kid"] == new
    side.clock.forward(LONGEST_TOKEN)
    await side.keys.maintain(side.clock())
    assert old in await kids(side)
    assert await side.keys.claims_of(first, "JWT") == {"n": 1}
    side.clock.forward(jwks_max_age(SETTINGS) + 600)
    assert old not in await kids(side)
    assert await side.keys.claims_of(first, "JWT") is None


async def test_nothing_is_read_while_signing(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hot path needs no store for five seconds after the last look."""
    await side.keys.sign({}, typ="JWT")

    def away() -> None:
        raise AssertionError("the store was used")

    monkeypatch.setattr(type(side.store), "reading", lambda self: away())
    side.clock.forward(keys_module.FRESH - 1)
    await side.keys.sign({}, typ="JWT")
    side.clock.forward(2)
    with pytest.raises(AssertionError, match="the store was used"):
        await side.keys.sign({}, typ="JWT")


async def test_a_withdrawn_key_signs_and_verifies_nothing_any_more(side: Side) -> None:
    """At once here, and elsewhere within five seconds or as soon as the feed says so."""
    text = await side.keys.sign({}, typ="JWT")
    other = another(side)
    assert await other.claims_of(text, "JWT") == {}
    (kid,) = await kids(side)
    assert await side.keys.withdraw(kid, side.clock())
    assert not await side.keys.withdraw("unknown", side.clock())
    assert await side.keys.claims_of(text, "JWT") is None
    assert kid not in await kids(side)
    other.forget()
    assert await other.claims_of(text, "JWT") is None
    assert await side.keys.claims_of(await other.sign({}, typ="JWT"), "JWT") == {}


async def test_a_key_made_elsewhere_is_found_by_its_token(side: Side) -> None:
    """A token that names a key nobody knows is looked up in the store, once a second at most."""
    await side.keys.jwks()
    text = await another(side).sign({"n": 1}, typ="JWT")
    assert await side.keys.claims_of(text, "JWT") is None
    side.clock.forward(1)
    assert await side.keys.claims_of(text, "JWT") == {"n": 1}


async def test_only_what_was_signed_here_and_of_that_type_is_believed(side: Side) -> None:
    """Another's key, another type, another text."""
    text = await side.keys.sign({}, typ="at+jwt")
    assert await side.keys.claims_of(text, "AT+JWT") == {}
    assert await side.keys.claims_of(text, "JWT") is None
    assert await side.keys.claims_of(text[:-4] + "AAAA", "at+jwt") is None
    assert await side.keys.claims_of(Holder().sign({}, "at+jwt"), "at+jwt") is None
    assert await side.keys.claims_of("no token", "at+jwt") is None


async def test_keys_of_another_master_key_do_not_open(side: Side) -> None:
    """Private keys are sealed under the master key."""
    await side.keys.sign({}, typ="JWT")
    stranger = KeyRing(side.store, Vault(bytes(32)), side.server.settings, clock=side.clock)
    with pytest.raises(MasterKeyError):
        await stranger.sign({}, typ="JWT")


async def test_the_set_says_how_long_it_is_good(side: Side) -> None:
    """RFC 9110: a copy is good for less than half the overlap, and its tag saves sending it again."""
    await side.keys.sign({}, typ="JWT")
    call = Call(method="GET", path="/oauth2/jwks", url=f"{ISSUER}/oauth2/jwks")
    reply = await handle_jwks(side.server, call)
    headers = dict(reply.headers)
    assert headers["cache-control"] == "public, max-age=3600"
    assert len(json.loads(reply.body)["keys"]) == 1
    again = await handle_jwks(side.server, replace(call, headers=(("if-none-match", headers["etag"]),)))
    assert (again.status, again.body) == (304, b"")
    await side.keys.sign({}, typ="JWT", algorithm="EdDSA")
    changed = await handle_jwks(side.server, replace(call, headers=(("if-none-match", headers["etag"]),)))
    assert changed.status == 200


@given(st.lists(st.integers(1, 400), max_size=40))
def test_there_is_always_one_key_to_sign_with_and_it_was_published_before(steps: list[int]) -> None:
    """Whenever maintenance runs, however late: a key signs, and but for the first was published an overlap before."""
    keys: list[StoredKey] = []
    now = 0.0
    for step in [0, *steps]:
        now += step
        begin = needed_from(keys, "ES256", now, SETTINGS)
        if begin is not None:
            keys = [
                key if key.expires_at is not None else replace(key, expires_at=last_needed(begin, SETTINGS))
                for key in keys
            ]
            keys.append(
                StoredKey(
                    kid=str(len(keys)),
                    environment="development",
                    algorithm="ES256",
                    public={},
                    sealed_private=b"",
                    created_at=now,
                    active_at=begin,
                )
            )
        signing = active(keys, "ES256", now)
        assert signing is not None
        assert signing.kid == "0" or signing.active_at - signing.created_at >= SETTINGS.key_overlap
        assert signing in published(keys, now)
        assert len(published(keys, now)) <= 2 + (LONGEST_TOKEN + 1000) // 900
