"""Token introspection (RFC 7662), signed on request (RFC 9701): whether a token is good, told to whom it concerns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wardgate.domain.oauth import Token
from wardgate.identity import resource
from wardgate.identity.client_auth import authenticate, refuse_public
from wardgate.identity.errors import OAuthError
from wardgate.identity.form import check_form
from wardgate.identity.http import NO_STORE, Call, Reply, json_reply
from wardgate.identity.ports import KnownClient
from wardgate.identity.presented_token import good_access_token, good_refresh_token
from wardgate.identity.routes import Route
from wardgate.identity.server import Server
from wardgate.identity.subjects import subject_of

SIGNED = "application/token-introspection+jwt"
_TYPE = "token-introspection+jwt"
_INACTIVE: Mapping[str, Any] = {"active": False}


async def handle(server: Server, call: Call) -> Reply:
    """What the token in the form says, or only that it is not active. Raises OAuthError."""
    check_form(call)
    known = await authenticate(server, call)
    refuse_public(known)
    text = call.form.get("token")
    if text is None:
        raise OAuthError("invalid_request", "token is missing")
    document = await _access_token(server, known, text)
    if document is None:
        document = await _refresh_token(server, known, text)
    return await _reply(server, known, call, document or _INACTIVE)


async def _access_token(server: Server, known: KnownClient, text: str) -> dict[str, Any] | None:
    found = await good_access_token(server, text)
    if found is None or not await _concerns(server, known, found.token):
        return None
    token = found.token
    audiences = sorted(token.audiences)
    act: dict[str, Any] | None = None
    for actor in reversed(token.actors):
        act = {"sub": actor} if act is None else {"sub": actor, "act": act}
    confirmation = {"jkt": token.jkt, "x5t#S256": token.x5t}
    said = {
        "scope": " ".join(sorted(token.scopes)),
        "client_id": token.client,
        "token_type": "DPoP" if token.jkt else "Bearer",
        "exp": int(token.expires_at),
        "iat": int(token.issued_at),
        "sub": token.subject,
        "aud": audiences[0] if len(audiences) == 1 else audiences,
        "iss": server.settings.issuer,
        "jti": token.id,
        "roles": sorted(token.roles),
        "acr": token.acr,
        "amr": list(found.amr),
        "cnf": {name: value for name, value in confirmation.items() if value},
        "act": act,
        "authorization_details": [dict(each) for each in token.authorization_details],
    }
    document: dict[str, Any] = {"active": True, **{name: value for name, value in said.items() if value}}
    if token.auth_time is not None:
        document["auth_time"] = int(token.auth_time)
    return document


async def _concerns(server: Server, known: KnownClient, token: Token) -> bool:
    """Whether the token was issued to the client, or is meant for what it stands for (RFC 7662 section 4)."""
    if token.client == known.client.id or not token.audiences.isdisjoint(known.client.audiences):
        return True
    return not token.audiences.isdisjoint(await resource.own_audiences(server, known))


async def _refresh_token(server: Server, known: KnownClient, text: str) -> dict[str, Any] | None:
    """A refresh token concerns nobody but its client."""
    found = await good_refresh_token(server, text)
    if found is None or found[0].client != known.client.id:
        return None
    token, grant = found
    return {
        "active": True,
        "scope": " ".join(token.scopes),
        "client_id": token.client,
        "exp": int(min(token.expires_at, token.family_expires_at)),
        "iat": int(token.created_at),
        "sub": subject_of(server, known.client, grant.subject),
        "iss": server.settings.issuer,
    }


async def _reply(server: Server, known: KnownClient, call: Call, document: Mapping[str, Any]) -> Reply:
    if not any(SIGNED in value.lower() for value in call.header_values("accept")):
        return json_reply(document)
    claims = {
        "iss": server.settings.issuer,
        "aud": known.client.id,
        "iat": int(server.clock()),
        "token_introspection": document,
    }
    text = await server.keys.sign(claims, typ=_TYPE, algorithm=known.client.introspection_alg or "ES256")
    return Reply(headers=(("content-type", SIGNED), *NO_STORE), body=text.encode())


ROUTES = (Route(("POST",), "/oauth2/introspect", handle),)
