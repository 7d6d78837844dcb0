"""Groups, limits of applications and controls of subscriptions in documents: applied, told, exported, left alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.control.test_access import actor, code_of

from wardgate.control import access, applications, subscriptions
from wardgate.control import document as documents
from wardgate.control.apply import apply_document
from wardgate.control.errors import ConflictError, ForbiddenError
from wardgate.control.export import export_document
from wardgate.domain.consumer import Controls
from wardgate.domain.document import Document
from wardgate.domain.limit import Limit
from wardgate.domain.permission import BUILTIN_ROLES
from wardgate.storage.database import SqlStore

pytestmark = pytest.mark.every_database

HEAD = """
apis:
  - name: items
    version: v1
    openapi: ./items.openapi.yaml
    upstream: { targets: ["http://127.0.0.1:9000"] }
    security: { schemes: [api_key] }
    plans: [free, gold]
plans:
  - { name: free, limits: [{ kind: rate, amount: 10, per: minute }] }
  - { name: gold, approval: required, limits: [{ kind: rate, amount: 100, per: minute }] }
roles: [{ name: batch, scopes: [] }]
"""
OPENAPI = """
openapi: 3.1.0
info: { title: Items, version: "1" }
paths: { /items: { get: { responses: { "200": { description: ok } } } } }
"""
WHOLE = """
groups: [{ name: partners, description: Outside, roles: [batch] }, { name: all }]
applications:
  - name: mobile
    owner: mobile@example.com
    groups: [partners]
    limits: [{ kind: quota, amount: 1000, per: day }]
    subscriptions:
      - api: items/v1
        plan: gold
        controls:
          limits: [{ kind: rate, amount: 5, per: second }]
          cidrs: [10.0.0.0/8]
          roles: [batch]
        expires: 2027-01-31T12:00:00Z
        status: suspended
"""
PLAIN = "applications: [{ name: mobile, subscriptions: [{ api: items/v1, plan: gold }] }]"


@pytest.fixture
def read(tmp_path: Path) -> object:
    """Reads a document with these consumers."""

    def of(text: str) -> Document:
        (tmp_path / "items.openapi.yaml").write_text(OPENAPI)
        (tmp_path / "wardgate.yaml").write_text(HEAD + text)
        return documents.load(tmp_path / "wardgate.yaml")

    return of


async def put(store: SqlStore, wanted: Document, *, prune: bool = False) -> list[str]:
    """Applies a document; the lines people are shown, which a dry run showed before."""
    shown = await apply_document(store, wanted, "development", "test", "", prune, dry_run=True)
    done = await apply_document(store, wanted, "development", "test", "", prune)
    assert done.changes == shown.changes
    assert (await apply_document(store, wanted, "development", "test", "", prune)).changes == ()
    return list(done.changes)


async def test_all_of_it_is_applied_and_exported(store: SqlStore, read: object, tmp_path: Path) -> None:
    """What is exported is what was applied, and reads as the same document."""
    wanted = read(WHOLE)  # type: ignore[operator]
    lines = await put(store, wanted)
    assert "+ group partners: roles batch" in lines
    assert (
        "+ application mobile: items/v1 on plan gold, controlled, until 2027-01-31T12:00:00Z, suspended"
        in lines
    )
    (found,) = await subscriptions.list_subscriptions(store)
    assert found.subscription.controls == Controls(
        limits=(Limit(kind="rate", amount=5, per="second"),), cidrs=("10.0.0.0/8",), roles=("batch",)
    )
    assert (found.subscription.status, found.subscription.expires_at) == ("suspended", 1801396800.0)
    assert (found.application.groups, found.application.roles) == (("partners",), ("batch",))
    exported = await export_document(store, "development")
    for name, text in documents.export(exported).items():
        (tmp_path / name).write_text(text)
    again = documents.load(tmp_path / "wardgate.yaml")
    assert (again.groups, again.applications, again.plans) == (
        wanted.groups,
        wanted.applications,
        wanted.plans,
    )
    assert await put(store, again) == []


async def test_each_change_is_told(store: SqlStore, read: object) -> None:
    """One line for each thing that differs."""
    await put(store, read(WHOLE))  # type: ignore[operator]
    changed = (
        WHOLE.replace("amount: 1000", "amount: 2000")
        .replace("amount: 5,", "amount: 6,")
        .replace("[10.0.0.0/8]", "[10.0.0.0/9]")
        .replace("expires: 2027-01-31T12:00:00Z", "expires: never")
        .replace("status: suspended", "status: active")
        .replace("groups: [partners]", "groups: [all]")
        .replace("roles: [batch] }, ", "roles: [] }, ")
    )
    assert await put(store, read(changed)) == [  # type: ignore[operator]
        "~ group partners: - role batch",
        "~ application mobile: limits: quota 1000 per day (UTC) -> quota 2000 per day (UTC)",
        "~ application mobile: - group partners",
        "~ application mobile: + group all",
        "~ application mobile: ~ subscription items/v1: limits: rate 5 per second -> rate 6 per second",
        "~ application mobile: ~ subscription items/v1: cidrs: 10.0.0.0/8 -> 10.0.0.0/9",
        "~ application mobile: ~ subscription items/v1: expires: 2027-01-31T12:00:00Z -> never",
        "~ application mobile: ~ subscription items/v1: status: suspended -> active",
    ]


async def test_what_a_document_does_not_name_stays(store: SqlStore, read: object) -> None:
    """Controls, expiry, status, limits and groups that were granted are not undone by silence; they are by saying so."""
    await put(store, read(WHOLE))  # type: ignore[operator]
    before = await subscriptions.list_subscriptions(store)
    silent = "groups: [{ name: partners, description: Outside, roles: [batch] }]\n" + PLAIN.replace(
        "name: mobile,", "name: mobile, owner: mobile@example.com,"
    )
    assert await put(store, read(silent)) == []  # type: ignore[operator]
    assert await subscriptions.list_subscriptions(store) == before
    said = """
applications:
  - name: mobile
    limits: []
    groups: []
    subscriptions: [{ api: items/v1, plan: gold, controls: {}, expires: never, status: active }]
"""
    await put(store, read(said))  # type: ignore[operator]
    (found,) = await subscriptions.list_subscriptions(store)
    assert (found.subscription.controls, found.subscription.expires_at) == (Controls(), None)
    assert (found.application.limits, found.application.groups) == ((), ())


async def test_a_request_survives_a_document_and_is_granted_by_one(store: SqlStore, read: object) -> None:
    """A subscription that waits is not the document's to end; a document that declares it decides it."""
    await put(store, read("applications: [{ name: mobile, owner: m@example.com }]"))  # type: ignore[operator]
    asked = await access.request(
        store, application="mobile", environment="development", api="items/v1", plan="gold"
    )
    assert await put(store, read("applications: [{ name: mobile, owner: m@example.com }]")) == []  # type: ignore[operator]
    exported = await export_document(store, "development")
    assert exported.applications[0].subscriptions == ()
    await put(store, read(PLAIN.replace("name: mobile,", "name: mobile, owner: m@example.com,")))  # type: ignore[operator]
    decided = (await access.show(store, asked.request.id)).request
    assert (decided.status, decided.decided_by) == ("approved", "system wardgate")
    (found,) = await subscriptions.list_subscriptions(store)
    assert (found.subscription.id, found.subscription.status) == (asked.request.subscription, "active")


async def test_a_throttle_is_not_the_documents(store: SqlStore, read: object) -> None:
    """Suspension and throttling outlast an apply, and are not exported."""
    await put(store, read(WHOLE))  # type: ignore[operator]
    await applications.suspend(store, "mobile")
    await applications.throttle(store, "mobile", [Limit(kind="rate", amount=1, per="minute")])
    assert await put(store, read(WHOLE)) == []  # type: ignore[operator]
    held = (await applications.show(store, "mobile")).application
    assert (held.status, len(held.throttle)) == ("suspended", 1)


async def test_pruning_removes_groups(store: SqlStore, read: object) -> None:
    """A group that the document does not name goes, unless an application it names is in it."""
    await put(store, read(WHOLE))  # type: ignore[operator]
    bare = "applications: [{ name: mobile, owner: mobile@example.com }]"
    assert await code_of(put(store, read(bare), prune=True), ConflictError) == "group_unknown"  # type: ignore[operator]
    left = bare.replace("name: mobile,", "name: mobile, groups: [],")
    assert {"- group partners: roles batch", "- group all: no roles"} <= set(
        await put(store, read(left), prune=True)  # type: ignore[operator]
    )


async def test_declaring_subscriptions_takes_who_may_decide(store: SqlStore, read: object) -> None:
    """An application's editor does not grant access by document, nor put it into groups."""
    await put(store, read("groups: [{ name: partners }]"))  # type: ignore[operator]
    editor = store.acting(actor("ed", "environments.view", "applications.edit"))
    document = read("groups: [{ name: partners }]\n" + PLAIN)  # type: ignore[operator]
    refused = apply_document(editor, document, "development", "ed", "")
    assert await code_of(refused, ForbiddenError) == "forbidden"
    grouped = read("groups: [{ name: partners }]\napplications: [{ name: mobile, groups: [partners] }]")  # type: ignore[operator]
    refused = apply_document(editor, grouped, "development", "ed", "")
    assert await code_of(refused, ForbiddenError) == "forbidden"
    manager = store.acting(actor("max", *BUILTIN_ROLES["access-manager"]))
    assert (await apply_document(manager, document, "development", "max", "")).changes
