"""RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0).

An application that shows an id token of the person's session signs them out and gets them back. Without one, or with one
of somebody else, the person is asked: a link must not sign anybody out. Where the browser goes afterwards is one of the
client's own post-logout redirect URIs, character by character.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from wardgate.domain.oauth import Client
from wardgate.domain.people import Session, User
from wardgate.identity import waiting
from wardgate.identity.authorize_request import hinted_claims
from wardgate.identity.errors import PageError
from wardgate.identity.http import Call, Parameters, Reply, page, redirect
from wardgate.identity.people.cookies import drop_cookie
from wardgate.identity.people.current import current_session
from wardgate.identity.people.sessions import end_sessions
from wardgate.identity.presented_token import active_client
from wardgate.identity.redirects import form_action, is_registered
from wardgate.identity.routes import Route
from wardgate.identity.server import Server
from wardgate.identity.subjects import subject_of
from wardgate.identity.waiting import Waiting

_MAX_STATE = 2048
#: What is stored of a request that waits: of the id token only what says whose it is, never the token.
_KEPT = ("client_id", "post_logout_redirect_uri", "state")
_KEPT_OF_HINT = ("aud", "sub", "sid")


@dataclass(slots=True)
class _Request:
    """A logout request while it is checked."""

    server: Server
    parameters: Parameters
    hint: Mapping[str, Any] = field(default_factory=dict)
    client: Client | None = None
    redirect_uri: str = ""


async def logout(server: Server, call: Call) -> Reply:
    """Signs the person out, or asks them first. Raises PageError: the request is not sound, and nothing happened.

    A form of another site comes without the browser's cookies, so it is kept and goes on when the browser comes back.
    """
    if call.method == "POST" and call.form.get("request") is not None:
        return await _confirmed(server, call)
    if call.method == "POST":
        request = await _checked(server, call.form)
        handle, _ = await waiting.keep(server, call, _document(request), bind=False)
        return redirect(server.settings.url(f"/oauth2/logout?continue={handle}"))
    if call.query.get("continue") is not None:
        found = await _waiting(server, call, call.query.get("continue"))
        return await _proceed(await _restored(server, found), call, found)
    return await _proceed(await _checked(server, call.query), call, None)


async def _checked(server: Server, parameters: Parameters, hint: Mapping[str, Any] | None = None) -> _Request:
    """The request, sound; ``hint`` is what is known of its id token, if that was verified before."""
    request = _Request(server, parameters, hint or {})
    if parameters.repeated(frozenset()) is not None:
        raise _refused("A parameter stands more than once")
    await _read_hint(request)
    await _find_client(request)
    _check_redirect_uri(request)
    return request


async def _read_hint(request: _Request) -> None:
    """An id token of this server, old or not (section 2)."""
    text = request.parameters.get("id_token_hint")
    if text is None:
        return
    claims = await hinted_claims(request.server, text)
    if claims is None:
        raise _refused("id_token_hint is no id token of this server")
    request.hint = claims


async def _find_client(request: _Request) -> None:
    """The client of the hint, or the one named; both must be the same."""
    named, hinted = request.parameters.get("client_id"), request.hint.get("aud")
    if named is not None and hinted is not None and named != hinted:
        raise _refused("client_id is another client than that of id_token_hint")
    client_id = named or hinted
    if client_id is None:
        return
    known = await active_client(request.server, str(client_id))
    if known is None:
        raise _refused("The client is unknown")
    request.client = known.client


def _check_redirect_uri(request: _Request) -> None:
    """One of the client's post-logout redirect URIs (section 3); ``state`` is of a size that can be given back."""
    uri = request.parameters.get("post_logout_redirect_uri")
    if uri is None:
        return
    if request.client is None:
        raise _refused("post_logout_redirect_uri needs id_token_hint or client_id, to say whose it is")
    if not is_registered(uri, request.client.post_logout_redirect_uris):
        raise _refused("post_logout_redirect_uri is not one the client registered")
    if len(request.parameters.get("state") or "") > _MAX_STATE:
        raise _refused(f"state is longer than {_MAX_STATE} characters")
    request.redirect_uri = uri


async def _proceed(request: _Request, call: Call, found: Waiting | None) -> Reply:
    """Nobody is signed in: on at once. The hint is of this very session: signed out. Else the person is asked."""
    async with request.server.store.reading() as tx:
        here = await current_session(request.server, tx, call)
    if here is None:
        return _onward(request)
    if _is_theirs(request, *here):
        return await _end(request, call, found, here[0].id)
    return await _ask(request, call, found, here[1])


def _is_theirs(request: _Request, session: Session, user: User) -> bool:
    """Whether the hint is an id token of the session at the browser, or at least of its user."""
    if not request.hint or request.client is None:
        return False
    if request.hint.get("sid") == session.id:
        return True
    return bool(request.hint["sub"] == subject_of(request.server, request.client, user.id))


async def _ask(request: _Request, call: Call, found: Waiting | None, user: User) -> Reply:
    """The page that asks, with a handle of its own that only this browser can answer with."""
    server = request.server
    handle, headers = await waiting.keep(server, call, _document(request))
    if found is not None:
        async with server.store.writing() as tx:
            await tx.once.drop("authorize", server.digest(found.handle))
    context = {
        "title": "Sign out?",
        "name": user.name,
        "client": request.client.name if request.client is not None else "",
        "handle": handle,
        "form_action": form_action(request.redirect_uri) if request.redirect_uri else (),
        "done": False,
    }
    return page("logout.html", context).plus(*headers)


async def _confirmed(server: Server, call: Call) -> Reply:
    """The answer of the page: it counts with the handle and the browser the page was shown to."""
    found = await _waiting(server, call, call.form.get("request"))
    if not found.bound:
        raise _refused("No page was shown for this request")
    request = await _restored(server, found)
    async with server.store.reading() as tx:
        here = await current_session(server, tx, call)
    if call.form.get("decision") != "logout":
        return redirect(server.settings.url("/oauth2/account"))
    return _onward(request) if here is None else await _end(request, call, found, here[0].id)


async def _end(request: _Request, call: Call, found: Waiting | None, session_id: str) -> Reply:
    """Ends the session, what applications got in it, and the cookie."""
    server = request.server
    async with server.store.writing() as tx:
        here = await current_session(server, tx, call)
        if here is not None and here[0].id == session_id:
            await end_sessions(server, tx, [here[0]])
        if found is not None:
            await tx.once.drop("authorize", server.digest(found.handle))
    return _onward(request).plus(drop_cookie(server.settings))


def _onward(request: _Request) -> Reply:
    """Back to the client, or to a page that says it is done."""
    uri = request.redirect_uri
    if not uri:
        context = {"title": "You are signed out", "done": True, "name": "", "client": "", "handle": ""}
        return page("logout.html", context)
    state = request.parameters.get("state")
    if state is None:
        return redirect(uri, ("referrer-policy", "no-referrer"))
    joint = "" if uri.endswith(("?", "&")) else "&" if "?" in uri else "?"
    location = f"{uri}{joint}{urlencode([('state', state)])}"
    return redirect(location, ("referrer-policy", "no-referrer"))


def _document(request: _Request) -> dict[str, Any]:
    """The request as it waits (see ``waiting``)."""
    return {
        "kind": "logout",
        "client": request.client.id if request.client is not None else "",
        "pairs": [list(pair) for pair in request.parameters.pairs if pair[0] in _KEPT],
        "hint": {name: request.hint[name] for name in _KEPT_OF_HINT if name in request.hint},
    }


async def _waiting(server: Server, call: Call, handle: str | None) -> Waiting:
    found = await waiting.find(server, call, handle)
    if found.document["kind"] != "logout":
        raise _refused("Nothing to sign out of waits here")
    return found


async def _restored(server: Server, found: Waiting) -> _Request:
    pairs = Parameters(tuple((name, value) for name, value in found.document["pairs"]))
    return await _checked(server, pairs, found.document.get("hint"))


def _refused(why: str) -> PageError:
    return PageError(
        "You were not signed out",
        f"{why} (invalid_request).",
        "To sign out here, open your account and choose Sign out.",
    )


ROUTES = (Route(("GET", "POST"), "/oauth2/logout", logout, "entry"),)
