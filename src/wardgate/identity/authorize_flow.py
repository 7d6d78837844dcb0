"""How an authorization request goes on once it is read: checked, then a person if it needs one, then the response.

All of it is done again at every return of the browser.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from wardgate.identity import trail, waiting
from wardgate.identity.authorize_request import (
    CHECKS,
    Draft,
    check,
    check_identity_once,
    check_redirect_uri,
)
from wardgate.identity.authorize_response import Granted, grant_code, grant_tokens, response
from wardgate.identity.consent_page import consent_page
from wardgate.identity.errors import OAuthError, PageError
from wardgate.identity.http import Call, Parameters, Reply
from wardgate.identity.interaction import Need, next_need, to_remember
from wardgate.identity.people.current import current_session
from wardgate.identity.ports import Transaction
from wardgate.identity.presented_token import active_client
from wardgate.identity.redirects import form_action, respond_error
from wardgate.identity.server import Server
from wardgate.identity.waiting import Waiting


async def refusal_of(draft: Draft, call: Call) -> Reply | None:
    """Runs the checks; the error response if one is not content. Raises PageError where it may not be redirected."""
    try:
        await check(draft, CHECKS)
    except OAuthError as error:
        if draft.target is not None and not await _may_send_on(draft, call):
            raise on_page(error) from None
        return refused(draft, error)
    return None


async def unread(draft: Draft, call: Call, error: OAuthError) -> Reply:
    """The answer to a request that cannot be taken from the object or reference it is said to be in (OIDC core section
    3.1.2.6): at the redirect URI that stands beside it, if that is one of the client's. Raises PageError: there is none.
    """
    try:
        await check(draft, (check_identity_once, check_redirect_uri))
    except OAuthError:
        raise on_page(error) from None
    if not draft.redirect_sent or not await _may_send_on(draft, call):
        raise on_page(error)
    return refused(draft, error)


async def _may_send_on(draft: Draft, call: Call) -> bool:
    """Whether a browser may be sent to the client with nothing but an error (RFC 9700 section 4.11.2).

    Where anybody can register a client, a request with a mistake in it would be a link to anywhere: so only those who are
    signed in are sent on, or people of clients that an operator trusts.
    """
    server = draft.server
    if not server.settings.open_registration or draft.known.client.trusted:
        return True
    async with server.store.reading() as tx:
        return await current_session(server, tx, call) is not None


async def proceed(draft: Draft, call: Call, found: Waiting | None = None) -> Reply:
    """The next thing for a request that is sound: sign-in, consent, or the response."""
    server = draft.server
    try:
        async with server.store.reading() as tx:
            need = await next_need(draft, tx, call)
        if need.kind == "nothing":
            done = await finish(draft, call, found)
            if isinstance(done, Reply):
                return done
            need = done
    except OAuthError as error:
        return refused(draft, error)
    if found is None:
        handle, headers = await waiting.keep(server, call, document_of(draft))
        go = waiting.to_login if need.person is None else waiting.to_continue
        return go(server, handle, headers)
    if need.person is None:
        return waiting.to_login(server, found.handle)
    return await consent_page(draft, need.person, found)


async def finish(
    draft: Draft, call: Call, found: Waiting | None, *, agreed: tuple[str, ...] | None = None
) -> Reply | Need:
    """The response, or what has come to be needed meanwhile.

    All is checked again in the transaction that stores the grant, and the handle is used up by it.

    Raises:
        OAuthError: as ``next_need``.
        PageError: the handle was used already.
    """
    server = draft.server
    async with server.store.writing() as tx:
        need = await next_need(draft, tx, call, agreed=agreed)
        if need.kind != "nothing" or need.person is None:
            return need
        await use_up(server, tx, found)
        if agreed is not None:
            user, client = need.person.user.id, draft.known.client.id
            await tx.consents.put(user, client, to_remember(need.person), server.clock())
            who = trail.person(user, call)
            await trail.tell(server, tx, "consent.give", client, actor=who, after={"scopes": agreed})
        grant: Callable[..., Awaitable[Granted]] = (
            grant_code if draft.response_type == "code" else grant_tokens
        )
        granted = await grant(draft, tx, need.person)
    return await response(draft, granted)


async def use_up(server: Server, tx: Transaction, found: Waiting | None) -> None:
    """Nobody gets another answer for the handle. Raises PageError: somebody got one before."""
    if found is None:
        return
    if await tx.once.take("authorize", server.digest(found.handle), server.clock()) is None:
        raise waiting.gone()


def document_of(draft: Draft) -> dict[str, Any]:
    """The request as it waits in the store (see ``waiting``)."""
    return {
        "kind": "authorize",
        "client": draft.known.client.id,
        "acr": draft.assurance.acr,
        "login_hint": draft.login_hint,
        "prompts": sorted(draft.prompts),
        "form_action": list(form_action(draft.sure_target.redirect_uri)),
        "asked_at": draft.server.clock(),
        "pairs": draft.kept,
        "hinted": draft.hinted,
        "pushed": draft.pushed,
        "signed": draft.signed,
    }


async def restored(server: Server, found: Waiting) -> Draft:
    """The request of a document, still to be checked. Raises PageError: its client is gone."""
    document: Mapping[str, Any] = found.document
    known = await active_client(server, document["client"])
    if known is None:
        raise PageError(
            "This application is not served any more",
            "It was suspended or removed while you were signing in (invalid_client).",
        )
    return Draft(
        server=server,
        known=known,
        parameters=Parameters(tuple((name, value) for name, value in document["pairs"])),
        pushed=document["pushed"],
        signed=document["signed"],
        hinted=document.get("hinted", ""),
        asked_at=document["asked_at"],
    )


def refused(draft: Draft, error: OAuthError) -> Reply:
    """``error`` at the client's redirect URI. Raises PageError where that is not sure."""
    if draft.target is None:
        raise on_page(error)
    return respond_error(draft.target, error.error, error.description)


def on_page(error: OAuthError) -> PageError:
    """``error`` for a person: an answer must not be sent anywhere."""
    return PageError(
        "This request cannot be answered",
        f"{error.description} ({error.error}).",
        "Go back to the application; if it happens again, tell those who run it.",
    )
