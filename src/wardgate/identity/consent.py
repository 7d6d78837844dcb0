"""The answer of the consent page.

It counts only from the browser the request waits for, from the session the page was shown to, and for no more than the
page showed.
"""

from __future__ import annotations

from wardgate.identity import waiting
from wardgate.identity.authorize_flow import finish, proceed, refusal_of, refused, restored, use_up
from wardgate.identity.authorize_request import Draft
from wardgate.identity.errors import OAuthError, PageError
from wardgate.identity.http import Call, Reply
from wardgate.identity.people.current import current_session
from wardgate.identity.redirects import respond_error
from wardgate.identity.routes import Route
from wardgate.identity.server import Server
from wardgate.identity.waiting import Waiting


async def decide(server: Server, call: Call) -> Reply:
    """Lets the application have what the page showed, or tells it that the person does not.

    Raises PageError, and ThrottledError where too much waits for this address already.
    """
    decision = call.form.get("decision")
    if decision not in ("allow", "deny") or call.form.repeated(frozenset()) is not None:
        raise PageError(
            "This answer cannot be read", "It is neither yes nor no.", "Go back and choose again."
        )
    found = await waiting.find(server, call, call.form.get("request"))
    if found.document["kind"] != "authorize" or not found.bound:
        raise PageError("This request asks nothing", "No page was shown for it.", "Start again.")
    draft = await restored(server, found)
    refusal = await refusal_of(draft, call)
    if refusal is not None:
        return refusal
    agreed = await _shown_to(draft, call, found)
    if agreed is None:
        # Somebody else is signed in by now, or nobody: the page they answered was not theirs.
        return await proceed(draft, call, found)
    if decision == "deny":
        return await _deny(draft, found)
    try:
        done = await finish(draft, call, found, agreed=agreed)
    except OAuthError as error:
        return refused(draft, error)
    return done if isinstance(done, Reply) else await proceed(draft, call, found)


async def _shown_to(draft: Draft, call: Call, found: Waiting) -> tuple[str, ...] | None:
    """The scopes the page showed to the very session that answers; ``None`` where it was shown to no such."""
    shown = found.document.get("shown")
    async with draft.server.store.reading() as tx:
        here = await current_session(draft.server, tx, call)
    if shown is None or here is None or here[0].id != shown["session"]:
        return None
    return tuple(shown["scopes"])


async def _deny(draft: Draft, found: Waiting) -> Reply:
    async with draft.server.store.writing() as tx:
        await use_up(draft.server, tx, found)
    return respond_error(draft.sure_target, "access_denied", "The person did not allow it")


ROUTES = (Route(("POST",), "/oauth2/consent", decide, "page"),)
