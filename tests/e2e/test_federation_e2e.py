"""Sign-in with a foreign provider as people have it: `wardgate serve` over TLS, set up by the command line alone."""

from __future__ import annotations

import asyncio
import io
import json
import re
from pathlib import Path

import pytest
from tests.cli.conftest import ORDERS
from tests.e2e.stack import command
from tests.identity.federation.abroad import CLIENT, SECRET, Abroad, Traveller
from tests.supervisor.serving import Service, free_ports


def test_a_person_signs_in_through_the_gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Provider added and checked by commands; the sign-in page offers it, the gateway's host takes the answer, groups
    give roles, and a suspended provider is offered no more."""
    (tls,) = free_ports(1)
    home, data = f"https://localhost:{tls}", tmp_path / "data"
    claims = {
        "preferred_username": "ann@abroad.example",
        "email": "ann@abroad.example",
        "groups": ["Order admins"],
    }
    with Abroad(tmp_path, [f"{home}/oauth2/federation/okta/callback"], ["/okta"]) as abroad:
        monkeypatch.setenv("WARDGATE_DATA_DIR", str(data))
        monkeypatch.setenv("SSL_CERT_FILE", str(abroad.authority.ca_file))
        monkeypatch.setattr("sys.stdin", io.StringIO(SECRET + "\n"))
        command("apply", "-f", str(ORDERS / "wardgate.yaml"))
        command("users", "roles", "put", "orders-admin", "--scope", "extra.do")
        command(
            *("idp", "add", "okta", "--name", "Okta", "--issuer", f"{abroad.origin}/okta"),
            *("--client-id", CLIENT, "--client-secret-stdin"),
            *("--role", "Order admins=orders-admin", "--create"),
        )
        tested = json.loads(command("idp", "test", "okta", "--outbound-allow", "127.0.0.0/8", "--json"))
        assert tested["right"], tested
        abroad.say(claims=claims)
        certificate, key = abroad.authority.issue("localhost")
        options = [
            *("--tls-listen", f"127.0.0.1:{tls}", "--certificate", str(certificate), "--key", str(key)),
            *("--issuer", home, "--outbound-allow", "127.0.0.0/8"),
        ]
        with Service(data, *options, workers=1) as service:
            asyncio.run(_sign_in(abroad, home))
            assert json.loads(command("users", "show", "ann", "--json"))["roles"] == ["orders-admin"]
            command("idp", "suspend", "okta")
            asyncio.run(_find_nothing(abroad, home))
            assert SECRET not in service.log
            for logged in data.glob("*.log"):
                text = logged.read_text()
                assert SECRET not in text
                assert "wgot_" not in text


async def _sign_in(abroad: Abroad, home: str) -> None:
    browser = Traveller(abroad, home)
    page = await browser.get("/oauth2/login")
    link = re.search(r'href="(/oauth2/federation/okta/start\?next=account)"', page.text)
    assert link is not None, page.text
    response = await browser.get(await browser.answer(link[1]))
    assert response.headers["location"] == f"{home}/oauth2/account", response.text
    account = await browser.get("/oauth2/account")
    assert (account.status_code, "ann" in account.text) == (200, True)
    await browser.close()


async def _find_nothing(abroad: Abroad, home: str) -> None:
    browser = Traveller(abroad, home)
    assert "Okta" not in (await browser.get("/oauth2/login")).text
    assert (await browser.get("/oauth2/federation/okta/start")).status_code == 403
    await browser.close()
