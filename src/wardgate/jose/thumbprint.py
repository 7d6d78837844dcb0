"""Names of keys and certificates: a digest of what makes them what they are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from wardgate.jose.encoding import encode
from wardgate.jose.errors import JoseError

_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "EC": ("crv", "kty", "x", "y"),
    "RSA": ("e", "kty", "n"),
    "OKP": ("crv", "kty", "x"),
    "oct": ("k", "kty"),
}


def jwk_thumbprint(jwk: Mapping[str, Any]) -> str:
    """The SHA-256 thumbprint of a key (RFC 7638 section 3; RFC 8037 section 2 for OKP).

    Raises:
        JoseError: ``malformed``: a required member is missing or no text, or the type is unknown.
    """
    kty = jwk.get("kty")
    names = _REQUIRED.get(kty) if isinstance(kty, str) else None
    if names is None:
        raise JoseError("malformed", "kty of the key")
    members = {name: jwk.get(name) for name in names}
    if not all(isinstance(value, str) for value in members.values()):
        raise JoseError("malformed", "members of the key")
    canonical = json.dumps(members, separators=(",", ":"), ensure_ascii=False, sort_keys=True)
    try:
        return encode(hashlib.sha256(canonical.encode()).digest())
    except UnicodeEncodeError:
        raise JoseError("malformed", "members of the key") from None


def certificate_thumbprint(der: bytes) -> str:
    """``x5t#S256`` of a certificate in DER (RFC 8705 section 3.1)."""
    return encode(hashlib.sha256(der).digest())
