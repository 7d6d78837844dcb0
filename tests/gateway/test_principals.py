"""Cached principals: asked for once, refusals too, and dropped when the feed says so."""

from __future__ import annotations

import pytest

from wardgate.domain.consumer import Application
from wardgate.domain.principal import Principal, Shown
from wardgate.gateway.ports import GatewaySource, StoreUnavailableError
from wardgate.gateway.principals import Principals


class _Store:
    """The one read of a store that principals make, over a dict."""

    def __init__(self, **known: str) -> None:
        self.known = {
            digest.encode(): _principal(digest, application) for digest, application in known.items()
        }
        self.asked: list[bytes] = []
        self.away = False

    def principal(self, digest: bytes) -> Principal | None:
        self.asked.append(digest)
        if self.away:
            raise StoreUnavailableError("away")
        return self.known.get(digest)


def _principal(digest: str, application: str) -> Principal:
    return Principal(Shown(digest, "development"), Application(id=application, name=application), {})


def _principals(store: _Store, size: int = 10) -> Principals:
    source: GatewaySource = store  # type: ignore[assignment]
    return Principals(source, size, size)


def test_each_digest_is_looked_up_once() -> None:
    """Known and unknown ones alike; hits and misses are counted."""
    store = _Store(a="one")
    principals = _principals(store)
    for _ in range(3):
        assert principals.get(b"a") is store.known[b"a"]
        assert principals.get(b"b") is None
    assert store.asked == [b"a", b"b"]
    assert (principals.hits, principals.misses, principals.sizes) == (4, 2, (1, 1))


def test_a_change_is_seen_after_its_drop() -> None:
    """A key issued after its digest was refused, and one revoked after it was accepted."""
    store = _Store(a="one")
    principals = _principals(store)
    principals.get(b"a")
    principals.get(b"b")
    store.known = {b"b": _principal("b", "two")}
    assert principals.get(b"a") is not None
    assert principals.get(b"b") is None
    principals.drop_credential(b"a")
    principals.drop_credential(b"b")
    assert principals.get(b"a") is None
    assert principals.get(b"b") is store.known[b"b"]


def test_an_application_is_dropped_with_all_its_credentials() -> None:
    """Those of others stay, in both generations of the cache."""
    store = _Store(**{f"k{number}": "one" if number % 2 else "two" for number in range(8)})
    principals = _principals(store, size=100)
    for digest in store.known:
        principals.get(digest)
    store.asked.clear()
    principals.drop_application("one")
    for digest in store.known:
        principals.get(digest)
    assert store.asked == [b"k1", b"k3", b"k5", b"k7"]


def test_an_unreachable_store_is_no_refusal() -> None:
    """What is cached is served, what is not raises, and nothing is remembered of it."""
    store = _Store(a="one")
    principals = _principals(store)
    principals.get(b"a")
    store.away = True
    assert principals.get(b"a") is not None
    with pytest.raises(StoreUnavailableError):
        principals.get(b"b")
    store.away = False
    assert principals.get(b"b") is None


def test_memory_is_bounded_however_many_keys_are_tried() -> None:
    """Ten thousand guesses leave no more than the bound behind."""
    principals = _principals(_Store(a="one"), size=50)
    for number in range(10_000):
        principals.get(b"%d" % number)
    assert principals.sizes[1] <= 50
