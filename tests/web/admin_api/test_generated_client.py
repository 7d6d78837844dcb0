"""The Python client against a real server: synchronous, asynchronous, and true to the API."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.web.admin_api.running import Running, running

from wardgate.client import (
    AsyncClient,
    ChangedMeanwhileError,
    Client,
    ForbiddenError,
    NotFoundError,
    ProblemError,
    UnauthenticatedError,
    UnreachableError,
    UsageError,
    etag_of,
)

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A running admin API with an owner and a viewer."""
    with running(tmp_path_factory.mktemp("admin") / "data", roles=("owner", "viewer")) as it:
        yield it


def test_the_client_is_as_the_operations_are() -> None:
    """`make client` would change nothing."""
    command = [sys.executable, str(ROOT / "tools" / "gen_client.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_keys_by_the_client(server: Running) -> None:
    """Issue, list over pages, look, change on the state that was seen."""
    with Client(server.url, token=server.tokens["owner"]) as client:
        issued = [client.issue_key(application="shop", environment="development") for _ in range(3)]
        assert all((each["key"] or "").startswith("wg_dev_") for each in issued)
        listed = [key["id"] for key in client.list_keys(application="shop", limit=2)]
        assert [each["credential"]["id"] for each in issued] == listed[-3:]
        seen = client.show_key(listed[-1])
        assert etag_of(seen).startswith('"')
        rotated = client.rotate_key(seen["id"], if_match=seen, overlap=60)
        assert rotated["credential"]["lineage"] == seen["lineage"]
        with pytest.raises(ChangedMeanwhileError) as changed:
            client.revoke_key(seen["id"], if_match=seen)
        assert (changed.value.status, changed.value.code) == (412, "changed_meanwhile")
        assert client.revoke_key(seen["id"], if_match="*")["state"] == "revoked"
        with pytest.raises(UsageError, match="show_"):
            client.revoke_key(seen["id"], if_match=dict(seen))


def test_a_lost_answer_is_asked_for_again(server: Running) -> None:
    """The same Idempotency-Key brings the same key, its text no more."""
    with Client(server.url, token=server.tokens["owner"]) as client:
        first = client.issue_key(application="shop", environment="development", idempotency_key="once")
        again = client.issue_key(application="shop", environment="development", idempotency_key="once")
    assert again == {**first, "key": None}


def test_refusals_say_what_to_do(server: Running) -> None:
    """Each kind of refusal is an exception of its own, with code, message and remedy."""
    with Client(server.url, token=server.tokens["viewer"]) as client:
        with pytest.raises(ForbiddenError, match=r"keys\.issue"):
            client.issue_key(application="shop", environment="development")
        with pytest.raises(NotFoundError) as missing:
            client.show_key("key_0")
        assert (missing.value.code, missing.value.remedy) == (
            "key_not_found",
            "`wardgate keys list` shows the ids, like key_01h...",
        )
        with pytest.raises(ProblemError) as wrong:
            list(client.list_keys(limit=0))
        assert wrong.value.errors[0].at == "query.limit"
    with Client(server.url, token="wgop_wrong") as client, pytest.raises(UnauthenticatedError):
        list(client.list_keys())


def test_a_thing_is_added_where_there_is_none(server: Running) -> None:
    """`if_match=None` adds, and deletes answer nothing."""
    with Client(server.url, token=server.tokens["owner"]) as client:
        role = client.set_role("clerk", scopes=["orders.read"], if_match=None)
        with pytest.raises(ChangedMeanwhileError):
            client.set_role("clerk", if_match=None)
        client.remove_role("clerk", open_scopes=True, if_match=role)
        with pytest.raises(NotFoundError):
            client.show_role("clerk")


async def test_the_asynchronous_client(server: Running) -> None:
    """The same, awaited."""
    async with AsyncClient(server.url, token=server.tokens["owner"]) as client:
        issued = await client.issue_key(application="shop", environment="development")
        listed = [key["id"] async for key in client.list_keys(limit=1)]
        assert issued["credential"]["id"] in listed
        seen = await client.show_key(issued["credential"]["id"])
        assert (await client.revoke_key(seen["id"], if_match=seen))["state"] == "revoked"
        with pytest.raises(NotFoundError):
            await client.show_key("key_0")


@pytest.mark.parametrize(
    ("server_url", "code"),
    [
        ("http://control.example.com", "server_insecure"),
        ("http://10.0.0.1:9443", "server_insecure"),
        ("ftp://localhost", "server_invalid"),
        ("control.example.com", "server_invalid"),
        ("https://user:pass@control.example.com", "server_invalid"),
        ("https://control.example.com/?x=1", "server_invalid"),
        ("http://[::1", "server_invalid"),
    ],
)
def test_a_token_is_sent_to_nobody_who_could_be_overheard(server_url: str, code: str) -> None:
    """Plain http is for this machine only."""
    with pytest.raises(UsageError) as refused:
        Client(server_url, token="secret-token")
    assert refused.value.code == code
    assert "secret-token" not in str(refused.value)


def test_nobody_there() -> None:
    """What does not answer is said with a remedy, after some tries."""
    with Client("http://127.0.0.1:9", token="t") as client, pytest.raises(UnreachableError) as away:
        client.show_key("key_0")
    assert away.value.code == "server_unreachable"


def test_what_is_no_admin_api() -> None:
    """An answer of something else is not taken for one."""
    elsewhere = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    threading.Thread(target=elsewhere.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{elsewhere.server_port}"
        with Client(url, token="t") as client, pytest.raises(UnreachableError) as other:
            client.show_key("key_0")
    finally:
        elsewhere.shutdown()
        elsewhere.server_close()
    assert other.value.code == "answer_unknown"
