"""The token endpoint (RFC 6749 section 3.2): what every request must be, before its grant decides."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from wardgate.domain.oauth import DEVICE_CODE, JWT_BEARER, TOKEN_EXCHANGE
from wardgate.identity.client_auth import authenticate
from wardgate.identity.dpop import nonce_header, proven_key
from wardgate.identity.errors import OAuthError
from wardgate.identity.form import check_form
from wardgate.identity.grants import (
    authorization_code,
    client_credentials,
    device,
    exchange,
    jwt_bearer,
    password,
    refresh,
)
from wardgate.identity.http import Call, Reply
from wardgate.identity.intake import admit_proof
from wardgate.identity.issue import UNBOUND, Binding
from wardgate.identity.mtls import bound_certificate
from wardgate.identity.ports import KnownClient
from wardgate.identity.routes import Route
from wardgate.identity.server import Server
from wardgate.identity.token_request import TokenRequest

#: Each grant and what answers it. ``implicit`` has no token request.
GRANTS: Mapping[str, Callable[[TokenRequest], Awaitable[Reply]]] = {
    "authorization_code": authorization_code.answer,
    "refresh_token": refresh.answer,
    "client_credentials": client_credentials.answer,
    DEVICE_CODE: device.answer,
    TOKEN_EXCHANGE: exchange.answer,
    JWT_BEARER: jwt_bearer.answer,
    "password": password.answer,
}


@dataclass(slots=True)
class _State:
    server: Server
    call: Call
    grant: str = ""
    known: KnownClient | None = None
    binding: Binding = UNBOUND

    @property
    def sender(self) -> KnownClient:
        """The client, once it is known."""
        if self.known is None:
            raise OAuthError("invalid_client", "Client authentication failed", status=401)
        return self.known


async def handle(server: Server, call: Call) -> Reply:
    """Answers a token request. Raises OAuthError."""
    state = _State(server, call)
    for step in STEPS:
        pending = step(state)
        if pending is not None:
            await pending
    known = state.sender
    request = TokenRequest(server=server, call=call, known=known, binding=state.binding)
    try:
        reply = await GRANTS[state.grant](request)
    except OAuthError as error:
        if state.binding.jkt:
            error.headers = (*error.headers, *nonce_header(server))
        raise
    return reply.plus(*nonce_header(server)) if state.binding.jkt else reply


def check_request(state: _State) -> None:
    """A form in the body and nothing in the query (RFC 6749 sections 2.3.1 and 3.2)."""
    check_form(state.call)


def read_grant(state: _State) -> None:
    """``grant_type`` names a grant there is."""
    grant = state.call.form.get("grant_type")
    if grant is None:
        raise OAuthError("invalid_request", "grant_type is missing")
    if grant not in GRANTS:
        raise OAuthError("unsupported_grant_type", "This server does not know that grant_type")
    state.grant = grant


async def check_client(state: _State) -> None:
    """Who asks."""
    state.known = await authenticate(state.server, state.call)


def check_registered(state: _State) -> None:
    """The client is registered for the grant."""
    if state.grant not in state.sender.client.grant_types:
        raise OAuthError("unauthorized_client", "The client is not registered for this grant_type")


def read_certificate(state: _State) -> None:
    """The certificate that tokens of this client are bound to (RFC 8705)."""
    state.binding = Binding(x5t=bound_certificate(state.sender.client, state.call))


async def read_proof(state: _State) -> None:
    """The key the client proved to have (RFC 9449), before anything that can be used once is used."""
    jkt = ""
    if state.call.header("dpop") is not None:
        admit_proof(state.server, state.call, state.sender)
        jkt = await proven_key(state.server, state.call)
    if not jkt and state.sender.client.require_dpop:
        raise OAuthError("invalid_dpop_proof", "This client must send a DPoP proof")
    if jkt:
        state.binding = Binding(jkt=jkt, x5t=state.binding.x5t)


#: Form, grant, client, what binds the token: dear checks and those that write come after cheap ones.
STEPS: tuple[Callable[[_State], Awaitable[None] | None], ...] = (
    check_request,
    read_grant,
    check_client,
    check_registered,
    read_certificate,
    read_proof,
)

ROUTES = (Route(("POST",), "/oauth2/token", handle),)
