"""Header fields of a request that no upstream gets from a client, by their lower-case names."""

from __future__ import annotations

import re

#: What a gateway or proxy reads for itself, and sends anew or not at all.
FRAMING: frozenset[bytes] = frozenset(
    (b"host", b"content-length", b"transfer-encoding", b"connection", b"expect", b"upgrade")
)
#: Hop-by-hop (RFC 9110 section 7.6.1), and what the gateway itself states about the client: never a client's copy.
DROPPED: frozenset[bytes] = frozenset(
    (
        b"keep-alive",
        b"proxy-connection",
        b"proxy-authorization",
        b"proxy-authenticate",
        b"te",
        b"http2-settings",
        b"forwarded",
        b"x-forwarded",
        b"client-cert",
        b"client-cert-chain",
        b"proxy",  # HTTP_PROXY of a CGI-style server: where its own requests go
        b"remote-user",
        b"x-remote-user",
        b"forwarded-for",
        b"true-client-ip",
        b"cf-connecting-ip",
        b"fastly-client-ip",
        b"x-cluster-client-ip",
        b"x-envoy-external-address",
        b"x-original-forwarded-for",
        b"x-originating-ip",
        b"x-real-ip",
        b"x-remote-addr",
        b"x-remote-ip",
        b"x-client-ip",
        b"x-envoy-original-path",
        b"x-host",
        b"x-http-destinationurl",
        b"x-original-url",
        b"x-original-host",
        b"x-override-url",
        b"x-rewrite-url",
        b"x-http-method-override",
        b"x-http-method",
        b"x-method-override",
    )
)
#: What is forwarded, but means something to the gateway.
READ: frozenset[bytes] = frozenset((b"authorization", b"content-type", b"origin"))
_KNOWN = FRAMING | DROPPED | READ
IDENTITY_PREFIX = b"x-wardgate-"
#: What only a gateway or proxy may say: X-Forwarded-For, but also -User, -Email or -Client-Cert of other products.
GATEWAY_PREFIXES = (IDENTITY_PREFIX, b"x-forwarded-")
_NO_LETTER = re.compile(rb"[^0-9a-z]")


def cgi_name(name: bytes) -> bytes:
    """What is left of the lower-case ``name`` once a CGI-style server made a variable of it: equal names collide.

    ``X_Api_Key``, ``X.Api.Key`` and ``X-Api-Key`` all become ``HTTP_X_API_KEY`` somewhere.
    """
    return _NO_LETTER.sub(b"-", name)


def dropped(name: bytes) -> bool:
    """Whether a request's field is left behind: by its lower-case name, or as one whose name collides with a field that
    is the gateway's own or frames the message (see :func:`cgi_name`)."""
    if name in _KNOWN:
        return name in DROPPED
    read = cgi_name(name)
    return read in _KNOWN or read.startswith(GATEWAY_PREFIXES)
