"""A new password by mail, for those who forgot theirs and for those who are invited.

Asking gives the same answer, for the same work, whether there is such an account or not. A link is void once it was
used, once it is an hour old (an invitation: a week), and once the password was set in any other way.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from wardgate.domain.people import User
from wardgate.identity import trail
from wardgate.identity.errors import PageError
from wardgate.identity.http import Call, Reply, page, redirect
from wardgate.identity.people import lockout
from wardgate.identity.people.credentials import new_hash, set_password, stamp
from wardgate.identity.people.links import DAY, HOUR, make_link, read_link, use_link
from wardgate.identity.people.lockout import Rule
from wardgate.identity.people.notices import notify
from wardgate.identity.people.outbox import put_mail
from wardgate.identity.people.passwords import MIN_CHARACTERS, PasswordRefusedError
from wardgate.identity.people.sessions import end_all
from wardgate.identity.people.signin import find_user
from wardgate.identity.ports import Transaction
from wardgate.identity.routes import Route
from wardgate.identity.server import Server

PATH = "/oauth2/account/reset"
#: What one address may ask for, and how much mail one account gets, in an hour.
_ASKING = Rule(free=20, longest=3600, window=3600)
_MAILS = 3


async def password_link(server: Server, tx: Transaction, user: User, *, seconds: float = HOUR) -> str:
    """A link that sets the user's password, and proves the address it was sent to."""
    document = {"user": user.id, "email": user.email, "stamp": await stamp(tx, user)}
    return await make_link(server, tx, "reset", PATH, document, seconds)


async def send_invitation(server: Server, tx: Transaction, user: User) -> str:
    """A link that is good for a week; it goes to the user's address, if there is one."""
    url = await password_link(server, tx, user, seconds=7 * DAY)
    if user.email:
        body = (
            f"An account was made for you at {server.settings.origin}. Your name there is {user.name}.\n\n"
            f"To choose a password, open this link within a week:\n\n{url}\n"
        )
        await put_mail(server, tx, user.email, "Your new account", body)
    return url


async def show_forgot(server: Server, call: Call) -> Reply:
    """The page that asks whose password is forgotten."""
    return page("forgot.html", {"title": "I cannot sign in", "sent": False})


async def forgot(server: Server, call: Call) -> Reply:
    """Sends a link if there is such an account with a verified address. The answer is the same if not.

    Raises:
        ThrottledError: this address asked for too many.
    """
    name = (call.form.get("name") or "")[:320]
    asking = f"asking {lockout.prefix_of(call.address)}"
    now = server.clock()
    async with server.store.writing() as tx:
        await lockout.check(server, tx, asking, _ASKING)
        await tx.throttle.fail(asking, now, _ASKING.window)
        asked = await tx.throttle.fail(f"forgot {lockout.account_of(server, name)}", now, HOUR)
        user = await find_user(tx, name)
        if user is not None and user.status == "active" and user.email_verified and asked <= _MAILS:
            await _send(server, tx, user)
    return page("forgot.html", {"title": "Look into your mail", "sent": True})


async def _send(server: Server, tx: Transaction, user: User) -> None:
    url = await password_link(server, tx, user)
    body = (
        f"Somebody, probably you, asked for a new password for the account {user.name}.\n\n"
        f"To choose one, open this link within an hour:\n\n{url}\n\n"
        "If it was not you, there is nothing to do: your password stays as it is.\n"
    )
    await put_mail(server, tx, user.email, "Choose a new password", body)


async def show_reset(server: Server, call: Call) -> Reply:
    """The page that asks for the new password; opening it uses nothing up."""
    token = call.query.get("token")
    async with server.store.reading() as tx:
        user = await _user_of(tx, await read_link(server, tx, "reset", token))
    return _page(user, token or "")


async def reset(server: Server, call: Call) -> Reply:
    """Sets the password: the link is used, and every session of the person is ended."""
    token = call.form.get("token")
    async with server.store.reading() as tx:
        user = await _user_of(tx, await read_link(server, tx, "reset", token))
    try:
        password, again = call.form.get("password") or "", call.form.get("again") or ""
        known = await new_hash(server, user, password, again)
    except PasswordRefusedError as error:
        return _page(user, token or "", error=str(error), status=400)
    async with server.store.writing() as tx:
        document = await use_link(server, tx, "reset", token)
        user = await _user_of(tx, document)
        await set_password(server, tx, user, known)
        await end_all(server, tx, user)
        if user.email and user.email == document["email"] and not user.email_verified:
            await tx.users.replace(replace(user, email_verified=True, claims_at=server.clock()))
        await notify(server, tx, user, "Your password was set by a link from your mail")
        who = trail.person(user.id, call)
        await trail.tell(server, tx, "password.reset", user.id, actor=who, environment="")
    return redirect(server.settings.url("/oauth2/login?done=reset"))


async def _user_of(tx: Transaction, document: Any) -> User:
    """Whose link it is. Raises PageError: the account is gone, or its password was set since."""
    user = await tx.users.get(document["user"])
    if user is None or user.status != "active" or await stamp(tx, user) != document["stamp"]:
        raise PageError(
            "This link does not work any more",
            "The password was set since, or the account is closed.",
            "Ask for a new one.",
        )
    return user


def _page(user: User, token: str, *, error: str = "", status: int = 200) -> Reply:
    context = {
        "title": "Choose a password",
        "name": user.name,
        "token": token,
        "error": error,
        "least": MIN_CHARACTERS,
        "action": PATH,
    }
    return page("reset.html", context, status)


ROUTES = (
    Route(("GET",), "/oauth2/account/forgot", show_forgot, "page"),
    Route(("POST",), "/oauth2/account/forgot", forgot, "page"),
    Route(("GET",), PATH, show_reset, "page"),
    Route(("POST",), PATH, reset, "page"),
)
