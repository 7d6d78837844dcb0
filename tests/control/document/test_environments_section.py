"""``environments``, what is told of APIs, variables and headers in a document: read, refused, given back."""

from __future__ import annotations

from pathlib import Path

import pytest

from wardgate.control import document as documents
from wardgate.control.apply import apply_document
from wardgate.control.environments import set_secret
from wardgate.control.export import export_document
from wardgate.domain.document import Document, DocumentError, EnvironmentEntry, Listing, Problem
from wardgate.domain.environment import Retention
from wardgate.domain.limit import Limit
from wardgate.domain.secret import Secret
from wardgate.storage.database import SqlStore

OPENAPI = """
openapi: 3.1.0
info: { title: Items, version: "1" }
paths: { /items: { get: { responses: { "200": { description: ok } } } } }
"""
API = """
apis:
  - name: items
    version: v1
    openapi: ./items.openapi.yaml
"""
WHOLE = """
environments:
  - name: development
    variables: { UPSTREAM: 127.0.0.1, ISSUER: https://id.dev.example.com, SITE: dev, EMPTY: "" }
  - name: quality
    tag: qa
    hosts: [qa.example.com, "qa.example.com:8443"]
    variables: { UPSTREAM: items.qa.internal, ISSUER: https://id.qa.example.com, SITE: qa, EMPTY: "" }
    plans: { free: { limits: [{ kind: rate, amount: 5, per: second }] } }
    retention: { rollups: 30, audit: 400 }
    leaks: rotate
    leak_overlap: 60
  - name: staging
    token_endpoint: https://id.example.com/token
  - name: production
    production: true
plans:
  - { name: free, limits: [{ kind: rate, amount: 1, per: second }] }
apis:
  - name: items
    version: v1
    lifecycle: deprecated
    sunset: "2031-01-31"
    successor: https://api.example.com/items/v2
    visibility: group
    groups: [partners]
    tags: [shop, stock]
    docs: https://docs.example.com/items
    contact: items@example.com
    description: What there is
    hosts: ["items.${SITE}.example.com"]
    openapi: ./items.openapi.yaml
    plans: [free]
    upstream:
      targets: ["http://${UPSTREAM}:9000/${SITE}"]
      headers: { Authorization: "Bearer ${secret:TOKEN}", X-Price: "$$5" }
    security:
      schemes: [api_key, oauth2]
      oauth2: { issuers: [builtin, { issuer: "${ISSUER}" }] }
"""


def load(folder: Path, text: str) -> Document:
    """The document of ``text``, in a folder with its OpenAPI document."""
    folder.mkdir(exist_ok=True)
    (folder / "wardgate.yaml").write_text(text)
    (folder / "items.openapi.yaml").write_text(OPENAPI)
    return documents.load(folder / "wardgate.yaml")


def problems(folder: Path, text: str) -> list[Problem]:
    """What is wrong with ``text``."""
    with pytest.raises(DocumentError) as caught:
        load(folder, text)
    return list(caught.value.problems)


def test_every_key_is_read(tmp_path: Path) -> None:
    """Environments say what they name and nothing else; what is told of an API is no part of its settings."""
    found = load(tmp_path, WHOLE)
    quality = found.environments[1]
    assert quality == EnvironmentEntry(
        name="quality",
        tag="qa",
        hosts=("qa.example.com", "qa.example.com:8443"),
        variables={
            "UPSTREAM": "items.qa.internal",
            "ISSUER": "https://id.qa.example.com",
            "SITE": "qa",
            "EMPTY": "",
        },
        plans={"free": (Limit(kind="rate", amount=5, per="second"),)},
        retention=Retention(rollups=30, audit=400),
        leaks="rotate",
        leak_overlap=60,
    )
    assert found.environments[3] == EnvironmentEntry(name="production", production=True)
    (entry,) = found.apis
    assert entry.listing == Listing(
        lifecycle="deprecated",
        sunset_at=1927584000.0,
        successor="https://api.example.com/items/v2",
        visibility="group",
        groups=("partners",),
        tags=("shop", "stock"),
        docs="https://docs.example.com/items",
        contact="items@example.com",
        description="What there is",
    )
    assert set(entry.source) == {"name", "version", "hosts", "openapi", "plans", "upstream", "security"}
    assert entry.api.upstream.headers == {"Authorization": "Bearer ${secret:TOKEN}", "X-Price": "$$5"}


@pytest.mark.every_database
@pytest.mark.spoils_database
async def test_what_was_applied_comes_back_whole(store: SqlStore, tmp_path: Path) -> None:
    """Exported and applied again nothing changes; the environments are there in the order of the document."""
    first = load(tmp_path / "in", WHOLE)
    await set_secret(store, "development", "TOKEN", Secret("hunter2"))
    result = await apply_document(store, first, "development", "test", "")
    assert "+ environment quality: no production" in result.changes
    assert "~ environment development: variable SITE: none -> dev" in result.changes
    assert result.revisions == {"items/v1": 1}
    async with store.reading() as tx:
        names = [each.name for each in await tx.environments.all()]
        (deployment,) = await tx.apis.deployed("development")
    assert names == ["development", "quality", "staging", "production"]
    assert deployment.bound.upstream.targets == ("http://127.0.0.1:9000/dev",)
    assert deployment.bound.hosts == ("items.dev.example.com",)
    assert deployment.bound.oauth2 is not None
    assert deployment.bound.oauth2.issuers[1].issuer == "https://id.dev.example.com"
    exported = await export_document(store, "development")
    files = documents.export(exported)
    assert "hunter2" not in str(files)
    out = tmp_path / "out"
    out.mkdir()
    for name, text in files.items():
        (out / name).write_text(text)
    again = documents.load(out / "wardgate.yaml")
    assert again.apis == first.apis
    for prune in (False, True):
        assert (await apply_document(store, again, "development", "test", "", prune)).changes == ()
    # That another answers for tokens of staging waits for a second person, so it is still to be.
    assert len(result.waiting) == 1
    assert (await apply_document(store, first, "development", "test", "", dry_run=True)).changes == (
        "~ environment staging: token endpoint: built in -> https://id.example.com/token",
    )


@pytest.mark.parametrize(
    ("text", "line", "path", "says", "remedy"),
    [
        (
            "environments: [{ name: qa, host: [x] }]",
            1,
            "environments[0].host",
            "unknown key 'host'",
            "'hosts'",
        ),
        ("environments: [{ tag: qa }]", 1, "environments[0]", "'name' is missing", "Add `name:`"),
        ("environments: [{ name: QA }]", 1, "environments[0].name", "no valid name", "lower-case"),
        (
            "environments:\n  - name: qa\n    secrets: { TOKEN: hunter2 }",
            3,
            "environments[0].secrets",
            "no place in a document",
            "environments secret set",
        ),
        (
            "environments: [{ name: qa, variables: { 1X: a } }]",
            1,
            'environments[0].variables["1X"]',
            "no name",
            "Use",
        ),
        (
            "environments: [{ name: qa, variables: { X: 1 } }]",
            1,
            "environments[0].variables.X",
            "must be text",
            "quotes",
        ),
        (
            "environments: [{ name: qa, hosts: [QA.example] }]",
            1,
            "environments[0].hosts[0]",
            "cannot stand",
            "Use",
        ),
        (
            "environments: [{ name: qa, plans: { free: {} } }]",
            1,
            "environments[0].plans.free",
            "'limits' is missing",
            "[]",
        ),
        (
            "environments: [{ name: qa, leaks: ignore }]",
            1,
            "environments[0].leaks",
            "no valid leaks",
            "notify",
        ),
        (
            "environments: [{ name: qa, retention: { audit: 0 } }]",
            1,
            "environments[0].retention.audit",
            "whole",
            "1 to",
        ),
        ("environments:\n  - name: qa\n  - name: qa", 3, "environments[1].name", "also declared", "Merge"),
        (
            "environments: [{ name: a, production: true }, { name: b, production: true }]",
            1,
            "environments[1].production",
            "for production is also declared",
            "Mark one",
        ),
        (
            f"{API}    lifecycle: over\n    upstream: {{ targets: [http://a] }}",
            6,
            "apis[0].lifecycle",
            "no valid",
            "created",
        ),
        (
            f"{API}    sunset: soon\n    lifecycle: deprecated\n    upstream: {{ targets: [http://a] }}",
            6,
            "apis[0].sunset",
            "no date",
            "2027",
        ),
        (
            f'{API}    sunset: "2031-01-31"\n    upstream: {{ targets: [http://a] }}',
            6,
            "apis[0].sunset",
            "tells of an end",
            "lifecycle",
        ),
        (
            f"{API}    visibility: group\n    upstream: {{ targets: [http://a] }}",
            6,
            "apis[0].visibility",
            "needs groups",
            "groups",
        ),
        (
            f"{API}    docs: ftp://x\n    upstream: {{ targets: [http://a] }}",
            6,
            "apis[0].docs",
            "cannot be used",
            "https",
        ),
        (
            f'{API}    upstream: {{ targets: ["http://${{A B}}"] }}',
            6,
            "apis[0].upstream.targets[0]",
            "names nothing",
            "http",
        ),
        (
            f'{API}    upstream: {{ targets: ["http://${{secret:HOST}}"] }}',
            6,
            "apis[0].upstream.targets[0]",
            "'HOST' must not stand here",
            "http",
        ),
        (
            f'{API}    upstream: {{ targets: [http://a], headers: {{ Connection: "x" }} }}',
            6,
            "apis[0].upstream.headers.Connection",
            "frames the request",
            "another name",
        ),
        (
            f'{API}    upstream: {{ targets: [http://a], headers: {{ X-Wardgate-Client: "x" }} }}',
            6,
            "apis[0].upstream.headers.X-Wardgate-Client",
            "stated by Wardgate",
            "another name",
        ),
        (
            f'{API}    upstream: {{ targets: [http://a], headers: {{ X-A: "${{secret:}}" }} }}',
            6,
            "apis[0].upstream.headers.X-A",
            "names nothing",
            "$$",
        ),
        (
            f"{API}    upstream: {{ targets: [http://a], headers: {{ X-A: 5 }} }}",
            6,
            "apis[0].upstream.headers.X-A",
            "must be text",
            "quotes",
        ),
    ],
)
def test_what_is_wrong_is_told_where_it_stands(
    tmp_path: Path, text: str, line: int, path: str, says: str, remedy: str
) -> None:
    """Each mistake names its line, its place, and what to do; a secret's value is never repeated."""
    found = problems(tmp_path, text)
    (problem,) = [each for each in found if each.path == path]
    assert problem.line == line
    assert says in problem.message
    assert remedy in problem.remedy
    assert "hunter2" not in str(found)


def test_consumers_alone_are_a_document(tmp_path: Path) -> None:
    """For an environment whose APIs come by promotion a document names subscriptions to what it does not declare."""
    found = load(tmp_path, "applications: [{ name: web, subscriptions: [{ api: items/v1 }] }]")
    assert found.applications[0].subscriptions[0].api == "items/v1"
    assert "there is no API 'items/v1'" in str(
        problems(tmp_path, "apis: []\napplications: [{ name: web, subscriptions: [{ api: items/v1 }] }]")
    )
