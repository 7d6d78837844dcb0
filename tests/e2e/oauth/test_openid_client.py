"""npm openid-client against a real Wardgate over TLS; each token then opens the API through the gateway."""

from __future__ import annotations

import json

from joserfc.jwk import ECKey
from tests.e2e.oauth.installation import CALLBACK, GONE, Installation

OPEN = [200]
TAKEN_BACK = [401, "bearer invalid_token items.read"]
CODE = ("--grant", "code", "--grant", "refresh", "--redirect-uri", CALLBACK)


def test_openid_client_credentials(house: Installation) -> None:
    """A token opens the API until it is revoked; introspection agrees."""
    client = house.add_client("--grant", "client_credentials")
    report = house.node("openid_client", "client_credentials", client)
    assert report == {
        "expires_in": 600,
        "read": OPEN,
        "before": "items.read",
        "after": False,
        "revoked": TAKEN_BACK,
    }


def test_openid_client_signs_in_and_out(house: Installation) -> None:
    """Sign-in, signed userinfo, refresh, silent sign-in; logout ends the session, and what was granted in it."""
    client = house.add_client(
        *CODE, "--authentication", "client_secret_post",
        userinfo_alg="ES256", post_logout_redirect_uris=[GONE],
    )  # fmt: skip
    report = house.node("openid_client", "code", client)
    assert report == {
        "scope": "openid profile offline_access items.read",
        "read": OPEN,
        "person": "ann",
        "refreshed": OPEN,
        "same": True,
        "gone": "bye",
        "signed_out": "login_required",
        "ended": TAKEN_BACK,
    }


def test_openid_client_binds_tokens(house: Installation) -> None:
    """PAR with JAR, JAR alone, private_key_jwt and DPoP, whose nonces the library finds out by itself."""
    jwk = ECKey.generate_key("P-256", {"kid": "own", "use": "sig", "alg": "ES256"}, private=True)
    file = house.folder / "jwks.json"
    file.write_text(json.dumps({"keys": [jwk.as_dict(private=False)]}))
    client = house.add_client(
        *CODE, "--authentication", "private_key_jwt", "--jwks-file", str(file), require_signed_request=True
    )
    report = house.node("openid_client", "bound", {**client, "jwk": jwk.as_dict(private=True)})
    assert report == {
        "token_type": ["dpop", "dpop", "dpop"],
        "read": OPEN,
        "stolen": TAKEN_BACK,
        "person": "ann",
    }


def test_openid_client_on_a_device(house: Installation) -> None:
    """The library polls while a person follows the link with the code in it."""
    client = house.add_client("--grant", "device", "--authentication", "none")
    report = house.node("openid_client", "device", client)
    assert report == {"page": "Your device is connected", "read": OPEN}
