"""Who asks: the bearer, the address, and what many failures come to."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.requests import Request

from wardgate.control.errors import UnauthenticatedError
from wardgate.domain.actor import Actor
from wardgate.storage.database import SqlStore
from wardgate.web.admin_api.actor import BURST, STEP, BearerActors, address_of
from wardgate.web.admin_api.problems import TooManyFailuresError
from wardgate.web.calls import hop_secret

ADA = Actor(kind="user", id="usr_ada", name="ada")


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def known(store: SqlStore, bearer: str, address: str, now: float) -> Actor:
    """Ada's tokens begin with ``good``."""
    if not bearer.startswith("good"):
        raise UnauthenticatedError
    return ADA


def request(*headers: tuple[str, str], address: str = "192.0.2.1") -> Request:
    """A request with these header fields."""
    raw = [(name.encode(), value.encode()) for name, value in headers]
    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "headers": raw,
        "client": (address, 1),
    }
    return Request(scope)


def bearing(token: str, address: str = "192.0.2.1") -> Request:
    """A request with that bearer."""
    return request(("authorization", f"Bearer {token}"), address=address)


@pytest.fixture
def clock() -> Clock:
    """The clock of this test."""
    return Clock()


@pytest.fixture
def actors(store: SqlStore, clock: Clock) -> BearerActors:
    """Who asks, on an empty store."""
    return BearerActors(store, known, clock)


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("authorization", "good"),),
        (("authorization", "Basic good"),),
        (("authorization", "Bearer "),),
        (("authorization", "Bearer " + "g" * 5000),),
        (("authorization", "Bearer good"), ("authorization", "Bearer good")),
        (("cookie", "token=good"),),
    ],
)
async def test_one_bearer_in_its_header(actors: BearerActors, headers: tuple[tuple[str, str], ...]) -> None:
    """Anything else is nobody's request."""
    with pytest.raises(UnauthenticatedError):
        await actors(request(*headers))


async def test_an_address_that_fails_too_often_waits(actors: BearerActors, clock: Clock) -> None:
    """After a burst it may fail once in a while; others, and who was good before, go on."""
    assert await actors(bearing("good-before")) is ADA
    for _ in range(BURST):
        with pytest.raises(UnauthenticatedError):
            await actors(bearing("bad"))
    with pytest.raises(TooManyFailuresError) as waits:
        await actors(bearing("bad"))
    assert 0 < waits.value.seconds <= STEP
    with pytest.raises(TooManyFailuresError):
        await actors(bearing("good-new"))
    assert await actors(bearing("good-before")) is ADA
    assert await actors(bearing("good-new", "192.0.2.2")) is ADA
    clock.now += STEP
    with pytest.raises(UnauthenticatedError):
        await actors(bearing("bad"))


async def test_an_ipv6_network_is_one_address(actors: BearerActors) -> None:
    """Whoever has a /64 has no more tries."""
    for number in range(BURST):
        with pytest.raises(UnauthenticatedError):
            await actors(bearing("bad", f"2001:db8::{number + 1:x}"))
    with pytest.raises(TooManyFailuresError):
        await actors(bearing("bad", "2001:db8::ffff"))
    with pytest.raises(UnauthenticatedError):
        await actors(bearing("bad", "2001:db8:0:1::1"))


async def test_an_address_is_believed_of_our_gateway_only(store: SqlStore) -> None:
    """``X-Forwarded-For`` counts with the proof of the hop."""
    hop = hop_secret(store.master_key())
    forwarded = ("x-forwarded-for", "198.51.100.7")
    proven = request(forwarded, ("x-wardgate-hop", hop))
    assert address_of(proven.scope, hop.encode()) == "198.51.100.7"
    for other in (request(forwarded), request(forwarded, ("x-wardgate-hop", "0" * 64))):
        assert address_of(other.scope, hop.encode()) == "192.0.2.1"
