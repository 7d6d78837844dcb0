"""A server on a real store, with a clock to turn, and clients that call its handlers."""

from __future__ import annotations

import json
import re
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote_plus

import pytest
from tests.storage.samples import deploy, entry

from wardgate.domain.consumer import Application, Subscription
from wardgate.domain.oauth import Client, ClientSecret, Grant
from wardgate.domain.people import Role, Session, User
from wardgate.domain.tokenform import SECRET_PATTERN, new_secret
from wardgate.identity import token
from wardgate.identity.errors import OAuthError
from wardgate.identity.grants.code_document import CodeDocument
from wardgate.identity.http import Call, Parameters, Reply
from wardgate.identity.keys import KeyRing
from wardgate.identity.pkce import challenge_of
from wardgate.identity.ports import Fetched, FetchError, Store
from wardgate.identity.server import IdentitySettings, Server
from wardgate.identity.signer import PrivateKey, Signer, generate, public_jwk, stored
from wardgate.jose.encoding import encode
from wardgate.jose.thumbprint import jwk_thumbprint
from wardgate.storage.clientreader import SqliteClientReader, StoreClientReader
from wardgate.storage.database import SqlStore
from wardgate.storage.layout import database_path
from wardgate.storage.vault import Vault

ISSUER = "https://id.example.com"
CALLBACK = "https://app.example.com/callback"
VERIFIER = "v" * 43
FORM = ("content-type", "application/x-www-form-urlencoded")
_TOKEN_LIKE = re.compile(rf"{SECRET_PATTERN}|eyJ[A-Za-z0-9_-]+")


class Clock:
    """Unix seconds that move when told."""

    def __init__(self) -> None:
        self.now = float(int(time.time()))

    def __call__(self) -> float:
        return self.now

    def forward(self, seconds: float) -> None:
        """Lets time pass."""
        self.now += seconds


@dataclass
class Net:
    """Documents that others publish, by URL, and how often each was asked for."""

    documents: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    max_age: float = 0.0

    async def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> Fetched:
        self.asked.append(url)
        if url not in self.documents:
            raise FetchError("example.com cannot be reached: connection refused")
        return Fetched(status=200, document=self.documents[url], max_age=self.max_age)

    async def post(
        self, url: str, form: Mapping[str, str], *, headers: Mapping[str, str] | None = None
    ) -> Fetched:
        return await self.get(url)


class Holder:
    """Somebody with a private key: signs assertions, request objects and DPoP proofs."""

    def __init__(self, algorithm: Any = "ES256") -> None:
        self.key: PrivateKey = generate(algorithm)
        self.algorithm = algorithm
        self.public = public_jwk(self.key, algorithm)
        vault = Vault(bytes(32))
        kept = stored(self.key, algorithm, vault, environment="", now=0, active_at=0)
        self._signer = Signer(kept, vault)

    @property
    def jwks(self) -> dict[str, Any]:
        """The public half, as a client registers it."""
        return {"keys": [dict(self.public)]}

    @property
    def jkt(self) -> str:
        """The thumbprint that tokens are bound to."""
        return jwk_thumbprint(self.public)

    def sign(self, claims: Mapping[str, Any], typ: str = "JWT") -> str:
        """A JWS whose header names the key."""
        return self._signer.sign(claims, typ)

    def proof(self, **claims: Any) -> str:
        """A DPoP proof: the key itself is in its header."""
        jwk = {
            name: value for name, value in self.public.items() if name in ("kty", "crv", "x", "y", "n", "e")
        }
        header = {"typ": "dpop+jwt", "alg": self.algorithm, "jwk": jwk}
        text = ".".join(encode(json.dumps(part).encode()) for part in (header, claims))
        return f"{text}.{encode(self._signer._sign(text.encode()))}"


@dataclass
class Side:
    """The server and what tests turn."""

    server: Server
    store: Store
    keys: KeyRing
    clock: Clock
    net: Net
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    count: int = 0

    async def application(self, name: str, *apis: str) -> None:
        """An application, subscribed to deployed APIs."""
        async with self.store.writing() as tx:
            if await tx.applications.find(name) is None:
                await tx.applications.add([Application(id=name, name=name)], at=self.clock())
            for api in apis:
                subscription = Subscription(id=f"{name}-{api}", application=name, api=api, plan=None)
                await tx.applications.subscribe("development", [subscription], at=self.clock())
            await tx.feed.append("application", name, at=self.clock())

    async def deploy(self, name: str) -> str:
        """Deploys the API ``name/v1`` at ``/name/v1`` and returns its resource indicator."""
        async with self.store.writing() as tx:
            await deploy(tx, entry(name, plans=()), at=self.clock())
        self.clock.forward(60)
        return f"{ISSUER}/{name}/v1"

    async def client(self, called: str = "app", *, application: str = "acme", **settings: Any) -> Client:
        """A client of ``application``, with a secret if its method has one."""
        await self.application(application)
        made = Client(
            id=called,
            application=application,
            environment="development",
            name=called,
            created_at=self.clock(),
            **{
                "scopes": ("read", "write", "openid", "offline_access"),
                "redirect_uris": (CALLBACK,),
                **settings,
            },
        )
        async with self.store.writing() as tx:
            await tx.clients.add(made)
            if made.authentication.startswith("client_secret"):
                self.secrets[called] = new_secret("cs", self.server.random)
                await tx.clients.add_secret(
                    ClientSecret(
                        client=called,
                        digest=self.server.digest(self.secrets[called]),
                        created_at=self.clock(),
                    )
                )
        return made

    async def user(self, name: str = "ada", *roles: str) -> User:
        """An active user."""
        made = User(id=f"user-{name}", name=name, email=f"{name}@example.com", created_at=self.clock())
        async with self.store.writing() as tx:
            await tx.users.add(made)
            if roles:
                await tx.users.set_roles(made.id, roles)
        return made

    async def role(self, name: str, *scopes: str) -> None:
        """A role that carries scopes."""
        async with self.store.writing() as tx:
            await tx.roles.put(Role(name=name, scopes=scopes))

    async def session(self, user: str) -> Session:
        """A browser the user signed in with."""
        self.count += 1
        now = self.clock()
        made = Session(
            id=f"session-{self.count}",
            user=user,
            environment="development",
            created_at=now,
            seen_at=now,
            expires_at=now + 3600,
            auth_time=now,
            acr="urn:wardgate:acr:1",
            amr=("pwd",),
        )
        async with self.store.writing() as tx:
            await tx.sessions.add(made, self.server.digest(made.id))
        return made

    async def grant(self, client: str, user: str, **settings: Any) -> Grant:
        """What the user let the client do."""
        self.count += 1
        made = Grant(
            id=f"grant-{self.count}",
            environment="development",
            client=client,
            subject=user,
            created_at=self.clock(),
            **{
                "kind": "authorization_code",
                "scopes": ("read", "openid", "offline_access"),
                "auth_time": int(self.clock()),
                "acr": "urn:wardgate:acr:1",
                "amr": ("pwd",),
                **settings,
            },
        )
        async with self.store.writing() as tx:
            await tx.grants.add(made)
        return made

    async def code(self, grant: Grant, **document: Any) -> str:
        """A fresh authorization code of the grant."""
        text = new_secret("ac", self.server.random)
        made = CodeDocument(
            **{
                "client": grant.client,
                "grant": grant.id,
                "redirect_uri": CALLBACK,
                "code_challenge": challenge_of(VERIFIER),
                **document,
            }
        )
        async with self.store.writing() as tx:
            await tx.once.put("code", self.server.digest(text), made.to_document(), self.clock() + 60)
        return text

    def call(
        self,
        form: Mapping[str, str] | Sequence[tuple[str, str]],
        *,
        client: str = "",
        path: str = "/oauth2/token",
        headers: Sequence[tuple[str, str]] = (),
        **more: Any,
    ) -> Call:
        """A form, sent by ``client`` with its secret in the Authorization header."""
        pairs = tuple(form.items() if isinstance(form, Mapping) else form)
        sent = [FORM, *headers]
        if client:
            sent.append(("authorization", basic(client, self.secrets[client])))
        values: dict[str, Any] = {
            "method": "POST",
            "path": path,
            "url": ISSUER + path,
            "form": Parameters(pairs),
            "headers": tuple(sent),
            "address": "192.0.2.1",
        }
        return Call(**(values | more))

    async def token(self, form: Mapping[str, str] | Sequence[tuple[str, str]], **how: Any) -> dict[str, Any]:
        """The token endpoint's answer."""
        return read(await token.handle(self.server, self.call(form, **how)))

    async def refused(
        self, form: Mapping[str, str] | Sequence[tuple[str, str]], handle: Any = None, **how: Any
    ) -> OAuthError:
        """How an endpoint refuses; by default the token endpoint."""
        answering: Callable[[Server, Call], Awaitable[Reply]] = handle or token.handle
        return await refused(answering(self.server, self.call(form, **how)))

    async def claims(self, access_token: str) -> dict[str, Any]:
        """What a signed access token says, checked."""
        claims = await self.keys.claims_of(access_token, "at+jwt")
        assert claims is not None
        return dict(claims)

    def set(self, **settings: Any) -> None:
        """Changes the server's settings."""
        self.server = replace(self.server, settings=replace(self.server.settings, **settings))


def side_of(store: SqlStore, *, sqlite: bool = True) -> Side:
    """A server on ``store``."""
    clock, net = Clock(), Net()
    settings = IdentitySettings(issuer=ISSUER, environment="development", require_dpop_nonce=False)
    vault = Vault(store.master_key())
    keys = KeyRing(store.overlapping, vault, settings, clock=clock)
    reader = SqliteClientReader(database_path(store.data_dir)) if sqlite else StoreClientReader(store)
    server = Server(
        settings=settings,
        store=store.overlapping,
        clients=reader,
        keys=keys,
        vault=vault,
        fetch=net,
        clock=clock,
    )
    return Side(server=server, store=store, keys=keys, clock=clock, net=net)


def basic(user: str, secret: str) -> str:
    """An Authorization header as RFC 6749 section 2.3.1 wants it."""
    return "Basic " + b64encode(f"{quote_plus(user)}:{quote_plus(secret)}".encode()).decode()


def read(reply: Reply) -> dict[str, Any]:
    """The JSON of a reply that went well and must not be stored."""
    assert reply.status == 200
    assert ("cache-control", "no-store") in reply.headers
    document = json.loads(reply.body)
    assert isinstance(document, dict)
    return document


async def refused(answering: Awaitable[Reply]) -> OAuthError:
    """The error a handler raised, whose answer holds nothing like a token."""
    with pytest.raises(OAuthError) as caught:
        await answering
    error = caught.value
    reply = error.reply()
    assert _TOKEN_LIKE.search(reply.body.decode()) is None
    assert _TOKEN_LIKE.search(json.dumps(reply.headers)) is None
    assert _TOKEN_LIKE.search(error.note) is None
    assert re.fullmatch(r"[\x20-\x21\x23-\x5B\x5D-\x7E]+", error.description)
    assert ("cache-control", "no-store") in reply.headers
    return error
