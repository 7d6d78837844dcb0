"""Webhooks as operators look after them, and what is written for them to hear, on both databases."""

from __future__ import annotations

import json

import pytest
from standardwebhooks import Webhook as Receiver
from tests.control.test_access import actor, ask, code_of, ready

from wardgate.control import access, applications, keys, webhooks
from wardgate.control.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from wardgate.domain.webhook import EVENTS, Delivery
from wardgate.identity.webhook_delivery import signed_headers
from wardgate.storage.database import SqlStore

pytestmark = pytest.mark.every_database

URL = "https://hooks.example.com/wardgate?of=us"


async def waiting(store: SqlStore, webhook_id: str) -> list[Delivery]:
    """What was written for a webhook, oldest first."""
    return list(reversed((await webhooks.show(store, webhook_id)).deliveries))


async def test_each_side_of_what_happens_is_told(store: SqlStore) -> None:
    """Requests, decisions, holds and keys are written with the change, without names of people or secrets."""
    webhook, secret = await webhooks.add(store, url=URL)
    await ready(store)
    found = await ask(store, message="I am Ada")
    await access.approve(store, found.request.id)
    issued, key = await keys.issue(store, application="mobile", environment="development")
    _, other = await keys.rotate(store, issued.id, overlap=0)
    await keys.revoke(store, (await keys.list_keys(store))[-1].credential.id)
    await applications.suspend(store, "mobile")
    await applications.restore(store, "mobile")
    told = await waiting(store, webhook.id)
    assert [each.event for each in told] == [
        "access.requested",
        "access.approved",
        "key.issued",
        "key.rotated",
        "key.revoked",
        "application.suspended",
        "application.restored",
    ]
    for each in told:
        body = json.loads(each.payload)
        assert (body["type"], set(body)) == (each.event, {"type", "timestamp", "data"})
        for hidden in ("Ada", "example.com", key.reveal().decode(), other.reveal().decode()):
            assert hidden not in each.payload
        assert each.message.startswith("msg_")
        assert secret.reveal().decode() not in each.payload
    assert json.loads(told[1].payload)["data"]["application_name"] == "mobile"


async def test_what_is_rolled_back_is_told_to_nobody(store: SqlStore) -> None:
    """An event belongs to the transaction of its change."""
    webhook, _ = await webhooks.add(store, url=URL)
    with pytest.raises(RuntimeError):
        async with store.writing() as tx:
            await tx.webhooks.emit("promotion.done", {"environment": "staging"})
            raise RuntimeError
    assert await waiting(store, webhook.id) == []


async def test_a_webhook_hears_what_it_listens_to(store: SqlStore) -> None:
    """By event and by environment; events of no environment reach it whatever environments it names."""
    some, _ = await webhooks.add(store, url=URL, events=["key.issued", "promotion.done"])
    production, _ = await webhooks.add(store, url=URL, environments=["production"])
    paused, _ = await webhooks.add(store, url=URL)
    await webhooks.change(store, paused.id, status="paused")
    async with store.writing() as tx:
        await tx.webhooks.emit("key.issued", {"environment": "development"})
        await tx.webhooks.emit("key.revoked", {"environment": "production"})
        await tx.webhooks.emit("application.suspended", {"application": "app_1"})
    assert [each.event for each in await waiting(store, some.id)] == ["key.issued"]
    assert [each.event for each in await waiting(store, production.id)] == [
        "key.revoked",
        "application.suspended",
    ]
    assert await waiting(store, paused.id) == []


async def test_the_secret_is_shown_once_and_both_sign_while_it_is_changed(store: SqlStore) -> None:
    """Somebody else's client believes messages by the old and the new secret, and after the overlap by the new only."""
    webhook, old = await webhooks.add(store, url=URL)
    assert old.reveal().startswith(b"whsec_")
    new = await webhooks.rotate_secret(store, webhook.id, overlap=60, clock=lambda: 1000.0)
    import time

    async def believed(secret: bytes, at: float) -> bool:
        async with store.reading() as tx:
            secrets = await tx.webhooks.secrets(webhook.id, at)
        headers = signed_headers("msg_1", int(time.time()), b'{"a":1}', secrets)
        try:
            return bool(Receiver(secret.decode()).verify(b'{"a":1}', headers))
        except Exception:
            return False

    assert [await believed(each.reveal(), 1059.0) for each in (old, new)] == [True, True]
    assert [await believed(each.reveal(), 1060.0) for each in (old, new)] == [False, True]
    again = await webhooks.rotate_secret(store, webhook.id, overlap=0)
    assert [await believed(each.reveal(), 1000.0) for each in (old, new, again)] == [False, False, True]
    async with store.reading() as tx:
        kept = str([each.event for each in await tx.audit.page(0, 10)])
    assert all(each.reveal().decode() not in kept for each in (old, new, again))


async def test_a_webhook_is_changed_and_removed(store: SqlStore) -> None:
    """What is given is replaced; what waited goes with it; an unknown one is not found."""
    webhook, _ = await webhooks.add(store, url=URL, description="ours")
    changed = await webhooks.change(store, webhook.id, events=["key.leaked", "key.leaked"])
    assert (changed.events, changed.description, changed.url) == (("key.leaked",), "ours", URL)
    sent = await webhooks.send_test(store, webhook.id)
    again = await webhooks.redeliver(store, sent.id)
    assert (again.message, again.payload, again.id != sent.id) == (sent.message, sent.payload, True)
    await webhooks.change(store, webhook.id, status="paused")
    assert await code_of(webhooks.send_test(store, webhook.id), ConflictError) == "webhook_not_active"
    assert await code_of(webhooks.redeliver(store, sent.id), ConflictError) == "webhook_not_active"
    await webhooks.remove(store, webhook.id)
    assert await webhooks.list_webhooks(store) == []
    assert await code_of(webhooks.show(store, webhook.id), NotFoundError) == "webhook_not_found"
    assert await code_of(webhooks.redeliver(store, sent.id), NotFoundError) == "delivery_not_found"


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"url": "ftp://example.com/"}, "url_invalid"),
        ({"url": "https://u:p@example.com/"}, "url_invalid"),
        ({"url": "https://"}, "url_invalid"),
        ({"url": "http://exa mple.com/"}, "url_invalid"),
        ({"url": URL, "events": ["key.made"]}, "event_invalid"),
        ({"url": URL, "description": "a\nb"}, "description_invalid"),
    ],
)
async def test_what_cannot_be_a_webhook_is_refused(
    store: SqlStore, settings: dict[str, object], code: str
) -> None:
    """URLs that cannot be called and unknown events are errors, and nothing is added."""
    assert await code_of(webhooks.add(store, **settings), InvalidError) == code  # type: ignore[arg-type]
    assert await webhooks.list_webhooks(store) == []


async def test_only_who_may_looks_after_webhooks(store: SqlStore) -> None:
    """A viewer sees them and changes nothing; a stranger sees nothing."""
    webhook, _ = await webhooks.add(store, url=URL)
    viewer, stranger = store.acting(actor("vera", "webhooks.view")), store.acting(actor("eve", "apis.view"))
    assert [each.id for each in await webhooks.list_webhooks(viewer)] == [webhook.id]
    assert await code_of(webhooks.list_webhooks(stranger), ForbiddenError) == "forbidden"
    for refused in (
        webhooks.add(viewer, url=URL),
        webhooks.change(viewer, webhook.id, status="paused"),
        webhooks.rotate_secret(viewer, webhook.id),
        webhooks.remove(viewer, webhook.id),
        webhooks.send_test(viewer, webhook.id),
    ):
        assert await code_of(refused, ForbiddenError) == "forbidden"


def test_event_names_are_what_the_specification_recommends() -> None:
    """Hierarchical, of letters, digits and underscores between full stops."""
    for event in EVENTS:
        assert all(part.isidentifier() for part in event.split("."))


async def test_the_trail_has_no_query_of_a_receiver(store: SqlStore) -> None:
    """Receivers are told apart by tokens in it; that it was changed is kept."""
    made, _ = await webhooks.add(store, url="https://hooks.example.com/in?token=v3rys3cret")
    await webhooks.change(store, made.id, url="https://hooks.example.com/in?token=oth3rs3cret")
    async with store.reading() as tx:
        rows = [each.event for each in await tx.audit.page(0, 10) if each.event.action == "webhook.set"]
    assert [each.after.get("url") for each in rows] == ["https://hooks.example.com/in?[redacted]"] * 2
    assert "s3cret" not in repr(rows)
