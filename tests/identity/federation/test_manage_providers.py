"""Adding, changing and removing providers, and saying what is wrong with one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest
from tests.identity.federation.foreign import ABROAD, SECRET, House, make_house
from tests.identity.front import count

from wardgate.control.errors import ConflictError, InvalidError, NotFoundError
from wardgate.domain.people import Role
from wardgate.identity.federation import manage_providers
from wardgate.identity.federation.check_provider import check
from wardgate.storage.database import SqlStore
from wardgate.storage.errors import MasterKeyError
from wardgate.storage.layout import database_path

TENANT = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def house(store: SqlStore) -> House:
    """A server, and a provider that is still to be added."""
    return make_house(store)


async def test_the_secret_is_sealed_for_its_own_row(house: House) -> None:
    """The database holds it encrypted, and another provider's row cannot use it."""
    provider = await house.add()
    with closing(sqlite3.connect(database_path(house.server.store.data_dir))) as connection:
        dump = "\n".join(connection.iterdump())
    assert SECRET not in dump
    assert SECRET.encode().hex().upper() not in dump.upper()
    assert SECRET not in repr(provider)
    assert house.server.vault.open(provider.sealed_secret, "idp:abroad").decode() == SECRET
    with pytest.raises(MasterKeyError):
        house.server.vault.open(provider.sealed_secret, "idp:other")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": " "}, "name_invalid"),
        ({"name": "a\nb"}, "name_invalid"),
        ({"name": "Ärger?"}, ""),
        ({"name": "???"}, "id_invalid"),
        ({"name": "local"}, "id_invalid"),
        ({"id_": "Up"}, "id_invalid"),
        ({"id_": "a/b"}, "id_invalid"),
        ({"client_id": ""}, "client_id_invalid"),
        ({"client_id": "a\r\nb"}, "client_id_invalid"),
        ({"issuer": ""}, "issuer_invalid"),
        ({"issuer": "ftp://x.example"}, "issuer_invalid"),
        ({"issuer": "https://user@x.example"}, "issuer_invalid"),
        ({"issuer": "https://x.example?a=b"}, "issuer_invalid"),
        ({"issuer": "https://x.example#a"}, "issuer_invalid"),
        ({"settings": {"unknown": 1}}, "settings_invalid"),
        ({"settings": {"algorithms": ["none"]}}, "algorithm_invalid"),
        ({"settings": {"algorithms": ["HS256"]}}, "algorithm_invalid"),
        ({"settings": {"scopes": ["a b"]}}, "scope_invalid"),
        ({"settings": {"roles": {"g": ["nobody"]}}}, "role_not_found"),
        ({"settings": {"tenant": TENANT}}, "tenant_invalid"),
        ({"settings": {"domains": ["x.example"]}}, "domain_invalid"),
        ({"settings": {"authentication": "private_key_jwt"}}, "secret_invalid"),
        ({"secret": "-----BEGIN PRIVATE KEY-----"}, "secret_invalid"),
        ({"preset": "entra"}, "tenant_invalid"),
        ({"preset": "entra", "settings": {"tenant": "contoso.onmicrosoft.com"}}, "tenant_invalid"),
        ({"preset": "entra", "settings": {"tenant": "common"}}, "tenant_invalid"),
        ({"preset": "entra", "settings": {"tenant": TENANT, "tenants": [TENANT]}}, "tenant_invalid"),
        ({"preset": "entra", "settings": {"tenant": "common", "tenants": ["x"]}}, "tenant_invalid"),
        ({"environment": "nowhere"}, "environment_not_found"),
    ],
)
async def test_what_cannot_work_is_refused(house: House, changes: dict[str, Any], code: str) -> None:
    """With a code, and without repeating a secret; nothing is stored."""
    if not code:
        assert (await house.add(**changes)).id == "rger"
        return
    with pytest.raises((InvalidError, NotFoundError)) as refused:
        await house.add(**changes)
    assert refused.value.code == code
    assert SECRET not in str(refused.value)
    assert await count(house.server, "identity_providers") == 0


async def test_an_id_is_taken_once(house: House) -> None:
    """In all environments together, as it names where roles came from."""
    await house.add()
    with pytest.raises(ConflictError, match="--id"):
        await house.add(environment="production")
    assert (await house.add(environment="production", id_="abroad-2")).id == "abroad-2"


async def test_entras_issuer_follows_from_the_tenant(house: House) -> None:
    """The authority may be another cloud's, or the whole issuer."""
    settings = {"tenant": TENANT.upper()}
    whole = f"https://login.microsoftonline.us/{TENANT}/v2.0"
    for name, issuer, found in (
        ("a", "", f"https://login.microsoftonline.com/{TENANT}/v2.0"),
        ("b", "https://login.microsoftonline.us/", whole),
        ("c", whole, whole),
    ):
        provider = await house.add(name, preset="entra", issuer=issuer, settings=settings)
        assert (provider.issuer, provider.settings) == (found, {"tenant": TENANT})


async def test_a_secret_is_replaced(house: House) -> None:
    """The next sign-in shows the new one."""
    await house.add(settings={"create": True, "authentication": "client_secret_post"})
    await manage_providers.set_secret(house.server, "abroad", "new-secret")
    await house.sign_in(house.browser())
    assert house.foreign.posted[0][0]["client_secret"] == "new-secret"


async def test_removing_takes_links_and_roles_along(house: House) -> None:
    """Nobody is linked to it any more, roles of its groups are gone, those given here stay; a second time is an error."""
    async with house.server.store.writing() as tx:
        await tx.roles.put(Role(name="admin"))
        await tx.roles.put(Role(name="own"))
    await house.add(settings={"create": True, "roles": {"g": ["admin"]}})
    house.foreign.claims = {"groups": ["g"]}
    await house.sign_in(house.browser())
    async with house.server.store.writing() as tx:
        (user,) = await tx.users.list()
        await tx.users.set_roles(user.id, ["own"])
    assert (await manage_providers.show(house.server, "abroad"))[1] == 1
    await manage_providers.remove(house.server, "abroad")
    async with house.server.store.reading() as tx:
        assert await tx.users.roles(user.id) == ("own",)
        assert list(await tx.providers.links_of(user.id)) == []
    with pytest.raises(NotFoundError):
        await manage_providers.remove(house.server, "abroad")


async def wrong(house: House) -> dict[str, str]:
    """What the check finds wrong, by what it looked at."""
    _, findings = await check(house.server, "abroad")
    return {each.what: each.detail for each in findings if not each.right}


async def test_a_sound_provider_is_found_sound(house: House) -> None:
    """Everything is looked at, nothing is wrong."""
    await house.add()
    _, findings = await check(house.server, "abroad")
    assert [each.what for each in findings] == [
        "metadata", "PKCE", "code flow", "signatures", "client authentication", "scopes", "keys",
    ]  # fmt: skip
    assert await wrong(house) == {}


@pytest.mark.parametrize(
    ("metadata", "what", "said"),
    [
        ({"issuer": ABROAD + "/"}, "metadata", "was expected, exactly"),
        ({"issuer": None}, "metadata", "no text"),
        ({"token_endpoint": None}, "metadata", "token_endpoint is missing"),
        ({"jwks_uri": "http://login.abroad.example/jwks"}, "metadata", "jwks_uri is not over TLS"),
        ({"userinfo_endpoint": "nowhere"}, "metadata", "userinfo_endpoint cannot be used"),
        (
            {"code_challenge_methods_supported": ["plain"]},
            "PKCE",
            "S256 is needed, and the provider has plain",
        ),
        ({"response_types_supported": ["id_token"]}, "code flow", "code is needed"),
        ({"id_token_signing_alg_values_supported": ["HS256"]}, "signatures", "provider has HS256"),
        (
            {"token_endpoint_auth_methods_supported": ["private_key_jwt"]},
            "client authentication",
            "client_secret_basic is needed",
        ),
        ({"scopes_supported": ["openid"]}, "scopes", "and the provider has openid"),
        ({"jwks_uri": f"{ABROAD}/nowhere"}, "keys", "404"),
    ],
)
async def test_what_is_wrong_is_said(house: House, metadata: dict[str, Any], what: str, said: str) -> None:
    """In the words an operator needs to set it right."""
    await house.add()
    house.foreign.metadata = metadata
    assert said in (await wrong(house))[what]


async def test_keys_that_verify_nothing(house: House) -> None:
    """A key set without a key for the accepted algorithms."""
    await house.add(settings={"algorithms": ["RS256"]})
    assert "suits RS256" in (await wrong(house))["keys"]


async def test_a_provider_that_is_not_there(house: House) -> None:
    """The check says where it looked."""
    await house.add()
    house.foreign.down = True
    assert f"{ABROAD}/.well-known/openid-configuration" in (await wrong(house))["metadata"]
