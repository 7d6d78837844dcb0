"""Clients, grants, tokens and people for the tests of the authorization server's store."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from wardgate.domain.consumer import Application
from wardgate.domain.oauth import Client, Grant, Token
from wardgate.domain.people import Factor, IdentityProvider, Session, User
from wardgate.identity.ports import DeviceCode, RefreshToken, StoredKey, Transaction
from wardgate.storage.database import SqlStore

NOW = 1_700_000_000.0
APPLICATION = Application(id="app_1", name="mobile", owner="owner@example.com")
CLIENT = Client(
    id="client-1",
    application="app_1",
    environment="development",
    name="Mobile",
    authentication="private_key_jwt",
    redirect_uris=("https://client.example/cb",),
    scopes=("orders:read", "openid"),
    jwks={"keys": [{"kty": "EC", "x": "é", "n": [1, 2.5, None, True]}]},
    default_max_age=60,
    userinfo_alg="EdDSA",
    created_at=NOW,
)
GRANT = Grant(
    id="grant-1",
    environment="development",
    client="client-1",
    subject="user-1",
    scopes=("openid", "orders:read"),
    kind="authorization_code",
    created_at=NOW,
    resources=("https://api.example/orders",),
    authorization_details=({"type": "payment", "amount": {"value": 12.5}},),
    claims={"id_token": {"acr": {"essential": True}}},
    session="session-1",
    auth_time=1_699_999_999,
    acr="urn:wardgate:acr:2",
    amr=("pwd", "otp"),
    jkt="thumb",
)
USER = User(
    id="user-1",
    name="ada",
    email="Ada@Example.com",
    email_verified=True,
    profile={"given_name": "Ada", "address": {"country": "GB"}},
    created_at=NOW,
)


def digest(text: str) -> bytes:
    """32 bytes that stand for a secret."""
    return hashlib.blake2b(text.encode(), digest_size=32).digest()


REFRESH = RefreshToken(
    digest=digest("first"),
    grant="grant-1",
    client="client-1",
    family="family-1",
    created_at=NOW,
    expires_at=NOW + 1000,
    family_expires_at=NOW + 5000,
    scopes=("openid", "orders:read"),
    jkt="thumb",
    x5t="cert",
)
TOKEN = Token(
    id="jti-1",
    issuer="https://issuer.example",
    client="client-1",
    subject="user-1",
    grant="grant-1",
    audiences=frozenset(("https://b.example", "https://a.example")),
    scopes=frozenset(("orders:read", "openid")),
    roles=frozenset(("clerk",)),
    issued_at=NOW,
    expires_at=NOW + 600,
    issued_ms=int(NOW * 1000),
    jkt="thumb",
    x5t="cert",
    acr="urn:wardgate:acr:1",
    auth_time=NOW - 5,
    actors=("service-1", "service-2"),
    authorization_details=({"type": "payment"},),
)
DEVICE = DeviceCode(
    digest=digest("device"),
    user_code=digest("WDJB-MJHT"),
    environment="development",
    client="client-1",
    document={"scopes": ["openid"], "resources": []},
    created_at=NOW,
    expires_at=NOW + 600,
    interval=5.0,
)
SESSION = Session(
    id="session-1",
    user="user-1",
    environment="development",
    created_at=NOW,
    seen_at=NOW,
    expires_at=NOW + 3600,
    auth_time=NOW,
    acr="urn:wardgate:acr:1",
    amr=("pwd",),
    address="192.0.2.1",
    agent="Browser/1.0",
)
FACTOR = Factor(
    id="factor-1",
    user="user-1",
    kind="totp",
    label="phone",
    data={"sealed": "AQID", "digits": 6},
    created_at=NOW,
)
PROVIDER = IdentityProvider(
    id="provider-1",
    environment="development",
    name="Okta",
    preset="okta",
    issuer="https://okta.example",
    client_id="wardgate",
    sealed_secret=b"\x00\x01\xff",
    settings={"groups": {"admins": ["admin"]}},
)
KEY = StoredKey(
    kid="key-1",
    environment="development",
    algorithm="ES256",
    public={"kty": "EC", "kid": "key-1"},
    sealed_private=b"\x01sealed",
    created_at=NOW,
    active_at=NOW + 10,
)


@asynccontextmanager
async def filled(store: SqlStore) -> AsyncIterator[Transaction]:
    """A writing transaction of a store that holds an application, a client, a user and a grant."""
    async with store.writing() as tx:
        await fill(tx)
        yield tx


async def fill(tx: Transaction) -> None:
    """Writes what other rows refer to."""
    await tx.applications.add([APPLICATION], at=NOW)
    await tx.clients.add(CLIENT)
    await tx.users.add(USER)
    await tx.grants.add(GRANT)


def successor(token: RefreshToken, name: str, **changed: Any) -> RefreshToken:
    """The token that takes the place of ``token``."""
    return replace(
        token, digest=digest(name), parent=token.digest, created_at=token.created_at + 1, **changed
    )
