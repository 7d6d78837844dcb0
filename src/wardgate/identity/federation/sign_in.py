"""Signs people in with foreign OpenID providers: the code flow with PKCE, as the client (OIDC core section 3.1).

Each provider has a redirect URI of its own, and its answer must be to a sign-in that began with it, in this browser
(RFC 9700 section 4.4); where it names itself in answers (RFC 9207) that is checked too. Nothing in an address says where a
person goes on to: only what was stored when the sign-in began.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from wardgate.domain.people import IdentityProvider
from wardgate.identity import trail, waiting
from wardgate.identity.errors import PageError
from wardgate.identity.federation import link_pages
from wardgate.identity.federation.answer import STEPS, Answer
from wardgate.identity.federation.known import RefusedError, known_provider
from wardgate.identity.federation.linking import NoAccountError, SameAddress, SuspendedError, arrive
from wardgate.identity.federation.providers import scopes_of
from wardgate.identity.federation.state import Beginning, begin, nonce_of, use, verifier_of
from wardgate.identity.http import Call, Parameters, Reply, page, redirect, with_query
from wardgate.identity.people.arrival import read_arrival
from wardgate.identity.people.current import current_session
from wardgate.identity.people.sessions import RECENT, is_recent
from wardgate.identity.people.signing_in import go_on
from wardgate.identity.pkce import challenge_of
from wardgate.identity.routes import Route
from wardgate.identity.server import Server

_log = logging.getLogger("wardgate.identity")

#: What a form (``response_mode=form_post``) may bring; everything else of it is dropped.
_ANSWER = ("state", "code", "iss", "error", "error_description")
_LONGEST_DIGITS = 9


async def start(server: Server, call: Call) -> Reply:
    """Sends the person to the provider. Raises PageError, and ThrottledError: too many began from this address."""
    try:
        known = await known_provider(server, call.query.get("provider"))
    except RefusedError as error:
        return _refused(error, request=call.query.get("request") or "")
    beginning, hint = await _beginning(server, call, known.provider)
    if beginning is None:
        return redirect(server.settings.url("/oauth2/login?next=linked"))
    state, cookie = await begin(server, call, beginning)
    parameters = [
        ("response_type", "code"),
        ("client_id", known.provider.client_id),
        ("redirect_uri", known.redirect_uri),
        ("scope", " ".join(scopes_of(known.provider, known.settings, known.metadata.scopes))),
        ("state", state),
        ("nonce", nonce_of(server, state)),
        ("code_challenge", challenge_of(verifier_of(server, state))),
        ("code_challenge_method", "S256"),
    ]
    if hint:
        parameters.append(("login_hint", hint))
    if beginning.max_age is not None:
        parameters.append(("max_age", str(beginning.max_age)))
        if beginning.strict and beginning.max_age == 0:
            parameters.append(("prompt", "login"))
    return redirect(with_query(known.metadata.authorization_endpoint, parameters), cookie)


async def _beginning(server: Server, call: Call, provider: IdentityProvider) -> tuple[Beginning | None, str]:
    """Why the person comes, and whom the client expects; ``None`` where they must sign in here first."""
    if call.query.get("link") is not None:
        async with server.store.reading() as tx:
            found = await current_session(server, tx, call)
        if found is None or not is_recent(server, found[0]):
            return None, ""
        session = found[0].id
        return Beginning(provider=provider.id, purpose="link", page="linked", session=session), ""
    arrival = await read_arrival(server, call, call.query)
    if not arrival.request:
        # Pages of one's own ask who one is once more when that was long ago: the provider shall not just nod.
        return Beginning(provider=provider.id, page=arrival.page, max_age=int(RECENT)), ""
    document = (await waiting.find(server, call, arrival.request)).document
    max_age = await _max_age(server, document)
    beginning = Beginning(
        provider=provider.id, request=arrival.request, max_age=max_age, strict=max_age is not None
    )
    return beginning, arrival.hint


async def _max_age(server: Server, document: Mapping[str, Any]) -> int | None:
    """How fresh the client wants the sign-in: as the request says, or else as the client is registered."""
    if not {"login", "select_account"}.isdisjoint(document.get("prompts", ())):
        return 0
    wanted = next((value for name, value in document.get("pairs", ()) if name == "max_age"), "")
    if wanted.isascii() and wanted.isdigit() and len(wanted) <= _LONGEST_DIGITS:
        return int(wanted)
    known = await server.clients.known(document["client"])
    return None if known is None else known.client.default_max_age


async def callback(server: Server, call: Call) -> Reply:
    """Takes the provider's answer; what follows is what follows a password that is right. Raises PageError."""
    if call.method == "POST":
        return _as_query(server, call)
    if call.query.repeated() is not None:
        raise PageError("This answer cannot be read", "It says something twice.", "Sign in again.")
    provider_id, state = call.query.get("provider"), call.query.get("state")
    beginning = await use(server, call, provider_id or "", state)
    try:
        known = await known_provider(server, provider_id)
        answer = Answer(server=server, call=call, known=known, beginning=beginning, state=state or "")
        for step in STEPS:
            await step(answer)
        return await _settled(answer)
    except RefusedError as error:
        await trail.foreign_sign_in_failed(server, error.provider.id, call.address)
        return _refused(error, request=beginning.request)


async def _settled(answer: Answer) -> Reply:
    """A sign-in, or the page that asks whether accounts belong together."""
    server, provider, person = answer.server, answer.known.provider, answer.person
    if person is None:
        raise answer.refuse("The answer is incomplete.", "no person was read", status=500)
    if answer.beginning.purpose == "link":
        return await link_pages.offer_to_session(server, answer.call, provider, person, answer.beginning)
    try:
        async with server.store.writing() as tx:
            found = await arrive(server, tx, provider, person, create=answer.known.settings.create)
    except SuspendedError:
        raise answer.refuse("Your account here is suspended.", "the user is suspended") from None
    except NoAccountError:
        raise answer.refuse(
            f"No account here is linked to your account at {provider.name}. If you have one, sign in to it, and link "
            "the two on its page. If not, ask those who run this service for one.",
            "no account is linked, and none is made",
        ) from None
    if isinstance(found, SameAddress):
        return await link_pages.offer_to_address(
            server, answer.call, provider, person, found.user, answer.beginning
        )
    pairs = (("request", answer.beginning.request), ("next", answer.beginning.page))
    arrival = await read_arrival(server, answer.call, Parameters(pairs))
    sure = "mfa" in person.amr
    return await go_on(server, answer.call, arrival, found, amr=("fed", *person.amr), sure=sure)


def _as_query(server: Server, call: Call) -> Reply:
    """The answer once more, as a link: what a form of another site brings comes without the browser's cookies."""
    pairs = [(name, value) for name, value in call.form.pairs if name in _ANSWER]
    return redirect(with_query(server.settings.url(call.path), pairs))


def _refused(error: RefusedError, *, request: str) -> Reply:
    _log.warning("identity provider %s: sign-in refused: %s", error.provider.id, error.note)
    context = {
        "title": f"{error.provider.name} did not sign you in",
        "detail": error.why,
        "request": request,
    }
    return page("federation_refused.html", context, error.status)


ROUTES = (
    Route(("GET",), "/oauth2/federation/{provider}/start", start, "page"),
    Route(("GET", "POST"), "/oauth2/federation/{provider}/callback", callback, "entry"),
)
