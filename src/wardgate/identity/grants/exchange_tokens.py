"""The tokens shown in a token exchange (RFC 8693 section 2.1), and what they are worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wardgate.domain.oauth import Grant
from wardgate.identity import scopes
from wardgate.identity.errors import OAuthError
from wardgate.identity.presented_token import GoodToken, good_access_token, good_id_token
from wardgate.identity.token_request import TokenRequest

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What a token shown is worth: nothing that is made from it can be worth more. ``client``: whom it was issued to."""

    subject: str
    client: str
    expires_at: float
    scopes: tuple[str, ...]
    audiences: tuple[str, ...]
    grant: str = ""
    roles: tuple[str, ...] = ()
    actors: tuple[str, ...] = ()
    jkt: str = ""
    x5t: str = ""
    acr: str = ""
    amr: tuple[str, ...] = ()
    auth_time: int | None = None
    authorization_details: tuple[Mapping[str, Any], ...] = ()


async def worth_of(request: TokenRequest, text: str, kind: str | None, name: str) -> Worth:
    """What the token in the parameter ``name`` is worth: an access token of this server, or an id token of the client.

    Raises:
        OAuthError: ``invalid_request``, as section 2.2.2 says.
    """
    if kind == ACCESS_TOKEN:
        found = await good_access_token(request.server, text)
        if found is not None:
            return _of_access_token(found)
    elif kind == ID_TOKEN:
        believed = await good_id_token(request.server, text, request.client.id)
        if believed is not None:
            return await _of_id_token(request, *believed)
    else:
        raise OAuthError("invalid_request", f"{name}_type is missing or not one this server takes")
    raise OAuthError("invalid_request", f"The {name} is not valid here")


def _of_access_token(found: GoodToken) -> Worth:
    token = found.token
    return Worth(
        subject=token.subject,
        client=token.client,
        expires_at=token.expires_at,
        scopes=tuple(sorted(token.scopes)),
        audiences=tuple(sorted(token.audiences)),
        grant=token.grant,
        roles=tuple(sorted(token.roles)),
        actors=token.actors,
        jkt=token.jkt,
        x5t=token.x5t,
        acr=token.acr,
        amr=found.amr,
        auth_time=None if token.auth_time is None else int(token.auth_time),
        authorization_details=token.authorization_details,
    )


async def _of_id_token(request: TokenRequest, claims: Mapping[str, Any], grant: Grant) -> Worth:
    """An id token has no rights of its own: it stands for those of the grant it was issued under."""
    async with request.server.store.reading() as tx:
        held, roles = await scopes.for_user(tx, grant.subject, grant.scopes)
    return Worth(
        subject=str(claims.get("sub", "")),
        client=request.client.id,
        expires_at=float(claims["exp"]),
        scopes=held,
        audiences=grant.resources or (request.server.settings.issuer,),
        grant=grant.id,
        roles=roles,
        jkt=grant.jkt,
        x5t=grant.x5t,
        acr=grant.acr,
        amr=grant.amr,
        auth_time=grant.auth_time,
        authorization_details=grant.authorization_details,
    )
