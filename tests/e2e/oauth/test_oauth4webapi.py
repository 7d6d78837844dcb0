"""npm oauth4webapi against a real Wardgate over TLS; each token then opens the API through the gateway."""

from __future__ import annotations

import ssl
from pathlib import Path

from joserfc.jwk import ECKey
from tests.e2e.oauth.installation import CALLBACK, SCOPES, Installation
from tests.e2e.oauth.published import published

from wardgate.jose.thumbprint import certificate_thumbprint

OPEN = [200]
TAKEN_BACK = [401, "bearer invalid_token items.read"]
WITHOUT_WRITE = [403, "bearer insufficient_scope items.write"]
BAD_PROOF = [401, "bearer items.read", "dpop invalid_token items.read"]


def pair(house: Installation, name: str) -> dict[str, str]:
    """A client's certificate and its key."""
    certificate, key = house.authority.issue(name)
    return {"certificate": str(certificate), "key": str(key)}


def test_client_credentials(house: Installation) -> None:
    """A token is granted, read by the library as a resource server, asked about, used, and refused once revoked."""
    client = house.add_client("--grant", "client_credentials")
    name = client["client_id"]
    assert house.node("oauth4webapi", "client_credentials", client) == {
        "scope": "items.read",
        "token_type": "bearer",
        "expires_in": 600,
        "claims": {"client_id": name, "sub": name, "scope": "items.read"},
        "read": OPEN,
        "write": WITHOUT_WRITE,
        "before": True,
        "after": False,
        "revoked": TAKEN_BACK,
        "refused": ["invalid_scope", 400],
    }


def test_authorization_code(house: Installation) -> None:
    """Code with PKCE, state, nonce and `iss`; id token and userinfo; refresh rotates; revoking it ends all of it."""
    client = house.add_client(
        "--grant", "code", "--grant", "refresh", "--redirect-uri", CALLBACK,
        "--authentication", "client_secret_post",
    )  # fmt: skip
    assert house.node("oauth4webapi", "code", client) == {
        "scope": " ".join(SCOPES),
        "acr": "urn:wardgate:acr:1",
        "amr": ["pwd"],
        "person": {"name": "Ann Ash", "email": "ann@example.com"},
        "read": OPEN,
        "write": OPEN,
        "rotated": True,
        "refreshed": OPEN,
        "revoked": [TAKEN_BACK, TAKEN_BACK],
        "refused": ["invalid_grant", 400],
    }


def test_bound(house: Installation) -> None:
    """PAR with a signed request object, private_key_jwt, a code and tokens bound to a DPoP key, and nonces."""
    jwk = ECKey.generate_key("P-256", {"kid": "own", "use": "sig", "alg": "ES256"}, private=True)
    with published(house.authority, jwk) as url:
        client = house.add_client(
            "--grant", "code", "--grant", "refresh", "--redirect-uri", CALLBACK,
            "--authentication", "private_key_jwt",
            jwks_uri=url, require_par=True, require_signed_request=True, require_dpop=True,
        )  # fmt: skip
        report = house.node("oauth4webapi", "bound", {**client, "jwk": jwk.as_dict(private=True)})
    assert report == {
        "token_type": "dpop",
        "expires_in": 90,
        "nonces": [400, 401],
        "read": OPEN,
        "again": OPEN,
        "refreshed": OPEN,
        "bearer": [401, "bearer invalid_token items.read", "dpop items.read"],
        "stolen": BAD_PROOF,
        "elsewhere": BAD_PROOF,
        "used_up": [400, True],
    }


def test_device(house: Installation) -> None:
    """A device polls too early and too fast, a person enters its code in small letters, and it gets its token."""
    client = house.add_client("--grant", "device", "--authentication", "none")
    report = house.node("oauth4webapi", "device", client)
    assert report == {
        "verification_uri": f"{house.issuer}/oauth2/device",
        "early": "authorization_pending",
        "hasty": "slow_down",
        "allowed": "Your device is connected",
        "scope": "openid items.read",
        "read": OPEN,
        "reused": "invalid_grant",
        "denied": ["Nothing was allowed", "access_denied"],
    }


def test_certificates(house: Installation) -> None:
    """tls_client_auth by a name in the certificate; tokens are bound to it and worth nothing without."""
    client = house.add_client(
        "--grant", "client_credentials", "--authentication", "tls_client_auth",
        tls_san_dns="own.example", certificate_bound=True,
    )  # fmt: skip
    own, other = pair(house, "own.example"), pair(house, "other.example")
    report = house.node("oauth4webapi", "certificates", {**client, "own": own, "other": other})
    der = ssl.PEM_cert_to_DER_cert(Path(own["certificate"]).read_text())
    assert report == {
        "bound": certificate_thumbprint(der),
        "other": "invalid_client",
        "none": "invalid_client",
        "read": OPEN,
        "stolen": TAKEN_BACK,
        "bare": TAKEN_BACK,
    }


def test_registration(house: Installation) -> None:
    """From the API's own metadata to a client that registered itself, once, and its token."""
    token = house.run("clients", "registration-token", "--application", "shop", "--scope", "items.read")
    report = house.node("oauth4webapi", "registration", {"registration_token": token["token"]})
    assert report == {"scopes": ["items.read", "items.write"], "read": OPEN, "again": 401}


def test_opaque(house: Installation) -> None:
    """Opaque tokens open the API, are described in signed answers, and are exchanged for less."""
    client = house.add_client(
        "--grant", "client_credentials", "--grant", "exchange",
        token_format="opaque", introspection_alg="ES256",
    )  # fmt: skip
    report = house.node("oauth4webapi", "opaque", client)
    assert report == {
        "form": 1,
        "introspected": [True, "items.read items.write"],
        "signed": "application/token-introspection+jwt",
        "write": OPEN,
        "lesser": ["items.read", "urn:ietf:params:oauth:token-type:access_token"],
        "read": OPEN,
        "lesser_write": WITHOUT_WRITE,
    }
