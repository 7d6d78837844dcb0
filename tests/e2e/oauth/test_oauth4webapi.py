"""npm oauth4webapi against a real Wardgate over TLS; each token then opens the API through the gateway."""

from __future__ import annotations

import pytest
from tests.e2e.oauth.installation import CALLBACK, SCOPES, Installation

pytestmark = pytest.mark.xdist_group("e2e-oauth")

OPEN = [200]
TAKEN_BACK = [401, "bearer", "invalid_token", "items.read"]
WITHOUT_WRITE = [403, "bearer", "insufficient_scope", "items.write"]


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
