"""How a sign-in goes on once the first proof is there: a second factor where there is one, then a session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wardgate.domain.people import Factor, User
from wardgate.domain.tokenform import is_secret, new_secret
from wardgate.identity import trail
from wardgate.identity.errors import PageError
from wardgate.identity.http import Call, Parameters, Reply, page, redirect
from wardgate.identity.people import lockout
from wardgate.identity.people.arrival import Arrival, read_arrival
from wardgate.identity.people.cookies import cookie_value, drop_cookie, set_cookie
from wardgate.identity.people.devices import known_device, remember_device
from wardgate.identity.people.notices import notify
from wardgate.identity.people.passkeys import check_passkey
from wardgate.identity.people.recovery import codes_left, use_code
from wardgate.identity.people.sessions import ACR_ONE, ACR_TWO, start_session
from wardgate.identity.people.signin import second_factors
from wardgate.identity.people.totp import check_totp
from wardgate.identity.ports import Transaction
from wardgate.identity.server import Server

#: Names the cookie that binds a sign-in to the browser it began in.
COOKIE = "login"
_SECONDS = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Half:
    """A sign-in whose first proof is there. ``account`` is what was typed, as lock-out counts it."""

    secret: str
    user: User
    account: str
    amr: tuple[str, ...]
    arrival: Arrival
    factors: tuple[Factor, ...]

    def of(self, kind: str) -> list[Factor]:
        """The user's factors of that kind."""
        return [factor for factor in self.factors if factor.kind == kind]


async def go_on(
    server: Server,
    call: Call,
    arrival: Arrival,
    user: User,
    *,
    amr: Sequence[str],
    account: str = "",
    sure: bool = False,
) -> Reply:
    """What follows the first proof of who ``user`` is: the page of the second factor, or the end of the sign-in.

    ``amr`` says how it was proved (RFC 8176); ``sure`` that it was by two factors already. ``account`` is what lock-out
    counts, where a name was typed. The user must be active.
    """
    account = account or lockout.account_of(server, user.name)
    async with server.store.writing() as tx:
        if not sure and await second_factors(tx, user):
            secret = new_secret("ot", server.random)
            document = {
                "user": user.id,
                "account": account,
                "amr": list(amr),
                "request": arrival.request,
                "next": arrival.page,
            }
            await tx.once.put("login", server.digest(secret), document, server.clock() + _SECONDS)
            to_second = server.settings.url("/oauth2/login/second")
            return redirect(to_second, set_cookie(server.settings, secret, suffix=COOKIE, max_age=_SECONDS))
        acr = ACR_TWO if sure else ACR_ONE
        return await _finish(server, tx, call, arrival, user, account=account, amr=amr, acr=acr)


async def half_of(server: Server, tx: Transaction, call: Call) -> Half:
    """The sign-in that waits for its second factor in this browser. Raises PageError when there is none."""
    secret = cookie_value(server.settings, call, COOKIE)
    record = await tx.once.look("login", server.digest(secret)) if is_secret(secret, "ot") else None
    if record is None or record.used_at is not None or record.expires_at <= server.clock():
        raise _lost()
    document: Mapping[str, Any] = record.document
    user = await tx.users.get(document["user"])
    if user is None or user.status != "active":
        raise _lost()
    pairs = (("request", document["request"]), ("next", document["next"]))
    return Half(
        secret=secret,
        user=user,
        account=document["account"],
        amr=tuple(document["amr"]),
        arrival=await read_arrival(server, call, Parameters(pairs)),
        factors=tuple(await tx.factors.of_user(user.id)),
    )


async def prove_second(server: Server, call: Call, code: str, credential: str) -> Reply | None:
    """The end of the sign-in, if the one-time code, recovery code or passkey is right; ``None`` if it is not.

    Failures are counted against the person's second factors before they are looked at, or against this browser alone
    where the person has signed in with it before.

    Raises:
        PageError: no sign-in waits here.
        ThrottledError: too many failures.
    """
    async with server.store.reading() as tx:
        half = await half_of(server, tx, call)
    device = known_device(server, call, half.account)
    key = f"second {half.user.id} {device or ''}"
    async with server.store.writing() as tx:
        await lockout.count(server, tx, key, lockout.SECOND)
    async with server.store.writing() as tx:
        half = await half_of(server, tx, call)
        how = await _second(server, tx, half, code, credential)
        if how is None:
            await trail.sign_in_failed(server, tx, half.user.id, call.address, "second factor")
            return None
        if await tx.once.take("login", server.digest(half.secret), server.clock()) is None:
            raise _lost()
        await tx.throttle.clear(key)
        amr = (*half.amr, *how, "mfa")
        return await _finish(
            server, tx, call, half.arrival, half.user, account=half.account, amr=amr, acr=ACR_TWO
        )


async def _second(
    server: Server, tx: Transaction, half: Half, code: str, credential: str
) -> tuple[str, ...] | None:
    """How the second factor was proved; ``None`` if it was not."""
    if credential:
        proof = await check_passkey(server, tx, "second", half.secret, credential, half.user)
        return None if proof is None else proof.amr
    plain = code.replace(" ", "")
    if await check_totp(server, tx, half.user, plain):
        return ("otp",)
    if await use_code(server, tx, half.user, code):
        left = await codes_left(tx, half.user)
        await notify(server, tx, half.user, "A recovery code was used", f"{left} recovery codes are left.")
        return ("otp",)
    return None


async def _finish(
    server: Server,
    tx: Transaction,
    call: Call,
    arrival: Arrival,
    user: User,
    *,
    account: str,
    amr: Sequence[str],
    acr: str,
) -> Reply:
    """A session, a browser that is known from now on, and the way on."""
    session, cookie = await start_session(server, tx, call, user, amr=amr, acr=acr)
    after = {"session": session.id, "amr": session.amr, "acr": acr}
    await trail.tell(server, tx, "login.succeed", user.id, actor=trail.person(user.id, call), after=after)
    accounts = dict.fromkeys((account, lockout.account_of(server, user.name)))
    headers = (
        cookie,
        remember_device(server, call, *accounts),
        drop_cookie(server.settings, COOKIE),
    )
    if arrival.acr == ACR_TWO and acr != ACR_TWO:
        context = {
            "title": "A second step is needed",
            "client": arrival.client,
            "onward": arrival.onward(server),
            "signed_in": user.name,
        }
        return page("second_needed.html", context).plus(*headers)
    return redirect(arrival.onward(server), *headers)


def _lost() -> PageError:
    return PageError(
        "This sign-in has ended",
        "It took too long, was finished already, or began in another browser.",
        "Sign in again.",
    )
