"""APIs that every environment had for itself become one, and what is served stays what it was."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Place
from tests.postgres import Postgres
from tests.storage.samples import FREE, GOLD, entry, source_of
from tests.storage.schemas import at_schema, postgres_at_schema

from wardgate.control.apply import apply_document
from wardgate.domain.api import Api, PolicyUse, Resource
from wardgate.domain.codec import encode_api, encode_plan
from wardgate.domain.document import ApiEntry, ApplicationEntry, Document, SubscriptionEntry
from wardgate.storage.database import SqlStore, open_store
from wardgate.storage.layout import SCHEMAS, database_path

#: Every schema in which environments had their own APIs.
OLDER = SCHEMAS[: SCHEMAS.index("v0007")]
ENVIRONMENTS = ("development", "staging", "production")


def with_dollars(made: ApiEntry) -> ApiEntry:
    """An API whose settings hold what variables look like now, which meant nothing then."""
    config = {"pattern": "^a$", "text": "${NAME} costs $$5", "list": ["${secret:KEY}"]}
    uses = (PolicyUse(name="acme.tenant", config=config),)
    resource = Resource(method="GET", path="/x", schemes=("api_key",), policies=uses)
    api = replace(made.api, policies=uses, resources=(*made.api.resources, resource))
    return replace(
        made, api=api, source=dict(made.source) | {"policies": [{"use": "acme.tenant", "with": config}]}
    )


#: By environment and API the entries it had, oldest first; the last is in force, unless that is withdrawn.
HISTORY: dict[tuple[str, str], tuple[list[ApiEntry], int | None]] = {
    ("development", "orders"): (
        [entry(), entry(targets=("http://127.0.0.1:1",)), entry(plans=("free", "gold"))],
        3,
    ),
    ("staging", "orders"): ([entry(targets=("http://127.0.0.1:2",)), entry()], 1),
    ("production", "orders"): ([with_dollars(entry(targets=("http://127.0.0.1:3",)))], 1),
    ("production", "users"): ([entry("users", plans=())], 1),
    ("staging", "gone"): ([entry("gone", plans=())], None),
}


def rows(schema: str) -> list[tuple[str, dict[str, Any]]]:
    """What an installation at ``schema`` holds, table by table."""
    made: list[tuple[str, dict[str, Any]]] = [
        ("plans", {"name": plan.name, "position": position, "document": json.dumps(encode_plan(plan))})
        for position, plan in enumerate((GOLD, FREE), 1)
    ]
    for count, ((environment, name), (entries, in_force)) in enumerate(HISTORY.items()):
        row = {"id": f"api_{count}", "environment": environment, "name": name, "version": "v1"}
        made.append(("apis", row | {"revision": in_force}))
        for number, each in enumerate(entries, 1):
            made.append(
                (
                    "revisions",
                    {
                        "id": f"rev_{count}_{number}",
                        "api": f"api_{count}",
                        "number": number,
                        "hash": "old",
                        "source": json.dumps(dict(each.source)),
                        "openapi_name": each.openapi_name,
                        "openapi_text": each.openapi_text,
                        "resolved": json.dumps(_as_of(schema, encode_api(each.api))),
                        "created_at": 100.0 + count * 10 + number,
                        "actor": "alice",
                        "note": f"{environment} {number}",
                    },
                )
            )
    application = {"id": "app_1", "name": "mobile", "owner": "", "status": "active", "created_at": 1.0}
    made.append(("applications", application))
    for count, (environment, plan) in enumerate(
        (("development", "gold"), ("staging", "free"), ("production", "free"))
    ):
        subscription = {"id": f"sub_{count}", "application_id": "app_1", "environment": environment}
        made.append(("subscriptions", subscription | {"api": "orders/v1", "plan": plan, "created_at": 1.0}))
    if schema >= "v0004":
        made.append(
            ("environment_settings", {"environment": "staging", "token_endpoint": "https://id.example.com/t"})
        )
    return made


def _as_of(schema: str, api: dict[str, Any]) -> dict[str, Any]:
    """The API without the fields that came later."""
    del api["upstream"]["headers"]
    known = "name version base_path upstream resources hosts api_key schemes plans cors undeclared max_body policies"
    kept = {key: api[key] for key in (*known.split(), "identity_headers", "assertion")}
    fields = "method path schemes scopes operation_id max_body policies"
    return kept | {"resources": [{key: each[key] for key in fields.split()} for each in api["resources"]]}


def statement(table: str, row: dict[str, Any], mark: str) -> str:
    """An INSERT of the row with placeholders."""
    return f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(mark for _ in row)})"


def served(environment: str, name: str) -> Api:
    """What a gateway served before, settings of policies in the form they have now."""
    entries, in_force = HISTORY[environment, name]
    assert in_force is not None
    return entries[in_force - 1].api


async def told(store: SqlStore) -> None:
    """The assertions that hold on every database."""
    async with store.reading() as tx:
        assert [each.api for each in await tx.apis.all()] == ["orders/v1", "users/v1", "gone/v1"]
        notes = {
            each.number: (each.note, each.actor, each.created_at)
            for each in await tx.apis.revisions("orders/v1")
        }
        assert notes == {
            1: ("development 1", "alice", 101.0),
            2: ("development 2", "alice", 102.0),
            3: ("development 3", "alice", 103.0),
            4: ("staging 1", "alice", 111.0),
            5: ("staging 2", "alice", 112.0),
            6: ("production 1", "alice", 121.0),
        }
        for api, numbers in {"orders/v1": range(1, 7), "users/v1": (1,), "gone/v1": (1,)}.items():
            for number in numbers:
                check = await tx.apis.check(api, number)
                assert check is not None and check.sound, (api, number)
        third = await tx.apis.revision("orders/v1", 3)
        assert third is not None and third.plans == (FREE, GOLD)
        in_force = {
            environment: [(each.bound.id, each.revision) for each in await tx.apis.deployed(environment)]
            for environment in ENVIRONMENTS
        }
        assert in_force == {
            "development": [("orders/v1", 3)],
            "staging": [("orders/v1", 4)],
            "production": [("orders/v1", 6), ("users/v1", 1)],
        }
        for environment in ENVIRONMENTS:
            assert await tx.plans.all(environment) == {"gold": GOLD, "free": FREE}
            for deployment in await tx.apis.deployed(environment):
                before = served(environment, deployment.bound.name)
                assert replace(deployment.bound, policies=(), resources=()) == replace(
                    before, policies=(), resources=()
                )
        subscriptions = [(place, item.plan) for place, item in await tx.applications.subscriptions()]
        assert subscriptions == [("development", "gold"), ("staging", "free"), ("production", "free")]


def fill(data_dir: Path, schema: str) -> None:
    """A SQLite database of ``schema`` with all that."""
    at_schema(data_dir, schema)
    with closing(sqlite3.connect(database_path(data_dir))) as connection, connection:
        for table, row in rows(schema):
            connection.execute(statement(table, row, "?"), list(row.values()))


@pytest.mark.parametrize("schema", OLDER)
async def test_every_deployment_goes_on_as_it_was(tmp_path: Path, schema: str) -> None:
    """From every older schema: one API with the revisions of all environments, signed; each serves what it served."""
    from wardgate.gateway.secrets import reveal

    data_dir = tmp_path / "data"
    fill(data_dir, schema)
    async with await open_store(data_dir) as store:
        await told(store)
        for environment in ENVIRONMENTS:
            source = source_of(store, environment)
            for api in source.apis():
                plain = reveal(api, source.secrets).api or api
                assert plain == served(environment, api.name)
            expected = "https://id.example.com/t" if environment == "staging" and schema >= "v0004" else ""
            assert source.token_endpoint() == expected
            assert source.plans() == {"free": FREE, "gold": GOLD}
            source.close()


async def test_what_looks_like_a_variable_stays_text(tmp_path: Path) -> None:
    """Bound again from its revision, an API that held dollar signs before is what it was."""
    from wardgate.control.binding import bind
    from wardgate.domain.environment import EnvironmentSettings

    data_dir = tmp_path / "data"
    fill(data_dir, "v0001")
    async with await open_store(data_dir) as store, store.reading() as tx:
        deployment = await tx.apis.deployment("production", "orders/v1")
        assert deployment is not None
        assert bind(deployment.entry.api, EnvironmentSettings(), frozenset()) == deployment.bound
        assert deployment.entry.source["policies"][0]["with"]["text"] == "$${NAME} costs $$$$5"


async def test_a_migrated_installation_takes_the_same_document_as_no_news(tmp_path: Path) -> None:
    """What was in force in the first environment, applied again, changes nothing; something new is revision 7."""
    data_dir = tmp_path / "data"
    fill(data_dir, "v0005")
    same = Document(
        apis=(HISTORY["development", "orders"][0][2],),
        plans=(GOLD, FREE),
        applications=(
            ApplicationEntry(name="mobile", subscriptions=(SubscriptionEntry(api="orders/v1", plan="gold"),)),
        ),
    )
    async with await open_store(data_dir) as store:
        assert (await apply_document(store, same, "development", "test", "")).changes == ()
        newer = replace(same, apis=(entry(plans=("gold",)),))
        assert (await apply_document(store, newer, "development", "test", "")).revisions == {"orders/v1": 7}


@pytest.mark.only_postgresql
@pytest.mark.spoils_database
async def test_an_older_postgresql_database_is_moved_alike(place: Place, postgres: Postgres) -> None:
    """On PostgreSQL the same comes of the same rows."""
    assert place.url is not None
    engine = postgres_at_schema(place, postgres, "v0005")
    with engine.begin() as connection:
        for table, row in rows("v0005"):
            connection.exec_driver_sql(statement(table, row, "%s"), tuple(row.values()))
    engine.dispose()
    async with await open_store(place.data_dir, place.url) as store:
        await told(store)
