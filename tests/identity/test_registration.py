"""Dynamic registration: who may, what they get, and that a client manages itself and nobody else."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from tests.conftest import Place
from tests.identity.front import (
    CALLBACK,
    ISSUER,
    Clock,
    Web,
    add_client,
    api_call,
    client_key,
    count,
    make_server,
    refusal,
)

from wardgate.control import applications, environments
from wardgate.control.errors import InvalidError
from wardgate.domain.oauth import DEVICE_CODE
from wardgate.identity import manage_clients, registration
from wardgate.identity.client_auth import authenticate
from wardgate.identity.errors import OAuthError
from wardgate.identity.server import Server
from wardgate.storage.database import SqlStore

PATH = "/oauth2/register"


@pytest.fixture
def closed(store: SqlStore, clock: Clock, web: Web, place: Place) -> Server:
    """A server that registers with an initial access token only."""
    return make_server(store, clock, web=web, sqlite=place.url is None)


@pytest.fixture
def server(store: SqlStore, clock: Clock, web: Web) -> Server:
    """A server that registers anybody."""
    return make_server(store, clock, web=web, open_registration=True)


def call_of(
    document: Any, *, token: str | None = None, method: str = "POST", client_id: str = "", **headers: str
) -> Any:
    """A request with a JSON document."""
    sent = {"content-type": "application/json", **headers}
    if token is not None:
        sent["authorization"] = f"Bearer {token}"
    path = f"{PATH}/{client_id}" if client_id else PATH
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return api_call(path, method=method, headers=sent, body=body, query={"client_id": client_id or None})


def metadata(**changes: Any) -> dict[str, Any]:
    """What a web application sends."""
    said = {"client_name": "Shop", "redirect_uris": [CALLBACK], **changes}
    return {name: value for name, value in said.items() if value is not None}


async def registered(server: Server, token: str | None = None, **changes: Any) -> dict[str, Any]:
    """The answer to a registration."""
    reply = await registration.register(server, call_of(metadata(**changes), token=token))
    assert reply.status == 201
    assert dict(reply.headers)["cache-control"] == "no-store"
    document: dict[str, Any] = json.loads(reply.body)
    return document


async def initial(server: Server, **settings: Any) -> str:
    """An initial access token, as the command makes it."""
    secret = await manage_clients.registration_token(
        server.store, environment="development", clock=server.clock, **settings
    )
    return secret.reveal().decode()


async def test_a_registered_client_can_authenticate(server: Server) -> None:
    """Id, secret, and what it was registered as; the secret works and is stored as a digest only."""
    document = await registered(server, contacts=["ops@shop.example"])
    assert document["client_secret"].startswith("wgcs_")
    assert document["client_secret_expires_at"] == 0
    assert document["registration_access_token"].startswith("wgra_")
    assert document["registration_client_uri"] == f"{ISSUER}{PATH}/{document['client_id']}"
    assert document["grant_types"] == ["authorization_code"]
    assert document["response_types"] == ["code"]
    assert document["application_type"] == "web"
    form = {"client_id": document["client_id"], "client_secret": document["client_secret"]}
    async with server.store.writing() as tx:
        stored = await tx.clients.get(document["client_id"])
        assert stored is not None
        await tx.clients.replace(replace(stored, authentication="client_secret_post"))
    known = await authenticate(server, api_call("/oauth2/token", form=form))
    assert known.application.name == "Shop"
    assert known.application.owner == "not verified: ops@shop.example"
    assert not known.client.trusted


async def test_refresh_tokens_are_for_those_who_ask_for_them(server: Server) -> None:
    """Without ``grant_types`` a client is registered for codes alone (RFC 7591 section 2), and again after an update."""
    both = ["authorization_code", "refresh_token"]
    for asked, expected in ((None, ["authorization_code"]), (both, both)):
        document = await registered(server, grant_types=asked)
        assert document["grant_types"] == expected
        async with server.store.reading() as tx:
            client = await tx.clients.get(document["client_id"])
        assert client is not None
        assert list(client.grant_types) == expected
        left_out = metadata(client_id=document["client_id"])
        seen = json.loads((await manage(server, document, "PUT", left_out)).body)
        assert seen["grant_types"] == ["authorization_code"]


async def test_registration_is_closed_unless_it_is_opened(closed: Server) -> None:
    """Without a token 401 with a challenge; nothing is made."""
    error = await refusal(registration.register(closed, call_of(metadata())))
    assert error.status == 401
    assert dict(error.headers)["www-authenticate"].startswith("Bearer")
    assert await count(closed, "clients") == 0


@pytest.mark.parametrize("token", ["", "x", "wgot_" + "a" * 43, "wgra_" + "a" * 43])
async def test_tokens_that_are_none(server: Server, token: str) -> None:
    """A wrong token is refused even where none is needed."""
    error = await refusal(registration.register(server, call_of(metadata(), token=token)))
    assert (error.error, error.status) == ("invalid_token", 401)


async def test_an_initial_access_token_registers_one_client(closed: Server) -> None:
    """Once; in the application it names; for the scopes it names; and a mistake does not use it up."""
    application = await applications.add(closed.store, name="Partner")
    token = await initial(closed, application="Partner", scopes=("orders.read",))
    wrong = await refusal(registration.register(closed, call_of(metadata(scope="orders.write"), token=token)))
    assert (wrong.error, wrong.status) == ("invalid_client_metadata", 400)
    document = await registered(closed, token, scope="openid orders.read")
    async with closed.store.reading() as tx:
        client = await tx.clients.get(document["client_id"])
    assert client is not None
    assert (client.application, client.scopes) == (application.id, ("openid", "orders.read"))
    again = await refusal(registration.register(closed, call_of(metadata(), token=token)))
    assert again.error == "invalid_token"


@pytest.mark.every_database
async def test_of_many_uses_of_a_token_at_once_one_counts(closed: Server) -> None:
    """The token is taken by one statement, with the registration."""
    token = await initial(closed)
    calls = (registration.register(closed, call_of(metadata(), token=token)) for _ in range(8))
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(not isinstance(answer, BaseException) for answer in answers) == 1
    assert {getattr(answer, "error", "") for answer in answers} <= {"", "invalid_token"}
    async with closed.store.reading() as tx:
        assert len(await tx.clients.list()) == 1


async def test_initial_tokens_end_and_are_of_one_environment(
    closed: Server, clock: Clock, store: SqlStore
) -> None:
    """An expired one, or one of another environment, registers nothing."""
    token = await initial(closed, lifetime=10.0)
    clock.now += 11
    assert (await refusal(registration.register(closed, call_of(metadata(), token=token)))).status == 401
    async with store.reading() as tx:
        other = next(each.name for each in await tx.environments.all() if each.name != "development")
    secret = await manage_clients.registration_token(store, environment=other, clock=clock)
    call = call_of(metadata(), token=secret.reveal().decode())
    assert (await refusal(registration.register(closed, call))).status == 401


async def test_an_operator_can_change_an_app_that_shows_a_secret(server: Server, store: SqlStore) -> None:
    """What registration allowed to a native client keeps nobody from trusting it; no other client comes to it so."""
    uris = ["com.example.app:/cb"]
    made = await registered(server, application_type="native", redirect_uris=uris)
    client, _ = await manage_clients.update(store, made["client_id"], {"trusted": True})
    assert client.trusted
    assert not client.public
    other = await add_client(server)
    with pytest.raises(InvalidError, match="private schemes are for native"):
        await manage_clients.update(store, other.id, {"redirect_uris": tuple(uris)})
    public = await add_client(server, authentication="none", redirect_uris=tuple(uris))
    with pytest.raises(InvalidError, match="private schemes are for native"):
        await manage_clients.update(store, public.id, {"authentication": "client_secret_basic"})


SOUND: list[dict[str, Any]] = [
    {"token_endpoint_auth_method": "none", "redirect_uris": ["http://127.0.0.1/cb", "com.example.app:/cb"]},
    {"application_type": "native", "redirect_uris": ["com.example.app:/cb"]},
    {"grant_types": ["client_credentials"], "redirect_uris": None, "scope": "openid"},
    {"grant_types": [DEVICE_CODE], "redirect_uris": None},
    {"client_name": None},
    {"software_id": "x", "software_version": "1", "whatever": {"a": [1]}},
    {"logo_uri": None, "contacts": None, "request_uris": []},
    {"frontchannel_logout_uri": "https://shop.example/out", "frontchannel_logout_session_required": True},
    {f"{name}_uri": f"https://shop.example/{name}" for name in ("client", "logo", "policy", "tos")},
    {"policy_uri#de": "https://shop.example/datenschutz", "client_name#de": "Laden"},
    {"dpop_bound_access_tokens": True, "require_pushed_authorization_requests": True},
    {"subject_type": "pairwise"},
    {"id_token_signed_response_alg": "RS256", "userinfo_signed_response_alg": "ES256"},
    {"authorization_details_types": ["payment"]},
]


@pytest.mark.parametrize("changes", SOUND)
async def test_what_can_be_registered(server: Server, changes: dict[str, Any]) -> None:
    """What was asked for is what is registered, or ignored where nobody knows it (RFC 7591 section 2)."""
    document = await registered(server, **changes)
    for name, value in changes.items():
        if name in document and value is not None:
            assert document[name] == value
    ignored = {
        "software_id",
        "software_version",
        "whatever",
        "policy_uri#de",
        "client_name#de",
        "frontchannel_logout_uri",
    }
    assert ignored.isdisjoint(document)
    assert "frontchannel_logout_session_required" not in document


BAD: list[tuple[dict[str, Any], str]] = [
    ({"redirect_uris": None}, "invalid_redirect_uri"),
    ({"redirect_uris": []}, "invalid_redirect_uri"),
    ({"redirect_uris": CALLBACK}, "invalid_redirect_uri"),
    ({"redirect_uris": [1]}, "invalid_redirect_uri"),
    ({"redirect_uris": ["http://shop.example/cb"]}, "invalid_redirect_uri"),
    ({"redirect_uris": [CALLBACK + "#x"]}, "invalid_redirect_uri"),
    ({"redirect_uris": ["https://*.example/cb"]}, "invalid_redirect_uri"),
    ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
    ({"redirect_uris": ["com.example.app:/cb"]}, "invalid_redirect_uri"),
    ({"post_logout_redirect_uris": ["https://a@b.example"]}, "invalid_redirect_uri"),
    ({"software_statement": "e30.e30."}, "invalid_client_metadata"),
    ({"grant_types": ["implicit"], "response_types": ["token"]}, "invalid_client_metadata"),
    ({"grant_types": ["password"]}, "invalid_client_metadata"),
    ({"grant_types": ["urn:ietf:params:oauth:grant-type:token-exchange"]}, "invalid_client_metadata"),
    ({"grant_types": "authorization_code"}, "invalid_client_metadata"),
    ({"response_types": ["token"]}, "invalid_client_metadata"),
    ({"response_types": ["code id_token"]}, "invalid_client_metadata"),
    ({"scope": "orders.read"}, "invalid_client_metadata"),
    ({"scope": ["openid"]}, "invalid_client_metadata"),
    ({"token_endpoint_auth_method": "client_secret_jwt"}, "invalid_client_metadata"),
    ({"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata"),
    ({"jwks": {"keys": [{"kty": "oct", "k": "AA"}]}}, "invalid_client_metadata"),
    ({"jwks": "x"}, "invalid_client_metadata"),
    ({"jwks_uri": "http://169.254.169.254/"}, "invalid_client_metadata"),
    ({"client_name": 5}, "invalid_client_metadata"),
    ({"client_name": "a\nb"}, "invalid_client_metadata"),
    ({"client_name": "x" * 201}, "invalid_client_metadata"),
    ({"logo_uri": "javascript:alert(1)"}, "invalid_client_metadata"),
    ({"contacts": "me"}, "invalid_client_metadata"),
    ({"application_type": "toaster"}, "invalid_client_metadata"),
    ({"default_max_age": True}, "invalid_client_metadata"),
    ({"default_max_age": "5"}, "invalid_client_metadata"),
    ({"require_auth_time": "yes"}, "invalid_client_metadata"),
    ({"id_token_signed_response_alg": "none"}, "invalid_client_metadata"),
    ({"id_token_signed_response_alg": "HS256"}, "invalid_client_metadata"),
    ({"request_object_signing_alg": "none"}, "invalid_client_metadata"),
    ({"id_token_encrypted_response_alg": "RSA-OAEP"}, "invalid_client_metadata"),
    ({"request_uris": ["https://shop.example/r"]}, "invalid_client_metadata"),
    ({"sector_identifier_uri": "https://shop.example/sector"}, "invalid_client_metadata"),
    ({"backchannel_logout_uri": "http://shop.example/x"}, "invalid_client_metadata"),
]


#: What cannot be taken apart, where rules look at the host before they look at the whole.
BROKEN = ["http://[", "https://[::1/done", "https://exa[mple].com/done", "http://[v1.x]/"]


@pytest.mark.parametrize("uri", BROKEN)
@pytest.mark.parametrize("subject_type", ["public", "pairwise"])
async def test_a_broken_uri_is_the_clients_mistake(server: Server, uri: str, subject_type: str) -> None:
    """It is refused like any other that is wrong, and is no error of this server's."""
    with pytest.raises(OAuthError) as caught:
        await registration.register(server, call_of({"redirect_uris": [uri], "subject_type": subject_type}))
    assert caught.value.status == 400
    assert caught.value.error in ("invalid_redirect_uri", "invalid_client_metadata")


@pytest.mark.parametrize(("changes", "error"), BAD)
async def test_what_is_refused(server: Server, changes: dict[str, Any], error: str) -> None:
    """With the code of RFC 7591 section 3.2.2, and nothing is stored."""
    refused = await refusal(registration.register(server, call_of(metadata(**changes))))
    assert (refused.error, refused.status) == (error, 400)
    assert refused.description.isascii()
    assert '"' not in refused.description
    assert await count(server, "clients") == 0
    assert await count(server, "applications") == 0


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "application/json"),
        (b"[]", "application/json"),
        (b"{", "application/json"),
        (b'{"client_name":"a","client_name":"b"}', "application/json"),
        (b"\xff", "application/json"),
        (b"{}" + b" " * 40_000, "application/json"),
        (b"client_name=a", "application/x-www-form-urlencoded"),
    ],
)
async def test_bodies_that_are_no_document(server: Server, body: bytes, kind: str) -> None:
    """One JSON object, each member once."""
    refused = await refusal(registration.register(server, call_of(body, **{"content-type": kind})))
    assert refused.error == "invalid_client_metadata"


async def test_a_sector_is_its_owners(server: Server, web: Web) -> None:
    """Pairwise subjects of several hosts need a document that lists every redirect URI."""
    hosts = ["https://a.example/cb", "https://b.example/cb"]
    asked: dict[str, Any] = {"subject_type": "pairwise", "redirect_uris": hosts}
    assert (await refusal(registration.register(server, call_of(metadata(**asked))))).error == (
        "invalid_client_metadata"
    )
    asked["sector_identifier_uri"] = "https://shop.example/sector"
    for listed in (hosts[:1], {"a": 1}, "x", None):
        web.documents["https://shop.example/sector"] = listed
        refused = await refusal(registration.register(server, call_of(metadata(**asked))))
        assert "sector_identifier_uri" in refused.description
    web.documents["https://shop.example/sector"] = [*hosts, "https://c.example"]
    assert (await registered(server, **asked))["subject_type"] == "pairwise"


async def test_names_are_not_taken_over(server: Server) -> None:
    """A second client of one name gets an application of its own, called differently."""
    await applications.add(server.store, name="Shop", owner="Ann")
    first, second = await registered(server), await registered(server)
    assert first["client_id"] != second["client_id"]
    async with server.store.reading() as tx:
        names = [each.name for each in await tx.applications.all()]
    assert names[0] == "Shop"
    assert len(set(names)) == 3


async def test_open_registration_is_slowed(server: Server) -> None:
    """An address that registers without end is made to wait; with a token it is not."""
    for _ in range(10):
        await registered(server)
    error = await refusal(registration.register(server, call_of(metadata())))
    assert error.status == 429
    assert await count(server, "clients") == 10
    await registered(server, await initial(server))


async def manage(
    server: Server, document: dict[str, Any], method: str, body: Any = None, **changes: Any
) -> Any:
    """A request of the client about itself."""
    handler = {"GET": registration.read, "PUT": registration.update, "DELETE": registration.remove}[method]
    chosen = {"token": document["registration_access_token"], "client_id": document["client_id"], **changes}
    return await handler(server, call_of(body or {}, method=method, **chosen))


async def test_a_client_reads_itself(server: Server) -> None:
    """As registered, with the token that was shown, and never its secret again (RFC 7592 section 3)."""
    document = await registered(server)
    seen = json.loads((await manage(server, document, "GET")).body)
    assert seen == {name: value for name, value in document.items() if name != "client_secret"}


async def test_a_client_keeps_proving_who_it_is_where_there_is_a_gate(
    server: Server, store: SqlStore
) -> None:
    """In the first environment it may become public by itself; in another that would take a second person."""
    for order, refused in ((("development", "staging"), False), (("staging", "development"), True)):
        await environments.reorder(store, [*order, "production"])
        document = await registered(server)
        token, client_id = document["registration_access_token"], document["client_id"]
        changed = metadata(client_id=client_id, token_endpoint_auth_method="none")
        call = call_of(changed, token=token, method="PUT", client_id=client_id)
        if refused:
            error = await refusal(registration.update(server, call))
            assert error.error == "invalid_client_metadata"
            assert "token_endpoint_auth_method" in error.description
        else:
            assert (await registration.update(server, call)).status == 200
        still = (await manage_clients.show(store, client_id)).client
        assert still.public is not refused


async def test_an_update_replaces_everything(server: Server) -> None:
    """What is left out is at its default again; what only an operator sets stays."""
    document = await registered(server, client_uri="https://shop.example", require_auth_time=True)
    async with server.store.writing() as tx:
        client = await tx.clients.get(document["client_id"])
        assert client is not None
        await tx.clients.replace(replace(client, trusted=True, access_lifetime=60, audiences=("urn:a",)))
    body = metadata(client_id=document["client_id"], client_name="New", redirect_uris=[CALLBACK + "2"])
    reply = await manage(server, document, "PUT", body)
    seen = json.loads(reply.body)
    assert (seen["client_name"], seen["redirect_uris"]) == ("New", [CALLBACK + "2"])
    assert "client_uri" not in seen
    assert "client_secret" not in seen
    async with server.store.reading() as tx:
        client = await tx.clients.get(document["client_id"])
    assert client is not None
    assert (client.trusted, client.access_lifetime, client.audiences) == (True, 60, ("urn:a",))
    assert not client.require_auth_time


async def test_a_change_of_method_changes_the_secret(server: Server) -> None:
    """To keys: the secret is good no more. Back to a secret: a new one is shown."""
    document = await registered(server)
    _, jwks = client_key()
    body = metadata(client_id=document["client_id"], token_endpoint_auth_method="private_key_jwt", jwks=jwks)
    await manage(server, document, "PUT", body)
    async with server.store.reading() as tx:
        (old,) = await tx.clients.secrets(document["client_id"])
    assert old.expires_at is not None
    back = json.loads((await manage(server, document, "PUT", metadata(client_id=document["client_id"]))).body)
    assert back["client_secret"] not in ("", document["client_secret"])


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": None}, "invalid_client_metadata"),
        ({"client_id": "cl_other"}, "invalid_client_metadata"),
        ({"client_secret": "mine"}, "invalid_client_metadata"),
        ({"registration_access_token": "x"}, "invalid_client_metadata"),
        ({"client_id_issued_at": 5}, "invalid_client_metadata"),
        ({"redirect_uris": ["https://*"]}, "invalid_redirect_uri"),
        ({"grant_types": ["password"]}, "invalid_client_metadata"),
        ({"scope": "admin"}, "invalid_client_metadata"),
    ],
)
async def test_updates_that_are_refused(server: Server, changes: dict[str, Any], error: str) -> None:
    """An update may no more than a registration, and a refused one changes nothing."""
    document = await registered(server)
    body = metadata(**{"client_id": document["client_id"], **changes})
    assert (await refusal(manage(server, document, "PUT", body))).error == error
    seen = json.loads((await manage(server, document, "GET")).body)
    assert seen["redirect_uris"] == [CALLBACK]


async def test_a_client_removes_itself(server: Server) -> None:
    """Afterwards it is unknown, its tokens are taken back, and its token is good for nothing."""
    document = await registered(server)
    reply = await manage(server, document, "DELETE")
    assert (reply.status, reply.body) == (204, b"")
    assert await count(server, "clients") == 0
    assert await count(server, "revocations") == 1
    for method in ("GET", "PUT", "DELETE"):
        assert (await refusal(manage(server, document, method))).status == 401


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_nobody_manages_another_client(server: Server, method: str) -> None:
    """Wrong token, none, another client's, an initial one: one and the same answer, whether the client exists or not."""
    mine, other = await registered(server), await registered(server)
    preset = await add_client(server)
    token = mine["registration_access_token"]
    answers = set()
    for changes in (
        {"client_id": other["client_id"]},
        {"client_id": preset.id},
        {"client_id": "cl_unknown"},
        {"token": None},
        {"token": "x"},
        {"token": "wgra_" + "a" * 43},
        {"token": await initial(server)},
        {"token": mine["client_secret"]},
    ):
        error = await refusal(manage(server, mine, method, metadata(client_id=mine["client_id"]), **changes))
        answers.add((error.error, error.status, error.description))
    assert len(answers) == 1
    assert answers.pop()[:2] == ("invalid_token", 401)
    assert await count(server, "clients") == 3
    assert json.loads((await manage(server, mine, "GET", token=token)).body)["client_id"] == mine["client_id"]


async def test_a_suspended_client_cannot_manage_itself(server: Server) -> None:
    """An operator's word stands."""
    document = await registered(server)
    await manage_clients.suspend(server.store, document["client_id"])
    for method in ("GET", "PUT", "DELETE"):
        assert (await refusal(manage(server, document, method))).status == 401
