"""Documents built in memory, and an opened store, for the tests of storage and control."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.postgres import connected

from wardgate.control.apply import apply_document
from wardgate.control.ports import Transaction
from wardgate.domain import apikey
from wardgate.domain.api import Api, Resource
from wardgate.domain.document import ApiEntry, ApplicationEntry, Document, SubscriptionEntry
from wardgate.domain.limit import Limit, Plan
from wardgate.domain.revision import offered
from wardgate.domain.secret import Secret
from wardgate.domain.upstream import Upstream
from wardgate.storage.database import SqlStore
from wardgate.storage.layout import database_path
from wardgate.storage.reader import SqliteSource

FREE = Plan(name="free", limits=(Limit(kind="rate", amount=100, per="minute", burst=20),))
GOLD = Plan(name="gold", limits=(Limit(kind="rate", amount=5000, per="minute"),))


def entry(
    name: str = "orders",
    *,
    version: str = "v1",
    base_path: str | None = None,
    plans: tuple[str, ...] = ("free",),
    resources: Iterable[str] = ("GET /items", "GET /items/{id}"),
    targets: tuple[str, ...] = ("http://127.0.0.1:9000",),
    text: str = "openapi: 3.1.0",
) -> ApiEntry:
    """An API's entry of a document."""
    mount = f"/{name}/{version}" if base_path is None else base_path
    api = Api(
        name=name,
        version=version,
        base_path=mount,
        upstream=Upstream(targets=targets),
        resources=tuple(
            Resource(method=each.split()[0], path=each.split()[1], schemes=("api_key",)) for each in resources
        ),
        plans=plans,
    )
    source: dict[str, Any] = {
        "name": name,
        "version": version,
        "base_path": mount,
        "openapi": f"./{name}.yaml",
        "upstream": {"targets": list(targets)},
        "plans": list(plans),
    }
    return ApiEntry(api=api, source=source, openapi_name=f"./{name}.yaml", openapi_text=text)


def application(name: str, **subscriptions: str | None) -> ApplicationEntry:
    """An application subscribed to version 1 of APIs, each with its plan."""
    return ApplicationEntry(
        name=name,
        owner=f"{name}@example.com",
        subscriptions=tuple(
            SubscriptionEntry(api=f"{api}/v1", plan=plan) for api, plan in subscriptions.items()
        ),
    )


def document(
    apis: Iterable[ApiEntry] = (),
    plans: Iterable[Plan] = (),
    applications: Iterable[ApplicationEntry] = (),
) -> Document:
    """A document of these parts."""
    return Document(apis=tuple(apis), plans=tuple(plans), applications=tuple(applications))


def orders() -> Document:
    """The API ``orders/v1`` on the plan ``free``, with the application ``mobile`` subscribed to it."""
    return document([entry()], [FREE], [application("mobile", orders="free")])


async def deploy(
    tx: Transaction,
    wanted: ApiEntry,
    environment: str = "development",
    *,
    plans: Iterable[Plan] = (),
    at: float = 1.0,
) -> int:
    """Puts a new revision of an API in force in any environment, as a promotion does; its number."""
    for plan in plans:
        await tx.plans.put(environment, plan)
    offers = offered(wanted, await tx.plans.all(environment))
    number = await tx.apis.add_revision(wanted, offers, at=at, actor="test", note="")
    api = wanted.api
    await tx.apis.deploy(environment, api.id, number, api, api.content_hash(), at=at, actor="test")
    await tx.feed.append("api", f"{environment} {api.id}", at=at)
    return number


async def put_anywhere(store: SqlStore, wanted: Document, environment: str, *, prune: bool = False) -> None:
    """A document in force in any environment: its APIs and plans deployed, the rest of it applied."""
    async with store.writing() as tx:
        for each in wanted.plans:
            await tx.plans.put(environment, each)
        for entry_ in wanted.apis:
            await deploy(tx, entry_, environment)
    rest = replace(wanted, apis=(), plans=())
    await apply_document(store, rest, environment, "test", "", prune)


def rows_of(data_dir: Path, statement: str) -> list[tuple[Any, ...]]:
    """What a statement finds in the database of ``data_dir``, by a connection of its own."""
    with closing(connected(data_dir) or sqlite3.connect(database_path(data_dir))) as connection:
        found: list[tuple[Any, ...]] = connection.execute(statement).fetchall()
        return found


def feed_of(data_dir: Path, after: int = 0) -> list[tuple[str, str]]:
    """The change feed after ``after``, as ``(kind, key)``."""
    return [
        (kind, key)
        for kind, key in rows_of(
            data_dir, f"SELECT kind, key FROM changes WHERE seq > {int(after)} ORDER BY seq"
        )
    ]


def count(data_dir: Path, table: str) -> int:
    """How many rows a table has."""
    return int(rows_of(data_dir, f"SELECT count(*) FROM {table}")[0][0])


def digest_of(store: SqlStore, key: Secret) -> bytes:
    """The digest a gateway looks a key up under."""
    return apikey.digest(key.reveal(), store.master_key())


def source_of(store: SqlStore, environment: str = "development") -> SqliteSource:
    """A gateway's reader of the store."""
    return SqliteSource(database_path(store.data_dir), environment, store.master_key())
