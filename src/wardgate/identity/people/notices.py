"""Tells people by mail what was done to their account, so that they notice if it was not them."""

from __future__ import annotations

from wardgate.domain.people import User
from wardgate.identity.people.outbox import put_mail
from wardgate.identity.ports import Transaction
from wardgate.identity.server import Server


async def notify(server: Server, tx: Transaction, user: User, what: str, more: str = "") -> None:
    """Mail about ``what``, if the user has an address that is known to be theirs."""
    if not user.email or not user.email_verified:
        return
    lines = [
        f"Hello {user.name},",
        "",
        f"{what}. {more}".strip(),
        "",
        "If this was you, there is nothing to do. If not, sign in, change your password and look at your sessions:",
        server.settings.url("/oauth2/account/security"),
    ]
    await put_mail(server, tx, user.email, what, "\n".join(lines) + "\n")
