"""Makes accounts of one's own, where an operator lets anybody do so: by a link to an address, which becomes the name.

Asking gives the same answer whether the address has an account already or not; the mail tells its owner which.
"""

from __future__ import annotations

from wardgate.control.ids import new_id
from wardgate.domain.mail_address import is_address
from wardgate.domain.people import User
from wardgate.identity import trail
from wardgate.identity.errors import PageError
from wardgate.identity.http import Call, Reply, page, redirect
from wardgate.identity.people import lockout
from wardgate.identity.people.credentials import new_hash, set_password
from wardgate.identity.people.links import DAY, HOUR, make_link, read_link, use_link
from wardgate.identity.people.lockout import Rule
from wardgate.identity.people.outbox import put_mail
from wardgate.identity.people.passwords import MIN_CHARACTERS, PasswordRefusedError
from wardgate.identity.people.signin import find_user
from wardgate.identity.routes import Route
from wardgate.identity.server import Server

PATH = "/oauth2/account/new"
JOIN = "/oauth2/account/join"
_ASKING = Rule(free=20, longest=3600, window=3600)
_MAILS = 3


async def show_new(server: Server, call: Call) -> Reply:
    """The page that asks for the address. Raises PageError where accounts are made by an operator only."""
    _check_open(server)
    return _page()


async def ask(server: Server, call: Call) -> Reply:
    """Sends a link to the address, or tells it that it has an account."""
    _check_open(server)
    email = (call.form.get("email") or "").strip()
    if not is_address(email):
        return _page(error="This is no e-mail address.", status=400)
    asking, now = f"asking {lockout.prefix_of(call.address)}", server.clock()
    async with server.store.writing() as tx:
        await lockout.check(server, tx, asking, _ASKING)
        await tx.throttle.fail(asking, now, _ASKING.window)
        asked = await tx.throttle.fail(f"new {lockout.account_of(server, email)}", now, HOUR)
        if asked <= _MAILS:
            url = await make_link(server, tx, "join", JOIN, {"new": lockout.fold(email)}, DAY)
            known = await find_user(tx, email) is not None
            sign_in = server.settings.url("/oauth2/login")
            body = (
                f"You have an account already. Sign in here:\n\n{sign_in}\n"
                if known
                else f"To finish making your account, open this link within a day:\n\n{url}\n"
            )
            await put_mail(server, tx, email, "Your account", body)
    return _page(sent=True)


async def show_join(server: Server, call: Call) -> Reply:
    """The page that asks for the password of the new account."""
    _check_open(server)
    token = call.query.get("token")
    async with server.store.reading() as tx:
        document = await read_link(server, tx, "join", token)
    return _join_page(document["new"], token or "")


async def join(server: Server, call: Call) -> Reply:
    """Makes the account: its name is the address, which the link has proved."""
    _check_open(server)
    token, now = call.form.get("token"), server.clock()
    async with server.store.reading() as tx:
        email = str((await read_link(server, tx, "join", token))["new"])
    user = User(id=new_id("usr", now), name=email, email=email, email_verified=True, created_at=now)
    try:
        password, again = call.form.get("password") or "", call.form.get("again") or ""
        known = await new_hash(server, user, password, again)
    except PasswordRefusedError as error:
        return _join_page(email, token or "", error=str(error), status=400)
    async with server.store.writing() as tx:
        await use_link(server, tx, "join", token)
        if await find_user(tx, email) is not None:
            raise PageError("You have an account already", "This address has an account.", "Sign in with it.")
        await tx.users.add(user)
        await set_password(server, tx, user, known)
        who = trail.person(user.id, call)
        await trail.tell(server, tx, "user.join", user.id, actor=who, environment="")
    return redirect(server.settings.url("/oauth2/login?done=reset"))


def _check_open(server: Server) -> None:
    if not server.settings.open_signup:
        raise PageError(
            "Accounts are made by the operator here",
            "You cannot make one yourself.",
            "Ask for one.",
            status=404,
        )


def _page(*, sent: bool = False, error: str = "", status: int = 200) -> Reply:
    return page("new.html", {"title": "Make an account", "sent": sent, "error": error}, status)


def _join_page(email: str, token: str, *, error: str = "", status: int = 200) -> Reply:
    context = {
        "title": "Choose a password",
        "name": email,
        "token": token,
        "error": error,
        "least": MIN_CHARACTERS,
        "action": JOIN,
    }
    return page("reset.html", context, status)


ROUTES = (
    Route(("GET",), PATH, show_new, "page"),
    Route(("POST",), PATH, ask, "page"),
    Route(("GET",), JOIN, show_join, "page"),
    Route(("POST",), JOIN, join, "page"),
)
