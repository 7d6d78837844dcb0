"""Looks into and takes back tokens, for those who run the installation."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from typing import Literal

from wardgate.control.authority import require
from wardgate.control.errors import InvalidError, NotFoundError
from wardgate.control.lookup import application_named
from wardgate.domain.oauth import Client, Grant, Revocation, RevocationKind, Token
from wardgate.identity import trail
from wardgate.identity.manage_clients import LONGEST_ACCESS, client_with_id
from wardgate.identity.ports import Transaction
from wardgate.identity.presented_token import good_access_token, good_refresh_token, said_by
from wardgate.identity.revoking import end_grants, end_token
from wardgate.identity.server import Server

_JTI = re.compile(r"[0-9a-f]{32}")
_MARGIN = 600.0
#: An application may also hold tokens of foreign issuers, which live as long as those say; no setting allows more.
_LONGEST_FOREIGN = 366 * 86400

TokenState = Literal["active", "expired", "revoked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRecord:
    """What an access token of this installation says, and whether it is accepted now; or, of a refresh token, its grant."""

    state: TokenState
    token: Token | None = None
    refresh_of: Grant | None = None


def issuer_said(text: str) -> str:
    """The issuer a JWT names, not verified; empty for anything else. Only good for asking who else may know it."""
    parts = text.split(".")
    if len(parts) != 3:
        return ""
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return ""
    issuer = claims.get("iss") if isinstance(claims, dict) else None
    return issuer if isinstance(issuer, str) else ""


async def introspect(server: Server, text: str) -> TokenRecord:
    """What a token of this server says and whether it is good.

    Raises:
        NotFoundError: it is no token of this server's environment.
    """
    async with server.store.reading() as tx:
        require(tx.actor, "tokens.view")
    return await _looked_at(server, text)


async def _looked_at(server: Server, text: str) -> TokenRecord:
    found = await said_by(server, text)
    if found is not None:
        token = found[0]
        if await good_access_token(server, text) is not None:
            return TokenRecord(state="active", token=token)
        expired = server.clock() >= token.expires_at
        return TokenRecord(state="expired" if expired else "revoked", token=token)
    refresh = await good_refresh_token(server, text)
    if refresh is not None:
        return TokenRecord(state="active", refresh_of=refresh[1])
    raise NotFoundError(
        "token",
        "given",
        f"It is none of the environment {server.settings.environment}, or it has ended: look in another with "
        "--environment",
    )


async def revoke_token(server: Server, text: str) -> TokenRecord:
    """Afterwards the token is refused everywhere; of a refresh token, its whole grant. Raises NotFoundError."""
    async with server.store.reading() as tx:
        require(tx.actor, "tokens.revoke")
    record = await _looked_at(server, text)
    async with server.store.writing() as tx:
        if record.token is not None:
            await end_token(server, tx, record.token)
        if record.refresh_of is not None:
            await end_grants(server, tx, [record.refresh_of])
        what = (
            f"jti {record.token.id}"
            if record.token is not None
            else f"grant {'' if record.refresh_of is None else record.refresh_of.id}"
        )
        await trail.tell(server, tx, "token.revoke", what)
    return TokenRecord(state="revoked", token=record.token, refresh_of=record.refresh_of)


async def revoke(server: Server, kind: RevocationKind, key: str) -> int:
    """Takes back every token issued so far with that ``jti``, or to that grant, subject (user id or name), client or
    application (name or id), with what others exchanged for them; how many grants ended with them. Clients and accounts
    stay: new tokens are accepted.

    Raises:
        NotFoundError: there is no such thing.
        InvalidError: a ``jti`` is none of this server's.
    """
    now = server.clock()
    async with server.store.writing() as tx:
        require(tx.actor, "tokens.revoke")
        if kind == "jti" and not _JTI.fullmatch(key):
            raise InvalidError("jti", f"{key!r} is no token id", "Give the 32 digits of a token's `jti`")
        named, grants, clients = await _concerned(server, tx, kind, key)
        await end_grants(server, tx, grants)
        lifetime = max([LONGEST_ACCESS, *(client.access_lifetime for client in clients)])
        if kind == "application":
            lifetime = _LONGEST_FOREIGN
        if kind != "grant":
            keys: list[tuple[RevocationKind, str]] = [(kind, named)]
            # What others exchanged for a client's own tokens (RFC 8693) names it as its subject, and no grant.
            keys += [("subject", client.id) for client in clients]
            ends = [
                Revocation(kind=each, key=name, at_ms=int(now * 1000), until=now + lifetime + _MARGIN)
                for each, name in keys
            ]
            await tx.revocations.add(ends, at=now)
        await trail.tell(server, tx, "token.revoke", f"{kind} {named}", after={"grants": len(grants)})
    return len(grants)


async def _concerned(
    server: Server, tx: Transaction, kind: RevocationKind, key: str
) -> tuple[str, list[Grant], list[Client]]:
    """What ``key`` is called in tokens, the live grants it is about, and the clients."""
    environment = server.settings.environment
    if kind == "jti":
        return key, [], []
    if kind == "grant":
        grant = await tx.grants.get(key)
        if grant is None or grant.environment != environment:
            raise NotFoundError("grant", key, "`wardgate tokens introspect` shows the grant of a token")
        return key, [grant], []
    if kind == "subject":
        user = await tx.users.get(key) or await tx.users.named(key.lower())
        if user is None:
            raise NotFoundError("user", key, "`wardgate users list` shows them")
        return user.id, await tx.grants.find(subject=user.id, environment=environment), []
    if kind == "client":
        client = await client_with_id(tx, key)
        return key, await tx.grants.find(client=key, environment=environment), [client]
    application = await application_named(tx, key)
    clients = await tx.clients.list(application=application.id, environment=environment)
    grants = [
        grant
        for client in clients
        for grant in await tx.grants.find(client=client.id, environment=environment)
    ]
    return application.id, grants, clients
