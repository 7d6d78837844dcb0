"""What a sound authorization request still needs of a person: to sign in, to agree, or nothing more.

The answer is found anew each time, from the store, at every return of the browser: nothing that was true when the
request began is believed later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from wardgate.domain.oauth import OIDC_SCOPES
from wardgate.domain.operator import ADMIN_SCOPE, ADMIN_SCOPE_WORDS
from wardgate.domain.people import Session, User
from wardgate.identity import scopes
from wardgate.identity.authorize_request import Draft
from wardgate.identity.claims import CLAIMS_OF_SCOPE, implied_scopes, without_claims_of
from wardgate.identity.errors import OAuthError
from wardgate.identity.http import Call
from wardgate.identity.oidc import is_fresh, is_sure_enough
from wardgate.identity.people.current import current_session
from wardgate.identity.ports import Transaction
from wardgate.identity.subjects import subject_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who is at the browser, what of the request they may grant, and what follows from that."""

    session: Session
    user: User
    scopes: tuple[str, ...]
    roles: tuple[str, ...]
    #: The ``claims`` request without what neither the client nor the person may open.
    claims: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: What is agreed to: the scopes, and those that ``claims`` takes single claims of.
    shown: tuple[str, ...] = ()
    #: What was agreed to before, so that it can be told from what is new.
    remembered: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What comes next. ``person`` is there unless it is a sign-in."""

    kind: Literal["login", "consent", "nothing"]
    person: Person | None = None


LOGIN = Need(kind="login")


async def next_need(
    draft: Draft, tx: Transaction, call: Call, *, agreed: tuple[str, ...] | None = None
) -> Need:
    """What the request needs now. ``agreed``: what the person has just agreed to, on the page that showed it.

    Raises:
        OAuthError: it cannot be had: ``login_required``, ``consent_required``, ``access_denied``,
            ``unmet_authentication_requirements``, ``invalid_scope``.
    """
    silent = "none" in draft.prompts
    found = await current_session(draft.server, tx, call)
    if found is None or not _signed_in_enough(draft, *found):
        if silent:
            raise OAuthError("login_required", "The person must sign in")
        return LOGIN
    person = await _person(draft, tx, *found)
    if not _must_ask(draft, person, agreed):
        return Need(kind="nothing", person=person)
    if silent:
        raise OAuthError("consent_required", "The person must agree")
    return Need(kind="consent", person=person)


def _signed_in_enough(draft: Draft, session: Session, user: User) -> bool:
    """Whether this sign-in will do: recent enough, sure enough, and of somebody the client expects.

    Raises:
        OAuthError: the person signed in for this very request, and another sign-in would not help.
    """
    for_this = draft.asked_at is not None and session.auth_time >= draft.asked_at
    again = not draft.prompts.isdisjoint(("login", "select_account"))
    if not is_fresh(
        session,
        max_age=draft.max_age,
        again=again,
        asked_at=draft.asked_at,
        now=draft.server.clock(),
    ):
        return False
    if not is_sure_enough(session, draft.assurance.acr):
        if for_this:
            raise OAuthError(
                "unmet_authentication_requirements", "The person cannot sign in as surely as was asked for"
            )
        return False
    if draft.subjects and subject_of(draft.server, draft.known.client, user.id) not in draft.subjects:
        if for_this:
            raise OAuthError("login_required", "Somebody else than expected is signed in")
        return False
    return True


async def _person(draft: Draft, tx: Transaction, session: Session, user: User) -> Person:
    """What the person may grant of what is asked for (silently less, RFC 6749 section 3.3)."""
    allowed, roles = await scopes.for_user(tx, user.id, draft.scopes)
    if draft.scopes and not allowed:
        raise OAuthError("invalid_scope", "The person may grant none of the scopes")
    client = draft.known.client
    closed = [scope for scope in CLAIMS_OF_SCOPE if scope not in client.scopes]
    claims = without_claims_of(draft.claims, closed)
    shown = dict.fromkeys((*allowed, *sorted(implied_scopes(claims))))
    return Person(
        session=session,
        user=user,
        scopes=allowed,
        roles=roles,
        claims=claims,
        shown=tuple(shown),
        remembered=await tx.consents.get(user.id, client.id),
    )


def _must_ask(draft: Draft, person: Person, agreed: tuple[str, ...] | None) -> bool:
    """Whether the person has yet to agree.

    What was agreed to once is not asked again, but for ``offline_access`` (OIDC core section 11), details,
    ``prompt=consent``, and access without any scope, which there is nothing to remember of. Clients an operator trusts
    ask only with ``prompt=consent``.
    """
    if agreed is not None:
        return not set(person.shown) <= set(agreed)
    if "consent" in draft.prompts:
        return True
    if draft.known.client.trusted:
        return False
    if not person.shown or draft.details or "offline_access" in person.shown:
        return True
    return not set(person.shown) <= set(person.remembered)


def to_remember(person: Person) -> tuple[str, ...]:
    """What need not be asked again once the person has agreed."""
    kept = dict.fromkeys((*person.remembered, *person.shown))
    return tuple(scope for scope in kept if scope != "offline_access")


async def in_words(draft: Draft, person: Person) -> list[tuple[str, str, bool]]:
    """Each scope with what it lets the application do, and whether that is new."""
    described = {
        **await draft.server.memory.apis.scopes(draft.server),
        **OIDC_SCOPES,
        ADMIN_SCOPE: ADMIN_SCOPE_WORDS,
    }
    return [(scope, described.get(scope) or scope, scope not in person.remembered) for scope in person.shown]
