"""The authorization endpoint (RFC 6749 section 3.1, OIDC core section 3.1.2).

A request is read (from the query, a form, a pushed request or a request object), checked by the table of
``authorize_request``, and then needs a person to sign in and to agree, or nothing more. While it needs a person it waits
in the store; each return of the browser (``?continue=``) begins with the checks again.
"""

from __future__ import annotations

from wardgate.identity import waiting
from wardgate.identity.authorize_flow import (
    document_of,
    proceed,
    refusal_of,
    restored,
    unread,
    use_up,
)
from wardgate.identity.authorize_request import Draft
from wardgate.identity.errors import OAuthError, PageError
from wardgate.identity.http import Call, Parameters, Reply, redirect
from wardgate.identity.jar import read_request_object
from wardgate.identity.par import load_pushed
from wardgate.identity.presented_token import active_client
from wardgate.identity.routes import Route
from wardgate.identity.server import Server
from wardgate.identity.waiting import Waiting

#: Where other things go on that wait for a sign-in, by the kind of their document.
_ELSEWHERE = {
    "device": "/oauth2/device?request=",
    "link": "/oauth2/federation/link?request=",
    "logout": "/oauth2/logout?continue=",
}


async def authorize(server: Server, call: Call) -> Reply:
    """A new request, or the return of one that waited.

    What a form of another site brings comes without the browser's cookies, so it first becomes a request that waits.
    """
    if call.method == "POST":
        draft = await received(server, call, call.form)
        if isinstance(draft, Reply):
            return draft
        refusal = await refusal_of(draft, call)
        if refusal is not None:
            return refusal
        handle, _ = await waiting.keep(server, call, document_of(draft), bind=False)
        return waiting.to_continue(server, handle)
    if call.query.get("continue") is not None and call.query.get("client_id") is None:
        return await resume(server, call)
    draft = await received(server, call, call.query)
    if isinstance(draft, Reply):
        return draft
    return await refusal_of(draft, call) or await proceed(draft, call)


async def received(server: Server, call: Call, parameters: Parameters) -> Draft | Reply:
    """A draft with the parameters that count, or the error where they cannot be had. Raises PageError: who asks, or
    where they wait for the answer, is not sure."""
    draft = await _named(server, parameters)
    try:
        for read in (load_pushed, load_signed):
            await read(draft)
    except OAuthError as error:
        return await unread(draft, call, error)
    return draft


async def _named(server: Server, parameters: Parameters) -> Draft:
    names = parameters.all("client_id")
    known = await active_client(server, names[0]) if len(names) == 1 else None
    if known is None:
        raise PageError(
            "This application is unknown",
            "The request does not name an application that may sign people in here (invalid_client).",
            "Go back to where you came from, and tell those who run the application.",
        )
    return Draft(server=server, known=known, parameters=parameters)


async def load_signed(draft: Draft) -> None:
    """Takes the parameters from a request object, and none from outside of it (RFC 9101 section 6.3)."""
    objects = draft.parameters.all("request")
    if not objects or draft.pushed:
        return
    if len(objects) > 1 or draft.parameters.get("request_uri") is not None:
        raise OAuthError("invalid_request", "More than one request")
    draft.parameters = await read_request_object(draft.server, draft.known.client, objects[0])
    draft.signed = True


async def resume(server: Server, call: Call) -> Reply:
    """A request that waited, checked from the beginning."""
    found = await waiting.find(server, call, call.query.get("continue"))
    elsewhere = _ELSEWHERE.get(found.document["kind"])
    if elsewhere is not None:
        return redirect(server.settings.url(elsewhere + found.handle))
    if not found.bound:
        return await _bind(server, call, found)
    draft = await restored(server, found)
    return await refusal_of(draft, call) or await proceed(draft, call, found)


async def _bind(server: Server, call: Call, found: Waiting) -> Reply:
    """A request that came as a form: from here on it is as if it had come by a link."""
    async with server.store.writing() as tx:
        await use_up(server, tx, found)
    draft = await restored(server, found)
    draft.asked_at = None
    return await refusal_of(draft, call) or await proceed(draft, call)


ROUTES = (Route(("GET", "POST"), "/oauth2/authorize", authorize, "entry"),)
