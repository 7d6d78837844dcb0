"""``wardgate explain`` and access tokens: the rule of the resource, and what the token lacks."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Run
from tests.gateway.oauth_side import ISSUER, Server

from wardgate.storage.database import open_store

_SCOPES = {"read": "Read", "admin": "Administer"}
_ANSWERS = {"200": {"description": "ok"}}
SCOPED = {
    "openapi": "3.1.0",
    "info": {"title": "orders", "version": "1"},
    "components": {
        "securitySchemes": {
            "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            "oauth": {
                "type": "oauth2",
                "flows": {"clientCredentials": {"tokenUrl": "https://a.example/t", "scopes": _SCOPES}},
            },
        }
    },
    "paths": {
        "/either": {"get": {"security": [{"key": []}, {"oauth": []}], "responses": _ANSWERS}},
        "/admin": {"get": {"security": [{"oauth": ["admin"]}], "responses": _ANSWERS}},
    },
}


@pytest.fixture
def minted(run: Run, tmp_path: Path) -> Callable[..., str]:
    """Makes tokens of an installation with an API that takes them."""
    (tmp_path / "orders.json").write_text(json.dumps(SCOPED))
    document = {
        "apis": [
            {
                "name": "orders",
                "version": "v1",
                "openapi": "./orders.json",
                "base_path": "/orders/v1",
                "upstream": {"targets": ["http://127.0.0.1:9000"]},
                "plans": ["free"],
            }
        ],
        "plans": [{"name": "free", "limits": []}],
        "applications": [{"name": "mobile", "subscriptions": [{"api": "orders/v1", "plan": "free"}]}],
    }
    file = tmp_path / "wardgate.yaml"
    file.write_text(json.dumps(document))
    applied = run("apply", "-f", str(file))
    assert applied.status == 0, applied.err

    async def with_server(use: Callable[[Server], Awaitable[Any]]) -> Any:
        async with await open_store(tmp_path / "data") as store:
            return await use(Server(store))

    keys: dict[str, Any] = {}

    async def prepare(server: Server) -> None:
        await server.add_key()
        await server.add_client()
        keys.update(server.keys)

    asyncio.run(with_server(prepare))

    def mint(**claims: Any) -> str:
        async def make(server: Server) -> str:
            server.keys = keys
            return server.mint(**claims)

        return str(asyncio.run(with_server(make)))

    return mint


def _steps(result: Any) -> dict[str, tuple[str, str]]:
    return {step["step"]: (step["outcome"], step["why"]) for step in result.json()["steps"]}


def test_the_rule_and_each_step_are_shown(run: Run, minted: Callable[..., str]) -> None:
    """A good token: which combination the resource takes, whose token it is, and that it is not repeated."""
    token = minted()
    found = run("explain", "--path", "/orders/v1/either", "--token", token, "--json")
    steps = _steps(found)
    assert found.json()["verdict"] == "forwarded"
    assert steps["credentials"] == ("passed", "either: an API key or an access token")
    assert steps["oauth2"] == ("passed", "token of client c1 for u1, application mobile")
    assert steps["api_key"] == ("passed", "no API key was sent")
    assert token not in found.out


@pytest.mark.parametrize(
    ("claims", "path", "reason", "why"),
    [
        ({"scope": "read"}, "/admin", "scope_missing", "it has read"),
        (
            {"aud": "https://else.example"},
            "/either",
            "token_audience",
            "its audience is https://else.example",
        ),
        ({"cnf": {"jkt": "x"}}, "/either", "dpop_missing", "it is bound to a key"),
        (
            {"cnf": {"x5t#S256": "x"}},
            "/either",
            "certificate_mismatch",
            "it is bound to a client certificate",
        ),
        ({"client_id": "nobody"}, "/either", "token_application_unknown", ""),
        ({"exp": 1}, "/either", "token_expired", ""),
    ],
)
def test_what_is_wrong_with_a_token_is_told(
    run: Run, minted: Callable[..., str], claims: dict[str, Any], path: str, reason: str, why: str
) -> None:
    """The operator reads the exact reason, and what the token says where that helps."""
    found = run("explain", "--path", f"/orders/v1{path}", "--token", minted(**claims), "--json")
    assert (found.status, found.json()["reason"]) == (1, reason)
    assert why in found.json()["steps"][-1]["why"]


def test_a_token_comes_from_the_environment_or_standard_input(
    run: Run, minted: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither shows in a process list; an empty input is an error that says so."""
    monkeypatch.setenv("WARDGATE_TOKEN", minted())
    assert run("explain", "--path", "/orders/v1/either").status == 0
    monkeypatch.delenv("WARDGATE_TOKEN")
    monkeypatch.setattr("sys.stdin", io.StringIO(minted() + "\n"))
    assert run("explain", "--path", "/orders/v1/either", "--token", "-").status == 0
    empty = run("explain", "--path", "/orders/v1/either", "--token", "-", "--json")
    assert empty.error()["code"] == "token_missing"


def test_a_token_of_another_issuer_needs_no_issuer_option(run: Run, minted: Callable[..., str]) -> None:
    """An installation's own token says which issuer it is; a given one is compared."""
    token = minted()
    other = run(
        "explain", "--path", "/orders/v1/either", "--token", token, "--issuer", "https://x.example", "--json"
    )
    assert other.json()["reason"] == "token_unknown_issuer"
    assert run("explain", "--path", "/orders/v1/either", "--token", token, "--issuer", ISSUER).status == 0
