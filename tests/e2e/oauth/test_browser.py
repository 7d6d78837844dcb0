"""npm oidc-client-ts in a real Chromium, and people's own pages: what they see, fill in and find out."""

from __future__ import annotations

import os
import shutil
from typing import Any

import pytest
import requests
from tests.e2e.oauth.installation import Installation
from tests.supervisor.serving import free_ports

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(_CHROMIUM is None, reason="no Chromium is installed: apt-get install chromium"),
]


def drive(house: Installation, scenario: str, **told: Any) -> dict[str, Any]:
    """The report of a scenario of ``browser.mjs``; pictures of the pages go to the folder that PICTURES names."""
    settings = {
        "chromium": _CHROMIUM,
        "certificate": str(house.certificate),
        "pictures": os.environ.get("PICTURES", ""),
        **told,
    }
    return house.node("browser", scenario, settings, seconds=90)


def test_oidc_client_ts(house: Installation) -> None:
    """A page of another origin signs a person in, calls the API by CORS, renews its token, loses its access on the
    person's own page, signs them out, and in again with a DPoP key of the browser's own."""
    (port,) = free_ports(1)
    origin = f"http://127.0.0.1:{port}"
    client = house.add_client(
        "--grant", "code", "--grant", "refresh", "--redirect-uri", f"{origin}/back", "--authentication", "none",
        "--name", "Item browser",
        scopes=("openid", "profile", "offline_access", "items.read"),
        post_logout_redirect_uris=[f"{origin}/gone"],
    )  # fmt: skip
    assert drive(house, "application", port=port, **client) == {
        "flaws": [],
        "problems": [],
        "alert": "The name or the password is wrong.",
        "consent": [
            "Know who you are (openid)",
            "See your name and profile (profile)",
            "Keep access while you are away (offline_access)",
            "See items (items.read)",
        ],
        "name": "ann",
        "called": [200, False],
        "renewed": True,
        "again": [200, False],
        "refused": [401, True],
        "refresh": "invalid_grant",
        "signed_out": "/oauth2/login",
        "proven": ["DPoP", 401, 200],
        "proven_again": ["DPoP", 401, 200],
    }


def test_a_form_response_goes_on_by_itself(house: Installation) -> None:
    """``response_mode=form_post``: with scripts nobody presses anything; without, the button does the same."""
    (port,) = free_ports(1)
    origin = f"http://127.0.0.1:{port}"
    client = house.add_client(
        "--grant", "code", "--redirect-uri", f"{origin}/back", scopes=("openid",), trusted=True
    )
    report = drive(house, "form_post", port=port, challenge="c" * 43, **client)
    assert report == {"problems": [], "arrived": [["code", "iss", "state"]] * 2, "pressed": [False, True]}


def test_account_pages(house: Installation) -> None:
    """A passkey is added and later signs the person in; a device is let in; every page is whole at 320 pixels."""
    house.add_user("kim")  # Of this test alone: whoever has a passkey is asked for it everywhere.
    client = house.add_client("--grant", "device", "--authentication", "none", "--name", "Television")
    form = {"client_id": client["client_id"], "scope": "items.read"}
    device = requests.post(
        f"{house.issuer}/oauth2/device_authorization", form, verify=str(house.ca_file), timeout=10
    )
    code = device.json()["user_code"]
    assert drive(house, "account", user="kim", user_code=code) == {
        "flaws": [],
        "problems": [],
        "added": "The passkey was added. Make recovery codes now, if you have none.",
        "device": "Your device is connected",
        "back": "kim",
    }
