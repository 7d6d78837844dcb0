"""Authenticates an application by its API key."""

from __future__ import annotations

from functools import cache
from typing import Protocol
from urllib.parse import urlsplit

from wardgate.domain.principal import Principal, Shown
from wardgate.domain.rejection import Rejection
from wardgate.policy.challenge import KEY, Challenge
from wardgate.policy.credentials import Combination
from wardgate.policy.exchange import Exchange
from wardgate.policy.network import inside
from wardgate.policy.oauth2 import scheme_of


def refusal(name: str) -> Rejection:
    """The answer to a bad key; every public byte of it is the same whatever was wrong."""
    return Rejection.of(name, KEY)


_MISSING = refusal("credential_missing")
_MALFORMED = refusal("credential_malformed")
_UNKNOWN = refusal("key_unknown")
_REVOKED = refusal("key_revoked")
_EXPIRED = refusal("key_expired")
_WRONG_ENVIRONMENT = refusal("key_wrong_environment")
_ADDRESS = refusal("key_address_refused")
_REFERRER = refusal("key_referrer_refused")


class KeyStep(Protocol):
    """The check of a key, which never waits."""

    def __call__(self, exchange: Exchange, /) -> Rejection | None: ...


@cache
def compile_step(environment: str) -> KeyStep:
    """The environment's step: afterwards ``exchange.principal`` is the key's, and the key is valid here and now."""

    def api_key(exchange: Exchange) -> Rejection | None:
        digest = exchange.digest
        if not digest:
            return _MISSING if digest is None else _MALFORMED
        directory = exchange.directory
        principal = directory.principal(digest, exchange.now)
        if principal is None:
            return _UNKNOWN
        credential = principal.credential
        if credential.revoked_at is not None:
            return _REVOKED
        if credential.expires_at is not None and credential.expires_at <= directory.wall():
            return _EXPIRED
        if credential.environment != environment:
            return _WRONG_ENVIRONMENT
        restrictions = credential.restrictions
        if restrictions.cidrs and not inside(exchange.client, restrictions.cidrs):
            return _ADDRESS
        if restrictions.referers and not _referer_allowed(credential, exchange.head.values(b"referer")):
            return _REFERRER
        exchange.principal = principal
        return None

    return api_key


class KeyAndToken:
    """The step where tokens are taken too, after theirs: afterwards a key that was sent is valid, and of the token's
    application if both were. ``exchange.principal`` then has the key's restrictions and the token's rights."""

    __slots__ = ("_challenge", "_key", "_needed")

    def __init__(self, environment: str, combination: Combination, challenge: Challenge) -> None:
        self._key = compile_step(environment)
        self._needed = combination.needs_key
        self._challenge = challenge

    def __call__(self, exchange: Exchange, /) -> Rejection | None:
        if exchange.digest is None:
            return self._challenge.missing() if self._needed else None
        by_token = exchange.principal
        refused = self._key(exchange)
        if refused is not None:
            return self._challenge.invalid(refused.reason.name, scheme_of(exchange))
        by_key = exchange.principal
        if by_token is None or by_key is None:
            return None
        if by_key.application.id != by_token.application.id:
            exchange.principal = by_token
            return self._challenge.invalid("credentials_mismatch", scheme_of(exchange))
        exchange.principal = Principal(
            credential=by_key.credential,
            application=by_key.application,
            subscriptions=by_key.subscriptions,
            token=by_token.token,
        )
        return None


def _referer_allowed(credential: Shown, referers: list[bytes]) -> bool:
    """Whether the one Referer names an allowed host; a missing or repeated one does not."""
    if len(referers) != 1:
        return False
    try:
        host = urlsplit(referers[0].decode("ascii")).hostname
    except ValueError:
        return False
    if not host:
        return False
    return any(
        host == allowed or (allowed.startswith("*.") and host.endswith(allowed[1:]))
        for allowed in credential.restrictions.referers
    )
