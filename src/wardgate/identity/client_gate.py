"""The gate before clients of every environment but the first: legacy grants, and no credential where there was one, need a
second person. The client is suspended until one restores it, with a reason.
"""

from __future__ import annotations

from wardgate.control.errors import ConflictError
from wardgate.control.held import hold, in_first
from wardgate.domain.oauth import Client
from wardgate.identity.ports import Transaction


def weakening(before: Client | None, after: Client) -> str:
    """What makes ``after`` weaker than ``before`` (``None``: a new client), in words; empty where nothing does."""
    had = () if before is None else before.legacy
    found = [f"would have the legacy grant {grant}" for grant in after.legacy if grant not in had]
    if before is not None and after.public and not before.public:
        found.append("would prove by nothing who it is")
    return " and ".join(found)


async def held(tx: Transaction, before: Client | None, after: Client, now: float) -> Client:
    """``after`` as it may be stored: suspended, and held until another person restores it, where it is weaker than
    ``before`` and not of the first environment. Whoever changes a client that is held is no second person either.

    Raises:
        ConflictError: it is weaker, and in use: it is not for one person to put others out of work.
    """
    if before is not None and before.held_by:
        return hold(tx, after, now, before=before)
    why = weakening(before, after)
    if not why or await in_first(tx, after.environment):
        return after
    if before is not None and before.status == "active":
        raise ConflictError(
            "client_weakened",
            f"{after.id} {why}, in {after.environment}: a second person has to agree first",
            f"Add another client like that, which waits suspended until another person restores it; or suspend {after.id} "
            "before you change it",
        )
    return hold(tx, after, now)
