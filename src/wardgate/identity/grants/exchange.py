"""Token exchange (RFC 8693): a token for a token, never worth more than the one that was shown.

Scopes, roles, audiences, lifetime and binding of the new token lie within those of the subject token, and it follows from
the same grant: taking that back ends both. A client may exchange tokens that were issued to it or that name it, or what it
stands for, as their audience.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from wardgate.identity import issue, resource, scopes
from wardgate.identity.errors import OAuthError
from wardgate.identity.grants.exchange_tokens import ACCESS_TOKEN, Worth, worth_of
from wardgate.identity.http import Reply
from wardgate.identity.issue import AccessSpec, Binding
from wardgate.identity.token_request import TokenRequest
from wardgate.jose.thumbprint import certificate_thumbprint

#: Who acts for whom may be told this deep.
MOST_ACTORS = 8


@dataclass(slots=True)
class _Exchange:
    request: TokenRequest
    shown: Worth | None = None
    actors: tuple[str, ...] = ()
    expires_by: float = float("inf")
    scopes: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()
    binding: Binding = issue.UNBOUND

    @property
    def subject(self) -> Worth:
        """The subject token, once it was read."""
        if self.shown is None:
            raise OAuthError("invalid_request", "subject_token is missing")
        return self.shown


async def answer(request: TokenRequest) -> Reply:
    """An access token. Raises OAuthError."""
    state = _Exchange(request)
    for step in STEPS:
        pending = step(state)
        if pending is not None:
            await pending
    subject, server = state.subject, request.server
    prepared = issue.prepare(
        server,
        AccessSpec(
            client=request.client,
            subject=subject.subject,
            scopes=state.scopes,
            audiences=state.audiences,
            grant=subject.grant,
            roles=subject.roles,
            binding=state.binding,
            acr=subject.acr,
            amr=subject.amr,
            auth_time=subject.auth_time,
            actors=state.actors,
            authorization_details=subject.authorization_details,
            expires_by=state.expires_by,
        ),
    )
    if prepared.secret:
        async with server.store.writing() as tx:
            await issue.keep(server, tx, prepared)
    text = await issue.text_of(server, prepared)
    return issue.answer(prepared, text, extra={"issued_token_type": ACCESS_TOKEN})


def check_confidential(state: _Exchange) -> None:
    """Only a client that proved who it is."""
    if state.request.client.public:
        raise OAuthError("unauthorized_client", "A public client cannot use this grant")


def check_requested_type(state: _Exchange) -> None:
    """Access tokens are what there is (section 2.1)."""
    if state.request.form.get("requested_token_type") not in (None, ACCESS_TOKEN):
        raise OAuthError("invalid_request", "requested_token_type is not one this server issues")


async def read_subject(state: _Exchange) -> None:
    """The token on whose behalf the request is made."""
    request = state.request
    text = request.required("subject_token")
    state.shown = await worth_of(request, text, request.form.get("subject_token_type"), "subject_token")
    state.actors = state.shown.actors
    state.expires_by = state.shown.expires_at


async def check_concerned(state: _Exchange) -> None:
    """The token was issued to this client, or is meant for it: others' tokens are nothing to make more of."""
    request, subject = state.request, state.subject
    if subject.client == request.client.id:
        return
    own = await resource.own_audiences(request.server, request.known)
    if own.isdisjoint(subject.audiences):
        raise OAuthError("invalid_request", "The subject_token is not valid here")


def check_possession(state: _Exchange) -> None:
    """A token bound to a key is exchanged by who has the key, for one that is bound as well."""
    if not _possesses(state.request, state.subject):
        raise OAuthError("invalid_request", "The subject_token is bound to a key that was not proven")
    binding = state.request.binding
    state.binding = Binding(jkt=binding.jkt, x5t=binding.x5t or state.subject.x5t)


def _possesses(request: TokenRequest, worth: Worth) -> bool:
    """Whether the request proves the keys that a token is bound to, if it is bound."""
    certificate = request.call.certificate
    x5t = certificate_thumbprint(certificate) if certificate is not None else ""
    right_key = not worth.jkt or hmac.compare_digest(worth.jkt, request.binding.jkt)
    return right_key and (not worth.x5t or hmac.compare_digest(worth.x5t, x5t))


async def read_actor(state: _Exchange) -> None:
    """Who acts: this client, or somebody who signed in to it (section 4.1: the newest actor is outermost)."""
    request = state.request
    text, kind = request.form.get("actor_token"), request.form.get("actor_token_type")
    if text is None:
        if kind is not None:
            raise OAuthError("invalid_request", "actor_token_type without actor_token")
        return
    actor = await worth_of(request, text, kind, "actor_token")
    if actor.client != request.client.id or not _possesses(request, actor):
        raise OAuthError("invalid_request", "The actor_token is not valid here")
    state.actors = (actor.subject, *state.subject.actors)
    state.expires_by = min(state.expires_by, actor.expires_at)
    if len(state.actors) > MOST_ACTORS:
        raise OAuthError("invalid_request", f"More than {MOST_ACTORS} actors in a row")


def narrow_scopes(state: _Exchange) -> None:
    """Scopes that the subject token has and the client may have."""
    client = state.request.client
    open_here = [scope for scope in state.subject.scopes if scope in client.scopes]
    state.scopes = scopes.narrowed(open_here, state.request.form.get("scope"))


async def narrow_audiences(state: _Exchange) -> None:
    """Audiences that the subject token has and the client may ask for; ``audience`` may name an API (section 2.1)."""
    request, server = state.request, state.request.server
    asked = list(request.form.all("resource"))
    for name in request.form.all("audience"):
        path = await server.memory.apis.path_of(server, name) if name in request.known.apis else None
        asked.append(name if path is None else server.settings.url(path))
    targets = await resource.targets(server, request.known, asked)
    state.audiences = resource.within(server, state.subject.audiences, targets)


STEPS: tuple[Callable[[_Exchange], Awaitable[None] | None], ...] = (
    check_confidential,
    check_requested_type,
    read_subject,
    check_concerned,
    check_possession,
    read_actor,
    narrow_scopes,
    narrow_audiences,
)
