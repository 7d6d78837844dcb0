"""The control process's end: questions of workers answered over a real hub and store."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.identity.test_discovery import Web
from tests.identity.test_issuers import KEYS, TRUSTED, Clock, deployed, stored
from tests.supervisor.hubs import joined

from wardgate.domain.trust import TrustedIssuer
from wardgate.gateway.issuer_desk import HubIssuerDesk
from wardgate.gateway.ports import IssuerUnavailableError
from wardgate.identity.asking import Introspection
from wardgate.identity.issuers import Issuers
from wardgate.identity.ports import FetchError
from wardgate.storage.database import SqlStore
from wardgate.supervisor.hub import Hub
from wardgate.supervisor.relay import RelayDesk
from wardgate.web import issuer_relay
from wardgate.web.issuer_relay import IssuerRelay

ASKED = TrustedIssuer(
    issuer="https://o.test",
    kind="introspection",
    introspection_endpoint="https://o.test/i",
    introspection_client_id="gw",
    introspection_secret="INTROSPECTION_GW",
)


@contextlib.asynccontextmanager
async def relayed(store: SqlStore, web: Web) -> AsyncIterator[HubIssuerDesk]:
    """A worker's desk, joined to a control process with ``store`` and ``web``."""
    hub = Hub()
    await RelayDesk().open(hub)
    await deployed(store, TRUSTED, ASKED)
    async with joined(hub, "gateway-0", 1) as (worker, _), joined(hub, "control", 2) as (control, _):
        issuers = Issuers(store, web, "development", Clock())
        asking = Introspection(issuers, web, {"INTROSPECTION_GW": "s"})
        relay = IssuerRelay(control, {"development": (issuers, asking)}, "development")
        try:
            yield HubIssuerDesk(worker, seconds=5)
        finally:
            await relay.close()


async def test_keys_are_in_the_store_when_the_worker_hears_of_it(store: SqlStore) -> None:
    """A refresh has read and committed the keys before it is answered."""
    async with relayed(store, Web({KEYS: {"keys": []}})) as desk:
        await desk.refresh(TRUSTED)
        assert await stored(store) is not None


async def test_tokens_are_asked_about(store: SqlStore) -> None:
    """The issuer's answer comes back as it is."""
    answer = {"active": True, "client_id": "partner", "exp": 99}
    async with relayed(store, Web({"https://o.test/i": answer})) as desk:
        assert await desk.introspect(ASKED, "tkn") == answer


async def test_failures_are_told_and_logged_without_the_token(
    store: SqlStore, caplog: pytest.LogCaptureFixture
) -> None:
    """Workers hear why; the log names the issuer and cause, and no token."""
    web = Web(
        {KEYS: FetchError("id.test cannot be reached"), "https://o.test/i": FetchError("o.test is slow")}
    )
    async with relayed(store, web) as desk:
        with pytest.raises(IssuerUnavailableError, match=r"id\.test cannot be reached"):
            await desk.refresh(TRUSTED)
        with pytest.raises(IssuerUnavailableError, match=r"o\.test is slow"):
            await desk.introspect(ASKED, "tkn-secret")
    assert "a worker's question about the issuer https://o.test failed: o.test is slow" in caplog.text
    assert "tkn-secret" not in caplog.text


async def test_a_bug_is_answered_too(store: SqlStore, caplog: pytest.LogCaptureFixture) -> None:
    """An unexpected error leaves no worker waiting, and its message, which may hold anything, is in no log."""
    async with relayed(store, Web({"https://o.test/i": RuntimeError("tkn-secret")})) as desk:
        with pytest.raises(IssuerUnavailableError, match="internal error"):
            await desk.introspect(ASKED, "t")
    assert "RuntimeError" in caplog.text
    assert "tkn-secret" not in caplog.text


async def test_questions_are_bounded(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the bound a question is refused at once instead of piling up."""
    monkeypatch.setattr(issuer_relay, "MAX_QUESTIONS", 1)

    class Slow(Web):
        async def post(self, url: str, form: Any, *, headers: Any = None) -> Any:
            await asyncio.sleep(0.3)
            return await super().post(url, form, headers=headers)

    async with relayed(store, Slow({"https://o.test/i": {"active": False}})) as desk:
        first = asyncio.create_task(desk.introspect(ASKED, "a"))
        await asyncio.sleep(0.1)
        with pytest.raises(IssuerUnavailableError, match="too many questions"):
            await desk.introspect(ASKED, "b")
        assert await first == {"active": False}
