"""An installation to promote in: ``orders/v1`` in development, people who ask and who approve, and a clock."""

from __future__ import annotations

from dataclasses import replace

from tests.control.operators.operating import person
from tests.storage.samples import FREE, document, entry

from wardgate.control import promote
from wardgate.control.apply import apply_document
from wardgate.control.promote import PromotionRecord
from wardgate.domain.actor import Actor
from wardgate.domain.api import Api, Resource
from wardgate.domain.document import ApiEntry
from wardgate.domain.limit import Limit, Plan
from wardgate.domain.permission import BUILTIN_ROLES
from wardgate.storage.database import SqlStore

API = "orders/v1"
ANN = Actor(kind="user", id="usr_ann", name="ann", permissions=BUILTIN_ROLES["publisher"])
BOB = Actor(kind="user", id="usr_bob", name="bob", permissions=BUILTIN_ROLES["owner"])
CI = Actor(kind="service", id="svc_ci", name="ci", permissions=BUILTIN_ROLES["owner"])
VIEWER = Actor(kind="user", id="usr_vic", name="vic", permissions=BUILTIN_ROLES["viewer"])

CLOSED = Resource(method="GET", path="/items", schemes=("api_key",))
OPENED = replace(CLOSED, schemes=())
MORE = Plan(name="free", limits=(Limit(kind="rate", amount=200, per="minute", burst=20),))


def orders(*resources: Resource, **fields: object) -> ApiEntry:
    """The API with these resources."""
    made = entry()
    api: Api = replace(made.api, resources=resources or (CLOSED,), **fields)  # type: ignore[arg-type]
    return replace(made, api=api)


async def accounts(store: SqlStore) -> None:
    """Afterwards Ann and Bob have accounts: nobody agrees to what somebody asked for who has none."""
    for each in (ANN, BOB):
        await person(store, each.name)


async def apply(store: SqlStore, wanted: ApiEntry, plan: Plan = FREE, *, note: str = "") -> int:
    """The number of the revision that is in force in development afterwards."""
    await accounts(store)
    await apply_document(store, document([wanted], [plan]), "development", "dev", note)
    async with store.reading() as tx:
        found = await tx.apis.deployment("development", API)
        assert found is not None
        return found.revision


async def to_staging(store: SqlStore, **options: object) -> PromotionRecord:
    """What Ann hears who asks for what is in development."""
    return await promote.request(
        store.acting(ANN),
        api=API,
        environment="staging",
        **options,  # type: ignore[arg-type]
    )


async def in_force(store: SqlStore, environment: str = "staging") -> int | None:
    """The revision there."""
    async with store.reading() as tx:
        found = await tx.apis.deployment(environment, API)
        return found.revision if found else None


async def audited(store: SqlStore, action: str) -> list[tuple[str, str, str]]:
    """Who did that, to what, with which outcome."""
    async with store.reading() as tx:
        return [
            (each.actor_name, each.event.target, each.event.outcome)
            for each in await tx.audit.page(0, 1000)
            if each.event.action == action
        ]
