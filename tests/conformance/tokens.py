"""Signed tokens that a row may bend anywhere: header, claims, key, signature."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.identity.token_side import Holder

from wardgate.jose.encoding import encode

if TYPE_CHECKING:
    from tests.conformance.exchange import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Jwt:
    """A compact JWS by ``holder``. ``put`` places its text in a request."""

    holder: Holder = field(repr=False)
    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    put: Callable[[Request, str], Request]

    def text(self) -> str:
        """The token. ``alg`` ``none`` leaves it unsigned; ``HS256`` takes the holder's public key for a secret."""
        signed = ".".join(encode(json.dumps(dict(part)).encode()) for part in (self.header, self.claims))
        algorithm = self.header.get("alg")
        if algorithm == "none":
            return f"{signed}."
        if algorithm == "HS256":
            secret = json.dumps(self.holder.public).encode()
            return f"{signed}.{encode(hmac.digest(secret, signed.encode(), 'sha256'))}"
        return f"{signed}.{encode(self.holder._signer._sign(signed.encode()))}"


def bare(jwk: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a public key that make it one."""
    return {name: value for name, value in jwk.items() if name in ("kty", "crv", "x", "y", "n", "e")}


def hash_of(token: str) -> str:
    """``ath`` of a DPoP proof."""
    return encode(hashlib.sha256(token.encode()).digest())
