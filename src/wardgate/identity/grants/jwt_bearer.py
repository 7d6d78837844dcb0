"""JWTs as grants (RFC 7523 section 2.1): a client's own, for itself; a foreign provider's, for a person known here.

The second is for operators only: a provider's setting ``assertion_clients`` lists the clients that may bring its
assertions, and the person must have linked that account. Nobody becomes a user by an assertion.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any

from wardgate.domain.oauth import JWT_BEARER, Grant
from wardgate.domain.people import IdentityProvider
from wardgate.identity import rar, resource, scopes
from wardgate.identity.client_assertion import ALGORITHMS, LONGEST, verified_assertion
from wardgate.identity.for_person import prepare_for, reply_with
from wardgate.identity.grants.client_credentials import check_confidential, for_itself
from wardgate.identity.http import Reply
from wardgate.identity.ports import FetchError, Transaction
from wardgate.identity.server import Server
from wardgate.identity.token_request import TokenRequest, invalid_grant
from wardgate.jose import claims as read
from wardgate.jose import jws
from wardgate.jose.errors import JoseError
from wardgate.jose.keys import KeySet

_TYPES = frozenset(("", "jwt"))
_MAX_JTI = 256
_DISCOVERY = "/.well-known/openid-configuration"


async def answer(request: TokenRequest) -> Reply:
    """A token for an assertion. Raises OAuthError."""
    check_confidential(request)
    text = request.required("assertion")
    try:
        issuer = read.text(jws.read(text).claims, "iss")
    except JoseError:
        raise invalid_grant("the assertion is no JWT") from None
    if issuer != request.client.id:
        return await for_linked_person(request, text, issuer)
    why = await verified_assertion(
        request.server, text, request.client, audiences=_audiences(request.server), guard="jwt_bearer"
    )
    if why:
        raise invalid_grant(why)
    return await for_itself(request)


async def for_linked_person(request: TokenRequest, text: str, issuer: str) -> Reply:
    """A token for the person whose account at the provider ``issuer`` the assertion is about; no refresh token."""
    server, form = request.server, request.form
    provider = await trusted_provider(request, issuer)
    claims = await verified_claims(server, provider, text)
    asked = scopes.for_client(request.client, form.get("scope"))
    targets = await resource.targets(server, request.known, form.all("resource"))
    details = rar.parse(request.client, form.get("authorization_details"))
    async with server.store.writing() as tx:
        await check_first(server, tx, provider, claims)
        link = await tx.providers.link(provider.id, read.text(claims, "sub"))
        if link is None:
            raise invalid_grant("the account is linked to no user")
        now = server.clock()
        grant = Grant(
            id=secrets.token_hex(16),
            environment=server.settings.environment,
            client=request.client.id,
            subject=link.user,
            scopes=asked,
            kind=JWT_BEARER,
            created_at=now,
            expires_at=now + request.client.access_lifetime,
            resources=targets,
            authorization_details=details,
            jkt=request.binding.jkt,
            x5t=request.binding.x5t,
        )
        await tx.grants.add(grant)
        tokens = await prepare_for(request, tx, grant, granted=asked, audiences=targets, details=details)
    return await reply_with(request, tokens)


async def trusted_provider(request: TokenRequest, issuer: str) -> IdentityProvider:
    """The provider whose assertions an operator lets this client bring."""
    async with request.server.store.reading() as tx:
        providers = await tx.providers.list(request.server.settings.environment)
    for provider in providers:
        trusted = provider.settings.get("assertion_clients", ())
        if provider.issuer == issuer and provider.status == "active" and request.client.id in trusted:
            return provider
    raise invalid_grant("an issuer that is not trusted for this client")


async def verified_claims(server: Server, provider: IdentityProvider, text: str) -> Mapping[str, Any]:
    """What the assertion says, signed by the provider, for this server alone, and good now (section 3)."""
    now = server.clock()
    try:
        shown = jws.read(text)
        kid, claims = shown.header.get("kid"), shown.claims
        keys = await provider_keys(server, provider, kid if isinstance(kid, str) else None)
        shown.verify(keys, algorithms=ALGORITHMS, types=_TYPES)
        read.check_times(claims, now=now, skew=server.settings.skew, max_lifetime=LONGEST)
        audiences = read.audiences_of(claims)
        right = read.text(claims, "iss") == provider.issuer and read.text(claims, "sub")
    except (JoseError, FetchError) as error:
        raise invalid_grant(f"assertion: {error}") from None
    if not right or not audiences or not audiences <= _audiences(server):
        raise invalid_grant("iss, sub or aud of the assertion")
    return claims


async def provider_keys(server: Server, provider: IdentityProvider, kid: str | None) -> KeySet:
    """The keys of the provider, found by its discovery document. Raises FetchError."""
    remote, now = server.memory.remote_keys, server.clock()
    metadata = (await remote.get(server.fetch, provider.issuer.rstrip("/") + _DISCOVERY, now)).document
    address = metadata.get("jwks_uri")
    if metadata.get("issuer") != provider.issuer or not isinstance(address, str):
        raise FetchError("the discovery document is not that of the issuer")
    return (await remote.get(server.fetch, address, now, kid=kid)).keys


async def check_first(
    server: Server, tx: Transaction, provider: IdentityProvider, claims: Mapping[str, Any]
) -> None:
    """An assertion is taken once; without ``jti`` it could not be told from its copy."""
    try:
        jti = read.text(claims, "jti")
    except JoseError:
        jti = ""
    if not jti or len(jti) > _MAX_JTI:
        raise invalid_grant("jti of the assertion")
    key = hashlib.sha256(f"{provider.id} {jti}".encode()).hexdigest()
    until = server.clock() + LONGEST + 2 * server.settings.skew
    if not await tx.once.first("jwt_bearer", key, until):
        raise invalid_grant("the assertion was shown before")


def _audiences(server: Server) -> frozenset[str]:
    return frozenset((server.settings.issuer, server.settings.url("/oauth2/token")))
