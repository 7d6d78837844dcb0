"""Client credentials (RFC 6749 section 4.4): a token for the application itself.

With a signed token nothing is read or written but what the client reader has at hand.
"""

from __future__ import annotations

from wardgate.domain.oauth import OIDC_SCOPES
from wardgate.identity import issue, rar, resource, scopes
from wardgate.identity.errors import OAuthError
from wardgate.identity.http import Reply
from wardgate.identity.issue import AccessSpec
from wardgate.identity.token_request import TokenRequest


async def answer(request: TokenRequest) -> Reply:
    """A token whose subject is the client. Raises OAuthError."""
    check_confidential(request)
    return await for_itself(request)


def check_confidential(request: TokenRequest) -> None:
    """Section 4.4.2: only a client that proved who it is."""
    if request.client.public:
        raise OAuthError("unauthorized_client", "A public client cannot use this grant")


async def for_itself(request: TokenRequest) -> Reply:
    """A token in which the client is its own subject: for this grant, and for the client's own assertion."""
    server, form = request.server, request.form
    audiences = await resource.targets(server, request.known, form.all("resource"))
    prepared = issue.prepare(
        server,
        AccessSpec(
            client=request.client,
            subject=request.client.id,
            scopes=own_scopes(request),
            audiences=audiences,
            binding=request.binding,
            authorization_details=rar.parse(request.client, form.get("authorization_details")),
        ),
    )
    if prepared.secret:
        async with server.store.writing() as tx:
            await issue.keep(server, tx, prepared)
    return issue.answer(prepared, await issue.text_of(server, prepared))


def own_scopes(request: TokenRequest) -> tuple[str, ...]:
    """What was asked for, else all the client may have; nothing that is about a person."""
    text = request.form.get("scope")
    found = scopes.for_client(request.client, text)
    personal = [scope for scope in found if scope in OIDC_SCOPES]
    if personal and text is not None:
        raise OAuthError("invalid_scope", "A scope about a person cannot be had without one")
    return tuple(scope for scope in found if scope not in OIDC_SCOPES) if personal else found
