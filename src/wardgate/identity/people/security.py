"""How one signs in: the password, apps for one-time codes, passkeys, recovery codes. For whoever has just signed in."""

from __future__ import annotations

import re
from collections.abc import Mapping

from wardgate.domain.people import Factor
from wardgate.identity import trail
from wardgate.identity.http import NO_STORE, Reply
from wardgate.identity.people import lockout
from wardgate.identity.people.credentials import new_hash, set_password
from wardgate.identity.people.guard import Visit, guarded
from wardgate.identity.people.notices import notify
from wardgate.identity.people.passkeys import MOST_PASSKEYS, register, registration_options, rp_id
from wardgate.identity.people.passwords import MIN_CHARACTERS, PasswordRefusedError
from wardgate.identity.people.recovery import codes_left, make_codes
from wardgate.identity.people.sessions import end_all
from wardgate.identity.people.signin import password_of
from wardgate.identity.people.totp import MOST_APPS, begin_totp, confirm_totp, pending_totp, picture
from wardgate.identity.ports import Transaction
from wardgate.identity.routes import Route

_LONGEST_LABEL = 60
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_PATH = "/oauth2/account/security"


async def security(visit: Visit) -> Reply:
    """The page."""
    return await _page(visit)


async def _page(visit: Visit, *, error: str = "", status: int = 200) -> Reply:
    server, user = visit.server, visit.user
    async with server.store.reading() as tx:
        factors = await tx.factors.of_user(user.id)
        passkeys = rp_id(server) is not None
        options = await registration_options(server, tx, visit.session, user) if passkeys else ""
    context = {
        "title": "How you sign in",
        "has_password": any(each.kind == "password" for each in factors),
        "apps": [each for each in factors if each.kind == "totp"],
        "passkeys": [each for each in factors if each.kind == "passkey"],
        "codes": sum(each.kind == "recovery" for each in factors),
        "options": options,
        "script": "passkeys.js" if options else "",
        "least": MIN_CHARACTERS,
        "error": error,
    }
    return visit.show("security.html", context, status)


async def change_password(visit: Visit) -> Reply:
    """Sets a new password and ends all other sessions. Who has one must show it: it is throttled like a sign-in."""
    server, user, form = visit.server, visit.user, visit.call.form
    async with server.store.reading() as tx:
        factor = await password_of(tx, user)
    if factor is not None:
        try:
            account = lockout.account_of(server, user.name)
            attempt = await lockout.begin(server, visit.call, account)
        except lockout.ThrottledError as error:
            said = f"There were too many attempts. Try again in {error.in_words}."
            return (await _page(visit, error=said, status=429)).plus(*error.headers)
        if not await server.passwords.verify(str(factor.data["hash"]), form.get("current") or ""):
            await lockout.failed(server, attempt)
            return await _page(visit, error="The present password is wrong.", status=400)
        async with server.store.writing() as tx:
            await lockout.succeeded(tx, attempt)
    try:
        known = await new_hash(server, user, form.get("password") or "", form.get("again") or "")
    except PasswordRefusedError as error:
        return await _page(visit, error=str(error), status=400)
    async with server.store.writing() as tx:
        await set_password(server, tx, user, known)
        await end_all(server, tx, user, but=visit.session.id)
        await notify(server, tx, user, "Your password was changed")
        await _tell(visit, tx, "password.change")
    return visit.back("security", "password")


async def start_app(visit: Visit) -> Reply:
    """Makes a secret for an app and shows it, as a picture and in letters."""
    async with visit.server.store.writing() as tx:
        if len(await tx.factors.of_user(visit.user.id, "totp")) >= MOST_APPS:
            return await _page(visit, error=f"You have {MOST_APPS} apps; remove one first.", status=400)
        secret = await begin_totp(visit.server, tx, visit.session)
    return _app_page(visit, secret)


async def show_app(visit: Visit) -> Reply:
    """The same page again; without a secret that waits, the page it began on."""
    async with visit.server.store.reading() as tx:
        secret = await pending_totp(visit.server, tx, visit.session)
    return visit.back("security") if secret is None else _app_page(visit, secret)


async def app_picture(visit: Visit) -> Reply:
    """The QR code, for this browser only and never stored."""
    async with visit.server.store.reading() as tx:
        secret = await pending_totp(visit.server, tx, visit.session)
    if secret is None:
        return Reply(status=404, headers=NO_STORE)
    headers = (("content-type", "image/svg+xml"), ("content-security-policy", "default-src 'none'"))
    return Reply(headers=(*headers, *NO_STORE), body=picture(visit.server, visit.user, secret))


async def confirm_app(visit: Visit) -> Reply:
    """Adds the app if it has shown a code of the secret."""
    server, user = visit.server, visit.user
    code = (visit.call.form.get("code") or "").replace(" ", "")
    async with server.store.writing() as tx:
        label = _label(visit, "App")
        secret = await pending_totp(server, tx, visit.session)
        if secret is None:
            return visit.back("security")
        if not await confirm_totp(server, tx, visit.session, user, label, code):
            return _app_page(visit, secret, error="This is not the code the app shows now.", status=400)
        await notify(server, tx, user, "An app for one-time codes was added to your account")
        await _tell(visit, tx, "factor.add", {"kind": "totp", "label": label})
    return visit.back("security", "totp")


def _app_page(visit: Visit, secret: str, *, error: str = "", status: int = 200) -> Reply:
    groups = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
    return visit.show("totp.html", {"title": "Add an app", "secret": groups, "error": error}, status)


async def add_passkey(visit: Visit) -> Reply:
    """Registers what the browser made."""
    server, user = visit.server, visit.user
    async with server.store.writing() as tx:
        credential = visit.call.form.get("credential") or ""
        factor = await register(server, tx, visit.session, user, _label(visit, "Passkey"), credential)
        if factor is not None:
            await notify(server, tx, user, "A passkey was added to your account")
            await _tell(visit, tx, "factor.add", {"id": factor.id, "kind": "passkey", "label": factor.label})
    if factor is None:
        said = f"The passkey was not accepted: it is here already, or there are {MOST_PASSKEYS}, or it took too long."
        return await _page(visit, error=said, status=400)
    return visit.back("security", "passkey")


async def remove_factor(visit: Visit) -> Reply:
    """Removes an app or a passkey of one's own. With the last of them the recovery codes go too."""
    server, user = visit.server, visit.user
    async with server.store.writing() as tx:
        factor = await tx.factors.get(visit.call.form.get("factor") or "")
        if factor is None or factor.user != user.id or factor.kind not in ("totp", "passkey"):
            return await _page(visit, error="It is not there any more.", status=400)
        await tx.factors.remove(factor.id)
        left: list[Factor] = await tx.factors.of_user(user.id)
        if not any(each.kind in ("totp", "passkey") for each in left):
            for each in left:
                if each.kind == "recovery":
                    await tx.factors.remove(each.id)
        what = "An app for one-time codes" if factor.kind == "totp" else "A passkey"
        await notify(server, tx, user, f"{what} was removed from your account")
        await _tell(visit, tx, "factor.remove", {"id": factor.id, "kind": factor.kind})
    return visit.back("security", "removed")


async def new_codes(visit: Visit) -> Reply:
    """Makes ten recovery codes and shows them, this once."""
    server, user = visit.server, visit.user
    async with server.store.writing() as tx:
        kinds = {each.kind for each in await tx.factors.of_user(user.id)}
        if not kinds & {"totp", "passkey"}:
            return await _page(visit, error="Add an app or a passkey first.", status=400)
        replaced = await codes_left(tx, user)
        codes = await make_codes(server, tx, user)
        await notify(server, tx, user, "New recovery codes were made for your account")
        await _tell(visit, tx, "factor.new_codes", {"replaced": replaced})
    return visit.show("codes.html", {"title": "Your recovery codes", "codes": codes, "replaced": replaced})


async def _tell(
    visit: Visit, tx: Transaction, action: str, after: Mapping[str, object] | None = None
) -> None:
    user = visit.user.id
    actor = trail.person(user, visit.call)
    await trail.tell(visit.server, tx, action, user, actor=actor, after=after, environment="")


def _label(visit: Visit, otherwise: str) -> str:
    text = _CONTROL.sub("", visit.call.form.get("label") or "").strip()
    return text[:_LONGEST_LABEL] or otherwise


ROUTES = (
    Route(("GET",), _PATH, guarded(security, "security", recent=True), "page"),
    Route(("POST",), f"{_PATH}/password", guarded(change_password, "security", recent=True), "page"),
    Route(("POST",), f"{_PATH}/app", guarded(start_app, "security", recent=True), "page"),
    Route(("GET",), f"{_PATH}/app", guarded(show_app, "security", recent=True), "page"),
    Route(("GET",), f"{_PATH}/app/code.svg", guarded(app_picture, "security", recent=True), "page"),
    Route(("POST",), f"{_PATH}/app/confirm", guarded(confirm_app, "security", recent=True), "page"),
    Route(("POST",), f"{_PATH}/passkey", guarded(add_passkey, "security", recent=True), "page"),
    Route(("POST",), f"{_PATH}/remove", guarded(remove_factor, "security", recent=True), "page"),
    Route(("POST",), f"{_PATH}/codes", guarded(new_codes, "security", recent=True), "page"),
)
