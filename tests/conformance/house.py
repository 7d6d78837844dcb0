"""A server on a real store behind its real mount: what rows prepare in it, and how requests reach it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tests.conformance.exchange import Answer, Pairs, Request, call
from tests.conformance.tokens import Jwt, bare, hash_of
from tests.identity.federation.foreign import ABROAD, Foreign
from tests.identity.people.house import CHEAP
from tests.identity.token_side import CALLBACK, ISSUER, VERIFIER, Holder, Net, Side, basic, side_of

from wardgate.domain.oauth import Client, Grant
from wardgate.domain.people import Session, User
from wardgate.domain.tokenform import new_secret
from wardgate.identity import issue
from wardgate.identity.issue import AccessSpec, Binding
from wardgate.identity.people.cookies import cookie_name
from wardgate.identity.people.credentials import set_password
from wardgate.identity.people.passwords import Passwords
from wardgate.identity.pkce import challenge_of
from wardgate.identity.ports import Fetched
from wardgate.jose import nonce
from wardgate.storage.database import SqlStore
from wardgate.web.identity import IdentityApp

PASSWORD = "purple violin cactus river"


class Web(Net):
    """The web, with a foreign provider on it besides what clients publish."""

    foreign: Foreign

    async def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> Fetched:
        if url.startswith(ABROAD):
            return await self.foreign.get(url, headers=headers)
        return await super().get(url, headers=headers)

    async def post(
        self, url: str, form: Mapping[str, str], *, headers: Mapping[str, str] | None = None
    ) -> Fetched:
        return await self.foreign.post(url, form, headers=headers)


@dataclass
class House:
    """The server, and names that no other row uses."""

    side: Side
    foreign: Foreign
    count: int = 0
    _apps: dict[tuple[tuple[str, Any], ...], IdentityApp] = field(default_factory=dict)

    async def send(self, request: Request) -> Answer:
        """The answer to a request."""
        server = self.side.server
        chosen = tuple(sorted(request.settings.items()))
        app = self._apps.get(chosen)
        if app is None:
            changed = replace(server, settings=replace(server.settings, **request.settings))
            app = self._apps[chosen] = IdentityApp(changed)
        return await call(app, request, server.store.master_key())

    def now(self) -> int:
        """The server's time."""
        return int(self.side.clock())

    def name(self, kind: str) -> str:
        """A name of its own."""
        self.count += 1
        return f"{kind}-{self.count}"

    async def client(self, **settings: Any) -> Client:
        """A client of an application of its own."""
        called = self.name("client")
        return await self.side.client(called, **{"application": f"of {called}", **settings})

    def basic(self, client: Client) -> Pairs:
        """The header a client shows its secret in."""
        return (("Authorization", basic(client.id, self.side.secrets[client.id])),)

    async def user(self, *roles: str, password: bool = False) -> User:
        """An active person."""
        made = await self.side.user(self.name("user"), *roles)
        if password:
            hashed = await self.side.server.passwords.hash(PASSWORD)
            async with self.side.store.writing() as tx:
                await set_password(self.side.server, tx, made, hashed)
        return made

    async def browser(self, user: User, **how: Any) -> Pairs:
        """The cookie of a browser the person signed in with just now."""
        now = self.side.clock()
        session = Session(
            **{
                "id": self.name("browser-session"),  # the side counts sessions of its own
                "user": user.id,
                "environment": "development",
                "created_at": now,
                "seen_at": now,
                "expires_at": now + 12 * 3600,
                "auth_time": now,
                "acr": "urn:wardgate:acr:1",
                "amr": ("pwd",),
                **how,
            }
        )
        secret = new_secret("ss", secrets.token_bytes)
        async with self.side.store.writing() as tx:
            await tx.sessions.add(session, self.side.server.digest(secret))
        return (("Cookie", f"{cookie_name(self.side.server.settings)}={secret}"),)

    async def grant(self, client: Client, user: User | None = None, **settings: Any) -> Grant:
        """What a person let the client do."""
        person = user or await self.user()
        return await self.side.grant(client.id, person.id, **settings)

    async def access_token(self, client: Client, grant: Grant | None = None, **said: Any) -> str:
        """An access token of the client: of a grant, or its own."""
        spec: dict[str, Any] = {
            "client": client,
            "subject": grant.subject if grant else client.id,
            "grant": grant.id if grant else "",
            "scopes": ("read", "openid") if grant else ("read",),
            **said,
        }
        prepared = issue.prepare(self.side.server, AccessSpec(**spec))
        async with self.side.store.writing() as tx:
            await issue.keep(self.side.server, tx, prepared)
        return await issue.text_of(self.side.server, prepared)

    async def refresh_token(self, client: Client, grant: Grant, binding: Binding = issue.UNBOUND) -> str:
        """The first refresh token of a grant."""
        async with self.side.store.writing() as tx:
            return await issue.first_refresh_token(self.side.server, tx, client, grant, grant.scopes, binding)

    def authorization(self, client: Client, **changes: str | None) -> Pairs:
        """A sound authorization request."""
        asked = {
            "client_id": client.id,
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": "read",
            "state": "st-1",
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
            "unheard_of": "ignored",
            **changes,
        }
        return tuple((name, value) for name, value in asked.items() if value is not None)

    def proof(self, holder: Holder, path: str, token: str = "", method: str = "POST") -> Jwt:
        """A DPoP proof for an endpoint, with a nonce of the server."""
        claims: dict[str, Any] = {
            "jti": secrets.token_hex(8),
            "htm": method,
            "htu": ISSUER + path,
            "iat": self.now(),
            "nonce": nonce.make(self.side.store.master_key(), self.side.clock()),
        }
        if token:
            claims["ath"] = hash_of(token)
        return Jwt(
            holder=holder,
            header={"typ": "dpop+jwt", "alg": holder.algorithm, "jwk": bare(holder.public)},
            claims=claims,
            put=lambda request, text: request.header("DPoP", text),
        )

    def assertion(self, client: Client, holder: Holder, parameter: str = "client_assertion") -> Jwt:
        """What a client signs about itself (RFC 7523)."""
        return Jwt(
            holder=holder,
            header={"alg": holder.algorithm, "kid": holder.public["kid"]},
            claims={
                "iss": client.id,
                "sub": client.id,
                "aud": ISSUER,
                "iat": self.now(),
                "exp": self.now() + 60,
                "jti": secrets.token_hex(8),
            },
            put=lambda request, text: request.with_(**{parameter: text}),
        )


def proven(request: Request, jwt: Jwt) -> Request:
    """The request with a signed token in its place."""
    return jwt.put(replace(request, jwt=jwt), jwt.text())


def house_of(store: SqlStore) -> House:
    """A house on ``store``: nonces are asked for, as in use; argon2 is at its cheapest."""
    side = side_of(store)
    web = Web()
    web.foreign = Foreign(side.clock)  # type: ignore[arg-type]
    side.net = web
    settings = replace(side.server.settings, require_dpop_nonce=True)
    side.server = replace(
        side.server, store=store.overlapping, settings=settings, fetch=web, passwords=Passwords(CHEAP)
    )
    return House(side=side, foreign=web.foreign)
