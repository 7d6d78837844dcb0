"""The userinfo endpoint (OIDC core section 5.3): what an application may know of the person, for its access token.

It is a resource like any other: bearer tokens (RFC 6750), tokens bound to a key (RFC 9449) or to a certificate (RFC
8705), each in its own way only.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from wardgate.domain.oauth import Grant
from wardgate.domain.people import User
from wardgate.identity.claims import claims_for
from wardgate.identity.dpop import nonce_header, proven_key
from wardgate.identity.errors import OAuthError
from wardgate.identity.http import NO_STORE, Call, Reply, json_reply
from wardgate.identity.presented_token import GoodToken, good_access_token
from wardgate.identity.routes import Route
from wardgate.identity.server import Server
from wardgate.jose.dpop import ALGORITHMS
from wardgate.jose.thumbprint import certificate_thumbprint

#: ``typ`` of a signed answer.
SIGNED_TYPE = "JWT"
_SCHEMES = ("bearer", "dpop")


@dataclass(slots=True)
class _Request:
    """A request on its way to an answer."""

    server: Server
    call: Call
    text: str = field(default="", repr=False)
    scheme: Literal["bearer", "dpop", ""] = ""
    good: GoodToken | None = None
    grant: Grant | None = None
    user: User | None = None


async def userinfo(server: Server, call: Call) -> Reply:
    """The person's claims. Raises OAuthError, 401 with a challenge where the token is not good here."""
    state = _Request(server, call)
    for step in STEPS:
        pending = step(state)
        if pending is not None:
            await pending
    return await _answer(state)


def read_token(state: _Request) -> None:
    """One token, in the Authorization header or in a form, and never in the query (RFC 6750 section 2)."""
    call = state.call
    values = call.header_values("authorization")
    in_form = call.form.all("access_token")
    if call.query.get("access_token") is not None:
        raise _challenge("invalid_request", "An access token is not sent in the query", status=400)
    if len(values) + len(in_form) > 1:
        why = "More than one access token, or more than one way to send it"
        raise _challenge("invalid_request", why, status=400)
    if in_form:
        if call.method != "POST":
            raise _challenge("invalid_request", "A form is sent by POST", status=400)
        state.scheme, state.text = "bearer", in_form[0]
        return
    scheme, _, text = (values[0] if values else "").partition(" ")
    if scheme.lower() not in _SCHEMES or not text.strip():
        raise _challenge("", "An access token is required")
    state.scheme = "dpop" if scheme.lower() == "dpop" else "bearer"
    state.text = text.strip()


async def find_token(state: _Request) -> None:
    """The token is good now."""
    state.good = await good_access_token(state.server, state.text)
    if state.good is None:
        raise _invalid()


async def check_possession(state: _Request) -> None:
    """A token bound to a key is of no use to whoever cannot prove the key, and no other way of sending it will do."""
    token, call = _good(state).token, state.call
    if bool(token.jkt) != (state.scheme == "dpop"):
        raise _invalid()
    if token.jkt:
        try:
            jkt = await proven_key(state.server, call, access_token=state.text)
        except OAuthError as error:
            raise _challenge(error.error, error.description, error.headers) from None
        if not hmac.compare_digest(jkt, token.jkt):
            raise _challenge("invalid_dpop_proof", "The DPoP proof is missing, or made with another key")
    if token.x5t:
        shown = certificate_thumbprint(call.certificate) if call.certificate is not None else ""
        if not hmac.compare_digest(shown, token.x5t):
            raise _invalid()


def check_audience(state: _Request) -> None:
    """The token is for this server, not for one of the APIs behind it alone (RFC 8707)."""
    if state.server.settings.issuer not in _good(state).token.audiences:
        raise _invalid()


def check_scope(state: _Request) -> None:
    """It was issued for a person, with the scope ``openid``."""
    good = _good(state)
    if good.grant is None:
        raise _invalid()
    if "openid" not in good.token.scopes:
        headers = (("www-authenticate", 'Bearer error="insufficient_scope", scope="openid"'),)
        raise OAuthError("insufficient_scope", "The scope openid is required", status=403, headers=headers)
    state.grant = good.grant


async def find_user(state: _Request) -> None:
    """The person still has an account."""
    async with state.server.store.reading() as tx:
        user = await tx.users.get(state.grant.subject) if state.grant is not None else None
    if user is None or user.status != "active":
        raise _invalid()
    state.user = user


async def _answer(state: _Request) -> Reply:
    good, grant, user = _good(state), state.grant, state.user
    if grant is None or user is None:
        raise _invalid()
    client = good.known.client
    document: dict[str, Any] = {
        **claims_for(user, good.token.scopes, grant.claims.get("userinfo")),
        "sub": good.token.subject,
    }
    nonce = nonce_header(state.server) if state.scheme == "dpop" else ()
    if client.userinfo_alg is None:
        return json_reply(document, 200, *nonce)
    said = {**document, "iss": state.server.settings.issuer, "aud": client.id}
    text = await state.server.keys.sign(said, typ=SIGNED_TYPE, algorithm=client.userinfo_alg)
    return Reply(headers=(("content-type", "application/jwt"), *NO_STORE, *nonce), body=text.encode())


def _good(state: _Request) -> GoodToken:
    if state.good is None:
        raise _invalid()
    return state.good


def _invalid() -> OAuthError:
    return _challenge("invalid_token", "The access token is not good here and now")


def _challenge(
    error: str, description: str, more: tuple[tuple[str, str], ...] = (), *, status: int = 401
) -> OAuthError:
    """RFC 6750 section 3 and RFC 9449 section 7.1; without an ``error`` where no token was shown at all."""
    said = f' error="{error}", error_description="{description}"' if error else ""
    comma = "," if said else ""
    algorithms = " ".join(sorted(ALGORITHMS))
    headers = (
        ("www-authenticate", f"Bearer{said}" if said else 'Bearer scope="openid"'),
        ("www-authenticate", f'DPoP{said}{comma} algs="{algorithms}"'),
        *more,
    )
    return OAuthError(error or "invalid_token", description, status=status, headers=headers)


#: In this order: what is shown, whether it is good, who shows it, whether it is for this, whose it is.
STEPS: tuple[Callable[[_Request], Awaitable[None] | None], ...] = (
    read_token,
    find_token,
    check_possession,
    check_audience,
    check_scope,
    find_user,
)

ROUTES = (Route(("GET", "POST"), "/oauth2/userinfo", userinfo),)
