"""What was applied comes back, and applying that changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.storage.samples import application, document, entry, feed_of

from wardgate.control import document as documents
from wardgate.control.apply import ApplyResult, apply_document
from wardgate.control.export import export_document
from wardgate.domain.document import Document
from wardgate.domain.limit import Limit, Plan
from wardgate.storage.database import SqlStore

pytestmark = pytest.mark.every_database

SETTINGS = """
apis:
  - name: orders
    version: v1
    base_path: /orders/v1
    openapi: ./orders.openapi.yaml
    upstream: { targets: ["http://127.0.0.1:9000"] }
    security:
      schemes: [api_key]
      api_key: { in: header, name: X-API-Key }
      resources:
        "GET /health": { security: off }
    plans: [free, gold]
plans:
  - name: gold
    limits: [{ kind: rate, amount: 5000, per: minute, burst: 500 }]
  - name: free
    limits:
      - { kind: rate, amount: 100, per: minute, burst: 20 }
      - { kind: quota, amount: 10000, per: month, timezone: Europe/Berlin }
      - { kind: concurrency, amount: 10 }
applications:
  - name: mobile
    owner: dev@example.com
    subscriptions: [{ api: orders/v1, plan: free }]
  - name: a-batch-job
"""
OPENAPI = """
openapi: 3.1.0
info: { title: Orders, version: "1" }
paths:
  /health: { get: { responses: { "200": { description: ok } } } }
  /items/{id}:
    parameters: [{ name: id, in: path, required: true, schema: { type: integer } }]
    get: { responses: { "200": { description: ok } } }
"""

NAMES = st.sampled_from(["alpha", "beta", "gamma", "delta"])
#: No YAML or JSON holds a NUL, which PostgreSQL would not store.
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5)
PLANS = st.lists(NAMES, unique=True, max_size=3)


@st.composite
def whole_documents(draw: st.DrawFn) -> Document:
    """Documents whose references resolve."""
    plans = draw(PLANS)
    apis = [
        entry(
            name,
            plans=tuple(draw(st.lists(st.sampled_from(plans), unique=True))) if plans else (),
            targets=(draw(st.sampled_from(["http://127.0.0.1:1", "http://127.0.0.1:2"])),),
            text=draw(TEXTS),
        )
        for name in draw(st.lists(NAMES, unique=True, max_size=3))
    ]
    consumers = []
    for name in draw(st.lists(NAMES, unique=True, max_size=3)):
        chosen = draw(st.lists(st.sampled_from(apis), unique_by=lambda each: each.api.id)) if apis else []
        wanted = {
            each.api.name: draw(st.sampled_from([*each.api.plans, None] if each.api.plans else [None]))
            for each in chosen
        }
        consumers.append(application(name, **wanted))
    limits = st.integers(1, 3).map(lambda amount: Limit(kind="concurrency", amount=amount))
    return document(
        apis, [Plan(name=name, limits=tuple(draw(st.lists(limits, max_size=1)))) for name in plans], consumers
    )


def by_name(wanted: Document) -> tuple[object, ...]:
    """A document without the order of its parts."""
    return (
        {each.api.id: each for each in wanted.apis},
        {each.name: each for each in wanted.plans},
        {
            each.name: (each.owner, {item.api: item.plan for item in each.subscriptions})
            for each in wanted.applications
        },
    )


@given(st.lists(whole_documents(), min_size=1, max_size=3))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_applying_what_was_exported_changes_nothing(store: SqlStore, wanted: list[Document]) -> None:
    """From any state to any document with prune: export gives the document, and applying it again is no change."""
    for each in wanted:
        await apply_document(store, each, "development", "test", "", prune=True)
        exported = await export_document(store, "development")
        assert by_name(exported) == by_name(each)
        feed = feed_of(store.data_dir)
        for prune in (False, True):
            again = await apply_document(store, exported, "development", "test", "", prune)
            assert again == ApplyResult(changes=(), revisions={})
        assert feed_of(store.data_dir) == feed


async def test_a_file_comes_back_as_it_was_written(store: SqlStore, tmp_path: Path) -> None:
    """A file loaded, applied, exported, written and loaded again is the same document, in the same order."""
    (tmp_path / "orders.openapi.yaml").write_text(OPENAPI, encoding="utf-8")
    (tmp_path / "wardgate.yaml").write_text(SETTINGS, encoding="utf-8")
    loaded = documents.load(tmp_path / "wardgate.yaml")
    await apply_document(store, loaded, "development", "test", "")
    exported = await export_document(store, "development")
    assert exported == loaded
    (tmp_path / "again").mkdir()
    for name, text in documents.export(exported).items():
        (tmp_path / "again" / name).write_text(text, encoding="utf-8")
    reloaded = documents.load(tmp_path / "again" / "wardgate.yaml")
    assert reloaded == loaded
    assert (await apply_document(store, reloaded, "development", "test", "")).changes == ()
