"""The gate before an environment's own settings."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.control.promoting import ANN, API, BOB, accounts, apply, in_force, orders, to_staging
from tests.storage.samples import FREE, document

from wardgate.control import promote
from wardgate.control.apply import ApplyResult, apply_document
from wardgate.control.errors import ConflictError
from wardgate.domain.document import Document, EnvironmentEntry
from wardgate.domain.environment import EnvironmentSettings
from wardgate.domain.limit import Limit
from wardgate.domain.upstream import Upstream
from wardgate.storage.database import SqlStore

pytestmark = pytest.mark.every_database
MUCH = (Limit(kind="rate", amount=100_000, per="minute"),)
LITTLE = (Limit(kind="rate", amount=1, per="minute", burst=1),)
OPERATOR = replace(ANN, permissions=BOB.permissions)


def says(**fields: object) -> Document:
    """A document with settings of staging."""
    return replace(document(), environments=(EnvironmentEntry(name="staging", **fields),))  # type: ignore[arg-type]


async def put(store: SqlStore, wanted: Document) -> ApplyResult:
    await accounts(store)
    return await apply_document(store.acting(OPERATOR), wanted, "development", "ann", "why")


async def settings_of(store: SqlStore, environment: str = "staging") -> EnvironmentSettings:
    async with store.reading() as tx:
        return next(each.settings for each in await tx.environments.all() if each.name == environment)


async def test_an_override_that_raises_a_limit_waits(store: SqlStore) -> None:
    """It stays as it was until another person agrees; asked again it is the same request; a stricter one goes at once."""
    await apply(store, orders())
    await to_staging(store)
    assert (await put(store, says(plans={"free": LITTLE}))).waiting == ()
    assert (await settings_of(store)).plans == {"free": LITTLE}
    asked = await put(store, says(plans={"free": MUCH}))
    assert len(asked.waiting) == 1
    assert (await put(store, says(plans={"free": MUCH}))).waiting == asked.waiting
    assert (await settings_of(store)).plans == {"free": LITTLE}
    shown = await promote.show(store, asked.waiting[0])
    assert [each.kind for each in shown.promotion.weakenings] == ["limit_raised"]
    with pytest.raises(ConflictError, match="somebody else"):
        await promote.approve(store.acting(OPERATOR), asked.waiting[0], reason="mine")
    await promote.approve(store.acting(BOB), asked.waiting[0], reason="agreed")
    assert (await settings_of(store)).plans == {"free": MUCH}


async def test_a_variable_that_takes_tls_away_waits(store: SqlStore) -> None:
    """What variables do is seen in the APIs bound with them."""
    targets = Upstream(targets=("${SCHEME}://orders.internal",))
    wanted = replace(
        document([orders(upstream=targets)], [FREE]),
        environments=tuple(
            EnvironmentEntry(name=name, variables={"SCHEME": "https"}) for name in ("development", "staging")
        ),
    )
    await put(store, wanted)
    await to_staging(store)
    asked = await put(store, says(variables={"SCHEME": "http"}))
    assert len(asked.waiting) == 1
    async with store.reading() as tx:
        found = await tx.apis.deployment("staging", API)
        assert found is not None
        assert found.bound.upstream.targets == ("https://orders.internal",)
    await promote.approve(store.acting(BOB), asked.waiting[0], reason="inside the cluster")
    async with store.reading() as tx:
        found = await tx.apis.deployment("staging", API)
        assert found is not None
        assert found.bound.upstream.targets == ("http://orders.internal",)


async def test_settings_that_changed_since_must_be_asked_for_anew(store: SqlStore) -> None:
    """Approving takes nobody else's change back."""
    await apply(store, orders())
    await to_staging(store)
    asked = await put(store, says(plans={"free": MUCH}))
    await put(store, says(hosts=("stg.example.com",)))
    with pytest.raises(ConflictError, match="were changed since"):
        await promote.approve(store.acting(BOB), asked.waiting[0], reason="agreed")
    assert "were changed since" in (await promote.show(store, asked.waiting[0])).obstacle


async def test_the_first_environment_has_no_gate_and_cannot_be_exchanged(store: SqlStore) -> None:
    """Its settings hold at once. One with APIs in it does not become the first, or applying would pass no gate."""
    await apply(store, orders())
    await to_staging(store)
    first = replace(document(), environments=(EnvironmentEntry(name="development", plans={"free": MUCH}),))
    assert (await put(store, first)).waiting == ()
    assert (await settings_of(store, "development")).plans == {"free": MUCH}
    turned = replace(
        document(), environments=(EnvironmentEntry(name="staging"), EnvironmentEntry(name="development"))
    )
    with pytest.raises(ConflictError, match="cannot become the first"):
        await put(store, turned)
    assert await in_force(store) == 1
