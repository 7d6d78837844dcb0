"""Proves that an address is a person's: by a link that only its mailbox gets.

A link is void once the password was set or the address changed since it was asked for: whoever had got into the account and
was put out of it again keeps no way to move it to an address of theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from wardgate.domain.people import User
from wardgate.identity import trail
from wardgate.identity.http import Call, Reply, page, redirect
from wardgate.identity.people.credentials import stamp
from wardgate.identity.people.links import DAY, make_link, read_link, use_link, void
from wardgate.identity.people.outbox import put_mail
from wardgate.identity.ports import Transaction
from wardgate.identity.routes import Route
from wardgate.identity.server import Server

PATH = "/oauth2/account/verify"


async def send_verification(server: Server, tx: Transaction, user: User, email: str) -> None:
    """Mail with a link to ``email``; once it is used, the address is the user's, and verified."""
    document = {"user": user.id, "email": email, "before": user.email, "stamp": await stamp(tx, user)}
    url = await make_link(server, tx, "verify", PATH, document, DAY)
    body = (
        f"Somebody, probably you, gave this address for the account {user.name}.\n\n"
        f"To confirm it, open this link within a day:\n\n{url}\n\n"
        "If it was not you, there is nothing to do.\n"
    )
    await put_mail(server, tx, email, "Confirm your address", body)


async def show_link(server: Server, call: Call) -> Reply:
    """The page with the button; opening it changes nothing."""
    token = call.query.get("token")
    async with server.store.reading() as tx:
        document = await read_link(server, tx, "verify", token)
        user = await _user_of(tx, document)
    context = {"title": "Confirm your address", "email": document["email"], "name": user.name, "token": token}
    return page("verify.html", context)


async def confirm(server: Server, call: Call) -> Reply:
    """Uses the link: the address is the user's from now on, and verified."""
    async with server.store.writing() as tx:
        document = await use_link(server, tx, "verify", call.form.get("token"))
        user = await _user_of(tx, document)
        email, now = document["email"], server.clock()
        await tx.users.replace(replace(user, email=email, email_verified=True, claims_at=now))
        who, after = trail.person(user.id, call), {"fields": ["email"]}
        await trail.tell(server, tx, "user.change", user.id, actor=who, after=after, environment="")
    return redirect(server.settings.url("/oauth2/account?done=verified"))


async def _user_of(tx: Transaction, document: Mapping[str, Any]) -> User:
    """Whose address it becomes. Raises PageError: the account is closed, or is not any more as it was then."""
    user = await tx.users.get(document["user"])
    if (
        user is None
        or user.status != "active"
        or user.email != document["before"]
        or await stamp(tx, user) != document["stamp"]
    ):
        raise void()
    return user


ROUTES = (
    Route(("GET",), PATH, show_link, "page"),
    Route(("POST",), PATH, confirm, "page"),
)
