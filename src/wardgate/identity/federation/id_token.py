"""Checks an id token as a client must (OIDC core section 3.1.3.7), signature always included."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from wardgate.domain.people import IdentityProvider
from wardgate.domain.provider import ProviderSettings
from wardgate.identity.federation.discovery import Metadata
from wardgate.identity.federation.providers import IssuerRule, algorithms_of
from wardgate.identity.server import Server
from wardgate.jose.claims import audiences_of, check_times, number, text
from wardgate.jose.encoding import encode
from wardgate.jose.jws import unverified_claims, verify

#: ``typ`` of an id token; access tokens (``at+jwt``) are none.
_TYPES = frozenset(("", "jwt"))
#: Seconds since an id token was made that was asked for just now.
_OLDEST = 600.0
_LONGEST_SUBJECT = 255
_HASHES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}


class IdTokenError(Exception):
    """An id token is not believed; the message says what is wrong with it and holds no value of it."""


async def verified(
    server: Server,
    provider: IdentityProvider,
    settings: ProviderSettings,
    metadata: Metadata,
    token: str,
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Header and claims of a token that the provider signed with a key it publishes now.

    Raises:
        FetchError: its keys cannot be read.
        JoseError: it did not, or not with an algorithm that is accepted.
    """
    kid = unverified_claims(token)[0].get("kid")
    known = await server.memory.remote_keys.get(
        server.fetch, metadata.jwks_uri, server.clock(), kid=kid if isinstance(kid, str) else None
    )
    return verify(token, known.keys, algorithms=algorithms_of(provider, settings), types=_TYPES)


def check_claims(
    server: Server, provider: IdentityProvider, rule: IssuerRule, claims: Mapping[str, Any], *, nonce: str
) -> str:
    """The token's issuer, if the token was made by the provider, for this server, for this very sign-in, just now.

    Raises:
        IssuerError, JoseError, IdTokenError: what is wrong.
    """
    issuer = rule.check(claims)
    audiences, azp = audiences_of(claims), text(claims, "azp")
    if provider.client_id not in audiences:
        raise IdTokenError("the id token is for somebody else (aud)")
    if azp != provider.client_id and (azp or len(audiences) > 1):
        raise IdTokenError("the id token was issued to somebody else (azp)")
    now, skew = server.clock(), server.settings.skew
    check_times(claims, now=now, skew=skew)
    issued = number(claims, "iat")
    if issued is None or issued < now - _OLDEST - skew:
        raise IdTokenError("the id token was not made just now (iat)")
    if not hmac.compare_digest(text(claims, "nonce").encode(), nonce.encode()):
        raise IdTokenError("the id token belongs to another sign-in (nonce)")
    subject = text(claims, "sub")
    if not subject or len(subject) > _LONGEST_SUBJECT or not subject.isprintable():
        raise IdTokenError("the id token does not say who signed in (sub)")
    return issuer


def check_access_token(header: Mapping[str, Any], claims: Mapping[str, Any], access_token: str) -> None:
    """``at_hash``, where there is one, is of the access token that came along (section 3.1.3.6).

    Raises:
        IdTokenError: it is of another.
        JoseError: it is no text.
    """
    stated = text(claims, "at_hash")
    algorithm = str(header["alg"])
    make = _HASHES.get(algorithm[-3:], hashlib.sha512)  # Ed25519 hashes with SHA-512
    digest = make(access_token.encode()).digest()
    if stated and not hmac.compare_digest(stated.encode(), encode(digest[: len(digest) // 2]).encode()):
        raise IdTokenError("the access token is not the id token's own (at_hash)")


def check_freshness(
    server: Server, claims: Mapping[str, Any], *, max_age: int | None, strict: bool, started_at: float
) -> None:
    """The person proved who they are within ``max_age`` seconds before the sign-in began, or since.

    Raises:
        IdTokenError: longer ago, or (``strict``) nobody knows when.
        JoseError: ``auth_time`` is no number.
    """
    if max_age is None:
        return
    proved = number(claims, "auth_time")
    if proved is None:
        if strict:
            raise IdTokenError("the provider does not say when the person signed in (auth_time)")
        return
    if proved < started_at - max_age - server.settings.skew:
        raise IdTokenError("the person signed in at the provider too long ago (auth_time)")
