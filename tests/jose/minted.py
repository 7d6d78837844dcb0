"""Keys and tokens for the tests of what is signed; minted with joserfc, as another party would."""

from __future__ import annotations

import base64
import json
from typing import Any

from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

NOW = 1_800_000_000.0
AT = frozenset(("at+jwt",))

KEYS: dict[str, ECKey | RSAKey | OKPKey] = {
    "ES256": ECKey.generate_key("P-256"),
    "ES384": ECKey.generate_key("P-384"),
    "ES512": ECKey.generate_key("P-521"),
    "RS256": RSAKey.generate_key(2048),
    "EdDSA": OKPKey.generate_key("Ed25519"),
}
KEYS |= dict.fromkeys(("RS384", "RS512", "PS256", "PS384", "PS512"), KEYS["RS256"])
KEYS["Ed25519"] = KEYS["EdDSA"]

CLAIMS: dict[str, Any] = {
    "iss": "https://issuer.example",
    "sub": "u-1",
    "aud": "https://api.example",
    "iat": int(NOW) - 10,
    "exp": int(NOW) + 300,
    "client_id": "c-1",
    "scope": "orders:read orders:write",
}


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def public(algorithm: str = "ES256", **members: Any) -> dict[str, Any]:
    """The public JWK of the algorithm's test key, called ``k-<algorithm>``."""
    return {**KEYS[algorithm].as_dict(private=False), "kid": f"k-{algorithm}", **members}


def sign_raw(header: bytes, payload: bytes, algorithm: str = "ES256", key: Any = None) -> str:
    """A compact JWS over exactly these bytes."""
    text = f"{b64(header)}.{b64(payload)}"
    signature = JWSRegistry.algorithms[algorithm].sign(text.encode(), key or KEYS[algorithm])
    return f"{text}.{b64(signature)}"


def sign(
    claims: dict[str, Any] | None = None, algorithm: str = "ES256", key: Any = None, **header: Any
) -> str:
    """A token with a well-formed header; a header member of ``None`` is left out."""
    members = {"alg": algorithm, "typ": "at+jwt", "kid": f"k-{algorithm}", **header}
    present = {name: value for name, value in members.items() if value is not None}
    body = CLAIMS if claims is None else claims
    return sign_raw(json.dumps(present).encode(), json.dumps(body).encode(), algorithm, key)
