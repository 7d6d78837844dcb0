"""The authorization server as the control process builds it from its settings."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx2
import pytest
from tests.conftest import Place
from tests.supervisor.serving import Service

from wardgate.domain.settings import Listener, ServerSettings
from wardgate.identity.routes import all_routes
from wardgate.storage.database import SqlStore
from wardgate.web.identity import IdentityApp
from wardgate.web.identity_server import build_server, jobs_of, smtp_of
from wardgate.web.jobs import Jobs


def settings_of(place: Place, **more: object) -> ServerSettings:
    """Settings of an installation in that place."""
    return ServerSettings(data_dir=str(place.data_dir), **more)  # type: ignore[arg-type]


async def test_a_server_is_what_its_settings_say(place: Place, store: SqlStore) -> None:
    """Issuer, environment and what is open to everybody; sign-up and registration are closed by default."""
    server = build_server(settings_of(place, listeners=(Listener(port=8443, tls=True),)), store)
    assert server.settings.issuer == "https://127.0.0.1:8443"
    assert (server.settings.open_signup, server.settings.open_registration) == (False, False)
    given = settings_of(place, issuer="https://id.example", environment="test", open_signup=True)
    server = build_server(given, store)
    assert (server.settings.issuer, server.settings.environment) == ("https://id.example", "test")
    assert server.settings.open_signup
    with pytest.raises(ValueError, match="nonsense"):
        build_server(settings_of(place, outbound_allow=("nonsense",)), store)


async def test_mail_goes_where_the_settings_say(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nowhere by default; the password comes from the environment; mail is from the issuer's host unless said."""
    assert smtp_of(settings_of(place)) is None
    monkeypatch.setenv("WARDGATE_SMTP_PASSWORD", "hunter2")
    given = settings_of(place, issuer="https://id.example", smtp="smtps://post@mail.example")
    smtp = smtp_of(given)
    assert smtp is not None
    assert (smtp.host, smtp.user, smtp.sender) == ("mail.example", "post", "wardgate@id.example")
    assert smtp.password.reveal() == b"hunter2"
    monkeypatch.delenv("WARDGATE_SMTP_PASSWORD")
    with pytest.raises(ValueError, match="set WARDGATE_SMTP_PASSWORD"):
        smtp_of(given)


async def test_the_jobs_keep_house(place: Place, store: SqlStore) -> None:
    """A signing key is there before anybody asks for a token, and expired rows go."""
    server = build_server(settings_of(place), store)
    async with store.writing() as tx:
        await tx.once.put("code", bytes(32), {}, server.clock() - 10 * 86400)
    async with Jobs(jobs_of(server, None)):
        for _ in range(100):
            async with store.reading() as tx:
                keys = await tx.token_keys.all("development")
                old = await tx.once.look("code", bytes(32))
            if keys and old is None:
                break
            await asyncio.sleep(0.02)
    assert keys
    assert old is None


async def test_every_route_has_one_place(place: Place, store: SqlStore) -> None:
    """No two endpoints answer the same method at the same path, and each is served."""
    app = IdentityApp(build_server(settings_of(place), store))
    places = [(method, route.path) for route in all_routes() for method in route.methods]
    assert len(places) == len(set(places))
    for _, path in places:
        assert app.serves(path.replace("{", "").replace("}", ""))


def test_a_running_installation_answers(tmp_path: Path) -> None:
    """`wardgate serve` answers the server's endpoints and pages at the control address, and stops in order."""
    with Service(tmp_path / "data", workers=1) as service:
        base = f"http://127.0.0.1:{service.control}"
        document = httpx2.get(f"{base}/.well-known/openid-configuration").json()
        assert document["issuer"] == f"http://127.0.0.1:{service.port}"
        assert httpx2.get(f"{base}/oauth2/jwks").json()["keys"]
        page = httpx2.get(f"{base}/oauth2/login")
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert httpx2.get(f"{base}/oauth2/static/style.css").status_code == 200
    assert service.process.returncode == 0
    assert "failed" not in service.log


def test_settings_that_cannot_work_are_said(tmp_path: Path) -> None:
    """A mail server's account without its password keeps control from starting, and the log says what to do."""
    options = ["--smtp", "smtps://post@mail.example"]
    service = Service(tmp_path / "data", *options, workers=1)
    try:
        service.process.wait(30)
        assert service.process.returncode != 0
        assert "set WARDGATE_SMTP_PASSWORD" in service.log
    finally:
        if service.process.poll() is None:
            service.process.kill()
            service.process.wait()
