"""Tokens of this server that are presented to it: which are good now, and what they say.

No function here holds a transaction while it waits for keys or clients, which may need the store themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wardgate.domain.oauth import Grant, Token
from wardgate.domain.tokenform import is_secret
from wardgate.identity.issue import ACCESS_TYPE, ID_TYPE
from wardgate.identity.ports import KnownClient, RefreshToken, Transaction
from wardgate.identity.server import Server
from wardgate.jose.accesstoken import token_of
from wardgate.jose.errors import JoseError


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodToken:
    """An access token that is good now, the client it was issued to, and the grant it follows from, if any."""

    token: Token
    known: KnownClient
    grant: Grant | None
    amr: tuple[str, ...] = ()


async def said_by(server: Server, text: str) -> tuple[Token, Mapping[str, Any]] | None:
    """What an access token of this server says, and its claims if it is signed; it may have expired or been taken back."""
    if is_secret(text, "at"):
        found = await server.tokens.opaque(server.digest(text))
        return None if found is None else (found, {})
    claims = await server.keys.claims_of(text, ACCESS_TYPE)
    if claims is None or claims.get("iss") != server.settings.issuer:
        return None
    try:
        return token_of(claims), claims
    except JoseError:
        return None


async def good_access_token(server: Server, text: str) -> GoodToken | None:
    """The access token, if it is good now: of this server, not expired, not taken back, of a client that is active and,
    where a person gave it, of a grant that lives. Proof of possession is the caller's to check."""
    found = await said_by(server, text)
    if found is None:
        return None
    token, claims = found
    known = await active_client(server, token.client)
    if known is None or server.clock() >= token.expires_at:
        return None
    standing = await server.tokens.standing(token, known.application.id)
    grant = standing.grant
    if standing.revoked or (token.grant and (grant is None or not is_live(server, grant))):
        return None
    amr = claims.get("amr") or (grant.amr if grant is not None else ())
    return GoodToken(token=token, known=known, grant=grant, amr=tuple(amr))


async def good_id_token(server: Server, text: str, client_id: str) -> tuple[Mapping[str, Any], Grant] | None:
    """The claims of an id token for the client, not expired, whose grant lives; and that grant."""
    claims = await server.keys.claims_of(text, ID_TYPE)
    if claims is None or claims.get("iss") != server.settings.issuer or claims.get("aud") != client_id:
        return None
    expires, grant_id = claims.get("exp"), claims.get("gid")
    if not isinstance(expires, int) or server.clock() >= expires or not isinstance(grant_id, str):
        return None
    async with server.store.reading() as tx:
        grant = await live_grant(server, tx, grant_id)
    return None if grant is None else (claims, grant)


async def good_refresh_token(server: Server, text: str) -> tuple[RefreshToken, Grant] | None:
    """The refresh token, if it could be used now, and its grant."""
    if not is_secret(text, "rt"):
        return None
    async with server.store.reading() as tx:
        found = await tx.refresh_tokens.find(server.digest(text))
        if found is None or found.consumed_at is not None:
            return None
        if server.clock() >= min(found.expires_at, found.family_expires_at):
            return None
        grant = await live_grant(server, tx, found.grant)
    return None if grant is None else (found, grant)


async def live_grant(server: Server, tx: Transaction, grant_id: str) -> Grant | None:
    """The grant, if it is of this environment, not revoked and not over."""
    grant = await tx.grants.get(grant_id)
    return None if grant is None or not is_live(server, grant) else grant


def is_live(server: Server, grant: Grant) -> bool:
    """Whether the grant is of this environment, not revoked and not over."""
    if grant.revoked_at is not None or grant.environment != server.settings.environment:
        return False
    return grant.expires_at is None or server.clock() < grant.expires_at


async def active_client(server: Server, client_id: str) -> KnownClient | None:
    """The client, if it and its application are active in this environment."""
    known = await server.clients.known(client_id)
    if known is None or known.client.environment != server.settings.environment:
        return None
    active = known.client.status == "active" and known.application.status == "active"
    return known if active else None
