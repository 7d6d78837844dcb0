"""Foreign issuers' keys: read when due and when asked, at a bounded rate, and kept while nobody answers."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from typing import Any

import pytest
from tests.identity.test_discovery import EC, Web
from tests.storage.samples import document, entry, feed_of

from wardgate.control.apply import apply_document
from wardgate.domain.trust import OAuth2Settings, TrustedIssuer
from wardgate.identity.issuers import LONGEST, PAUSE, SHORTEST, Issuers
from wardgate.identity.ports import FetchError
from wardgate.storage.database import SqlStore

ISSUER = "https://id.test"
KEYS = "https://id.test/keys"


class Clock:
    """Unix seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


async def deployed(store: SqlStore, *issuers: TrustedIssuer, name: str = "orders") -> None:
    """Deploys an API that trusts these."""
    made = entry(name, plans=())
    api = replace(made.api, oauth2=OAuth2Settings(issuers=issuers))
    await apply_document(store, document([replace(made, api=api)]), "development", "test", "")


def at(store: SqlStore, web: Web, clock: Clock) -> Issuers:
    """The issuers of the development environment."""
    return Issuers(store, web, "development", clock)


async def stored(store: SqlStore, issuer: str = ISSUER) -> tuple[Any, float] | None:
    """What workers would read."""
    async with store.reading() as tx:
        found = await tx.issuer_keys.get(issuer)
    return None if found is None else (dict(found[0]), found[1])


TRUSTED = TrustedIssuer(issuer=ISSUER, jwks_uri=KEYS)


async def test_keys_are_read_before_they_are_needed(store: SqlStore) -> None:
    """The first round reads every listed issuer into the store and announces it; others are never called."""
    web, clock = Web({KEYS: {"keys": [EC]}}, max_age=900), Clock()
    builtin = TrustedIssuer(issuer="", kind="builtin")
    asked = TrustedIssuer(
        issuer="https://o.test", kind="introspection", introspection_endpoint="https://o.test/i"
    )
    await deployed(store, builtin, TRUSTED, asked)
    before = len(feed_of(store.data_dir))
    assert await at(store, web, clock).round() is False
    assert web.asked == [KEYS]
    assert await stored(store) == ({"jwks": {"keys": [EC]}, "jwks_uri": KEYS, "max_age": 900.0}, clock.now)
    assert feed_of(store.data_dir, before) == [("issuer", ISSUER)]


@pytest.mark.parametrize(
    ("max_age", "pause"), [(0.0, SHORTEST), (10.0, SHORTEST), (3600.0, 3600.0), (10.0**9, LONGEST)]
)
async def test_keys_are_read_again_when_their_age_is_up(
    store: SqlStore, max_age: float, pause: float
) -> None:
    """The cache headers decide within five minutes and a day, in this process's life and over the next."""
    web, clock = Web({KEYS: {"keys": []}}, max_age=max_age), Clock()
    await deployed(store, TRUSTED)
    issuers = at(store, web, clock)
    await issuers.round()
    clock.now += pause - 1
    await issuers.round()
    await at(store, web, clock).round()
    assert len(web.asked) == 1
    clock.now += 1
    await issuers.round()
    assert len(web.asked) == 2
    await at(store, web, clock).round()
    assert len(web.asked) == 2


async def test_removed_keys_are_gone_with_the_next_reading(store: SqlStore) -> None:
    """What the issuer takes out of its set, an empty set included, workers no longer find."""
    web, clock = Web({KEYS: {"keys": [EC]}}), Clock()
    await deployed(store, TRUSTED)
    issuers = at(store, web, clock)
    await issuers.round()
    web.documents[KEYS] = {"keys": []}
    clock.now += SHORTEST
    await issuers.round()
    found = await stored(store)
    assert found is not None
    assert found[0]["jwks"] == {"keys": []}


async def test_an_outage_keeps_what_is_known(store: SqlStore, caplog: pytest.LogCaptureFixture) -> None:
    """Failures change nothing in the store, are logged, and are tried again after 15 s, 30 s and so on to 5 minutes."""
    web, clock = Web({KEYS: {"keys": [EC]}}), Clock()
    await deployed(store, TRUSTED)
    issuers = at(store, web, clock)
    await issuers.round()
    good = await stored(store)
    web.documents[KEYS] = FetchError("id.test did not answer within 5 s")
    clock.now += SHORTEST
    tries: list[float] = []
    began = clock.now
    while len(tries) < 7:
        count = len(web.asked)
        await issuers.round()
        if len(web.asked) > count:
            tries.append(clock.now - began)
        clock.now += 5
    assert [after - before for before, after in itertools.pairwise(tries)] == [
        15,
        30,
        60,
        120,
        240,
        300,
    ]
    assert await stored(store) == good
    assert (
        "keys of the issuer https://id.test could not be read, next try in 15 s: id.test did not"
        in caplog.text
    )
    web.documents[KEYS] = {"keys": []}
    clock.now += 300
    await issuers.round()
    found = await stored(store)
    assert found is not None
    assert found[0]["jwks"] == {"keys": []}


async def test_one_bad_issuer_holds_up_no_other(store: SqlStore) -> None:
    """Every due issuer is tried in the same round."""
    others = [TrustedIssuer(issuer=f"https://{n}.test", jwks_uri=f"https://{n}.test/k") for n in range(20)]
    web, clock = Web({each.jwks_uri: {"keys": []} for each in others}), Clock()
    await deployed(store, TRUSTED, *others)
    await at(store, web, clock).round()
    assert len(web.asked) == 21
    assert all([await stored(store, each.issuer) for each in others])


async def test_a_question_reads_at_once_and_not_again_for_a_while(store: SqlStore) -> None:
    """An unknown key makes one reading, whoever else asks; the next one waits ten seconds."""
    web, clock = Web({KEYS: {"keys": [EC]}}, max_age=3600), Clock()
    await deployed(store, TRUSTED)
    issuers = at(store, web, clock)
    await asyncio.gather(*(issuers.refresh(ISSUER) for _ in range(50)))
    assert len(web.asked) == 1
    clock.now += PAUSE - 0.1
    await issuers.refresh(ISSUER)
    assert len(web.asked) == 1
    clock.now += 0.2
    await issuers.refresh(ISSUER)
    assert len(web.asked) == 2


async def test_a_failed_question_is_told_until_the_next(store: SqlStore) -> None:
    """Who asks within ten seconds of a failure hears of it without another call."""
    web, clock = Web({KEYS: FetchError("id.test cannot be reached")}), Clock()
    await deployed(store, TRUSTED)
    issuers = at(store, web, clock)
    for _ in range(3):
        with pytest.raises(FetchError, match=r"id\.test cannot be reached"):
            await issuers.refresh(ISSUER)
    assert len(web.asked) == 1


async def test_whoever_goes_away_ends_it_for_nobody_else(store: SqlStore) -> None:
    """A reading that two wait for survives one of them."""
    web, clock = Web({KEYS: {"keys": [EC]}}), Clock()
    await deployed(store, TRUSTED)
    issuers = at(store, web, clock)
    first = asyncio.create_task(issuers.refresh(ISSUER))
    second = asyncio.create_task(issuers.refresh(ISSUER))
    await asyncio.sleep(0.01)
    first.cancel()
    await second
    assert await stored(store) is not None


async def test_nobody_is_called_whom_no_api_trusts(store: SqlStore) -> None:
    """A question about an unlisted issuer, or one that is no longer listed, is refused."""
    web, clock = Web({KEYS: {"keys": []}}), Clock()
    issuers = at(store, web, clock)
    with pytest.raises(FetchError, match="no deployed API trusts this issuer's keys"):
        await issuers.refresh(ISSUER)
    await deployed(store, TRUSTED)
    await issuers.round()
    await deployed(store, TrustedIssuer(issuer="https://new.test", jwks_uri="https://new.test/k"))
    clock.now += LONGEST
    await issuers.round()
    assert web.asked == [KEYS, "https://new.test/k"]
    with pytest.raises(FetchError, match="no deployed API"):
        await issuers.refresh(ISSUER)
