"""Takes tokens back, so that every gateway worker refuses them within the propagation bound, signed ones included."""

from __future__ import annotations

from collections.abc import Collection

from wardgate.domain.oauth import Grant, Revocation, Token
from wardgate.identity.ports import Transaction
from wardgate.identity.rotation import LONGEST_TOKEN
from wardgate.identity.server import Server

#: Seconds that a gateway's idea of the time may be behind, besides what clients are set to.
_MARGIN = 600.0
#: Seconds ahead up to which a dead grant's tokens are refused: one that another process is just issuing too.
_AHEAD = 3600.0


async def end_grants(server: Server, tx: Transaction, grants: Collection[Grant]) -> None:
    """Ends grants for good: their refresh tokens, and every access token that was or is being issued under them."""
    if not grants:
        return
    now = server.clock()
    await tx.grants.revoke([grant.id for grant in grants], now)
    lifetimes = [await _longest_access(tx, grant.client) for grant in grants]
    await tx.revocations.add(
        [
            Revocation(
                kind="grant",
                key=grant.id,
                at_ms=int((now + _AHEAD) * 1000),
                until=now + lifetime + _MARGIN,
            )
            for grant, lifetime in zip(grants, lifetimes, strict=True)
        ],
        at=now,
    )


async def end_token(server: Server, tx: Transaction, token: Token) -> None:
    """Ends one access token."""
    now = server.clock()
    until = token.expires_at + _MARGIN
    await tx.revocations.add(
        [Revocation(kind="jti", key=token.id, at_ms=max(token.issued_ms, int(now * 1000)), until=until)],
        at=now,
    )


async def _longest_access(tx: Transaction, client_id: str) -> float:
    """Seconds any access token of the client lives at most."""
    client = await tx.clients.get(client_id)
    return float(max(LONGEST_TOKEN, client.access_lifetime if client is not None else 0))
