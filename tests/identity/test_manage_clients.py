"""What operators do with clients: secrets are shown once, overlap when rotated, and nothing of a removed client works."""

from __future__ import annotations

from typing import Any

import pytest
from tests.identity.front import CALLBACK, Clock, add_client, api_call, count, make_server, refusal
from tests.storage.samples import feed_of

from wardgate.control import applications
from wardgate.control.errors import ConflictError, InvalidError, NotFoundError
from wardgate.domain.oauth import Client, Token
from wardgate.domain.secret import Secret
from wardgate.identity import manage_clients
from wardgate.identity.client_auth import authenticate
from wardgate.identity.errors import OAuthError
from wardgate.identity.server import Server
from wardgate.storage.database import SqlStore

SETTINGS: dict[str, Any] = {"name": "Shop", "redirect_uris": (CALLBACK,), "scopes": ("openid",)}


@pytest.fixture
async def server(store: SqlStore, clock: Clock) -> Server:
    """A server with the application ``shop``."""
    await applications.add(store, name="shop")
    return make_server(store, clock)


async def add(server: Server, **settings: Any) -> tuple[Client, Secret | None]:
    """A client of ``shop`` as the command adds it."""
    return await manage_clients.add(
        server.store,
        application="shop",
        environment="development",
        settings={**SETTINGS, "authentication": "client_secret_post", **settings},
        clock=server.clock,
    )


async def works(server: Server, client: Client, secret: Secret | None) -> bool:
    """Whether the client can authenticate with the secret."""
    assert secret is not None
    form = {"client_id": client.id, "client_secret": secret.reveal().decode()}
    try:
        await authenticate(server, api_call("/oauth2/token", form=form))
    except OAuthError as error:
        assert error.error == "invalid_client"
        return False
    return True


async def test_a_secret_is_shown_once(server: Server) -> None:
    """It authenticates, and neither the list nor the client holds it."""
    client, secret = await add(server)
    assert await works(server, client, secret)
    assert secret is not None
    record = await manage_clients.show(server.store, client.id)
    assert secret.reveal().decode() not in repr((client, record, secret))
    assert record.application.name == "shop"
    assert len(record.secrets) == 1
    assert client.id.startswith("cl_")
    assert ("client", client.id) in feed_of(server.store.data_dir)


async def test_public_clients_and_clients_with_keys_have_no_secret(server: Server) -> None:
    """Only those that show one get one."""
    assert (await add(server, authentication="none"))[1] is None
    assert (await add(server, authentication="private_key_jwt", jwks_uri="https://a.example/k"))[1] is None


async def test_response_types_follow_from_the_grants(server: Server) -> None:
    """Whoever names grants need not name response types."""
    client, _ = await add(server, grant_types=("client_credentials",), redirect_uris=())
    assert client.response_types == ()
    client, _ = await add(server, grant_types=("authorization_code", "implicit"))
    assert client.response_types == ("code", "id_token token", "token", "id_token")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"redirect_uris": ("http://evil.example",)}, "plain http"),
        ({"id": "mine"}, "no setting 'id'"),
        ({"application": "other"}, "no setting 'application'"),
        ({"status": "active"}, "no setting 'status'"),
        ({"colour": "red"}, "no setting 'colour'"),
        ({"grant_types": ("magic",)}, "grant_types"),
    ],
)
async def test_wrong_settings_store_nothing(server: Server, settings: dict[str, Any], said: str) -> None:
    """The error names the setting and what to do."""
    with pytest.raises(InvalidError) as caught:
        await add(server, **settings)
    assert said in str(caught.value)
    assert caught.value.remedy
    assert await count(server, "clients") == 0


async def test_what_does_not_exist(server: Server) -> None:
    """Each command says which thing it did not find."""
    store = server.store
    with pytest.raises(NotFoundError):
        await manage_clients.add(store, application="x", environment="development", settings=SETTINGS)
    with pytest.raises(NotFoundError):
        await manage_clients.add(store, application="shop", environment="x", settings=SETTINGS)
    with pytest.raises(NotFoundError):
        await manage_clients.registration_token(store, environment="development", application="x")
    with pytest.raises(NotFoundError):
        await manage_clients.list_clients(store, application="x")
    for use_case in (
        manage_clients.show(store, "cl_x"),
        manage_clients.update(store, "cl_x", {}),
        manage_clients.rotate_secret(store, "cl_x", overlap=0),
        manage_clients.suspend(store, "cl_x"),
        manage_clients.restore(store, "cl_x"),
        manage_clients.remove(store, "cl_x"),
    ):
        with pytest.raises(NotFoundError, match="cl_x"):
            await use_case


async def test_lists_are_of_an_application_or_environment(server: Server, clock: Clock) -> None:
    """All clients, oldest first, or those asked for."""
    client, _ = await add(server)
    clock.now += 1
    other = await add_client(server)
    store = server.store
    assert [each.client.id for each in await manage_clients.list_clients(store)] == [client.id, other.id]
    of_shop = await manage_clients.list_clients(store, application="shop", environment="development")
    assert [each.client.id for each in of_shop] == [client.id]


async def test_rotation_overlaps(server: Server, clock: Clock) -> None:
    """Both secrets work until the overlap ends; with none, the old one ends at once."""
    client, first = await add(server)
    _, second = await manage_clients.rotate_secret(server.store, client.id, overlap=60, clock=clock)
    assert await works(server, client, first)
    assert await works(server, client, second)
    _, third = await manage_clients.rotate_secret(server.store, client.id, overlap=600, clock=clock)
    clock.now += 60
    assert not await works(server, client, first), "a later rotation does not lengthen an earlier overlap"
    assert await works(server, client, second)
    _, fourth = await manage_clients.rotate_secret(server.store, client.id, overlap=0, clock=clock)
    assert [await works(server, client, each) for each in (second, third, fourth)] == [False, False, True]


@pytest.mark.parametrize("overlap", [-1.0, float("nan"), float("inf")])
async def test_overlaps_that_are_none(server: Server, overlap: float) -> None:
    """A wrong overlap changes nothing."""
    client, secret = await add(server)
    with pytest.raises(InvalidError):
        await manage_clients.rotate_secret(server.store, client.id, overlap=overlap)
    assert await works(server, client, secret)


async def test_only_secrets_are_rotated(server: Server) -> None:
    """A client without one is told how to get one."""
    client, _ = await add(server, authentication="none")
    with pytest.raises(ConflictError):
        await manage_clients.rotate_secret(server.store, client.id, overlap=0)


async def test_an_update_changes_what_it_names(server: Server, clock: Clock) -> None:
    """The rest stays; a client that comes to need a secret gets one, one that needs none loses it."""
    client, secret = await add(server)
    changed, none = await manage_clients.update(server.store, client.id, {"scopes": ("email",)}, clock=clock)
    assert (changed.scopes, changed.redirect_uris, none) == (("email",), (CALLBACK,), None)
    assert await works(server, client, secret)
    await manage_clients.update(server.store, client.id, {"authentication": "none"}, clock=clock)
    changed, new = await manage_clients.update(
        server.store, client.id, {"authentication": "client_secret_post"}, clock=clock
    )
    assert not await works(server, changed, secret)
    assert await works(server, changed, new)


async def test_suspended_and_restored(server: Server) -> None:
    """A suspended client is refused until it is restored."""
    client, secret = await add(server)
    assert (await manage_clients.suspend(server.store, client.id)).status == "suspended"
    assert not await works(server, client, secret)
    assert (await manage_clients.restore(server.store, client.id)).status == "active"
    assert await works(server, client, secret)


async def test_nothing_of_a_removed_client_works(server: Server, clock: Clock) -> None:
    """It is gone, its secrets with it, and its tokens are taken back, those just being issued too."""
    client, secret = await add(server)
    await manage_clients.remove(server.store, client.id, clock=clock)
    assert not await works(server, client, secret)
    assert ("revocation", f"client {client.id}") in feed_of(server.store.data_dir)
    token = Token(id="x", issuer="", client=client.id, issued_ms=int((clock.now + 30) * 1000))
    async with server.store.reading() as tx:
        assert await tx.revocations.covers(token, client.application)
        assert await tx.clients.get(client.id) is None


@pytest.mark.parametrize("lifetime", [0.0, -5.0, float("nan"), 400 * 86400.0])
async def test_initial_tokens_have_a_sensible_lifetime(server: Server, lifetime: float) -> None:
    """Up to a year."""
    with pytest.raises(InvalidError):
        await manage_clients.registration_token(server.store, environment="development", lifetime=lifetime)
    assert await count(server, "once") == 0


async def test_a_removed_client_is_unknown_at_once(server: Server) -> None:
    """The token endpoint answers as for one that never was."""
    client, secret = await add(server)
    assert await works(server, client, secret)
    await manage_clients.remove(server.store, client.id)
    form = {"client_id": client.id, "client_secret": "x"}
    error = await refusal(authenticate(server, api_call("/oauth2/token", form=form)))
    assert (error.error, error.status) == ("invalid_client", 401)
