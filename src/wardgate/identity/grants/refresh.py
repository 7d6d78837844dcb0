"""Refresh tokens (RFC 6749 section 6, RFC 9700 section 4.14): each is used once, and its use makes the next.

Requests that race with one token all get the same successor, for ``refresh_grace`` seconds after the first. A used
token that turns up later was copied: its family ends, with every access token of its grant, and nothing else does.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from wardgate.domain.oauth import Grant
from wardgate.domain.tokenform import is_secret, new_secret
from wardgate.identity import rar, resource, scopes
from wardgate.identity.for_person import PersonTokens, prepare_for, reply_with
from wardgate.identity.grants.successor import seal, unseal
from wardgate.identity.http import Reply
from wardgate.identity.ports import RefreshToken, Transaction
from wardgate.identity.presented_token import live_grant
from wardgate.identity.revoking import end_grants
from wardgate.identity.token_request import TokenRequest, invalid_grant

#: Rotations that a late request follows within the grace.
_MOST_ROTATIONS = 16


@dataclass(slots=True)
class _Refresh:
    """A refresh token on its way to new ones, within one transaction."""

    request: TokenRequest
    tx: Transaction
    text: str = field(repr=False)
    targets: tuple[str, ...]
    details: tuple[Mapping[str, Any], ...]
    shown: RefreshToken | None = None
    grant: Grant | None = None
    reused: bool = False
    next_text: str = field(default="", repr=False)
    tokens: PersonTokens | None = None

    @property
    def token(self) -> RefreshToken:
        """The token that was shown, once it was found."""
        if self.shown is None:
            raise invalid_grant("no refresh token was found")
        return self.shown


async def answer(request: TokenRequest) -> Reply:
    """New tokens for a refresh token. Raises OAuthError."""
    server, text = request.server, request.required("refresh_token")
    if not is_secret(text, "rt"):
        raise invalid_grant("no refresh token of this server")
    targets = await resource.targets(server, request.known, request.form.all("resource"))
    details = rar.parse(request.client, request.form.get("authorization_details"))
    async with server.store.writing() as tx:
        state = _Refresh(request, tx, text, targets, details)
        for step in STEPS:
            await step(state)
            if state.reused:
                break
    if state.reused or state.tokens is None:
        raise invalid_grant("the refresh token was used before: its family is ended")
    return await reply_with(request, state.tokens, refresh_token=state.next_text)


async def find_token(state: _Refresh) -> None:
    """The token as stored, used or not; it is this client's."""
    state.shown = await state.tx.refresh_tokens.find(state.request.server.digest(state.text))
    if state.shown is None or state.shown.client != state.request.client.id:
        raise invalid_grant("unknown refresh token, or another client's")


async def check_binding(state: _Refresh) -> None:
    """Who cannot prove the key learns nothing and changes nothing, a used token included."""
    token, binding = state.token, state.request.binding
    if token.jkt and not hmac.compare_digest(token.jkt, binding.jkt):
        raise invalid_grant("the refresh token is bound to another key")
    if token.x5t and not hmac.compare_digest(token.x5t, binding.x5t):
        raise invalid_grant("the refresh token is bound to another certificate")


async def read_grant(state: _Refresh) -> None:
    """The grant is in force, and the family is not over."""
    state.grant = await live_grant(state.request.server, state.tx, state.token.grant)
    if state.grant is None or state.request.server.clock() >= state.token.family_expires_at:
        raise invalid_grant("the grant was taken back or is over")


async def rotate(state: _Refresh) -> None:
    """Uses the token, or finds the one that took its place while the grace lasts; else it was reused."""
    server, tokens = state.request.server, state.tx.refresh_tokens
    token, text = state.token, state.text
    for _ in range(_MOST_ROTATIONS):
        now = server.clock()
        if token.consumed_at is None:
            if now >= token.expires_at:
                raise invalid_grant("the refresh token expired")
            if text != state.text:
                state.next_text = text
                return
            successor = new_secret("rt", server.random)
            following = _following(state, token, server.digest(successor), now)
            sealed = seal(text, successor, token.digest, server.random)
            if await tokens.rotate(token.digest, following, sealed, now):
                state.next_text = successor
                return
            again = await tokens.find(token.digest)
        else:
            if now > token.consumed_at + server.settings.refresh_grace:
                break
            led_to = unseal(text, token.sealed, token.digest)
            again = await tokens.find(token.successor) if led_to is not None else None
            text = led_to or text
        if again is None:
            break
        token = again
    state.reused = True
    await tokens.revoke_family(state.token.family, server.clock())
    await end_grants(server, state.tx, [state.grant] if state.grant is not None else [])


def _following(state: _Refresh, token: RefreshToken, digest: bytes, now: float) -> RefreshToken:
    return replace(
        token,
        digest=digest,
        created_at=now,
        expires_at=min(now + state.request.client.refresh_idle_lifetime, token.family_expires_at),
        parent=token.digest,
    )


async def prepare_tokens(state: _Refresh) -> None:
    """The access token: never more than was granted, less if the request says so or the person may do less today."""
    grant, request = state.grant, state.request
    if grant is None:
        raise invalid_grant("no grant was read")
    asked = scopes.narrowed(state.token.scopes, request.form.get("scope"))
    state.tokens = await prepare_for(
        request,
        state.tx,
        grant,
        granted=asked,
        audiences=resource.within(request.server, grant.resources, state.targets),
        details=rar.within(grant.authorization_details, state.details),
    )


#: What may refuse without a trace comes before the rotation; what follows it is undone with it if it fails.
STEPS: tuple[Callable[[_Refresh], Awaitable[None]], ...] = (
    find_token,
    check_binding,
    read_grant,
    rotate,
    prepare_tokens,
)
