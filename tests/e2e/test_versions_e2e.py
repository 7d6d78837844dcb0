"""Versions of an API at one path, by header and by media type, with a real service, raw requests and a real client."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from tests.e2e.conftest import MakeStack
from tests.e2e.stack import OPENAPI, Stack, api, command, document
from tests.e2e.upstream import Upstream
from tests.e2e.wire import Wire

TYPES = {"v1": "application/vnd.orders.v1+json", "v2": "application/vnd.orders.v2+json"}


def versions(upstreams: dict[str, Upstream]) -> list[dict[str, Any]]:
    """``/headed`` and ``/typed``, each in two versions that have an upstream each."""
    found = []
    for version, upstream in upstreams.items():
        headed = {"by": "header", "name": "X-API-Version", "value": version}
        typed = {"by": "media_type", "value": TYPES[version], "default": version == "v1"}
        for name, versioning in (("headed", headed), ("typed", typed)):
            found.append(
                api(name, [upstream.url], version=version, base_path=f"/{name}", versioning=versioning)
            )
    return found


@pytest.fixture(scope="module")
def upstreams() -> Iterator[dict[str, Upstream]]:
    """One for each version."""
    with Upstream() as first, Upstream() as second:
        yield {"v1": first, "v2": second}


@pytest.fixture(scope="module")
def both(make_stack: MakeStack, upstreams: dict[str, Upstream]) -> Stack:
    """A service with both APIs in both versions."""
    return make_stack(upstreams["v1"], document(versions(upstreams)))


def reached(upstreams: dict[str, Upstream]) -> list[str]:
    """The versions whose upstreams were asked since the last look."""
    found = [version for version, upstream in upstreams.items() for _ in upstream.log.requests]
    for upstream in upstreams.values():
        upstream.clear()
    return found


def test_a_client_gets_the_version_it_names(both: Stack, upstreams: dict[str, Upstream]) -> None:
    """A client library on one kept connection, one version after the other."""
    reached(upstreams)
    with httpx2.Client(base_url=f"http://127.0.0.1:{both.port}", headers={"X-API-Key": both.key}) as client:
        for version in ("v1", "v2", "v2", "v1"):
            answer = client.get("/headed/echo", headers={"X-API-Version": version})
            assert (answer.status_code, answer.headers["vary"]) == (200, "X-API-Version")
            assert reached(upstreams) == [version]
            answer = client.get("/typed/echo", headers={"Accept": f"{TYPES[version]}, text/html;q=0.1"})
            assert (answer.status_code, answer.headers["vary"]) == (200, "Accept")
            assert reached(upstreams) == [version]
            answer = client.post("/typed/echo", content=b"{}", headers={"Content-Type": TYPES[version]})
            assert answer.status_code == 200
            assert reached(upstreams) == [version]
        assert client.get("/typed/echo").status_code == 200
        assert reached(upstreams) == ["v1"]
        answer = client.get("/headed/echo")
        assert answer.status_code == 404
        assert answer.json()["detail"] == "Name a version in the header X-API-Version: v1, v2."
        assert reached(upstreams) == []


def test_pipelined_requests_of_several_versions_are_kept_apart(
    both: Stack, upstreams: dict[str, Upstream]
) -> None:
    """Heads that are the same but for the version arrive in one piece."""
    reached(upstreams)
    order = ["v1", "v2", "v1", "v9", "v2"]
    with Wire(both.port) as wire:
        wire.send(
            b"".join(
                both.request("/headed/echo", more=f"X-API-Version: {each}\r\n".encode()) for each in order
            )
        )
        assert [wire.answer().status for _ in order] == [200, 200, 200, 404, 200]
    assert sorted(reached(upstreams)) == ["v1", "v1", "v2", "v2"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"versioning": None}, "is also that of 'a/v1'"),
        ({"versioning": {"by": "media_type", "value": TYPES["v2"]}}, "told apart by different things"),
        (
            {"versioning": {"by": "header", "name": "X-API-Version", "value": "v1"}},
            "have the same version 'v1'",
        ),
    ],
)
def test_what_cannot_be_told_apart_is_not_applied(
    tmp_path: Path, upstream: Upstream, change: dict[str, Any], words: str
) -> None:
    """At one path; the message says why, and the remedy how."""
    first = api(
        "a",
        [upstream.url],
        base_path="/a",
        versioning={"by": "header", "name": "X-API-Version", "value": "v1"},
    )
    second = {**first, "version": "v2", **change}
    content = document([first, {name: value for name, value in second.items() if value is not None}])
    (tmp_path / "items.openapi.yaml").write_text(yaml.safe_dump(OPENAPI))
    file = tmp_path / "wardgate.yaml"
    file.write_text(yaml.safe_dump(content))
    with pytest.raises(AssertionError, match="base path '/a'") as refused:
        command("apply", "-f", str(file), "--data-dir", str(tmp_path / "data"))
    assert words in str(refused.value)
