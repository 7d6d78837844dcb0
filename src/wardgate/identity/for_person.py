"""The tokens a client gets on a person's behalf, whichever grant it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wardgate.domain.oauth import Grant
from wardgate.domain.people import User
from wardgate.identity import issue, scopes
from wardgate.identity.claims import claims_for
from wardgate.identity.http import Reply
from wardgate.identity.issue import Prepared
from wardgate.identity.ports import Transaction
from wardgate.identity.subjects import subject_of
from wardgate.identity.token_request import TokenRequest, invalid_grant


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonTokens:
    """What was decided and stored in the transaction; :func:`reply_with` makes the answer of it after the commit."""

    grant: Grant
    user: User
    subject: str
    scopes: tuple[str, ...]
    access: Prepared


async def check_person(request: TokenRequest, tx: Transaction, grant: Grant) -> User:
    """The person who made the grant, still active and, unless access while away was granted, still signed in.

    Raises:
        OAuthError: ``invalid_grant``.
    """
    user = await tx.users.get(grant.subject)
    if user is None or user.status != "active":
        raise invalid_grant("the user is gone or suspended")
    if grant.session and "offline_access" not in grant.scopes:
        session = await tx.sessions.get(grant.session)
        over = session is None or session.revoked_at is not None
        if session is None or over or request.server.clock() >= session.expires_at:
            raise invalid_grant("the session is over")
    return user


async def prepare_for(
    request: TokenRequest,
    tx: Transaction,
    grant: Grant,
    *,
    granted: Sequence[str],
    audiences: Sequence[str],
    details: Sequence[Mapping[str, Any]],
) -> PersonTokens:
    """An access token with those of the ``granted`` scopes that client and person may have today.

    Raises:
        OAuthError: ``invalid_grant`` as :func:`check_person`.
    """
    server, client = request.server, request.client
    user = await check_person(request, tx, grant)
    allowed = [scope for scope in granted if scope in client.scopes]
    held, roles = await scopes.for_user(tx, user.id, allowed)
    subject = subject_of(server, client, user.id)
    access = issue.prepare(
        server,
        issue.spec_of(
            client,
            grant,
            subject=subject,
            scopes=held,
            audiences=audiences,
            roles=roles,
            binding=request.binding,
            authorization_details=details,
        ),
    )
    await issue.keep(server, tx, access)
    return PersonTokens(grant=grant, user=user, subject=subject, scopes=held, access=access)


async def first_refresh(request: TokenRequest, tx: Transaction, tokens: PersonTokens) -> str:
    """The first refresh token, empty for a client that is not registered for one."""
    if "refresh_token" not in request.client.grant_types:
        return ""
    return await issue.first_refresh_token(
        request.server, tx, request.client, tokens.grant, tokens.scopes, request.binding
    )


async def reply_with(
    request: TokenRequest, tokens: PersonTokens, *, refresh_token: str = "", nonce: str = ""
) -> Reply:
    """The answer: with an id token where the scope ``openid`` was granted. Outside of any writing transaction."""
    text = await issue.text_of(request.server, tokens.access)
    id_token = ""
    if "openid" in tokens.scopes:
        id_token = await issue.id_token(
            request.server,
            request.client,
            tokens.grant,
            subject=tokens.subject,
            claims=claims_for(tokens.user, (), tokens.grant.claims.get("id_token")),
            nonce=nonce,
            access_token=text,
        )
    return issue.answer(tokens.access, text, refresh_token=refresh_token, id_token=id_token)
