"""The account's first page: who one is to applications, and the address that mail goes to."""

from __future__ import annotations

from dataclasses import replace

from wardgate.domain.mail_address import is_address
from wardgate.identity import trail
from wardgate.identity.http import Call, Reply, redirect
from wardgate.identity.people import lockout, profile
from wardgate.identity.people.guard import Visit, guarded
from wardgate.identity.people.lockout import Rule
from wardgate.identity.people.notices import notify
from wardgate.identity.people.sessions import end_current
from wardgate.identity.people.verification import send_verification
from wardgate.identity.routes import Route
from wardgate.identity.server import Server

#: Mails that one account may cause in an hour.
_MAILS = Rule(free=5, longest=3600, window=3600)


async def overview(visit: Visit) -> Reply:
    """The page."""
    return _page(visit)


async def save_profile(visit: Visit) -> Reply:
    """Stores the claims; an empty one is dropped."""
    form = visit.call.form
    try:
        profile.changed(visit.user.profile, form)
    except profile.ProfileError as error:
        return _page(visit, error=str(error), status=400)
    async with visit.server.store.writing() as tx:
        user = await tx.users.get(visit.user.id)
        if user is not None:
            told = profile.changed(user.profile, form)
            names = dict.fromkeys((*user.profile, *told))
            changed = [key for key in names if user.profile.get(key) != told.get(key)]
            if changed:
                since = visit.server.clock()
                await tx.users.replace(replace(user, profile=told, claims_at=since))
            who = trail.person(user.id, visit.call)
            await trail.tell(
                visit.server, tx, "user.change", user.id, actor=who, after={"fields": changed}, environment=""
            )
    return visit.back("account", "profile")


async def change_email(visit: Visit) -> Reply:
    """Sends a link to the new address; the old one stays until it is opened."""
    email = (visit.call.form.get("email") or "").strip()
    if not is_address(email):
        return _page(visit, error="This is no e-mail address.", status=400)
    server, key = visit.server, f"mail {visit.user.id}"
    async with server.store.writing() as tx:
        try:
            await lockout.check(server, tx, key, _MAILS)
        except lockout.ThrottledError as error:
            said = f"Too many mails were asked for. Try again in {error.in_words}."
            return _page(visit, error=said, status=429).plus(*error.headers)
        await tx.throttle.fail(key, server.clock(), _MAILS.window)
        await send_verification(server, tx, visit.user, email)
        if email != visit.user.email:
            await notify(server, tx, visit.user, "A new e-mail address was given for your account")
    return visit.back("account", "mail-sent")


def _page(visit: Visit, *, error: str = "", status: int = 200) -> Reply:
    sent = dict(visit.call.form.pairs) if error else {}
    known = visit.user.profile
    fields = (*profile.NAMES, *profile.MORE)
    values = {each.name: sent.get(each.name, profile.value_of(known, each.name)) for each in fields}
    context = {
        "title": "Your account",
        "names": profile.NAMES,
        "more": profile.MORE,
        "values": values,
        "longest": profile.LONGEST,
        "error": error,
    }
    return visit.show("account.html", context, status)


async def sign_out(server: Server, call: Call) -> Reply:
    """Ends this browser's session, and what applications got in it without leave to keep it."""
    async with server.store.writing() as tx:
        header = await end_current(server, tx, call)
    return redirect(server.settings.url("/oauth2/login?done=signed-out"), header)


ROUTES = (
    Route(("GET",), "/oauth2/account", guarded(overview, "account"), "page"),
    Route(("POST",), "/oauth2/account/profile", guarded(save_profile, "account"), "page"),
    Route(("POST",), "/oauth2/account/email", guarded(change_email, "account", recent=True), "page"),
    Route(("POST",), "/oauth2/account/logout", sign_out, "page"),
)
