"""What is refused is in the trail, and nobody fills a disk with it."""

from __future__ import annotations

from collections.abc import Callable

import httpx2
from tests.control.promoting import API, OPENED, apply, orders

from wardgate.storage.database import SqlStore
from wardgate.web.admin_api.refusals import BURST


async def test_whoever_is_refused_on_and_on_is_counted(
    store: SqlStore, visit: Callable[[str], httpx2.AsyncClient]
) -> None:
    """A hundred of one actor are kept, then few; another's are kept all the same."""
    viewer = visit("viewer")
    for _ in range(BURST + 30):
        assert (await viewer.get("/audit")).status_code == 403
    assert (await visit("publisher").get("/audit")).status_code == 403
    async with store.reading() as tx:
        kept = [each.actor_name for each in await tx.audit.page(0, 1000) if each.event.outcome == "refused"]
    assert BURST <= kept.count("viewer") <= BURST + 2
    assert kept.count("publisher") == 1


async def test_who_tries_to_approve_their_own_is_in_the_trail(
    store: SqlStore, visit: Callable[[str], httpx2.AsyncClient]
) -> None:
    """That nothing came of it is no reason to forget who tried."""
    await apply(store, orders(OPENED))
    admin = visit("admin")
    made = await admin.post("/promotions", json={"api": API, "environment": "staging", "reason": "why"})
    waiting = made.json()["promotion"]["id"]
    tried = await admin.post(
        f"/promotions/{waiting}:approve", json={"reason": "me"}, headers={"If-Match": "*"}
    )
    assert (tried.status_code, tried.json()["code"]) == (409, "second_person")
    async with store.reading() as tx:
        (kept,) = [each for each in await tx.audit.page(0, 1000) if each.event.outcome == "refused"]
    assert (kept.actor_name, kept.event.action, kept.event.target) == ("admin", "promotion.approve", waiting)
    assert kept.event.note == "needs another person"
