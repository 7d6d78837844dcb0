"""Which audiences a client may ask for (RFC 8707)."""

from __future__ import annotations

import pytest
from tests.identity.token_side import ISSUER, Side

from wardgate.identity import resource
from wardgate.identity.errors import OAuthError


async def targets(side: Side, *values: str) -> tuple[str, ...]:
    """What the client ``app`` gets for these."""
    known = await side.server.clients.known("app")
    assert known is not None
    return await resource.targets(side.server, known, values)


async def test_an_api_the_application_is_subscribed_to(side: Side) -> None:
    """As its URL at the gateway, in one spelling; the gateway itself; the client's own audiences."""
    orders = await side.deploy("orders")
    await side.deploy("stock")
    await side.application("acme", "orders/v1")
    await side.client(audiences=("urn:own",))
    assert await targets(side, orders, f"{orders}/", "urn:own", ISSUER) == (orders, "urn:own", ISSUER)
    assert await targets(side) == ()
    for other in (
        f"{ISSUER}/stock/v1",
        f"{orders}/items",
        f"{ISSUER}/orders",
        f"{ISSUER}.example/orders/v1",
        f"{orders}#a",
        f"{orders}?a=b",
        "orders/v1",
        "https://[",
        "urn:other",
        "x" * 3000,
    ):
        with pytest.raises(OAuthError) as caught:
            await targets(side, other)
        assert caught.value.error == "invalid_target"
    with pytest.raises(OAuthError):
        await targets(side, *["urn:own"] * 21)


async def test_a_new_api_is_found_within_a_second(side: Side) -> None:
    """What is not known is looked for in the store before it is refused."""
    await side.client()
    with pytest.raises(OAuthError):
        await targets(side, f"{ISSUER}/orders/v1")
    orders = await side.deploy("orders")
    await side.application("acme", "orders/v1")
    assert await targets(side, orders) == (orders,)


async def test_what_is_within_what(side: Side) -> None:
    """The gateway covers its APIs; otherwise only what is equal is within."""
    server, orders = side.server, f"{ISSUER}/orders/v1"
    assert resource.within(server, (), ()) == (ISSUER,)
    assert resource.within(server, (), (orders,)) == (orders,)
    assert resource.within(server, (orders, "urn:a"), ("urn:a",)) == ("urn:a",)
    for granted, asked in (
        ((orders,), (ISSUER,)),
        ((orders,), (f"{ISSUER}/stock/v1",)),
        ((), ("urn:a",)),
        ((), (f"{ISSUER}.example/",)),
    ):
        with pytest.raises(OAuthError):
            resource.within(server, granted, asked)
