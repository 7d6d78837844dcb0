"""What becomes of a person's sessions and tokens when an operator suspends or removes them, or changes their roles."""

from __future__ import annotations

from collections.abc import Collection

from wardgate.domain.oauth import Grant, Revocation
from wardgate.domain.people import User
from wardgate.identity.people.sessions import end_all
from wardgate.identity.ports import Transaction
from wardgate.identity.revoking import end_grants
from wardgate.identity.rotation import LONGEST_TOKEN
from wardgate.identity.server import Server

_MARGIN = 600.0


async def end_everything(server: Server, tx: Transaction, user: User) -> None:
    """Afterwards the user has no session, no grant and no token that any gateway takes, in no environment."""
    await end_all(server, tx, user)
    await end_grants(server, tx, await tx.grants.find(subject=user.id))
    now = server.clock()
    until = now + LONGEST_TOKEN + _MARGIN
    revocation = Revocation(kind="subject", key=user.id, at_ms=int(now * 1000), until=until)
    await tx.revocations.add([revocation], at=now)


async def renew_tokens(server: Server, tx: Transaction, grants: Collection[Grant]) -> None:
    """Afterwards no access token issued under ``grants`` until now is taken: applications that may refresh theirs get
    what the people's roles allow now."""
    await renew_tokens_of(tx, grants, server.clock())


async def renew_tokens_of(tx: Transaction, grants: Collection[Grant], now: float) -> None:
    """:func:`renew_tokens`, for who has no server at hand."""
    until = now + LONGEST_TOKEN + _MARGIN
    await tx.revocations.add(
        [Revocation(kind="grant", key=grant.id, at_ms=int(now * 1000), until=until) for grant in grants],
        at=now,
    )
