"""JWK sets of others: one call at a time, seldom, bounded, and believed for a while when their server is away."""

from __future__ import annotations

import asyncio

import pytest
from tests.identity.token_side import Holder, Net

from wardgate.identity.ports import FetchError
from wardgate.identity.remote_keys import MOST, REFETCH, STALE, RemoteKeys

URL = "https://app.example.com/jwks"


async def test_many_at_once_make_one_call() -> None:
    """And all get its answer."""
    net, keys, holder = Net(), RemoteKeys(), Holder()
    net.documents[URL] = holder.jwks
    found = await asyncio.gather(*(keys.get(net, URL, 0.0) for _ in range(20)))
    assert net.asked == [URL]
    assert {len(each.keys.keys) for each in found} == {1}


@pytest.mark.parametrize(("told", "kept"), [(0.0, 600), (1.0, 60), (1200.0, 1200), (1e9, 3600)])
async def test_a_set_is_kept_as_long_as_its_server_says(told: float, kept: int) -> None:
    """Within bounds: a minute to an hour."""
    net, keys = Net(max_age=told), RemoteKeys()
    net.documents[URL] = Holder().jwks
    for now in (0.0, kept - 1.0):
        await keys.get(net, URL, now)
    assert len(net.asked) == 1
    await keys.get(net, URL, float(kept))
    assert len(net.asked) == 2


async def test_an_unknown_key_asks_again_but_seldom() -> None:
    """Tokens with invented key ids make no flood of calls."""
    net, keys = Net(), RemoteKeys()
    net.documents[URL] = Holder().jwks
    for now in range(int(REFETCH)):
        await keys.get(net, URL, float(now), kid=f"invented {now}")
    assert len(net.asked) == 1
    await keys.get(net, URL, REFETCH, kid="invented")
    assert len(net.asked) == 2


async def test_a_server_that_is_away_is_believed_for_an_hour() -> None:
    """Then nobody is, and it is still not asked more than twice a minute."""
    net, keys = Net(), RemoteKeys()
    net.documents[URL] = Holder().jwks
    read = await keys.get(net, URL, 0.0)
    net.documents.clear()
    assert await keys.get(net, URL, 600.0 + STALE - 1) == read
    for now in (600.0 + STALE, 600.0 + STALE + 1):
        with pytest.raises(FetchError):
            await keys.get(net, URL, now)
    assert len(net.asked) == 2
    with pytest.raises(FetchError):
        await keys.get(net, "https://away.example/jwks", 0.0)


async def test_what_is_kept_is_bounded() -> None:
    """The set not used for longest goes first."""
    net, keys = Net(), RemoteKeys()
    urls = [f"https://{number}.example/jwks" for number in range(MOST + 1)]
    net.documents.update((url, Holder().jwks if url == urls[0] else {"keys": []}) for url in urls)
    for url in urls:
        await keys.get(net, url, 0.0)
    await keys.get(net, urls[-1], 1.0)
    assert len(net.asked) == MOST + 1
    await keys.get(net, urls[0], 1.0)
    assert len(net.asked) == MOST + 2
