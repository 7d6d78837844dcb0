"""The sign-in pages: name and password or a passkey, then the second factor of those who have one.

GET shows, POST acts. The browser holds the sign-in by a cookie, made fresh with every step; the address holds only the
handle of the request that waits, which is worth nothing elsewhere.
"""

from __future__ import annotations

from typing import Any

from wardgate.domain.tokenform import is_secret, new_secret
from wardgate.identity import trail
from wardgate.identity.federation.choices import choices
from wardgate.identity.http import Call, Reply, page
from wardgate.identity.people import lockout
from wardgate.identity.people.arrival import Arrival, read_arrival
from wardgate.identity.people.cookies import cookie_value, set_cookie
from wardgate.identity.people.current import current_session
from wardgate.identity.people.guard import DONE
from wardgate.identity.people.lockout import ThrottledError
from wardgate.identity.people.passkeys import check_passkey, rp_id, sign_in_options
from wardgate.identity.people.signin import sign_in_with_password
from wardgate.identity.people.signing_in import COOKIE, go_on, half_of, prove_second
from wardgate.identity.routes import Route
from wardgate.identity.server import Server

_WRONG = "The name or the password is wrong."
_WRONG_PASSKEY = "This passkey was not accepted. Use your name and password."
_WRONG_CODE = "This code was not accepted. Codes of an app change every 30 seconds and work once."


async def show_login(server: Server, call: Call) -> Reply:
    """The page that asks who one is."""
    return await _page(server, call, await read_arrival(server, call, call.query))


async def login(server: Server, call: Call) -> Reply:
    """Takes the answer; what follows is the second factor's page, or the end of the sign-in."""
    arrival = await read_arrival(server, call, call.form)
    credential = call.form.get("credential")
    if credential is not None:
        return await _with_passkey(server, call, arrival, credential)
    name, password = call.form.get("name") or "", call.form.get("password") or ""
    try:
        user = await sign_in_with_password(server, call, name, password)
    except ThrottledError as error:
        return await _throttled(server, call, arrival, name, error)
    if user is None:
        return await _page(server, call, arrival, name=name, error=_WRONG, status=400)
    account = lockout.account_of(server, name)
    return await go_on(server, call, arrival, user, amr=("pwd",), account=account)


async def _with_passkey(server: Server, call: Call, arrival: Arrival, credential: str) -> Reply:
    """A passkey that checked who holds it stands for name, password and second factor."""
    place = f"address {lockout.prefix_of(call.address)}"
    binding = cookie_value(server.settings, call, COOKIE)
    proof = None
    try:
        async with server.store.writing() as tx:
            await lockout.check(server, tx, place, lockout.ADDRESS)
            if is_secret(binding, "ot"):
                proof = await check_passkey(server, tx, "first", binding, credential)
            if proof is None:
                await tx.throttle.fail(place, server.clock(), lockout.ADDRESS.window)
                await trail.sign_in_failed(server, tx, "passkey", call.address, "passkey")
    except ThrottledError as error:
        return await _throttled(server, call, arrival, "", error)
    if proof is None:
        return await _page(server, call, arrival, error=_WRONG_PASSKEY, status=400)
    return await go_on(server, call, arrival, proof.user, amr=(*proof.amr, "mfa"), sure=True)


async def _throttled(server: Server, call: Call, arrival: Arrival, name: str, error: ThrottledError) -> Reply:
    said = f"There were too many attempts. Try again in {error.in_words}."
    reply = await _page(server, call, arrival, name=name, error=said, status=error.status)
    return reply.plus(*error.headers)


async def _page(
    server: Server, call: Call, arrival: Arrival, *, name: str = "", error: str = "", status: int = 200
) -> Reply:
    async with server.store.reading() as tx:
        here = await current_session(server, tx, call)
        providers = await choices(server, tx)
    binding = cookie_value(server.settings, call, COOKIE)
    if not is_secret(binding, "ot"):
        binding = new_secret("ot", server.random)
    passkeys = rp_id(server) is not None
    context: dict[str, Any] = {
        "title": f"Sign in to {arrival.client}" if arrival.client else "Sign in",
        "arrival": arrival,
        "name": name or arrival.hint or (here[1].name if here is not None else ""),
        "error": error,
        "done": DONE.get(call.query.get("done") or "", "") if not error else "",
        "again": arrival.page == "security" and here is not None,
        "options": sign_in_options(server, "first", binding) if passkeys else "",
        "script": "passkeys.js" if passkeys else "",
        "providers": providers,
        "open_signup": server.settings.open_signup,
        "form_action": arrival.form_action,
    }
    return page("login.html", context, status).plus(set_cookie(server.settings, binding, suffix=COOKIE))


async def show_second(server: Server, call: Call) -> Reply:
    """The page that asks for the second factor."""
    return await _second_page(server, call)


async def second(server: Server, call: Call) -> Reply:
    """Takes the second factor; the end of the sign-in if it is right."""
    try:
        done = await prove_second(
            server, call, call.form.get("code") or "", call.form.get("credential") or ""
        )
    except ThrottledError as error:
        said = f"There were too many attempts. Try again in {error.in_words}."
        return (await _second_page(server, call, error=said, status=error.status)).plus(*error.headers)
    return done or await _second_page(server, call, error=_WRONG_CODE, status=400)


async def _second_page(server: Server, call: Call, *, error: str = "", status: int = 200) -> Reply:
    async with server.store.reading() as tx:
        half = await half_of(server, tx, call)
    passkeys = half.of("passkey") if rp_id(server) is not None else []
    context: dict[str, Any] = {
        "title": "Confirm it is you",
        "name": half.user.name,
        "request": half.arrival.request,
        "error": error,
        "app": bool(half.of("totp")),
        "codes": bool(half.of("totp") or half.of("recovery")),
        "options": sign_in_options(server, "second", half.secret, passkeys) if passkeys else "",
        "script": "passkeys.js" if passkeys else "",
        "form_action": half.arrival.form_action,
    }
    return page("second.html", context, status)


ROUTES = (
    Route(("GET",), "/oauth2/login", show_login, "page"),
    Route(("POST",), "/oauth2/login", login, "page"),
    Route(("GET",), "/oauth2/login/second", show_second, "page"),
    Route(("POST",), "/oauth2/login/second", second, "page"),
)
