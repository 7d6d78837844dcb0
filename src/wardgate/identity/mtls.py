"""Tokens bound to the certificate of the connection (RFC 8705 section 3)."""

from __future__ import annotations

from wardgate.domain.oauth import Client
from wardgate.identity.errors import OAuthError
from wardgate.identity.http import Call
from wardgate.jose.thumbprint import certificate_thumbprint


def bound_certificate(client: Client, call: Call) -> str:
    """``x5t#S256`` of the certificate that tokens are bound to; empty for a client whose tokens are not.

    Raises:
        OAuthError: ``invalid_request``: the client's tokens are, and the connection had no certificate.
    """
    if not client.certificate_bound:
        return ""
    if call.certificate is None:
        raise OAuthError("invalid_request", "This client must connect with its certificate")
    return certificate_thumbprint(call.certificate)
