"""Adding, listing, suspending and restoring applications."""

from __future__ import annotations

import pytest
from tests.storage.samples import feed_of, orders, put_anywhere

from wardgate.control import applications
from wardgate.control.apply import apply_document
from wardgate.control.errors import ConflictError, InvalidError, NotFoundError
from wardgate.storage.database import SqlStore

pytestmark = pytest.mark.every_database


async def test_applications_are_listed_by_name_with_subscriptions(store: SqlStore) -> None:
    """The list is sorted by name and shows where each is subscribed."""
    await apply_document(store, orders(), "development", "test", "")
    await put_anywhere(store, orders(), "staging")
    await applications.add(store, name="batch", owner="ops@example.com")
    batch, mobile = await applications.list_applications(store)
    assert (batch.application.name, batch.application.owner, batch.subscriptions) == (
        "batch",
        "ops@example.com",
        (),
    )
    assert [(place, item.api, item.plan) for place, item in mobile.subscriptions] == [
        ("development", "orders/v1", "free"),
        ("staging", "orders/v1", "free"),
    ]
    assert await applications.show(store, "mobile") == mobile
    assert await applications.show(store, mobile.application.id) == mobile


async def test_suspending_and_restoring_are_announced_once(store: SqlStore) -> None:
    """Each real change of status gives one row of the feed; asking for the present status gives none."""
    added = await applications.add(store, name="mobile")
    assert (await applications.suspend(store, "mobile")).status == "suspended"
    assert (await applications.suspend(store, added.id)).status == "suspended"
    assert (await applications.show(store, "mobile")).application.status == "suspended"
    assert (await applications.restore(store, "mobile")).status == "active"
    assert feed_of(store.data_dir) == [("application", added.id)] * 3


@pytest.mark.parametrize(
    ("name", "owner", "code"),
    [
        ("", "", "name_invalid"),
        ("  ", "", "name_invalid"),
        ("x" * 101, "", "name_invalid"),
        ("a\r\nb", "", "name_invalid"),
        ("fine", "x" * 301, "owner_invalid"),
    ],
)
async def test_a_name_that_cannot_be_is_refused(store: SqlStore, name: str, owner: str, code: str) -> None:
    """Empty, overlong and multi-line names and owners are errors, and nothing is added."""
    with pytest.raises(InvalidError) as caught:
        await applications.add(store, name=name, owner=owner)
    assert caught.value.code == code
    assert await applications.list_applications(store) == []


async def test_a_name_is_taken_once(store: SqlStore) -> None:
    """A second application of a name is refused."""
    await applications.add(store, name="mobile")
    with pytest.raises(ConflictError, match="'mobile' already") as caught:
        await applications.add(store, name="mobile")
    assert caught.value.code == "application_exists"


async def test_an_unknown_application_is_named(store: SqlStore) -> None:
    """Using an application that is not there says which."""
    for use in (applications.show, applications.suspend, applications.restore):
        with pytest.raises(NotFoundError, match="'nobody'") as caught:
            await use(store, "nobody")
        assert caught.value.code == "application_not_found"
