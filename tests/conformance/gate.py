"""A real worker before an upstream that answers everything: what rows about resource servers send goes over sockets."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from tests.conformance.exchange import Answer, Pairs, Request
from tests.conformance.tokens import Jwt, bare, hash_of
from tests.gateway.harness import Gateway, Wire, ok, serving
from tests.gateway.oauth_side import ISSUER, Server
from tests.identity.token_side import Holder
from tests.storage.samples import entry

from wardgate.domain.api import Resource, SchemeName
from wardgate.domain.document import ApiEntry
from wardgate.domain.limit import Plan
from wardgate.domain.trust import OAuth2Settings
from wardgate.identity.ports import StoredKey
from wardgate.storage.database import SqlStore

TOKEN: tuple[SchemeName, ...] = ("oauth2",)
EITHER: tuple[SchemeName, ...] = ("api_key", "oauth2")
RESOURCES = (
    Resource(method="GET", path="/token", schemes=TOKEN),
    Resource(method="POST", path="/token", schemes=TOKEN),
    Resource(method="GET", path="/read", schemes=EITHER, scopes=("read",)),
    Resource(method="GET", path="/both", schemes=EITHER, require="all"),
    Resource(method="GET", path="/sure", schemes=TOKEN, acr_values=("urn:wardgate:acr:2",)),
    Resource(method="GET", path="/recent", schemes=TOKEN, max_age=60),
)
#: What APIs ask of tokens, by name; each is at ``/<name>/v1``.
APIS = {
    "orders": OAuth2Settings(skew=0),
    "bound": OAuth2Settings(bound="dpop"),
    "nonces": OAuth2Settings(proof_nonce=True),
    "short": OAuth2Settings(max_lifetime=600),
}


@dataclass
class Gate:
    """The worker, the authorization server's side of its store, and how many requests went through."""

    gateway: Gateway
    server: Server
    holder: Holder
    passed: int = 0

    @property
    def url(self) -> str:
        """The gateway as clients call it."""
        return f"http://127.0.0.1:{self.gateway.port}"

    def now(self) -> int:
        """The gateway's time."""
        return int(time.time())

    async def send(self, request: Request) -> Answer:
        """The answer to a request; one that is refused must not have been forwarded."""
        before = self.passed
        wire = await self.gateway.connect()
        lines = [f"{request.method} {request.target} HTTP/1.1", f"Host: 127.0.0.1:{self.gateway.port}"]
        lines += [f"{name}: {value}" for name, value in request.headers]
        kind, body = request.payload if request.form else ("", b"")
        lines += [f"Content-Type: {kind}", f"Content-Length: {len(body)}"] if body else []
        wire.send("\r\n".join([*lines, "", ""]).encode(), body)
        heard = await wire.answer(request.method)
        wire.close()
        head = [line.decode("latin-1").partition(":") for line in heard.head.split(b"\r\n")[1:] if line]
        answer = Answer(
            status=heard.status,
            headers=tuple((name, value.strip()) for name, _, value in head),
            body=heard.body,
        )
        if answer.status >= 400:
            assert self.passed == before, "a request was forwarded and refused"
        return answer

    def token(self, **changes: Any) -> Jwt:
        """An access token of this installation, in the Authorization header."""
        return Jwt(
            holder=self.holder,
            header={"alg": "ES256", "typ": "at+jwt", "kid": "k1"},
            claims=self.server.claims(**changes),
            put=lambda request, text: request.header("Authorization", f"Bearer {text}"),
        )

    def proof(self, holder: Holder, path: str, token: str, **claims: Any) -> Jwt:
        """A DPoP proof for a GET of a path."""
        said: dict[str, Any] = {
            "jti": secrets.token_hex(8),
            "htm": "GET",
            "htu": self.url + path,
            "iat": self.now(),
            "ath": hash_of(token),
            **claims,
        }
        return Jwt(
            holder=holder,
            header={"typ": "dpop+jwt", "alg": "ES256", "jwk": bare(holder.public)},
            claims=said,
            put=lambda request, text: request.header("DPoP", text),
        )

    def key(self) -> Pairs:
        """The header with the application's API key."""
        return (("X-API-Key", self.gateway.key),)


def _api(name: str, target: str, settings: OAuth2Settings) -> ApiEntry:
    made = entry(name, targets=(target,))
    return replace(made, api=replace(made.api, resources=RESOURCES, oauth2=settings))


@asynccontextmanager
async def gate_of(store: SqlStore) -> AsyncIterator[Gate]:
    """A gate on ``store`` while the block runs."""
    gates: list[Gate] = []
    wires: list[Wire] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = Wire(reader, writer)
        wires.append(wire)
        while True:
            try:
                await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            gates[0].passed += 1
            wire.send(ok(b"fine"))

    upstream = await asyncio.start_server(serve, "127.0.0.1", 0)
    target = f"http://127.0.0.1:{upstream.sockets[0].getsockname()[1]}"
    apis = [_api(name, target, settings) for name, settings in APIS.items()]
    async with serving(store, *apis, plans=(Plan(name="free"),), issuer=ISSUER) as gateway:
        holder = Holder()
        async with store.writing() as tx:
            await tx.token_keys.add(
                StoredKey(
                    kid="k1",
                    environment="development",
                    algorithm="ES256",
                    public={**holder.public, "kid": "k1"},
                    sealed_private=b"sealed",
                    created_at=time.time(),
                    active_at=time.time(),
                )
            )
        server = Server(store)
        await server.add_client()
        gateway.worker.on_wake()
        gates.append(Gate(gateway=gateway, server=server, holder=holder))
        yield gates[0]
    upstream.close()
    for wire in wires:
        wire.writer.transport.abort()
