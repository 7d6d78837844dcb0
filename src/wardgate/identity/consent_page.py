"""The page that asks a person: what an application wants, in words, whose it is, and that it may be taken back."""

from __future__ import annotations

from wardgate.identity.authorize_request import Draft
from wardgate.identity.http import Reply, page
from wardgate.identity.interaction import Person, in_words
from wardgate.identity.rar import shown as details_text
from wardgate.identity.redirects import form_action, host_of
from wardgate.identity.waiting import Waiting


async def consent_page(draft: Draft, person: Person, found: Waiting) -> Reply:
    """The page for ``person``. Afterwards the request knows to whom it was shown, and what."""
    server, known = draft.server, draft.known
    shown = {"session": person.session.id, "scopes": list(person.shown)}
    async with server.store.writing() as tx:
        await tx.once.amend("authorize", server.digest(found.handle), {**found.document, "shown": shown})
    redirect_uri = draft.sure_target.redirect_uri
    return page(
        "consent.html",
        {
            "title": "Allow access?",
            "signed_in": person.user.name,
            "application": known.application.name,
            "client": known.client.name,
            "owner": known.application.owner,
            "host": host_of(redirect_uri),
            "scopes": await in_words(draft, person),
            "details": [details_text([each]) for each in draft.details],
            "resources": draft.resources,
            "policy_uri": known.client.policy_uri,
            "tos_uri": known.client.tos_uri,
            "handle": found.handle,
            "form_action": form_action(redirect_uri),
        },
    )
