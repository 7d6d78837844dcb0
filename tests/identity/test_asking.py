"""Introspection at foreign issuers: asked as the client of the settings, answers checked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.e2e.issuer import basic
from tests.identity.test_discovery import Web
from tests.identity.test_issuers import Clock, at, deployed

from wardgate.domain.trust import TrustedIssuer
from wardgate.identity.asking import Introspection
from wardgate.identity.ports import Fetched, FetchError
from wardgate.storage.database import SqlStore

URL = "https://id.test/introspect"
TRUSTED = TrustedIssuer(
    issuer="https://id.test",
    kind="introspection",
    introspection_endpoint=URL,
    introspection_client_id="gate way",
    introspection_secret="INTROSPECTION_GW",
)
SECRETS = {"INTROSPECTION_GW": "s:e/c ret"}


async def asked(
    store: SqlStore, answer: Any, secrets: dict[str, str] = SECRETS, other: dict[str, str] | None = None
) -> tuple[Any, Web]:
    """The answer to a question about ``tkn``, and what was sent; ``other`` changes the question."""
    web = Web({URL: answer})
    await deployed(store, TRUSTED)
    desk = Introspection(at(store, web, Clock()), web, secrets)
    question = {"issuer": "https://id.test", "endpoint": URL, "client_id": "gate way", **(other or {})}
    return await desk.ask(**question, token="tkn"), web


async def test_the_issuer_is_asked_as_the_client(store: SqlStore) -> None:
    """The token goes in the form, the client's name and secret, form-encoded, in the header (RFC 6749 2.3.1)."""
    answer, web = await asked(store, {"active": True, "client_id": "partner"})
    assert answer == {"active": True, "client_id": "partner"}
    assert web.forms == [{"token": "tkn", "token_type_hint": "access_token"}]
    assert web.headers == [{"authorization": basic("gate+way", "s%3Ae%2Fc+ret")}]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Fetched(status=401, document={}, max_age=0), r"id\.test refuses the client 'gate way'"),
        (Fetched(status=500, document={}, max_age=0), "with status 500"),
        ([], "with status 200"),
        ({}, "something else than RFC 7662 says"),
        ({"active": "true"}, "something else than RFC 7662 says"),
        ({"active": True, **{str(n): n for n in range(100)}}, "something else than RFC 7662 says"),
    ],
)
async def test_what_is_no_answer_is_told(store: SqlStore, answer: Any, why: str) -> None:
    """Refusals and malformed answers are errors that name the host and no secret."""
    with pytest.raises(FetchError, match=why) as caught:
        await asked(store, answer)
    assert "tkn" not in str(caught.value)
    assert "s:e" not in str(caught.value)


async def test_a_secret_that_is_not_there_is_named(store: SqlStore) -> None:
    """Without the variable nobody is called."""
    with pytest.raises(FetchError, match="the environment variable INTROSPECTION_GW is not set"):
        await asked(store, {"active": True}, {})


@pytest.mark.parametrize(
    "other",
    [{"issuer": "https://x.test"}, {"endpoint": "https://x.test/i"}, {"client_id": "x"}, {"endpoint": ""}],
)
async def test_only_what_an_api_lists_is_asked(store: SqlStore, other: dict[str, str]) -> None:
    """No message makes the control process send a secret anywhere else."""
    with pytest.raises(FetchError, match="no deployed API asks this issuer about tokens"):
        await asked(store, {"active": True}, other=other)


async def test_no_other_variable_of_the_process_is_sent(store: SqlStore) -> None:
    """What an older document named is not sent where it does not say by its name that it is for this."""
    web = Web({URL: {"active": True}})
    await deployed(store, replace(TRUSTED, introspection_secret="WARDGATE_SMTP_PASSWORD"))
    desk = Introspection(at(store, web, Clock()), web, {"WARDGATE_SMTP_PASSWORD": "s"})
    with pytest.raises(FetchError, match="is not for introspection"):
        await desk.ask(issuer="https://id.test", endpoint=URL, client_id="gate way", token="tkn")
    assert not web.forms
