"""OAuth clients of documents: applied, planned and exported on a real store, past the gate, by whoever may."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from tests.control.operators.operating import as_user, person
from tests.identity.front import CALLBACK, Clock, api_call, make_server

from wardgate.control import applications, audit
from wardgate.control.apply import ApplyResult, apply_document
from wardgate.control.document import export
from wardgate.control.document.uploaded import load_uploaded
from wardgate.control.errors import ConflictError, ForbiddenError, InvalidError
from wardgate.control.export import export_document
from wardgate.domain.document import ApplicationEntry, Document
from wardgate.domain.oauth import Client, Token
from wardgate.domain.operator import ADMIN_SCOPE
from wardgate.identity import manage_clients, registration
from wardgate.identity.declared_clients import DeclaredClients, client_problem
from wardgate.identity.errors import OAuthError
from wardgate.storage.database import SqlStore

pytestmark = pytest.mark.every_database
NOW = 1_790_000_000.0
TILL = Client(
    id="till",
    application="shop",
    environment="",
    name="shop",
    grant_types=("client_credentials",),
    response_types=(),
    scopes=("items.write",),
)
PHONE = Client(
    id="phone",
    application="shop",
    environment="",
    name="A phone",
    authentication="none",
    redirect_uris=("http://127.0.0.1/callback",),
)
OLD = replace(TILL, id="old", grant_types=("password",))


def says(*clients: Client) -> Document:
    """A document with these clients, and their application."""
    return Document(clients=clients, applications=(ApplicationEntry(name="shop"),))


async def put(
    store: SqlStore,
    wanted: Document,
    environment: str = "development",
    *,
    prune: bool = False,
    dry_run: bool = False,
    at: float = NOW,
) -> ApplyResult:
    """Applies a document as ``store``'s actor."""
    registrar = DeclaredClients(store)
    return await apply_document(
        store, wanted, environment, "test", "", prune, dry_run=dry_run, registrar=registrar, clock=lambda: at
    )


async def ids(store: SqlStore, environment: str = "development") -> list[str]:
    """The clients of an environment."""
    found = await manage_clients.list_clients(store, environment=environment)
    return sorted(each.client.id for each in found)


async def test_what_is_declared_is_there_and_given_back(store: SqlStore) -> None:
    """A plan changes nothing and says the same; a client that shows a secret has one that nobody was told."""
    wanted = says(TILL, PHONE)
    plan = await put(store, wanted, dry_run=True)
    assert await ids(store) == []
    assert [(each.kind, each.weakens) for each in plan.differences if "client" in each.kind] == [
        ("client_added", False)
    ] * 2
    done = await put(store, wanted)
    assert done.changes == plan.changes
    assert done.changes[-2:] == (
        "+ client till: of shop, client_secret_basic, client_credentials, scopes items.write",
        "+ client phone: of shop, none, authorization_code refresh_token",
    )
    assert [(each.kind, each.id, each.command) for each in done.unseen] == [
        ("client", "till", "wardgate clients rotate till")
    ]
    assert (len((await manage_clients.show(store, "till")).secrets), done.held) == (1, ())
    again = await put(store, wanted)
    assert (again.changes, again.unseen) == ((), ())
    exported = await export_document(store, "development")
    assert set(exported.clients or ()) == {TILL, PHONE}
    assert (await put(store, exported)).changes == ()
    assert (await export_document(store, "staging")).clients is None
    assert [each.event.action for each in await audit.records(store)].count("client.add") == 2


async def test_a_change_is_told_in_words(store: SqlStore) -> None:
    """What the document does not say any more is as usual again; a client that comes to show a secret gets one."""
    await put(store, says(TILL, PHONE))
    wanted = says(
        replace(TILL, scopes=(), access_lifetime=300), replace(PHONE, authentication="client_secret_post")
    )
    plan = await put(store, wanted, dry_run=True)
    done = await put(store, wanted)
    assert done.changes == plan.changes
    assert sorted(done.changes) == [
        "~ client phone: authentication: none -> client_secret_post",
        "~ client till: access_lifetime: 600 -> 300",
        "~ client till: scopes: items.write -> none",
    ]
    assert not any(each.weakens for each in plan.differences)
    assert [each.id for each in done.unseen] == ["phone"]
    back = await put(store, says(TILL, PHONE), dry_run=True)
    assert sorted(each.kind for each in back.differences if each.weakens) == [
        "access_lifetime_raised", "authentication_changed", "scopes_added",
    ]  # fmt: skip


async def test_what_is_not_named_stays_but_with_prune(store: SqlStore) -> None:
    """Without a list all stay; other environments' do in any case, and that with which operators sign on."""
    await put(store, says(TILL, PHONE))
    await put(store, says(replace(TILL, id="staged")), "staging")
    admin, _ = await manage_clients.add(
        store,
        application="shop",
        environment="development",
        settings={"grant_types": ("client_credentials",), "scopes": (ADMIN_SCOPE,)},
    )
    silent = replace(says(), clients=None)
    assert (await put(store, silent, prune=True)).changes == ()
    assert (await put(store, says(TILL))).changes == ()
    done = await put(store, says(TILL), prune=True)
    assert done.changes == ("- client phone: of shop, none, authorization_code refresh_token",)
    assert await ids(store) == sorted([admin.id, "till"])
    assert await ids(store, "staging") == ["staged"]
    await put(store, says(), prune=True)
    assert await ids(store) == [admin.id]
    assert (await export_document(store, "development")).clients is None


async def test_an_id_that_was_removed_is_nobodys_for_an_hour(store: SqlStore) -> None:
    """Its tokens are refused for so long, whosever they are."""
    await put(store, says(TILL))
    await put(store, says(), prune=True)
    with pytest.raises(ConflictError, match="removed within the last hour"):
        await put(store, says(TILL), at=NOW + 10)
    assert await ids(store) == []
    await put(store, says(TILL), at=NOW + 3700)
    assert await ids(store) == ["till"]


async def test_whose_it_is_stays(store: SqlStore) -> None:
    """Neither its application nor its environment changes; an application must be there; nothing is changed."""
    await put(store, says(TILL))
    await applications.add(store, name="other")
    before = await manage_clients.show(store, "till")
    with pytest.raises(ConflictError, match="is one of the application 'shop', and would be of 'other'"):
        await put(store, says(replace(TILL, application="other", scopes=())), dry_run=True)
    with pytest.raises(ConflictError, match="in development already"):
        await put(store, says(TILL), "staging")
    for dry_run in (True, False):
        with pytest.raises(ConflictError, match="'nobody', which would not exist"):
            await put(store, says(replace(TILL, id="new", application="nobody")), dry_run=dry_run)
    with pytest.raises(InvalidError, match="at least one is needed"):
        await put(store, says(replace(TILL, scopes=()), replace(PHONE, redirect_uris=())))
    assert await manage_clients.show(store, "till") == before
    assert await ids(store) == ["till"]


async def test_a_legacy_grant_waits_elsewhere(store: SqlStore) -> None:
    """The client is suspended until another person restores it, and stays as it is when the document is applied again; in
    the first environment it is served at once."""
    for name in ("ann", "bob"):
        await person(store, name, "owner")
    ann, bob = await as_user(store, "ann"), await as_user(store, "bob")
    plan = await put(ann, says(OLD), "staging", dry_run=True)
    assert [each.kind for each in plan.differences if each.weakens] == ["client_added"]
    done = await put(ann, says(OLD), "staging")
    assert done.held == ("old",)
    assert (await manage_clients.show(store, "old")).client.status == "suspended"
    assert (await put(ann, says(OLD), "staging")).changes == ()
    with pytest.raises(ConflictError, match="somebody else"):
        await manage_clients.restore(ann, "old", reason="mine")
    await manage_clients.restore(bob, "old", reason="agreed")
    assert (await put(ann, says(OLD), "staging")).changes == ()
    first = await put(ann, says(replace(OLD, id="here")))
    assert (first.held, (await manage_clients.show(store, "here")).client.status) == ((), "active")


async def test_one_in_use_does_not_become_weaker_elsewhere(store: SqlStore) -> None:
    """It is refused, and nothing else of the document holds either."""
    await put(store, says(TILL), "staging")
    weaker = replace(TILL, grant_types=("client_credentials", "password"))
    plan = await put(store, says(weaker), "staging", dry_run=True)
    assert "grant_types_added" in [each.kind for each in plan.differences if each.weakens]
    with pytest.raises(ConflictError, match="a second person has to agree first"):
        await put(store, says(PHONE, weaker), "staging")
    assert await ids(store, "staging") == ["till"]


@pytest.mark.parametrize("lacks", ["clients.edit", "clients.view"])
async def test_it_takes_what_clients_take(store: SqlStore, lacks: Any) -> None:
    """Whoever lacks it is refused, whether they would add, change or remove; nothing is changed."""
    await put(store, says(TILL))
    await person(store, "ann", "owner")
    async with (await as_user(store, "ann")).reading() as tx:
        whole = tx.actor
    ann = store.acting(replace(whole, permissions=whole.permissions - {lacks}))
    for wanted in (says(TILL, PHONE), says(replace(TILL, scopes=())), says()):
        for dry_run in (True, False):
            with pytest.raises(ForbiddenError, match=lacks):
                await put(ann, wanted, prune=True, dry_run=dry_run)
    assert (await manage_clients.show(store, "till")).client.scopes == TILL.scopes
    assert await ids(store) == ["till"]
    if lacks == "clients.view":
        assert (await export_document(ann, "development")).clients is None


@pytest.mark.parametrize(
    "id_", ["usr_ann", "usr_01k5zzzzzzzzzzzzzzzzzzzzzz", "app_01k5zzzzzzzzzzzzzzzzzzzzzz", "A-b_" + "x" * 39]
)
async def test_nobody_is_called_as_a_person_is(store: SqlStore, id_: str) -> None:
    """The subject of a client's own tokens is the client: called as a person it would be that person to APIs."""
    await person(store, "ann")
    with pytest.raises(InvalidError, match=r"is that of a person|form of ids of people"):
        await put(store, says(replace(TILL, id=id_)))
    await applications.add(store, name="shop")
    with pytest.raises(InvalidError, match=r"is that of a person|form of ids of people"):
        await manage_clients.add(
            store,
            application="shop",
            environment="development",
            settings={"grant_types": ("client_credentials",)},
            id_=id_,
        )
    assert await ids(store) == []


async def test_what_was_made_elsewhere_is_declared_by_its_id(store: SqlStore) -> None:
    """An id that another installation made for a client is one."""
    await put(store, says(replace(TILL, id="cl_01k5zzzzzzzzzzzzzzzzzzzzzz")))
    assert await ids(store) == ["cl_01k5zzzzzzzzzzzzzzzzzzzzzz"]


@pytest.mark.parametrize("way", ["command", "document"])
async def test_tokens_end_with_the_application(store: SqlStore, way: str) -> None:
    """However its application goes, the client's tokens are refused and its id is nobody's for an hour: they would be those
    of whoever is called so next."""
    await put(store, says(TILL))
    if way == "command":
        await applications.remove(store, "shop", clock=lambda: NOW + 1)
    else:
        wanted = Document()
        plan = await put(store, wanted, prune=True, dry_run=True)
        done = await put(store, wanted, prune=True, at=NOW + 1)
        assert done.changes == plan.changes
        assert done.changes[-1] == "- client till, with its application shop"
    assert await ids(store) == []
    async with store.reading() as tx:
        token = Token(id="", issuer="", client="till", issued_ms=int(NOW * 1000))
        assert await tx.revocations.covers(token, "")
    other = Document(
        clients=(replace(TILL, application="other", name="other"),),
        applications=(ApplicationEntry(name="other"),),
    )
    with pytest.raises(ConflictError, match="removed within the last hour"):
        await put(store, other, at=NOW + 2)


async def test_an_application_stays_for_its_clients(store: SqlStore) -> None:
    """It is not taken away from under a client that is declared, nor while one of another environment is its own, nor that
    with which operators sign on."""
    await put(store, says(TILL))
    for dry_run in (True, False):
        with pytest.raises(ConflictError, match="'shop', which would not exist"):
            await put(store, Document(clients=(TILL,)), prune=True, dry_run=dry_run)
    await put(store, says(replace(TILL, id="staged")), "staging")
    assert (await put(store, Document(clients=()), prune=True)).changes == (
        "- client till: of shop, client_secret_basic, client_credentials, scopes items.write",
    )
    assert await ids(store, "staging") == ["staged"]
    await manage_clients.remove(store, "staged")
    settings = {"grant_types": ("client_credentials",), "scopes": (ADMIN_SCOPE,)}
    admin, _ = await manage_clients.add(
        store, application="shop", environment="development", settings=settings
    )
    assert (await put(store, Document(), prune=True)).changes == ()
    assert await ids(store) == [admin.id]


async def test_what_was_said_twice_is_given_back_once(store: SqlStore) -> None:
    """A client that was made otherwise keeps no export from being read; applied again, it changes nothing."""
    await applications.add(store, name="shop")
    twice = {
        "redirect_uris": ("https://a.example/", "https://a.example/"),
        "audiences": ("https://é.example/ x",) * 2,
        "contacts": ("", "ann", "ann"),
    }
    await manage_clients.add(store, application="shop", environment="development", settings=twice, id_="web")
    document = load_uploaded(export(await export_document(store, "development")), ".", client_problem)
    assert [each.redirect_uris for each in document.clients or ()] == [("https://a.example/",)]
    assert (await put(store, document)).changes == ()


async def _registered(store: SqlStore, token: str | None = None) -> tuple[str, str]:
    """A client that registered itself, with the token to manage it."""
    server = make_server(store, Clock(), open_registration=True, sqlite=False)
    body = json.dumps({"client_name": "Web shop", "redirect_uris": [CALLBACK]}).encode()
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
    reply = await registration.register(
        server, api_call("/oauth2/register", headers=headers, body=body, query={})
    )
    found = json.loads(reply.body)
    return found["client_id"], found["registration_access_token"]


async def test_who_registered_themselves_are_pruned_by_no_list(store: SqlStore) -> None:
    """Neither by a list of clients, nor with an application of their own or of an operator's. What an operator made by a
    command goes; an export tells of what a list is about."""
    await applications.add(store, name="partner")
    initial = await manage_clients.registration_token(
        store, environment="development", application="partner", clock=Clock()
    )
    own, _ = await _registered(store)
    joined, _ = await _registered(store, initial.reveal().decode())
    await put(store, says(TILL))
    made, _ = await manage_clients.add(
        store,
        application="shop",
        environment="development",
        settings={"grant_types": ("client_credentials",)},
    )
    exported = await export_document(store, "development")
    assert [each.id for each in exported.clients or ()] == sorted([TILL.id, made.id])
    assert sorted(each.name for each in exported.applications) == ["Web shop", "partner", "shop"]
    assert (await put(store, exported, prune=True)).changes == ()
    done = await put(store, says(TILL), prune=True)
    assert done.changes == (f"- client {made.id}: of shop, client_secret_basic, client_credentials",)
    assert await ids(store) == sorted([own, joined, TILL.id])
    assert [each.application.name for each in await applications.list_applications(store)] == [
        "Web shop",
        "partner",
        "shop",
    ]


async def test_a_document_may_still_change_who_registered_themselves(store: SqlStore) -> None:
    """Named in a list it is as that says, and no more the operator's than before."""
    own, _ = await _registered(store)
    client = (await manage_clients.show(store, own)).client
    named = replace(client, environment="", application="Web shop", created_at=0.0, trusted=True)
    done = await put(store, replace(says(named), applications=()))
    assert done.changes == (f"~ client {own}: trusted: false -> true",)
    assert (await export_document(store, "development")).clients is None
    assert (await put(store, says(), prune=True)).changes == ("+ application shop: no subscriptions",)
    assert await ids(store) == [own]


async def test_nobody_manages_what_came_after_their_client(store: SqlStore) -> None:
    """Its registration ends with a client, whoever removes it: one of the same id that a document declares later is a
    stranger to whoever registered before, and is pruned as any other."""
    own, token = await _registered(store)
    await manage_clients.remove(store, own, clock=lambda: NOW)
    async with store.reading() as tx:
        assert await tx.clients.registered() == frozenset()
    await put(store, says(replace(PHONE, id=own)), at=NOW + 4000)
    server = make_server(store, Clock(), open_registration=True, sqlite=False)
    headers = {"authorization": f"Bearer {token}"}
    call = api_call(f"/oauth2/register/{own}", method="GET", headers=headers, query={"client_id": own})
    with pytest.raises(OAuthError, match="registration access token is not good"):
        await registration.read(server, call)
    await put(store, says(), prune=True, at=NOW + 4000)
    assert await ids(store) == []
