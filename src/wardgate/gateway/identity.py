"""What an upstream is told of the caller: plain headers, and a signed assertion it can check.

The assertion (``X-Wardgate-Assertion``) is an ES256 JWT of 60 s, signed once per caller and half minute; its keys are
published at ``/.well-known/wardgate/jwks.json``. A caller is a subscription, and with an access token the client,
subject and scopes of it as well, whichever of its tokens was shown.
"""

from __future__ import annotations

import json
import re
import secrets
from base64 import b64encode
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from joserfc import jwt
from joserfc.jwk import ECKey

from wardgate.domain.consumer import Subscription
from wardgate.domain.oauth import Token
from wardgate.domain.principal import Principal
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

    def sign(self, claims: dict[str, Any]) -> bytes:
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


#: What the lines depend on: subscription and whether an assertion is among them; of a token issuer, client, subject,
#: scopes, how sure the sign-in was, and who acts.
_Key = tuple[str, bool] | tuple[str, bool, str, str, str, frozenset[str], str, tuple[str, ...]]


class Identity:
    """Pre-rendered identity header lines per caller."""

    def __init__(self, signer: Signer, size: int = 20_000, *, issuer: str = "") -> None:
        """``issuer`` is this installation's own: only of its tokens it is known whether a person stands behind them."""
        self._signer = signer
        self._issuer = issuer
        self._blocks: TwoGenerations[_Key, tuple[float, bytes]] = TwoGenerations(size)

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
        key: _Key = (subscription.id, assertion)
        token = principal.token
        if token is not None:
            key = (
                subscription.id,
                assertion,
                token.issuer,
                token.client,
                token.subject,
                token.scopes,
                token.acr,
                token.actors,
            )
        known = self._blocks.get(key)
        if known is not None and known[0] > now:
            return known[1]
        application = principal.application
        lines = b"X-Wardgate-Application: %b\r\nX-Wardgate-Subscription: %b\r\n" % (
            _shown(application.name),
            subscription.id.encode(),
        )
        if token is not None:
            lines += _token_lines(token)
        if assertion:
            issued = int(wall())
            claims: dict[str, Any] = {
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
            if token is not None:
                claims |= _token_claims(token, own=token.issuer == self._issuer)
            token_text = self._signer.sign(claims)
            lines += b"X-Wardgate-Assertion: " + token_text + b"\r\n"
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


def _shown(text: str) -> bytes:
    """``text`` as a header may hold it: as it is, or percent-encoded."""
    return (text if _PLAIN.fullmatch(text) else quote(text)).encode()


def _token_lines(token: Token) -> bytes:
    """Who the token speaks for. The subject is the issuer's name of a person, or of the client itself."""
    lines = b"X-Wardgate-Client: %b\r\n" % _shown(token.client)
    if token.subject:
        lines += b"X-Wardgate-Subject: %b\r\n" % _shown(token.subject)
    if token.scopes:
        lines += b"X-Wardgate-Scopes: %b\r\n" % _shown(" ".join(sorted(token.scopes)))
    return lines


def _token_claims(token: Token, *, own: bool) -> dict[str, Any]:
    """What the assertion says of a token, beside the application: its ``sub`` stays the application's id.

    ``sub_type``: ``client`` where the token speaks for the client itself, ``user`` for a person with an account here,
    ``external`` for a subject that another issuer knows.
    """
    alone = not token.subject or token.subject == token.client
    claims: dict[str, Any] = {
        "sub_type": "client" if alone else "user" if own else "external",
        "subject": token.subject,
        "token_issuer": token.issuer,
        "client": token.client,
        "scopes": sorted(token.scopes),
    }
    if token.acr:
        claims["acr"] = token.acr
    if token.actors:
        claims["actors"] = list(token.actors)
    return claims
