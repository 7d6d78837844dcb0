"""Authenticates an application by its API key."""

from __future__ import annotations

import ipaddress
from functools import cache
from urllib.parse import urlsplit

from wardgate.domain.consumer import Credential
from wardgate.domain.rejection import Rejection
from wardgate.policy.exchange import Exchange, Step

_CHALLENGE = b'WWW-Authenticate: ApiKey realm="wardgate"'


def refusal(name: str) -> Rejection:
    """The answer to a bad key; every public byte of it is the same whatever was wrong."""
    return Rejection.of(name, _CHALLENGE)


_MISSING = refusal("credential_missing")
_MALFORMED = refusal("credential_malformed")
_UNKNOWN = refusal("key_unknown")
_REVOKED = refusal("key_revoked")
_EXPIRED = refusal("key_expired")
_WRONG_ENVIRONMENT = refusal("key_wrong_environment")
_ADDRESS = refusal("key_address_refused")
_REFERRER = refusal("key_referrer_refused")


@cache
def compile_step(environment: str) -> Step:
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
        if restrictions.cidrs and not _address_allowed(credential, exchange.client):
            return _ADDRESS
        if restrictions.referers and not _referer_allowed(credential, exchange.head.values(b"referer")):
            return _REFERRER
        exchange.principal = principal
        return None

    return api_key


def _address_allowed(credential: Credential, client: str) -> bool:
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped or address
    return any(address in ipaddress.ip_network(cidr) for cidr in credential.restrictions.cidrs)


def _referer_allowed(credential: Credential, referers: list[bytes]) -> bool:
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
