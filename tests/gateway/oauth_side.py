"""An authorization server's part for the gateway's tests: keys in the store, clients, tokens, proofs, and other issuers."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey

from wardgate.domain import apikey, tokenform
from wardgate.domain.oauth import Client, Revocation, Token
from wardgate.domain.trust import TrustedIssuer
from wardgate.gateway.ports import IssuerUnavailableError
from wardgate.identity.ports import StoredKey
from wardgate.jose.encoding import encode
from wardgate.jose.thumbprint import jwk_thumbprint
from wardgate.storage.database import SqlStore

ENVIRONMENT = "development"
ISSUER = "https://gateway.example"
FOREIGN = "https://login.example"


def signed(header: Mapping[str, Any], claims: Mapping[str, Any], key: ECKey) -> str:
    """A compact JWS by joserfc."""
    import json

    return jws.serialize_compact({"alg": "ES256", **header}, json.dumps(claims), key)


class Holder:
    """Who holds a key that tokens are bound to, and proves it (RFC 9449)."""

    def __init__(self) -> None:
        self.key = ECKey.generate_key("P-256")
        self.jwk: dict[str, Any] = dict(self.key.as_dict(private=False))
        self.jkt = jwk_thumbprint(self.jwk)

    def proof(self, method: str, url: str, token: str, **claims: Any) -> bytes:
        """A fresh proof; ``claims`` replace or add to it."""
        import hashlib

        body = {
            "jti": secrets.token_hex(8),
            "htm": method,
            "htu": url,
            "iat": int(time.time()),
            "ath": encode(hashlib.sha256(token.encode()).digest()),
            **claims,
        }
        present = {name: value for name, value in body.items() if value is not None}
        return signed({"typ": "dpop+jwt", "jwk": self.jwk}, present, self.key).encode()


class Server:
    """What the authorization server of this installation leaves in the store."""

    def __init__(self, store: SqlStore, issuer: str = ISSUER) -> None:
        self.store = store
        self.issuer = issuer
        self.keys: dict[str, ECKey] = {}

    async def add_key(self, kid: str = "k1", expires_at: float | None = None) -> None:
        """A signing key from now on."""
        key = self.keys[kid] = ECKey.generate_key("P-256")
        public = {**key.as_dict(private=False), "kid": kid, "alg": "ES256", "use": "sig"}
        async with self.store.writing() as tx:
            await tx.token_keys.add(
                StoredKey(
                    kid=kid,
                    environment=ENVIRONMENT,
                    algorithm="ES256",
                    public=public,
                    sealed_private=b"sealed",
                    created_at=time.time(),
                    active_at=time.time(),
                    expires_at=expires_at,
                )
            )

    async def retire(self, kid: str) -> None:
        """The key verifies nothing any more."""
        async with self.store.writing() as tx:
            await tx.token_keys.retire(kid, time.time() - 1)

    async def add_client(self, client_id: str = "c1", application: str = "mobile", **changes: Any) -> None:
        """A client of an application."""
        async with self.store.writing() as tx:
            found = await tx.applications.find(application)
            assert found is not None
            await tx.clients.add(
                Client(
                    id=client_id,
                    application=found.id,
                    environment=ENVIRONMENT,
                    name=client_id,
                    created_at=time.time(),
                    **changes,
                )
            )

    async def revoke(self, kind: Any, key: str, at_ms: int | None = None) -> None:
        """Takes tokens back."""
        now = time.time()
        made = Revocation(kind=kind, key=key, at_ms=at_ms or int(now * 1000), until=now + 3600)
        async with self.store.writing() as tx:
            await tx.revocations.add([made], at=now)

    def claims(self, **changes: Any) -> dict[str, Any]:
        """What an access token of ``c1`` for a person says; ``None`` leaves a claim out."""
        now = time.time()
        body = {
            "iss": self.issuer,
            "sub": "u1",
            "aud": self.issuer,
            "iat": int(now),
            "exp": int(now) + 300,
            "jti": tokenform.new_jti(now, secrets.token_bytes),
            "client_id": "c1",
            "scope": "read",
            "gid": "g1",
            **changes,
        }
        return {name: value for name, value in body.items() if value is not None}

    def mint(self, *, kid: str = "k1", typ: str = "at+jwt", key: ECKey | None = None, **changes: Any) -> str:
        """An access token (RFC 9068)."""
        return signed({"typ": typ, "kid": kid}, self.claims(**changes), key or self.keys[kid])

    async def opaque(self, **changes: Any) -> str:
        """An opaque access token, known to the store."""
        text = tokenform.new_secret("at", secrets.token_bytes)
        now = time.time()
        token: dict[str, Any] = {
            "id": tokenform.new_jti(now, secrets.token_bytes),
            "issuer": "",
            "client": "c1",
            "subject": "u1",
            "audiences": frozenset({self.issuer}),
            "scopes": frozenset({"read"}),
            "issued_at": now,
            "expires_at": now + 300,
            "issued_ms": int(now * 1000),
        }
        made = Token(**(token | changes))
        async with self.store.writing() as tx:
            await tx.access_tokens.add(
                apikey.digest(text.encode(), self.store.master_key()), made, ENVIRONMENT
            )
        return text


@dataclass
class Foreign:
    """Another issuer: its keys, and the desk the gateway asks it through."""

    store: SqlStore
    issuer: str = FOREIGN
    keys: dict[str, ECKey] = field(default_factory=dict)
    #: What it answers to introspection, by token.
    active: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    down: bool = False
    refreshed: int = 0
    introspected: list[str] = field(default_factory=list)

    def add_key(self, kid: str) -> None:
        """A key it signs with; the gateway knows it once it asks."""
        self.keys[kid] = ECKey.generate_key("P-256")

    async def publish(self, at: float | None = None) -> None:
        """Its present keys are in the store."""
        jwks = {"keys": [{**key.as_dict(private=False), "kid": kid} for kid, key in self.keys.items()]}
        async with self.store.writing() as tx:
            await tx.issuer_keys.put(self.issuer, {"jwks": jwks, "metadata": {}}, at or time.time())

    def mint(self, kid: str = "f1", *, typ: str | None = "JWT", **changes: Any) -> str:
        """A token in the manner of Entra ID: ``azp``, ``scp``, ``roles``."""
        now = time.time()
        body = {
            "iss": self.issuer,
            "sub": "pairwise",
            "aud": "api://orders",
            "iat": int(now),
            "exp": int(now) + 300,
            "azp": "entra-app",
            "scp": "read",
            **changes,
        }
        header = {"kid": kid} if typ is None else {"kid": kid, "typ": typ}
        present = {name: value for name, value in body.items() if value is not None}
        return signed(header, present, self.keys[kid])

    async def refresh(self, issuer: TrustedIssuer) -> None:
        """See ``IssuerDesk``."""
        self.refreshed += 1
        if self.down:
            raise IssuerUnavailableError("connection refused")
        await self.publish()

    async def introspect(self, issuer: TrustedIssuer, token: str) -> Mapping[str, Any]:
        """See ``IssuerDesk``."""
        self.introspected.append(token)
        if self.down:
            raise IssuerUnavailableError("connection refused")
        return self.active.get(token, {"active": False})
