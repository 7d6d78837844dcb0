"""What an upstream is told of the caller: plain headers, and a signed assertion it can check.

The assertion (``X-Wardgate-Assertion``) is an ES256 JWT of 60 s, signed once per subscription and half minute; its keys
are published at ``/.well-known/wardgate/jwks.json``.
"""

from __future__ import annotations

import json
import re
import secrets
from base64 import b64encode
from collections.abc import Callable
from urllib.parse import quote

from joserfc import jwt
from joserfc.jwk import ECKey

from wardgate.domain.consumer import Principal, Subscription
from wardgate.gateway.ports import SigningKey
from wardgate.gateway.twogen import TwoGenerations

JWKS_PATH = "/.well-known/wardgate/jwks.json"
ASSERTION_SECONDS = 60
_REUSE_SECONDS = 30
_PLAIN = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")


def certificate_line(certificate: bytes | None) -> bytes:
    """What control is told of the client certificate (DER) that the listener saw; nothing where there was none."""
    if certificate is None:
        return b""
    return b"X-Wardgate-Client-Certificate: " + b64encode(certificate) + b"\r\n"


class Signer:
    """Signs with the newest key and publishes all of them."""

    def __init__(self, keys: list[SigningKey]) -> None:
        self._keys = [
            ECKey.import_key(key.private_pem, {"kid": key.kid, "use": "sig", "alg": "ES256"}) for key in keys
        ]

    def sign(self, claims: dict[str, str | int]) -> bytes:
        """A compact JWT.

        Raises:
            RuntimeError: the instance has no signing key.
        """
        if not self._keys:
            raise RuntimeError("no signing key in the store; start `wardgate serve` once to make one")
        key = self._keys[0]
        return jwt.encode({"alg": "ES256", "typ": "JWT", "kid": key.kid}, claims, key).encode()

    def jwks(self) -> bytes:
        """The public keys as a JWK set (RFC 7517)."""
        return json.dumps({"keys": [key.as_dict(private=False) for key in self._keys]}).encode()


class Identity:
    """Pre-rendered identity header lines per subscription."""

    def __init__(self, signer: Signer, size: int = 20_000) -> None:
        self._signer = signer
        self._blocks: TwoGenerations[tuple[str, bool], tuple[float, bytes]] = TwoGenerations(size)

    def block(
        self,
        principal: Principal,
        subscription: Subscription,
        *,
        assertion: bool,
        now: float,
        wall: Callable[[], float],
    ) -> bytes:
        """The lines, with CRLF, that tell the upstream who calls; at most half a minute old."""
        key = (subscription.id, assertion)
        known = self._blocks.get(key)
        if known is not None and known[0] > now:
            return known[1]
        application = principal.application
        name = application.name if _PLAIN.fullmatch(application.name) else quote(application.name)
        lines = b"X-Wardgate-Application: %b\r\nX-Wardgate-Subscription: %b\r\n" % (
            name.encode(),
            subscription.id.encode(),
        )
        if assertion:
            issued = int(wall())
            token = self._signer.sign(
                {
                    "iss": "wardgate",
                    "sub": application.id,
                    "aud": subscription.api,
                    "application": application.name,
                    "subscription": subscription.id,
                    "plan": subscription.plan or "",
                    "iat": issued,
                    "exp": issued + ASSERTION_SECONDS,
                    "jti": secrets.token_urlsafe(12),
                }
            )
            lines += b"X-Wardgate-Assertion: " + token + b"\r\n"
        self._blocks.put(key, (now + _REUSE_SECONDS, lines))
        return lines

    def forget(self) -> None:
        """Drops every rendered block (a name changed, a key was rotated)."""
        self._blocks.clear()

    def use(self, signer: Signer) -> None:
        """Signs with ``signer`` from now on."""
        self._signer = signer
        self._blocks.clear()

    def jwks(self) -> bytes:
        """The JWK set document."""
        return self._signer.jwks()
