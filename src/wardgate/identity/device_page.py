"""Where a person lets a device in (RFC 8628 section 3.3): they type its code, see what it is and wants, and say yes or no.

The address may bring the code along, but never the answer: seeing a code does nothing, and only the form of the page that
showed the application counts, from the browser and session it was shown to. Guessing codes is slowed for the account and
for the address (section 5.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wardgate.control.ids import new_id
from wardgate.domain.oauth import OIDC_SCOPES, Client, Grant
from wardgate.domain.operator import ADMIN_SCOPE, ADMIN_SCOPE_WORDS
from wardgate.domain.people import Session, User
from wardgate.identity import scopes, trail, waiting
from wardgate.identity.errors import PageError
from wardgate.identity.http import Call, Reply, page
from wardgate.identity.oidc import is_fresh, is_sure_enough, required_assurance
from wardgate.identity.people.current import current_session
from wardgate.identity.people.lockout import ADDRESS, Rule, ThrottledError, count, prefix_of
from wardgate.identity.ports import DeviceCode, KnownClient, Transaction
from wardgate.identity.presented_token import active_client
from wardgate.identity.rar import shown as details_text
from wardgate.identity.routes import Route
from wardgate.identity.server import Server
from wardgate.identity.user_code import LENGTH, normal_user_code
from wardgate.identity.waiting import Waiting

_WRONG = "This code is not known. Codes are good for a few minutes only; the device can show a new one."
_MAX_TYPED = 40
#: Seconds a person may take from signing in to entering the code.
_ENTERING = 300
#: Codes a person may enter an hour before each further one takes longer (RFC 8628 section 5.1): with 34 bits in a code and
#: at most some thousand waiting, a guess is right once in ten million.
ATTEMPTS = Rule(free=10, longest=900, window=3600)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Here:
    """Who is at the browser."""

    session: Session
    user: User


async def show(server: Server, call: Call) -> Reply:
    """The page that asks for the code, after a sign-in; with the code in it if the address brought one."""
    typed = (call.query.get("user_code") or "")[:_MAX_TYPED]
    handle = call.query.get("request")
    if handle is not None:
        typed = (await _waiting(server, call, handle)).document["user_code"]
    here = await _here(server, call)
    if here is None:
        return await _to_login(server, call, typed)
    return _enter(here, typed)


async def answer(server: Server, call: Call) -> Reply:
    """Takes a code and shows what it is for; or takes the answer."""
    here = await _here(server, call)
    typed = (call.form.get("user_code") or "")[:_MAX_TYPED]
    if here is None:
        return await _to_login(server, call, typed)
    if call.form.repeated(frozenset()) is not None:
        raise PageError("This answer cannot be read", "A field stands more than once.", "Start again.")
    if call.form.get("decision") is not None:
        return await _decide(server, call, here)
    return await _look(server, call, here, typed)


async def _look(server: Server, call: Call, here: _Here, typed: str) -> Reply:
    try:
        code = await find_code(server, call, here.user, typed)
    except ThrottledError as error:
        said = f"There were too many attempts. Try again in {error.in_words}."
        return _enter(here, typed, said, status=error.status).plus(*error.headers)
    known = None if code is None else await active_client(server, code.client)
    if code is None or known is None:
        return _enter(here, typed, _WRONG, status=400)
    acr = required_assurance(None, {}, known.client.default_acr_values).acr
    if not _sure_enough(server, here, known.client, acr):
        return await _to_login(server, call, typed, acr=acr)
    return await _ask(server, call, here, known, code)


async def find_code(server: Server, call: Call, user: User, typed: str) -> DeviceCode | None:
    """The device that waits with the code typed. Every attempt counts against account and address, before it is looked
    at: a burst gets no more guesses than a queue, and one's own devices buy none at others'.

    Raises:
        ThrottledError: there were too many.
    """
    normal = normal_user_code(typed)
    async with server.store.writing() as tx:
        await count(server, tx, f"device-code user {user.id}", ATTEMPTS)
        await count(server, tx, f"device-code address {prefix_of(call.address)}", ADDRESS)
        code = None if normal is None else await tx.device_codes.by_user_code(server.digest(normal))
    return code if code is not None and _waits(server, code) else None


def _waits(server: Server, code: DeviceCode) -> bool:
    return (
        code.environment == server.settings.environment
        and code.status == "pending"
        and server.clock() < code.expires_at
    )


def _sure_enough(server: Server, here: _Here, client: Client, acr: str) -> bool:
    """Whether the sign-in will do for the client, which may have been for this code a little while ago."""
    age = None if client.default_max_age is None else max(client.default_max_age, _ENTERING)
    fresh = is_fresh(here.session, max_age=age, again=False, asked_at=None, now=server.clock())
    return fresh and is_sure_enough(here.session, acr)


async def _ask(server: Server, call: Call, here: _Here, known: KnownClient, code: DeviceCode) -> Reply:
    """The page that says what is asked for; the request waits, bound to this browser and session."""
    async with server.store.reading() as tx:
        allowed = await _allowed(tx, here.user, known.client, code)
    shown = {"session": here.session.id, "scopes": list(allowed)}
    document = {"kind": "device", "client": known.client.id, "device": code.digest.hex(), "shown": shown}
    handle, headers = await waiting.keep(server, call, {**document, "user_code": ""})
    described = {**await server.memory.apis.scopes(server), **OIDC_SCOPES, ADMIN_SCOPE: ADMIN_SCOPE_WORDS}
    context = {
        "application": known.application.name,
        "client": known.client.name,
        "owner": known.application.owner,
        # Nothing is remembered for devices: each scope is asked anew.
        "scopes": [(scope, described.get(scope) or scope, True) for scope in allowed],
        "details": [details_text([each]) for each in code.document["authorization_details"]],
        "resources": code.document["resources"],
        "handle": handle,
    }
    return _page(here, "confirm", context).plus(*headers)


async def _decide(server: Server, call: Call, here: _Here) -> Reply:
    """Lets the device in, or refuses it. Raises PageError: it is too late, or the page was shown to somebody else."""
    decision = call.form.get("decision")
    found = await _waiting(server, call, call.form.get("request") or "")
    shown = found.document.get("shown")
    if decision not in ("allow", "deny") or shown is None or not found.bound:
        raise PageError("This answer cannot be read", "It answers no question.", "Enter the code again.")
    if shown["session"] != here.session.id:
        raise PageError("Somebody else is signed in now", "Nothing was allowed.", "Enter the code again.")
    known = await active_client(server, found.document["client"])
    if known is None:
        raise PageError("This application is not served any more", "It was suspended or removed.")
    async with server.store.writing() as tx:
        await _store_answer(server, tx, call, found, known, allow=decision == "allow")
    return _page(here, "allowed" if decision == "allow" else "denied", {})


async def _store_answer(
    server: Server, tx: Transaction, call: Call, found: Waiting, known: KnownClient, *, allow: bool
) -> None:
    """The answer and the grant, in one transaction that checks again who answers and what."""
    now = server.clock()
    here = await current_session(server, tx, call)
    code = await tx.device_codes.find(bytes.fromhex(found.document["device"]))
    if here is None or here[0].id != found.document["shown"]["session"] or code is None:
        raise waiting.gone()
    if await tx.once.take("authorize", server.digest(found.handle), now) is None:
        raise waiting.gone()
    grant = ""
    agreed: tuple[str, ...] = ()
    if allow:
        allowed = await _allowed(tx, here[1], known.client, code)
        agreed = tuple(scope for scope in allowed if scope in found.document["shown"]["scopes"])
        made = _new_grant(server, *here, known.client, code, agreed)
        await tx.grants.add(made)
        grant = made.id
    if not await tx.device_codes.decide(code.digest, "approved" if allow else "denied", grant, now):
        raise PageError("This code is good no more", "It expired or was answered already.", _again())
    if allow:
        who, after = trail.person(here[1].id, call), {"scopes": agreed, "grant": grant}
        await trail.tell(server, tx, "consent.give", known.client.id, actor=who, after=after)


async def _allowed(tx: Transaction, user: User, client: Client, code: DeviceCode) -> tuple[str, ...]:
    """Those of the scopes the device asked for that client and person may have now."""
    asked = [scope for scope in code.document["scopes"] if scope in client.scopes]
    return (await scopes.for_user(tx, user.id, asked))[0]


def _new_grant(
    server: Server, session: Session, user: User, client: Client, code: DeviceCode, agreed: tuple[str, ...]
) -> Grant:
    """What the person lets the device do. It does not end with the browser's session: the device is elsewhere."""
    now = server.clock()
    lives = server.settings.device_lifetime + client.access_lifetime
    lives += client.refresh_lifetime if "refresh_token" in client.grant_types else 0
    return Grant(
        id=new_id("gr", now),
        environment=server.settings.environment,
        client=client.id,
        subject=user.id,
        scopes=agreed,
        kind="device_code",
        created_at=now,
        expires_at=now + lives,
        resources=tuple(code.document["resources"]),
        authorization_details=tuple(code.document["authorization_details"]),
        auth_time=int(session.auth_time),
        acr=session.acr,
        amr=session.amr,
    )


async def _here(server: Server, call: Call) -> _Here | None:
    async with server.store.reading() as tx:
        found = await current_session(server, tx, call)
    return None if found is None else _Here(session=found[0], user=found[1])


async def _to_login(server: Server, call: Call, typed: str, *, acr: str = "") -> Reply:
    """To the sign-in page; the code typed waits in the store, not in an address."""
    document: Mapping[str, Any] = {"kind": "device", "client": "", "acr": acr, "user_code": typed}
    handle, headers = await waiting.keep(server, call, document)
    return waiting.to_login(server, handle, headers)


async def _waiting(server: Server, call: Call, handle: str) -> Waiting:
    found = await waiting.find(server, call, handle)
    if found.document["kind"] != "device":
        raise PageError("No device waits here", "The request is of another kind.", _again())
    return found


def _again() -> str:
    return "Enter the code that the device shows now."


def _enter(here: _Here, typed: str, error: str = "", *, status: int = 200) -> Reply:
    return _page(here, "enter", {"user_code": _printed(typed), "error": error}, status)


def _printed(typed: str) -> str:
    """A whole code as the device shows it; else what was typed."""
    normal = normal_user_code(typed)
    return typed if normal is None else f"{normal[: LENGTH // 2]}-{normal[LENGTH // 2 :]}"


def _page(here: _Here, step: str, context: Mapping[str, Any], status: int = 200) -> Reply:
    return page(
        "device.html",
        {"title": "Connect a device", "signed_in": here.user.name, "step": step, **context},
        status,
    )


ROUTES = (
    Route(("GET",), "/oauth2/device", show, "page"),
    Route(("POST",), "/oauth2/device", answer, "page"),
)
