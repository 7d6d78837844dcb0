"""Access and refresh tokens of applications: look into them, take them back."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from wardgate.identity import manage_tokens
from wardgate.web.admin_api.ask import Ask
from wardgate.web.admin_api.models import Model
from wardgate.web.admin_api.operations import Operations

operations = Operations("tokens")


class PresentedToken(Model):
    """A token somebody shows."""

    token: Annotated[str, StringConstraints(min_length=1, max_length=16384)]


class TokenState(Model):
    """What a token holds and whether it is accepted. Of a refresh token what its grant holds; the rest is null."""

    state: Literal["active", "expired", "revoked"]
    kind: Literal["access_token", "refresh_token"]
    client: str | None
    subject: str | None
    grant: str | None
    scopes: list[str]
    jti: str | None = None
    issuer: str | None = None
    audiences: list[str] = []
    roles: list[str] = []
    issued_at: float | None = None
    expires_at: float | None = None
    bound_to_key: str | None = None


class Revocation(Model):
    """Whose tokens to take back: those with a ``jti``, of a grant, of a person (name or id), of a client, of an
    application's clients (name or id)."""

    kind: Literal["jti", "grant", "subject", "client", "application"]
    key: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Revoked(Model):
    """What was taken back. ``grants``: how many ended with the tokens."""

    kind: str
    key: str
    grants: int = Field(ge=0)


@operations.post("/tokens:introspect", permission="tokens.view", status=200, together=False)
async def introspect_token(ask: Ask, body: PresentedToken) -> TokenState:
    """Say what a token of this server's environment holds. Nothing is changed."""
    return _shown(await manage_tokens.introspect(ask.server, body.token))


@operations.post("/tokens:revoke", permission="tokens.revoke", status=200, together=False)
async def revoke_token(ask: Ask, body: PresentedToken) -> TokenState:
    """Take one token back; every gateway refuses it at once. Of a refresh token, its whole grant."""
    return _shown(await manage_tokens.revoke_token(ask.server, body.token))


@operations.post("/tokens:revoke-all", permission="tokens.revoke", status=200, action="token.revoke")
async def revoke_tokens(ask: Ask, body: Revocation) -> Revoked:
    """Take back every token issued so far to somebody; every gateway refuses them at once. Clients and accounts stay."""
    ended = await manage_tokens.revoke(ask.server, body.kind, body.key)
    return Revoked(kind=body.kind, key=body.key, grants=ended)


def _shown(record: manage_tokens.TokenRecord) -> TokenState:
    token, grant = record.token, record.refresh_of
    if token is None:
        return TokenState(
            state=record.state,
            kind="refresh_token",
            client=None if grant is None else grant.client,
            subject=None if grant is None else grant.subject,
            grant=None if grant is None else grant.id,
            scopes=[] if grant is None else list(grant.scopes),
        )
    return TokenState(
        state=record.state,
        kind="access_token",
        client=token.client,
        subject=token.subject,
        grant=token.grant,
        scopes=sorted(token.scopes),
        jti=token.id,
        issuer=token.issuer,
        audiences=sorted(token.audiences),
        roles=sorted(token.roles),
        issued_at=token.issued_at,
        expires_at=token.expires_at,
        bound_to_key=token.jkt or token.x5t or None,
    )
