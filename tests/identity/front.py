"""What tests of the authorization server's front share: a server on a real store, clients, people, and browsers."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc import jws
from joserfc.jwk import ECKey

from wardgate.control import applications
from wardgate.control.ids import new_id
from wardgate.domain.oauth import Client
from wardgate.domain.people import Session, User
from wardgate.domain.tokenform import new_secret
from wardgate.identity import authorize, consent, manage_clients
from wardgate.identity.errors import OAuthError, PageError
from wardgate.identity.http import Call, Parameters, Reply
from wardgate.identity.keys import KeyRing
from wardgate.identity.people.cookies import cookie_name
from wardgate.identity.pkce import challenge_of
from wardgate.identity.ports import Fetched, FetchError
from wardgate.identity.routes import Route
from wardgate.identity.server import IdentitySettings, Server
from wardgate.storage.clientreader import SqliteClientReader, StoreClientReader
from wardgate.storage.database import SqlStore
from wardgate.storage.layout import database_path
from wardgate.storage.vault import Vault
from wardgate.web.pages import Pages
from wardgate.web.static import StaticFiles

ISSUER = "https://id.example.org"
CALLBACK = "https://shop.example/cb"
VERIFIER = "v" * 43
SCOPES = ("openid", "profile", "email", "offline_access", "orders.read", "orders.write")
#: The way through an authorization request, sign-in apart.
ROUTES = (*authorize.ROUTES, *consent.ROUTES)
ACR_ONE, ACR_TWO = "urn:wardgate:acr:1", "urn:wardgate:acr:2"


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Web:
    """The web as the server may fetch it: what is not on it cannot be reached. Posts are noted."""

    documents: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, list[int]] = field(default_factory=dict)
    posted: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    async def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> Fetched:
        if url not in self.documents:
            raise FetchError(f"{urlsplit(url).hostname} cannot be reached")
        return Fetched(status=200, document=self.documents[url], max_age=0.0)

    async def post(
        self, url: str, form: Mapping[str, str], *, headers: Mapping[str, str] | None = None
    ) -> Fetched:
        self.posted.append((url, dict(form)))
        statuses = self.answers.get(url, [])
        status = statuses.pop(0) if statuses else 200
        if status == 0:
            raise FetchError(f"{urlsplit(url).hostname} cannot be reached")
        return Fetched(status=status, document=None, max_age=0.0)


def make_server(
    store: SqlStore, clock: Clock, *, web: Web | None = None, sqlite: bool = True, **settings: Any
) -> Server:
    """A server of the development environment on ``store``, which is SQLite or PostgreSQL."""
    chosen = IdentitySettings(**{"issuer": ISSUER, "environment": "development", **settings})
    vault = Vault(store.master_key())
    return Server(
        settings=chosen,
        store=store,
        clients=SqliteClientReader(database_path(store.data_dir)) if sqlite else StoreClientReader(store),
        keys=KeyRing(store, vault, chosen, clock=clock),
        vault=vault,
        fetch=web or Web(),
        clock=clock,
    )


async def add_client(server: Server, **settings: Any) -> Client:
    """A client of an application of its own, with the redirect URI ``CALLBACK`` unless it says otherwise."""
    name = settings.pop("application", f"Shop {secrets.token_hex(3)}")
    async with server.store.reading() as tx:
        known = await tx.applications.find(name)
    if known is None:
        await applications.add(server.store, name=name, owner="Ann Ash")
    client, secret = await manage_clients.add(
        server.store,
        application=name,
        environment="development",
        settings={"name": "Shop", "redirect_uris": (CALLBACK,), "scopes": SCOPES, **settings},
        clock=server.clock,
    )
    if secret is not None:
        SECRETS[client.id] = secret.reveal().decode()
    return client


#: The secrets of the clients that tests made, by client.
SECRETS: dict[str, str] = {}


async def add_user(server: Server, name: str = "ann", **settings: Any) -> User:
    """A person with an account."""
    user = User(
        id=new_id("usr", server.clock()),
        name=name,
        email=f"{name}@example.org",
        email_verified=True,
        created_at=server.clock(),
        profile={"name": name.title()},
    )
    async with server.store.writing() as tx:
        await tx.users.add(User(**{**{key: getattr(user, key) for key in User.__slots__}, **settings}))
    return user


@dataclass
class Answer:
    """A reply as a browser has it: the page as text, or where it is sent."""

    reply: Reply
    text: str = ""

    @property
    def status(self) -> int:
        return self.reply.status

    @property
    def headers(self) -> dict[str, str]:
        return dict(self.reply.headers)

    @property
    def location(self) -> str:
        return self.headers.get("location", "")

    @property
    def to_client(self) -> bool:
        """Whether it leads to the client."""
        return self.location.startswith(CALLBACK)

    @property
    def fields(self) -> dict[str, str]:
        """What a redirect carries, wherever it carries it."""
        if self.reply.page == "form_post.html":
            return dict(self.reply.context["fields"])
        parts = urlsplit(self.location)
        pairs = parse_qsl(parts.query) + parse_qsl(parts.fragment)
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)


class Browser:
    """Keeps cookies, follows nothing by itself, and shows pages as the server renders them."""

    def __init__(self, server: Server, routes: tuple[Route, ...], address: str = "192.0.2.1") -> None:
        self.server = server
        self.cookies: dict[str, str] = {}
        self.address = address
        self._routes = {(method, route.path): route for route in routes for method in route.methods}
        self._pages = Pages(StaticFiles(""), "")

    async def get(self, url: str, query: Mapping[str, Any] | None = None) -> Answer:
        """Opens a page of the server: a path with a query, or a whole URL."""
        parts = urlsplit(url)
        pairs = (*parse_qsl(parts.query, keep_blank_values=True), *_pairs(query or {}))
        return await self._send("GET", parts.path, Parameters(pairs), Parameters(), self.cookies)

    async def post(self, path: str, form: Mapping[str, Any], *, cross_site: bool = False) -> Answer:
        """Sends a form: from a page of the server, or from another site and so without cookies."""
        cookies = {} if cross_site else self.cookies
        return await self._send("POST", path, Parameters(), Parameters(tuple(_pairs(form))), cookies)

    async def follow(self, answer: Answer) -> Answer:
        """Goes where the answer leads, on this server."""
        assert answer.location.startswith(self.server.settings.issuer + "/")
        return await self.get(answer.location.removeprefix(self.server.settings.issuer))

    async def _send(
        self, method: str, path: str, query: Parameters, form: Parameters, cookies: Mapping[str, str]
    ) -> Answer:
        route = self._routes[method, path]
        call = Call(
            method=method,
            path=path,
            url=self.server.settings.url(path),
            query=query,
            form=form,
            cookies=dict(cookies),
            address=self.address,
            headers=(("content-type", "application/x-www-form-urlencoded"),),
        )
        try:
            reply = await route.handle(self.server, call)
        except PageError as error:
            rendered = self._pages.error(error)
            return Answer(rendered, rendered.body.decode())
        for name, value in reply.headers:
            if name == "set-cookie":
                cookie, _, attributes = value.partition(";")
                key, _, content = cookie.partition("=")
                assert "HttpOnly" in attributes
                assert "SameSite=Lax" in attributes
                self.cookies[key] = content
        return Answer(reply, self._pages.render(reply).body.decode() if reply.page else "")

    async def sign_in(self, user: User, *, acr: str = ACR_ONE, auth_time: float | None = None) -> Session:
        """As the sign-in page leaves a browser: a session in the store, its secret in the cookie."""
        server = self.server
        now = server.clock()
        session = Session(
            id=new_id("ses", now),
            user=user.id,
            environment=server.settings.environment,
            created_at=now,
            seen_at=now,
            expires_at=now + server.settings.session_lifetime,
            auth_time=now if auth_time is None else auth_time,
            acr=acr,
            amr=("pwd",),
        )
        secret = new_secret("ss", secrets.token_bytes)
        async with server.store.writing() as tx:
            await tx.sessions.add(session, server.digest(secret))
        self.cookies[cookie_name(server.settings)] = secret
        return session


def _pairs(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (name, str(each))
        for name, value in values.items()
        for each in (value if isinstance(value, list) else [value])
        if each is not None
    ]


def request(client: Client, **changes: Any) -> dict[str, Any]:
    """A sound code request; ``None`` takes a parameter out."""
    return {
        "client_id": client.id,
        "response_type": "code",
        "redirect_uri": CALLBACK,
        "scope": "openid orders.read",
        "state": "st-1",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
        **changes,
    }


def client_key() -> tuple[ECKey, dict[str, Any]]:
    """A client's signing key, and its public JWK set."""
    key = ECKey.generate_key("P-256", {"kid": "c1"})
    return key, {"keys": [key.as_dict(private=False)]}


def signed(key: Any, claims: Mapping[str, Any], *, alg: str = "ES256", **header: Any) -> str:
    """A JWT by the client's key."""
    return jws.serialize_compact(
        {"alg": alg, "kid": "c1", **header}, json.dumps(claims).encode(), key, algorithms=[alg]
    )


def api_call(
    path: str,
    *,
    method: str = "POST",
    form: Mapping[str, Any] | None = None,
    query: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
) -> Call:
    """A program's request."""
    pairs = tuple(_pairs(form or {}))
    kind = {"content-type": "application/x-www-form-urlencoded"} if form is not None else {}
    return Call(
        method=method,
        path=path,
        url=ISSUER + path,
        form=Parameters(pairs),
        query=Parameters(tuple(_pairs(query or {}))),
        headers=tuple({**kind, **(headers or {})}.items()),
        body=body or urlencode(pairs).encode(),
        address="192.0.2.7",
    )


async def refusal(pending: Any) -> OAuthError:
    """The error a program is answered with."""
    try:
        await pending
    except OAuthError as error:
        return error
    raise AssertionError("it was not refused")


async def count(server: Server, table: str) -> int:
    """How many rows a table has: nothing may have been issued."""
    with closing(sqlite3.connect(database_path(server.store.data_dir))) as connection:
        found: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        return found


async def waits(server: Server) -> str:
    """Everything that is stored of what waits, as it lies in the database."""
    with closing(sqlite3.connect(database_path(server.store.data_dir))) as connection:
        return "\n".join(row[0] for row in connection.execute("SELECT document FROM once"))
