"""Clients known by a JWT they signed (RFC 7523 sections 2.2 and 3; RFC 7521 section 4.2)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from typing import Any

from wardgate.domain.oauth import Client
from wardgate.identity.ports import FetchError
from wardgate.identity.server import Server
from wardgate.identity.signer import generate, public_jwk
from wardgate.jose import claims as read
from wardgate.jose import jws
from wardgate.jose.errors import JoseError
from wardgate.jose.keys import DEFAULT_ALGORITHMS, Key, KeySet, narrowed

#: ``client_assertion_type`` of RFC 7523 section 2.2.
JWT_BEARER_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#: Seconds an assertion lives at most: how long its ``jti`` is remembered follows from it.
LONGEST = 3600
ALGORITHMS = DEFAULT_ALGORITHMS
#: Where an assertion proves the client, and not only what it brings.
AUTHENTICATION = "client_assertion"
_TYPES = frozenset(("", "jwt", "client-authentication+jwt"))
_MAX_JTI = 256


def claimed_client(assertion: str) -> str | None:
    """The client an assertion says it is from: nothing is believed yet. ``None``: it does not say so consistently."""
    try:
        claims = jws.read(assertion).claims
    except JoseError:
        return None
    subject = claims.get("sub")
    return subject if isinstance(subject, str) and subject and claims.get("iss") == subject else None


async def keys_of(server: Server, client: Client, kid: object) -> KeySet:
    """The keys a client registered, by value or by reference.

    Raises:
        FetchError: they are at a URL that cannot be read.
    """
    if client.jwks_uri and client.jwks is None:
        found = await server.memory.remote_keys.get(
            server.fetch, client.jwks_uri, server.clock(), kid=kid if isinstance(kid, str) else None
        )
        return found.keys
    return server.memory.client_keys.of(client)


async def document_of(server: Server, client: Client) -> Mapping[str, Any]:
    """The JWK set a client registered, as it is written. Raises FetchError."""
    if client.jwks_uri and client.jwks is None:
        return (await server.memory.remote_keys.get(server.fetch, client.jwks_uri, server.clock())).document
    return client.jwks or {}


async def verified_assertion(
    server: Server, assertion: str, client: Client | None, *, audiences: frozenset[str], guard: str
) -> str:
    """Checks that ``client`` signed ``assertion`` about itself, for this server, just now, and shows it once.

    Returns an empty text, or the reason why not. A client that does not exist costs the check of a signature too. One
    that registered ``token_endpoint_auth_signing_alg`` authenticates by no other (OIDC registration section 2).
    """
    try:
        shown = jws.read(assertion)
        keys = KeySet() if client is None else await keys_of(server, client, shown.header.get("kid"))
        only = client.assertion_alg if client is not None and guard == AUTHENTICATION else None
        check_signature(shown, keys, narrowed(ALGORITHMS, only))
        return (
            "unknown client"
            if client is None
            else await _refusal(server, shown.claims, client, audiences, guard)
        )
    except JoseError as error:
        return f"assertion {error.reason}"
    except FetchError as error:
        return str(error)


async def _refusal(
    server: Server, claims: Mapping[str, Any], client: Client, audiences: frozenset[str], guard: str
) -> str:
    now, skew = server.clock(), server.settings.skew
    read.check_times(claims, now=now, skew=skew, max_lifetime=LONGEST)
    if read.text(claims, "iss") != client.id or read.text(claims, "sub") != client.id:
        return "iss or sub of the assertion is not the client"
    meant_for = read.audiences_of(claims)
    if not meant_for or not meant_for <= audiences:
        # One that names another server too could be used here by whoever got it there.
        return "aud of the assertion is not this server alone"
    jti = read.text(claims, "jti")
    if not jti or len(jti) > _MAX_JTI:
        return "jti of the assertion"
    key = hashlib.sha256(f"{client.id} {jti}".encode()).hexdigest()
    async with server.store.writing() as tx:
        first = await tx.once.first(guard, key, now + LONGEST + 2 * skew)
    return "" if first else "the assertion was shown before"


def check_signature(shown: jws.Unverified, keys: KeySet, algorithms: frozenset[str]) -> None:
    """Verifies; where there is no key to do it with, the same work is done in vain. Raises JoseError."""
    try:
        shown.verify(keys, algorithms=algorithms, types=_TYPES)
    except JoseError as error:
        if error.reason == "key_unknown":
            jws.verified(_decoy(), "ES256", shown.signing_input, b"\1" * 64)
        raise


@cache
def _decoy() -> Key:
    """A key nobody has."""
    (key,) = KeySet.of([public_jwk(generate("ES256"), "ES256")]).keys
    return key
