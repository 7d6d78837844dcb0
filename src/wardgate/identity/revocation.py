"""Token revocation (RFC 7009): a client gives back a token it does not need any more."""

from __future__ import annotations

from wardgate.domain.tokenform import is_secret
from wardgate.identity import trail
from wardgate.identity.client_auth import authenticate
from wardgate.identity.errors import OAuthError
from wardgate.identity.form import check_form
from wardgate.identity.http import NO_STORE, Call, Reply
from wardgate.identity.ports import KnownClient
from wardgate.identity.presented_token import said_by
from wardgate.identity.revoking import end_grants, end_token
from wardgate.identity.routes import Route
from wardgate.identity.server import Server


async def handle(server: Server, call: Call) -> Reply:
    """Afterwards the token is refused everywhere; so are all tokens of its grant, if it is a refresh token.

    A token nobody knows is as good as revoked (section 2.2). ``token_type_hint`` is not needed: a token's form tells what
    it is. Raises OAuthError, ``invalid_grant`` for another client's token.
    """
    check_form(call)
    known = await authenticate(server, call)
    text = call.form.get("token")
    if text is None:
        raise OAuthError("invalid_request", "token is missing")
    if is_secret(text, "rt"):
        await revoke_refresh_token(server, call, known, text)
    else:
        await revoke_access_token(server, call, known, text)
    return Reply(status=200, headers=NO_STORE)


async def revoke_refresh_token(server: Server, call: Call, known: KnownClient, text: str) -> None:
    """Ends the grant the token belongs to, with all its tokens (section 2.1)."""
    async with server.store.writing() as tx:
        found = await tx.refresh_tokens.find(server.digest(text))
        if found is None:
            return
        _check_own(found.client, known)
        grant = await tx.grants.get(found.grant)
        await end_grants(server, tx, [grant] if grant is not None else [])
        who = trail.program(known.client, call)
        await trail.tell(server, tx, "token.revoke", f"grant {found.grant}", actor=who)


async def revoke_access_token(server: Server, call: Call, known: KnownClient, text: str) -> None:
    """Ends one access token, signed or opaque; its grant lives on."""
    found = await said_by(server, text)
    if found is None:
        return
    token = found[0]
    _check_own(token.client, known)
    if server.clock() >= token.expires_at:
        return
    async with server.store.writing() as tx:
        if is_secret(text, "at"):
            await tx.access_tokens.revoke(server.digest(text))
        await end_token(server, tx, token)
        await trail.tell(
            server, tx, "token.revoke", f"jti {token.id}", actor=trail.program(known.client, call)
        )


def _check_own(client_id: str, known: KnownClient) -> None:
    if client_id != known.client.id:
        raise OAuthError("invalid_grant", "The token was issued to another client")


ROUTES = (Route(("POST",), "/oauth2/revoke", handle),)
