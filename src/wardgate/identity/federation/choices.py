"""What the sign-in page offers besides passwords and passkeys."""

from __future__ import annotations

from dataclasses import dataclass

from wardgate.identity.ports import Transaction
from wardgate.identity.server import Server


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A provider as the sign-in page offers it. ``path`` takes ``request`` or ``next`` as parameters."""

    name: str
    path: str


async def choices(server: Server, tx: Transaction) -> list[Choice]:
    """The providers people can sign in with here."""
    known = await tx.providers.list(server.settings.environment)
    return [
        Choice(name=each.name, path=f"/oauth2/federation/{each.id}/start")
        for each in known
        if each.status == "active"
    ]
