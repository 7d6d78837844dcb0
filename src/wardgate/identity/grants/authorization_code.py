"""Authorization codes (RFC 6749 section 4.1.3, RFC 7636 section 4.6, RFC 9449 section 10).

One statement takes a code, so one request ever gets tokens for it. A request that fails another check leaves the code
as it was: who saw it and cannot redeem it must not be able to spoil it. The second time its client shows a code,
whether it lost a race or somebody replays it, ends the grant with all its tokens (RFC 6749 section 4.1.2); there is no
time of grace.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from wardgate.domain.oauth import Grant
from wardgate.domain.tokenform import is_secret
from wardgate.identity import pkce, rar, resource
from wardgate.identity.for_person import PersonTokens, first_refresh, prepare_for, reply_with
from wardgate.identity.grants.code_document import CodeDocument
from wardgate.identity.http import Reply
from wardgate.identity.ports import Transaction
from wardgate.identity.presented_token import live_grant
from wardgate.identity.revoking import end_grants
from wardgate.identity.token_request import TokenRequest, invalid_grant


@dataclass(slots=True)
class _Redemption:
    """A code on its way to tokens, within one transaction."""

    request: TokenRequest
    tx: Transaction
    digest: bytes = field(repr=False)
    targets: tuple[str, ...]
    details: tuple[Mapping[str, Any], ...]
    code: CodeDocument | None = None
    grant: Grant | None = None
    replayed: bool = False
    tokens: PersonTokens | None = None
    refresh_token: str = field(default="", repr=False)

    @property
    def document(self) -> CodeDocument:
        """The code, once it was taken."""
        if self.code is None:
            raise invalid_grant("no code was taken")
        return self.code


async def answer(request: TokenRequest) -> Reply:
    """Tokens for a code. Raises OAuthError."""
    server, text = request.server, request.required("code")
    if not is_secret(text, "ac"):
        raise invalid_grant("no code of this server")
    targets = await resource.targets(server, request.known, request.form.all("resource"))
    details = rar.parse(request.client, request.form.get("authorization_details"))
    async with server.store.writing() as tx:
        state = _Redemption(request, tx, server.digest(text), targets, details)
        for step in STEPS:
            await step(state)
            if state.replayed:
                break
    if state.replayed or state.tokens is None:
        raise invalid_grant("the code was used before: its grant is ended")
    return await reply_with(
        request, state.tokens, refresh_token=state.refresh_token, nonce=state.document.nonce
    )


async def take_code(state: _Redemption) -> None:
    """Takes the code; one that was taken before ends what it led to, if it is the same client that shows it."""
    server, once = state.request.server, state.tx.once
    found = await once.take("code", state.digest, server.clock())
    if found is not None:
        state.code = CodeDocument.from_document(found)
        return
    record = await once.look("code", state.digest)
    if record is None or record.used_at is None:
        raise invalid_grant("unknown or expired code")
    code = CodeDocument.from_document(record.document)
    if code.client != state.request.client.id:
        raise invalid_grant("another client's code, used before")
    grant = await state.tx.grants.get(code.grant)
    await end_grants(server, state.tx, [grant] if grant is not None else [])
    state.replayed = True


async def check_client(state: _Redemption) -> None:
    """The code is this client's."""
    if state.document.client != state.request.client.id:
        raise invalid_grant("another client's code")


async def check_redirect_uri(state: _Redemption) -> None:
    """The very URI the code was sent to, where the authorization request named one."""
    named, sent_to = state.request.form.get("redirect_uri"), state.document.redirect_uri
    right = named == sent_to if sent_to else named is None or named in state.request.client.redirect_uris
    if not right:
        raise invalid_grant("redirect_uri is not the one of the authorization request")


async def check_pkce(state: _Redemption) -> None:
    """Who redeems the code is who asked for it. A verifier without a challenge is a downgrade (RFC 9700 section 4.8.2)."""
    verifier, challenge = state.request.form.get("code_verifier"), state.document.code_challenge
    if not challenge and (verifier is not None or state.request.client.public):
        raise invalid_grant("code_verifier without code_challenge, or a public client without either")
    if challenge and (verifier is None or not pkce.proves(verifier, challenge)):
        raise invalid_grant("code_verifier")


async def check_key(state: _Redemption) -> None:
    """The key the code is bound to, if it is bound (RFC 9449 section 10)."""
    bound_to = state.document.dpop_jkt
    if bound_to and not hmac.compare_digest(bound_to, state.request.binding.jkt):
        raise invalid_grant("the code is bound to another key")


async def read_grant(state: _Redemption) -> None:
    """What the person let the client do, still in force."""
    state.grant = await live_grant(state.request.server, state.tx, state.document.grant)
    if state.grant is None or state.grant.client != state.request.client.id:
        raise invalid_grant("the grant was taken back")


async def prepare_tokens(state: _Redemption) -> None:
    """Decides what the tokens say, and stores what must be stored with the code being used."""
    grant = state.grant
    if grant is None:
        raise invalid_grant("no grant was read")
    state.tokens = await prepare_for(
        state.request,
        state.tx,
        grant,
        granted=grant.scopes,
        audiences=resource.within(state.request.server, grant.resources, state.targets),
        details=rar.within(grant.authorization_details, state.details),
    )
    state.refresh_token = await first_refresh(state.request, state.tx, state.tokens)


#: The code is taken first: what follows is done by one request only, and undone with the transaction if it fails.
STEPS: tuple[Callable[[_Redemption], Awaitable[None]], ...] = (
    take_code,
    check_client,
    check_redirect_uri,
    check_pkce,
    check_key,
    read_grant,
    prepare_tokens,
)
