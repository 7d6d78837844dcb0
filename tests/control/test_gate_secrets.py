"""Nobody brings a secret of an environment to an upstream of their own alone, in whatever steps."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.control.promoting import ANN, API, BOB, CLOSED, apply, in_force, orders, to_staging
from tests.storage.samples import FREE, document

from wardgate.control import environments as use
from wardgate.control import promote
from wardgate.control.apply import apply_document
from wardgate.control.promote import PromotionRecord
from wardgate.control.rollback import rollback, withdraw
from wardgate.control.sides import differences
from wardgate.domain.document import ApiEntry, EnvironmentEntry
from wardgate.domain.secret import Secret
from wardgate.domain.upstream import Upstream
from wardgate.storage.database import SqlStore

pytestmark = pytest.mark.every_database

GOOD, EVIL = "https://orders.internal", "https://evil.example.com"
TO_EVIL = f"the secret BACK is sent to {EVIL}, where it was not sent"
TO_GOOD = f"the secret BACK is sent to {GOOD}, where it was not sent"


def sending(target: str = "${BACK_URL}", *, header: str = "${secret:BACK}") -> ApiEntry:
    """The API, closed, with a header for its upstream."""
    return orders(CLOSED, upstream=Upstream(targets=(target,), headers={"X-Back": header}))


async def prepared(store: SqlStore) -> None:
    """Every environment has the secret, and a variable for the upstream."""
    for name in ("development", "staging", "production"):
        await use.set_secret(store, name, "BACK", Secret(b"s3cr3t"))
        await use.set_variable(store, name, "BACK_URL", GOOD)


async def approved(store: SqlStore, asked: PromotionRecord) -> None:
    """Bob looked at it."""
    done = await promote.approve(store.acting(BOB), asked.promotion.id, reason="ours")
    assert done.promotion.status == "done"


def weak(asked: PromotionRecord) -> list[str]:
    """What a second person is asked, while it waits."""
    assert (asked.promotion.status == "pending") == bool(asked.promotion.weakenings)
    return [each.sentence for each in asked.promotion.weakenings]


async def targets(store: SqlStore) -> tuple[str, ...]:
    """Where staging sends requests."""
    async with store.reading() as tx:
        found = await tx.apis.deployment("staging", API)
        assert found is not None
        return found.bound.upstream.targets


async def test_a_new_closed_api_with_a_secret_waits(store: SqlStore) -> None:
    """In the first environment it is in force at once; in each after it, who wrote it is not the only one to look."""
    await prepared(store)
    await apply(store, sending(EVIL))
    assert await in_force(store, "development") == 1
    asked = await to_staging(store)
    assert weak(asked) == [TO_EVIL]
    assert await in_force(store) is None
    await approved(store, asked)
    further = await promote.request(store.acting(ANN), api=API, environment="production")
    assert weak(further) == [TO_EVIL]


async def test_a_new_upstream_for_a_secret_waits(store: SqlStore) -> None:
    """What is deployed sends it elsewhere; `plan` and `diff` say so as well. Without a new upstream nothing waits."""
    await prepared(store)
    await apply(store, sending())
    await approved(store, await to_staging(store))
    more = replace(CLOSED, path="/more")
    await apply(store, orders(CLOSED, more, upstream=sending().api.upstream))
    assert (await to_staging(store)).promotion.status == "done"
    wanted = document([sending(EVIL)], [FREE])
    planned = await apply_document(store, wanted, "development", "dev", "", dry_run=True)
    assert [each.sentence for each in planned.differences if each.weakens] == [TO_EVIL]
    applied = await apply_document(store, wanted, "development", "dev", "")
    assert applied.waiting == ()
    told = [each.sentence for each in await differences(store, API + "@staging", API + "@3") if each.weakens]
    assert told == [TO_EVIL]
    assert weak(await to_staging(store)) == [TO_EVIL]


@pytest.mark.parametrize("by_document", [False, True])
async def test_a_variable_that_sends_a_secret_elsewhere_waits(store: SqlStore, by_document: bool) -> None:
    """One that moves an upstream no secret goes to does not."""
    await prepared(store)
    await apply(store, sending(header="none"))
    await to_staging(store)
    assert not (await use.set_variable(store, "staging", "BACK_URL", "https://orders2.internal")).waiting
    await use.set_variable(store, "staging", "BACK_URL", GOOD)
    await apply(store, sending())
    await approved(store, await to_staging(store))
    if by_document:
        said = EnvironmentEntry(name="staging", variables={"BACK_URL": EVIL})
        wanted = replace(document(), environments=(said,))
        for place in ("development", "staging"):
            planned = await apply_document(store, wanted, place, "dev", "", dry_run=True)
            assert [each.sentence for each in planned.differences if each.weakens] == [TO_EVIL]
        (waiting,) = (await apply_document(store, wanted, "staging", "dev", "")).waiting
    else:
        waiting = (await use.set_variable(store.acting(ANN_ADMIN), "staging", "BACK_URL", EVIL)).waiting
    asked = await promote.show(store, waiting)
    assert weak(asked) == [TO_EVIL]
    assert await targets(store) == (GOOD,)
    await approved(store, asked)
    assert await targets(store) == (EVIL,)


ANN_ADMIN = replace(ANN, permissions=BOB.permissions)


async def test_withdrawing_it_and_moving_the_upstream_does_not_pass_the_gate(store: SqlStore) -> None:
    """While it is not deployed nobody minds the variable; when it comes back, by whichever way, somebody does."""
    await prepared(store)
    number = await apply(store, sending())
    await approved(store, await to_staging(store))
    await withdraw(store.acting(ANN), api=API, environment="staging", reason="for a moment")
    await use.set_variable(store, "staging", "BACK_URL", EVIL)
    back = await rollback(store.acting(ANN), api=API, environment="staging", revision=number, reason="back")
    assert weak(back) == [TO_EVIL]
    await promote.cancel(store.acting(ANN), back.promotion.id)
    assert weak(await to_staging(store)) == [TO_EVIL]
    assert await in_force(store) is None


async def test_a_rollback_to_where_a_secret_was_sent_before_takes_one_step(store: SqlStore) -> None:
    """It was agreed to then, with the promotion or with the settings; to where variables send it now, it was not."""
    await prepared(store)
    first = await apply(store, sending())
    asked = await to_staging(store)
    assert weak(asked) == [TO_GOOD]
    await approved(store, asked)
    second = await apply(store, orders(CLOSED))
    asked = await to_staging(store)
    await approved(store, asked)
    back = await rollback(store.acting(ANN), api=API, environment="staging", reason="need")
    assert (back.promotion.status, back.promotion.revision) == ("done", first)
    moved = await use.set_variable(store.acting(ANN_ADMIN), "staging", "BACK_URL", EVIL)
    await approved(store, await promote.show(store, moved.waiting))
    forth = await rollback(store.acting(ANN), api=API, environment="staging", revision=second, reason="need")
    assert forth.promotion.status == "done"
    again = await rollback(store.acting(ANN), api=API, environment="staging", revision=first, reason="need")
    assert again.promotion.status == "done"
    await rollback(store.acting(ANN), api=API, environment="staging", revision=second, reason="need")
    third = "https://third.example.com"
    assert not (await use.set_variable(store, "staging", "BACK_URL", third)).waiting
    held = await rollback(store.acting(ANN), api=API, environment="staging", revision=first, reason="need")
    assert f"the secret BACK is sent to {third}, where it was not sent" in weak(held)
    assert await in_force(store) == second
