"""The page where a person who is signed in here says that an account at a provider is theirs too.

What is to be linked waits in the store, as an authorization request does (``identity/waiting.py``, kind ``link``): bound
to the browser, used once, and shown only to the user it is for, who has signed in here within the last minutes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wardgate.domain.people import IdentityProvider, User
from wardgate.identity import trail, waiting
from wardgate.identity.errors import PageError
from wardgate.identity.federation.linking import add_link
from wardgate.identity.federation.person import Person
from wardgate.identity.federation.rights import Rights, set_rights
from wardgate.identity.federation.state import Beginning
from wardgate.identity.http import Call, Parameters, Reply, page, redirect
from wardgate.identity.people.arrival import Arrival, read_arrival
from wardgate.identity.people.current import current_session
from wardgate.identity.people.notices import notify
from wardgate.identity.people.sessions import is_recent
from wardgate.identity.ports import Transaction
from wardgate.identity.routes import Route
from wardgate.identity.server import Server
from wardgate.identity.waiting import Waiting

PATH = "/oauth2/federation/link"


async def offer_to_session(
    server: Server, call: Call, provider: IdentityProvider, person: Person, beginning: Beginning
) -> Reply:
    """To the page, for the user who began this on a page of their own and is signed in still. Raises PageError,
    and ThrottledError where too much waits for this address already."""
    async with server.store.reading() as tx:
        found = await current_session(server, tx, call)
        link = await tx.providers.link(provider.id, person.subject)
    if found is None or found[0].id != beginning.session:
        raise PageError(
            "You are not signed in any more",
            "The session in which this began has ended, so nothing was linked.",
            "Sign in, and link the account on your page.",
            status=403,
        )
    if link is not None and link.user == found[1].id:
        return redirect(server.settings.url("/oauth2/account/linked"))
    if link is not None:
        raise _taken(provider)
    handle, headers = await _keep(server, call, provider, person, found[1], beginning)
    return redirect(server.settings.url(f"{PATH}?request={handle}"), *headers)


async def offer_to_address(
    server: Server,
    call: Call,
    provider: IdentityProvider,
    person: Person,
    user: User,
    beginning: Beginning,
) -> Reply:
    """A page that says there is an account with this address here, and to sign in to it first."""
    handle, headers = await _keep(server, call, provider, person, user, beginning)
    context = {
        "title": "You have an account here",
        "provider": provider.name,
        "email": person.email,
        "request": handle,
        "back": beginning.request,
    }
    return page("federation_match.html", context).plus(*headers)


async def show(server: Server, call: Call) -> Reply:
    """The page that asks. Whoever has not just signed in as the user it is for does that first."""
    found = await _find(server, call, call.query.get("request"))
    async with server.store.reading() as tx:
        user = await _user(server, tx, call, found)
        provider = await _provider(server, tx, found)
    if user is None:
        return waiting.to_login(server, found.handle)
    arrival = await _onward(server, call, found.document)
    context = {
        "title": f"Link your account at {provider.name}?",
        "provider": provider.name,
        "account": found.document["shown"],
        "signed_in": user.name,
        "request": found.handle,
        "back": found.document["onward"],
        "form_action": arrival.form_action,
    }
    return page("federation_link.html", context)


async def link(server: Server, call: Call) -> Reply:
    """Afterwards the account is the user's. Raises PageError."""
    found = await _find(server, call, call.form.get("request"))
    document = found.document
    async with server.store.writing() as tx:
        user = await _user(server, tx, call, found)
        provider = await _provider(server, tx, found)
        if user is None:
            return waiting.to_login(server, found.handle)
        if await tx.once.take("authorize", server.digest(found.handle), server.clock()) is None:
            raise waiting.gone()
        if await tx.providers.link(provider.id, document["subject"]) is not None:
            raise _taken(provider)
        await add_link(server, tx, provider, document["subject"], user)
        rights = Rights(**{name: frozenset(given) for name, given in document["rights"].items()})
        await set_rights(server, tx, user.id, rights, source=provider.id)
        await notify(server, tx, user, f"An account at {provider.name} was linked to yours")
        who, after = trail.person(user.id, call), {"provider": provider.id}
        await trail.tell(server, tx, "account.link", user.id, actor=who, after=after)
    arrival = await _onward(server, call, document)
    if arrival.request:
        return redirect(arrival.onward(server))
    return redirect(server.settings.url("/oauth2/account/linked?done=linked"))


async def _keep(
    server: Server,
    call: Call,
    provider: IdentityProvider,
    person: Person,
    user: User,
    beginning: Beginning,
) -> tuple[str, tuple[tuple[str, str], ...]]:
    document: dict[str, Any] = {
        "kind": "link",
        "client": "",
        "acr": "",
        "login_hint": "",
        "prompts": [],
        "form_action": [],
        "asked_at": server.clock(),
        "pairs": [],
        "provider": provider.id,
        "subject": person.subject,
        "shown": person.shown,
        "rights": {
            "roles": sorted(person.rights.roles),
            "groups": sorted(person.rights.groups),
            "operators": sorted(person.rights.operators),
        },
        "user": user.id,
        "onward": beginning.request,
    }
    return await waiting.keep(server, call, document)


async def _find(server: Server, call: Call, handle: str | None) -> Waiting:
    found = await waiting.find(server, call, handle)
    if found.document["kind"] != "link":
        raise PageError("This request is unknown", "Nothing is waiting at this address.", "Start again.")
    return found


async def _user(server: Server, tx: Transaction, call: Call, found: Waiting) -> User | None:
    """The user at the browser, who has just signed in; ``None``: nobody has. Raises PageError: it is somebody else."""
    here = await current_session(server, tx, call)
    if here is None or not is_recent(server, here[0]):
        return None
    if here[1].id != found.document["user"]:
        raise PageError(
            "This is for another account",
            "You are signed in here as somebody else than the account this is about, so nothing was linked.",
            "Sign out, and start again.",
            status=403,
        )
    return here[1]


async def _provider(server: Server, tx: Transaction, found: Waiting) -> IdentityProvider:
    provider = await tx.providers.get(found.document["provider"])
    if provider is None or provider.status != "active" or provider.environment != server.settings.environment:
        raise PageError(
            "This provider is not used any more", "It was suspended or removed.", "Sign in another way."
        )
    return provider


async def _onward(server: Server, call: Call, document: Mapping[str, Any]) -> Arrival:
    """Where it goes on to: the request that brought the person, unless that is over meanwhile."""
    try:
        return await read_arrival(server, call, Parameters((("request", document["onward"]),)))
    except PageError:
        return Arrival()


def _taken(provider: IdentityProvider) -> PageError:
    return PageError(
        "This account is linked already",
        f"The account at {provider.name} belongs to somebody's account here.",
        "Unlink it there first.",
        status=409,
    )


ROUTES = (
    Route(("GET",), PATH, show, "page"),
    Route(("POST",), PATH, link, "page"),
)
