"""Applying what concerns identity: roles, token endpoints, and issuers that name applications."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.storage.samples import application, document, entry, feed_of

from wardgate.control import document as documents
from wardgate.control.apply import apply_document
from wardgate.control.errors import ConflictError
from wardgate.control.export import export_document
from wardgate.domain.document import ApiEntry, AuthorizationServer, Document
from wardgate.domain.people import Role
from wardgate.domain.trust import OAuth2Settings, TrustedIssuer
from wardgate.storage.database import SqlStore

pytestmark = pytest.mark.every_database

SETTINGS = """
apis:
  - name: items
    version: v1
    hosts: [api.example.com]
    openapi: ./items.openapi.yaml
    upstream: { targets: ["http://127.0.0.1:9000"] }
    security:
      schemes: [api_key, oauth2]
      require: all
      scopes: { items.read: See items }
      oauth2:
        token_endpoint: https://id.example.com/token
        issuers: [builtin, { issuer: "https://id.example.com", applications: { p: mobile } }]
      resources:
        "GET /items": { require: any, scopes: [items.read], acr: ["urn:wardgate:acr:2"], max_age: 60 }
roles:
  - { name: reader, scopes: [items.read, openid] }
  - { name: writer, description: Nothing yet }
applications: [{ name: mobile }]
authorization_server: { token_endpoint: "https://login.example.com/token?p=1" }
"""
OPENAPI = """
openapi: 3.1.0
info: { title: Items, version: "1" }
paths: { /items: { get: { responses: { "200": { description: ok } } } } }
"""
READER = Role(name="reader", scopes=("read",))
WRITER = Role(name="writer", scopes=("read", "write"), description="Writes")
ELSEWHERE = AuthorizationServer(token_endpoint="https://id.example.com/token")


async def put(
    store: SqlStore, wanted: Document, *, prune: bool = False, environment: str = "development"
) -> list[str]:
    """Applies a document; the lines people are shown, which a dry run showed before."""
    shown = await apply_document(store, wanted, environment, "test", "", prune, dry_run=True)
    done = await apply_document(store, wanted, environment, "test", "", prune)
    assert done.changes == shown.changes
    return list(done.changes)


def with_roles(*roles: Role) -> Document:
    """A document of roles alone."""
    return replace(document(), roles=roles)


def trusting(name: str = "orders", jwks_uri: str = "", **applications: str) -> ApiEntry:
    """An API that takes tokens of an issuer for these applications."""
    issuer = TrustedIssuer(issuer="https://id.example.com", jwks_uri=jwks_uri, applications=applications)
    made = entry(name, plans=())
    return replace(made, api=replace(made.api, oauth2=OAuth2Settings(issuers=(issuer,))))


async def test_what_was_applied_comes_back_whole(store: SqlStore, tmp_path: Path) -> None:
    """Export writes issuers, scopes, roles and the token endpoint so that applying them again changes nothing."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "wardgate.yaml").write_text(SETTINGS)
    (folder / "items.openapi.yaml").write_text(OPENAPI)
    first = documents.load(folder / "wardgate.yaml")
    await put(store, first)
    exported = await export_document(store, "development")
    out = tmp_path / "out"
    out.mkdir()
    for name, text in documents.export(exported).items():
        (out / name).write_text(text)
    again = documents.load(out / "wardgate.yaml")
    assert again == first
    assert await put(store, again, prune=True) == []


async def test_roles_are_added_changed_and_pruned(store: SqlStore) -> None:
    """Roles of the document are as it says, others stay until they are pruned."""
    assert await put(store, with_roles(READER, WRITER)) == [
        "+ role reader: read",
        "+ role writer: read write",
    ]
    assert await put(store, with_roles(READER)) == []
    changed = replace(READER, scopes=("see",), description="Reads")
    assert await put(store, with_roles(changed)) == [
        "~ role reader: description: none -> Reads",
        "~ role reader: - scope read",
        "~ role reader: + scope see",
    ]
    assert await put(store, with_roles(WRITER), prune=True) == ["- role reader: see"]
    async with store.reading() as tx:
        assert await tx.roles.all() == [WRITER]


async def test_a_token_endpoint_is_its_environments(store: SqlStore) -> None:
    """It holds in one environment, is announced there, stays until it is named off or pruned."""
    before = len(feed_of(store.data_dir))
    named = replace(document(), authorization_server=ELSEWHERE)
    line = "~ authorization server: token endpoint {} -> {}"
    there = ELSEWHERE.token_endpoint
    assert await put(store, named) == [line.format("built in", there)]
    assert feed_of(store.data_dir, before) == [("environment", "development")]
    assert await put(store, named) == []
    assert await put(store, document()) == []
    async with store.reading() as tx:
        endpoints = [each.settings.token_endpoint for each in await tx.environments.all()]
    assert endpoints == [there, "", ""]
    off = replace(document(), authorization_server=AuthorizationServer())
    assert await put(store, off) == [line.format(there, "built in")]
    await put(store, named)
    assert await put(store, document(), prune=True) == [line.format(there, "built in")]


async def test_issuers_name_applications_there_are(store: SqlStore) -> None:
    """A mapping to an application that would not exist is refused, and one that is there already is not."""
    with pytest.raises(ConflictError) as caught:
        await put(store, document([trusting(partner="mobile")]))
    assert caught.value.code == "application_unknown"
    assert "https://id.example.com for 'partner' as those of the application 'mobile'" in caught.value.message
    await put(store, document(applications=[application("mobile")]))
    await put(store, document([trusting(partner="mobile")]))


async def test_apis_agree_where_an_issuers_keys_are(store: SqlStore) -> None:
    """An API cannot be deployed beside one that reads the same issuer's keys elsewhere."""
    await put(store, document([trusting()]))
    with pytest.raises(ConflictError) as caught:
        await put(store, document([trusting("other", jwks_uri="https://id.example.com/keys")]))
    assert caught.value.code == "issuer_conflict"


async def test_token_endpoints_take_their_place(store: SqlStore) -> None:
    """An API cannot be mounted where a deployed one's tokens are asked for."""
    made = trusting()
    oauth2 = made.api.oauth2
    assert oauth2 is not None
    asking = replace(
        made, api=replace(made.api, oauth2=replace(oauth2, token_endpoint="https://id.example.com/t"))
    )
    await put(store, document([asking]))
    with pytest.raises(ConflictError) as caught:
        await put(store, document([entry("other", plans=(), base_path="/orders/v1/oauth2/token")]))
    assert caught.value.code == "mount_conflict"


async def test_the_apis_that_trust_others_are_found(store: SqlStore) -> None:
    """Those with issuers are read, those without are not, and the revision in force tells whether to look again."""
    await put(store, document([entry("plain", plans=()), trusting()]))
    async with store.reading() as tx:
        assert [api.id for api in await tx.apis.trusting("development")] == ["orders/v1"]
        assert await tx.apis.trusting("production") == []
        first = await tx.apis.in_force("development")
    assert len(first) == 2
    await put(store, document([trusting(partner="plain")], applications=[application("plain")]))
    async with store.reading() as tx:
        second = await tx.apis.in_force("development")
        assert [first[each] == second[each] for each in sorted(first)] == [True, False]
        assert await tx.apis.in_force("production") == {}
