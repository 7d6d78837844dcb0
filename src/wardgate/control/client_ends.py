"""How OAuth 2.0 clients end: none of their tokens is accepted any more, whoever is called the same afterwards."""

from __future__ import annotations

from wardgate.control.ports import Transaction
from wardgate.domain.oauth import TOKEN_EXCHANGE, Client, Revocation, RevocationKind

#: The longest any access token lives: for so long a revocation is remembered.
LONGEST_ACCESS = 86400
#: Seconds ahead up to which a removed client's tokens are refused: for so long its id is nobody's.
_AHEAD = 3600


async def remove_client(tx: Transaction, client: Client, now: float) -> None:
    """Deletes the client and takes back whatever tokens of it there are, or are being issued just now, with all that
    others exchanged for them (RFC 8693): these name it as their subject, or follow from its grants."""
    keys: list[tuple[RevocationKind, str]] = [("client", client.id)]
    others = await tx.clients.list(environment=client.environment)
    if any(TOKEN_EXCHANGE in other.grant_types for other in others):
        grants = await tx.grants.find(client=client.id, now=now)
        keys += [("subject", client.id), *(("grant", grant.id) for grant in grants)]
    ends = [
        Revocation(kind=kind, key=key, at_ms=int((now + _AHEAD) * 1000), until=now + _AHEAD + LONGEST_ACCESS)
        for kind, key in keys
    ]
    await tx.revocations.add(ends, at=now)
    await tx.clients.remove(client.id)


async def remove_clients_of(tx: Transaction, application: str, now: float) -> None:
    """Removes every client of the application with that id, as it is about to go: an id that a document gives a client may
    be another's by and by, whose the tokens would be then."""
    for client in await tx.clients.list(application=application):
        await remove_client(tx, client, now)
