"""A foreign OpenID provider in memory, whose every answer a test can bend, and a browser before the real application."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey
from tests.identity.front import ISSUER, Clock, make_server

from wardgate.domain.people import IdentityProvider
from wardgate.identity.federation import manage_providers
from wardgate.identity.pkce import proves
from wardgate.identity.ports import Fetched, FetchError
from wardgate.identity.server import Server
from wardgate.jose.encoding import encode
from wardgate.jose.thumbprint import jwk_thumbprint
from wardgate.storage.database import SqlStore
from wardgate.web.identity import IdentityApp

ABROAD = "https://login.abroad.example"
SECRET = "provider-secret-0123456789"


class Foreign:
    """The provider at ``issuer`` and the web it is on: a ``Fetcher``. ``claims`` and ``header`` change what id tokens say
    (``None`` takes a member out); ``metadata`` changes its metadata."""

    def __init__(self, clock: Clock, issuer: str = ABROAD) -> None:
        self.clock = clock
        self.issuer = issuer
        self.key: ECKey | RSAKey = ECKey.generate_key("P-256")
        self.algorithm = "ES256"
        self.published: list[ECKey | RSAKey] = [self.key]
        self.metadata: dict[str, Any] = {}
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {}
        self.userinfo: dict[str, Any] | None = None
        self.token: dict[str, Any] = {}
        self.token_status = 200
        self.down = False
        self.asked: list[str] = []
        self.posted: list[tuple[dict[str, str], dict[str, str]]] = []
        self._codes: dict[str, Mapping[str, str]] = {}

    def document(self) -> dict[str, Any]:
        """Its metadata."""
        standard = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "response_types_supported": ["code"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            "code_challenge_methods_supported": ["S256"],
            "scopes_supported": ["openid", "profile", "email", "groups"],
            "authorization_response_iss_parameter_supported": True,
        }
        return {k: v for k, v in {**standard, **self.metadata}.items() if v is not None}

    def agree(self, location: str, **more: str | None) -> str:
        """What the provider sends the browser back with, to where ``location`` said: a path with a query."""
        asked = dict(parse_qsl(urlsplit(location).query))
        code = f"code-{len(self._codes)}"
        self._codes[code] = asked
        answer = {"code": code, "state": asked["state"], "iss": self.issuer, **more}
        query = urlencode({k: v for k, v in answer.items() if v is not None})
        return asked["redirect_uri"].removeprefix(ISSUER) + "?" + query

    async def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> Fetched:
        self.asked.append(url)
        if self.down or not url.startswith(self.issuer.partition("/v2.0")[0].rpartition("/")[0]):
            raise FetchError(f"{urlsplit(url).netloc} cannot be reached")
        if url.endswith("/.well-known/openid-configuration"):
            return _answer(self.document())
        if url.endswith("/jwks"):
            return _answer({"keys": [_public(key) for key in self.published]})
        if url.endswith("/userinfo"):
            assert (headers or {})["authorization"] == "Bearer foreign-access"
            return _answer(self.userinfo, 200 if self.userinfo is not None else 401)
        return _answer({}, 404)

    async def post(
        self, url: str, form: Mapping[str, str], *, headers: Mapping[str, str] | None = None
    ) -> Fetched:
        if self.down:
            raise FetchError(f"{urlsplit(url).netloc} cannot be reached")
        assert url == self.document()["token_endpoint"]
        self.posted.append((dict(form), dict(headers or {})))
        asked = self._codes.pop(form["code"], None)
        if asked is None or self.token_status != 200:
            return _answer({"error": "invalid_grant"}, 400)
        assert proves(form["code_verifier"], asked["code_challenge"])
        assert form["redirect_uri"] == asked["redirect_uri"]
        answer = {"access_token": "foreign-access", "token_type": "Bearer", "id_token": self.id_token(asked)}
        return _answer({k: v for k, v in {**answer, **self.token}.items() if v is not None})

    def id_token(self, asked: Mapping[str, str]) -> str:
        """An id token for a request."""
        now = int(self.clock())
        claims = {
            "iss": self.issuer,
            "sub": "abroad-1",
            "aud": asked["client_id"],
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            "preferred_username": "Ann.Ash@abroad.example",
            "email": "ann.ash@abroad.example",
            "email_verified": True,
            "name": "Ann Ash",
            **self.claims,
        }
        claims = {k: v for k, v in claims.items() if v is not None}
        header = {"alg": self.algorithm, "kid": _kid(self.key), "typ": "JWT", **self.header}
        if header["alg"] == "none":
            return f"{encode(json.dumps(header).encode())}.{encode(json.dumps(claims).encode())}."
        header = {k: v for k, v in header.items() if v is not None}
        return jws.serialize_compact(
            header, json.dumps(claims).encode(), self.key, algorithms=[header["alg"]]
        )


def _kid(key: ECKey | RSAKey) -> str:
    return jwk_thumbprint(key.as_dict(private=False))


def _public(key: ECKey | RSAKey) -> dict[str, Any]:
    return {**key.as_dict(private=False), "kid": _kid(key), "use": "sig"}


def _answer(document: Any, status: int = 200) -> Fetched:
    return Fetched(status=status, document=document, max_age=0.0)


class Browser:
    """A browser at the real application: keeps cookies, follows nothing by itself."""

    def __init__(self, app: IdentityApp) -> None:
        self._client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=app), base_url=ISSUER, follow_redirects=False
        )

    async def get(self, path: str) -> httpx2.Response:
        """Opens a page of the server."""
        return await self._client.get(path.removeprefix(ISSUER))

    async def post(self, path: str, form: Mapping[str, str], *, origin: str = ISSUER) -> httpx2.Response:
        """Sends a form."""
        return await self._client.post(path, data=dict(form), headers={"origin": origin})

    def take(self, other: Browser) -> None:
        """Has the session of another browser, and nothing else of it."""
        for cookie in other._client.cookies.jar:
            if cookie.name == "__Host-wardgate":
                self._client.cookies.set(cookie.name, cookie.value or "", domain=cookie.domain, path="/")

    @property
    def signed_in(self) -> bool:
        """Whether there is a session cookie."""
        return any(each.name == "__Host-wardgate" and each.value for each in self._client.cookies.jar)


@dataclass
class House:
    """A server with one provider, and browsers before it."""

    server: Server
    foreign: Foreign
    clock: Clock
    app: IdentityApp = field(init=False)

    def __post_init__(self) -> None:
        self.app = IdentityApp(self.server)

    def browser(self) -> Browser:
        """A fresh one."""
        return Browser(self.app)

    async def add(
        self, name: str = "Abroad", environment: str = "development", **settings: Any
    ) -> IdentityProvider:
        """Adds the provider."""
        there = replace(self.server, settings=replace(self.server.settings, environment=environment))
        return await manage_providers.add(
            there,
            **{
                "preset": "generic",
                "name": name,
                "issuer": self.foreign.issuer,
                "client_id": "wardgate-at-abroad",
                "secret": SECRET,
                **settings,
            },
        )

    async def sign_in(
        self, browser: Browser, provider: str = "abroad", query: str = "", **answer: str | None
    ) -> httpx2.Response:
        """Goes to the provider and comes back with its answer."""
        begun = await browser.get(f"/oauth2/federation/{provider}/start{query}")
        assert begun.status_code == 303, begun.text
        return await browser.get(self.foreign.agree(begun.headers["location"], **answer))


def make_house(store: SqlStore, issuer: str = ABROAD) -> House:
    """A house on ``store``, its provider not yet added."""
    clock = Clock()
    foreign = Foreign(clock, issuer)
    return House(server=make_server(store, clock, web=foreign), foreign=foreign, clock=clock)  # type: ignore[arg-type]
