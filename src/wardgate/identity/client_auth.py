"""Which client calls (RFC 6749 section 2.3, RFC 7523, RFC 8705): one method a request, and the one it registered.

A client that does not exist, is suspended or shows a wrong secret gets one and the same answer, for the same work.
"""

from __future__ import annotations

import binascii
import hmac
from base64 import b64decode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import unquote_plus

from wardgate.domain.oauth import SECRET_METHODS
from wardgate.identity import client_assertion, client_certificate
from wardgate.identity.errors import OAuthError
from wardgate.identity.http import Call
from wardgate.identity.ports import FetchError, KnownClient
from wardgate.identity.server import Server

_MAX_ID = 256
_DECOY = bytes(32)


@dataclass(slots=True)
class _Attempt:
    """What a request shows of who sends it. ``shown``: ``none`` also stands for a certificate, which shows itself."""

    server: Server
    call: Call
    client_id: str = ""
    shown: str = "none"
    secret: str = ""
    known: KnownClient | None = None


async def authenticate(server: Server, call: Call) -> KnownClient:
    """The client that sent ``call``, which is a form: active, of this environment, and proven to be it.

    A client without authentication (``none``) has but said who it is.

    Raises:
        OAuthError: ``invalid_request`` for more than one method, ``invalid_client`` (401) for everything else.
    """
    attempt = _Attempt(server, call)
    for step in STEPS:
        pending = step(attempt)
        if pending is not None:
            await pending
    if attempt.known is None:
        raise _refused(attempt, "unknown client")
    return attempt.known


def refuse_public(known: KnownClient) -> None:
    """Raises ``invalid_client`` for a client that only said who it is, where that is not enough."""
    if known.client.public:
        raise OAuthError("invalid_client", "Client authentication is required here", status=401)


def read_basic(attempt: _Attempt) -> None:
    """RFC 6749 section 2.3.1: id and secret are form-encoded, then joined and encoded for Basic."""
    values = attempt.call.header_values("authorization")
    if not values:
        return
    if len(values) > 1:
        raise OAuthError("invalid_request", "The Authorization header stands more than once")
    scheme, _, encoded = values[0].partition(" ")
    try:
        if scheme.lower() != "basic":
            raise ValueError
        user, colon, secret = b64decode(encoded.strip(), validate=True).decode().partition(":")
        if not colon:
            raise ValueError
        attempt.client_id = unquote_plus(user, errors="strict")
        attempt.secret = unquote_plus(secret, errors="strict")
    except (ValueError, binascii.Error):
        raise _refused(attempt, "Authorization header not understood") from None
    attempt.shown = "client_secret_basic"


def read_form(attempt: _Attempt) -> None:
    """``client_id``, ``client_secret`` and ``client_assertion`` of the form; more than one method is refused."""
    form = attempt.call.form
    secret, assertion = form.get("client_secret"), form.get("client_assertion")
    used = [attempt.shown == "client_secret_basic", secret is not None, assertion is not None]
    if used.count(True) > 1:
        raise OAuthError("invalid_request", "More than one method of client authentication is used")
    named = form.get("client_id")
    if secret is not None:
        attempt.shown, attempt.secret = "client_secret_post", secret
    elif assertion is not None:
        if form.get("client_assertion_type") != client_assertion.JWT_BEARER_ASSERTION:
            raise OAuthError("invalid_request", "client_assertion_type is not one this server knows")
        attempt.shown, attempt.secret = "private_key_jwt", assertion
        attempt.client_id = client_assertion.claimed_client(assertion) or ""
        if not attempt.client_id:
            raise _refused(attempt, "assertion without iss and sub")
    elif form.get("client_assertion_type") is not None:
        raise OAuthError("invalid_request", "client_assertion is missing")
    if named is not None and attempt.client_id and named != attempt.client_id:
        raise _refused(attempt, "client_id is another than the one that authenticates")
    attempt.client_id = attempt.client_id or named or ""


def check_named(attempt: _Attempt) -> None:
    """Some client must be named."""
    if not attempt.client_id or len(attempt.client_id) > _MAX_ID:
        raise _refused(attempt, "no client named")


async def read_client(attempt: _Attempt) -> None:
    """Looks the client up; whether it exists shows only once the work of checking it is done."""
    attempt.known = await attempt.server.clients.known(attempt.client_id)


def check_secret(attempt: _Attempt) -> None:
    """One of the client's secrets that are good now; every one is compared, in constant time."""
    if attempt.shown not in SECRET_METHODS:
        return
    now = attempt.server.clock()
    shown = attempt.server.digest(attempt.secret)
    right = False
    stored = attempt.known.secrets if attempt.known is not None else ()
    for secret in stored:
        same = hmac.compare_digest(secret.digest, shown)
        right = right or (same and (secret.expires_at is None or now < secret.expires_at))
    if not stored:
        hmac.compare_digest(_DECOY, shown)
    if not right:
        raise _refused(attempt, "secret")


def check_method(attempt: _Attempt) -> None:
    """The method the client registered, and no other."""
    known = attempt.known
    if attempt.shown == "private_key_jwt" and known is None:
        return
    registered = known.client.authentication if known is not None else ""
    by_certificate = registered in ("tls_client_auth", "self_signed_tls_client_auth")
    if attempt.shown != ("none" if by_certificate else registered):
        raise _refused(attempt, "method is not the one registered")


async def check_assertion(attempt: _Attempt) -> None:
    """RFC 7523 section 3, for the issuer, the token endpoint or the endpoint called (RFC 9126 section 2)."""
    if attempt.shown != "private_key_jwt":
        return
    server = attempt.server
    client = attempt.known.client if attempt.known is not None else None
    why = await client_assertion.verified_assertion(
        server,
        attempt.secret,
        client,
        audiences=frozenset((server.settings.issuer, server.settings.url("/oauth2/token"), attempt.call.url)),
        guard=client_assertion.AUTHENTICATION,
    )
    if why:
        raise _refused(attempt, why)


async def check_certificate(attempt: _Attempt) -> None:
    """RFC 8705 section 2: the certificate of the connection, which only the gateway's listener can tell."""
    if attempt.known is None:
        return
    client, der, now = attempt.known.client, attempt.call.certificate, attempt.server.clock()
    if client.authentication == "tls_client_auth":
        right = der is not None and client_certificate.names_client(der, client, now)
    elif client.authentication == "self_signed_tls_client_auth":
        try:
            jwks = await client_assertion.document_of(attempt.server, client)
        except FetchError as error:
            raise _refused(attempt, str(error)) from None
        right = der is not None and client_certificate.is_registered(der, jwks, now)
    else:
        return
    if not right:
        raise _refused(attempt, "certificate")


def check_active(attempt: _Attempt) -> None:
    """Client and application are active, and the client is of this environment."""
    known = attempt.known
    if known is None or known.client.environment != attempt.server.settings.environment:
        raise _refused(attempt, "unknown client")
    if known.client.status != "active" or known.application.status != "active":
        raise _refused(attempt, "suspended")


def _refused(attempt: _Attempt, note: str) -> OAuthError:
    """RFC 6749 section 5.2: 401, with a challenge where the Authorization header was used."""
    challenge = (
        (("www-authenticate", f'Basic realm="{attempt.server.settings.issuer}", charset="UTF-8"'),)
        if attempt.call.header("authorization") is not None
        else ()
    )
    note = f"{attempt.client_id[:_MAX_ID]}: {note}"
    return OAuthError(
        "invalid_client", "Client authentication failed", status=401, headers=challenge, note=note
    )


#: In this order: what the request shows, whom it names, whether that is right, whether it may.
STEPS: tuple[Callable[[_Attempt], Awaitable[None] | None], ...] = (
    read_basic,
    read_form,
    check_named,
    read_client,
    check_secret,
    check_method,
    check_assertion,
    check_certificate,
    check_active,
)
