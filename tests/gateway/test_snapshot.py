"""Snapshots: what a head becomes for the upstream, and what is kept from one snapshot to the next."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.storage.samples import entry

from wardgate.domain.api import Api, Cors, Resource
from wardgate.domain.upstream import Upstream
from wardgate.gateway import snapshot as snapshots
from wardgate.gateway.head import HeadParser, RequestHead
from wardgate.gateway.pool import UpstreamPool
from wardgate.gateway.snapshot import Snapshot
from wardgate.policy.compiled import CompiledApi
from wardgate.policy.pipeline import compile_api
from wardgate.policy.registry import PolicyRegistry

_registry = PolicyRegistry.installed()


class _Builder:
    """Builds snapshots and notes what was compiled, pooled and reported."""

    def __init__(self) -> None:
        self.compiled: list[str] = []
        self.pools: list[str] = []
        self.broken: list[str] = []
        self.fails: set[str] = set()

    def build(self, *apis: Api, before: Snapshot | None = None) -> Snapshot:
        return snapshots.build(
            apis, before, b"m" * 32, self._compile, self._pool, lambda api, error: self.broken.append(api.id)
        )

    def _compile(self, api: Api) -> CompiledApi:
        if api.id in self.fails:
            raise ValueError("does not compile")
        self.compiled.append(api.id)
        return compile_api(api, "development", _registry)

    def _pool(self, api: Api) -> UpstreamPool:
        self.pools.append(api.id)
        return object()  # type: ignore[return-value]


def _head(line: bytes, *fields: bytes) -> RequestHead:
    lines = b"".join(b"\r\n" + field for field in fields)
    return HeadParser(100, 8192).parse(line + b" HTTP/1.1\r\nHost: gateway.example" + lines)


@pytest.mark.parametrize(
    ("strip", "target", "tail"),
    [
        (True, b"/orders/v1/items?a=b", b"/items?a=b HTTP/1.1\r\n"),
        (True, b"/orders/v1/items/a%20%2db", b"/items/a%20-b HTTP/1.1\r\n"),
        (False, b"/orders/v1/items", b"/orders/v1/items HTTP/1.1\r\n"),
    ],
)
def test_the_target_for_the_upstream(strip: bool, target: bytes, tail: bytes) -> None:
    """The base path goes unless it is to stay, and the canonical path is what is sent."""
    api = replace(entry().api, upstream=Upstream(targets=("http://u",), strip_base_path=strip))
    found = _Builder().build(api).match(_head(b"GET " + target))
    assert (found.verb, found.tail, found.resource_name[:10]) == (b"GET ", tail, "GET /items")


def test_what_is_not_declared_is_missed_with_its_reason() -> None:
    """An unknown API and an unknown resource of a known one are told apart, for the log alone."""
    snapshot = _Builder().build(entry().api)
    unknown = snapshot.match(_head(b"GET /nothing"))
    assert (unknown.resource, unknown.miss, unknown.api_id) == (None, "api_not_found", "")
    missing = snapshot.match(_head(b"POST /orders/v1/items"))
    assert (missing.resource, missing.miss, missing.api_id) == (None, "resource_not_found", "orders/v1")


def test_undeclared_resources_pass_where_allowed() -> None:
    """Any method and path below the base path, and still with a key."""
    api = replace(entry().api, undeclared="allow")
    found = _Builder().build(api).match(_head(b"PURGE /orders/v1/x/y"))
    assert found.resource is not None
    assert found.resource.resource.schemes == ("api_key",)


def test_framing_is_written_by_the_gateway() -> None:
    """Exactly one framing field, last, whatever came along."""
    api = replace(entry().api, resources=(Resource(method="POST", path="/items", schemes=()),))
    snapshot = _Builder().build(api)
    length = snapshot.match(_head(b"POST /orders/v1/items", b"content-length:3", b"Accept: a"))
    assert length.fields == b"Accept: a\r\ncontent-length: 3\r\n"
    chunked = snapshot.match(
        _head(b"POST /orders/v1/items", b"transfer-encoding: CHUNKED", b"Content_Length: 9")
    )
    assert chunked.fields == b"Transfer-Encoding: chunked\r\n"


def test_only_an_upgrade_has_its_fields() -> None:
    """Connection and Upgrade are written anew for a WebSocket handshake and for nothing else."""
    snapshot = _Builder().build(entry().api)
    fields = (b"Connection: upgrade, X-Gone", b"Upgrade: WebSocket", b"X-Gone: 1", b"Sec-WebSocket-Key: k")
    upgrade = snapshot.match(_head(b"GET /orders/v1/items", *fields))
    assert upgrade.fields == b"Sec-WebSocket-Key: k\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    assert (
        snapshot.match(_head(b"GET /orders/v1/items", *fields[1:])).fields
        == b"X-Gone: 1\r\nSec-WebSocket-Key: k\r\n"
    )


def test_preflights() -> None:
    """They are answered for declared and undeclared resources of an API with CORS, and for no other."""
    cors = replace(entry().api, cors=Cors(origins=("https://o",), methods=("GET",)))
    snapshot = _Builder().build(cors, entry("plain").api)
    asked = (b"Access-Control-Request-Method: GET",)
    good = snapshot.match(_head(b"OPTIONS /orders/v1/items", b"Origin: https://o", *asked))
    assert b"Access-Control-Allow-Origin: https://o" in (good.preflight or [])
    evil = snapshot.match(_head(b"OPTIONS /orders/v1/items", b"Origin: https://evil", *asked))
    assert evil.preflight == []
    assert snapshot.match(_head(b"OPTIONS /plain/v1/items", b"Origin: https://o", *asked)).preflight is None
    assert snapshot.match(_head(b"OPTIONS /orders/v1/items", b"Origin: https://o")).preflight is None


def test_no_api_takes_the_place_of_the_gateways_own_documents() -> None:
    """Not even one that is mounted at the root and lets everything through."""
    root = replace(entry().api, base_path="", undeclared="allow")
    snapshot = _Builder().build(root)
    found = snapshot.match(_head(b"GET /.well-known/wardgate/jwks.json"))
    assert (found.resource, found.miss) == (None, "resource_not_found")
    assert snapshot.match(_head(b"GET /.well-known/other")).resource is not None


def test_what_did_not_change_is_kept() -> None:
    """An equal API keeps its compiled form, an equal upstream its pool."""
    builder = _Builder()
    first = builder.build(entry("a").api, entry("b").api, entry("c").api)
    moved = replace(entry("b").api, upstream=Upstream(targets=("http://elsewhere",)))
    second = builder.build(entry("a").api, moved, replace(entry("c").api, max_body=5), before=first)
    assert builder.compiled == ["a/v1", "b/v1", "c/v1", "b/v1", "c/v1"]
    assert builder.pools == ["a/v1", "b/v1", "c/v1", "b/v1"]
    assert second.mounted["a/v1"] is first.mounted["a/v1"]
    assert second.mounted["c/v1"].pool is first.mounted["c/v1"].pool


def test_one_broken_api_holds_up_no_other() -> None:
    """It stays as it was, or is not served if it is new; the rest changes."""
    builder = _Builder()
    first = builder.build(entry("a").api, entry("b").api)
    builder.fails = {"a/v1", "new/v1"}
    changed = [replace(entry(name).api, max_body=5) for name in ("a", "b", "new")]
    second = builder.build(*changed, before=first)
    assert builder.broken == ["a/v1", "new/v1"]
    assert set(second.mounted) == {"a/v1", "b/v1"}
    assert second.mounted["a/v1"] is first.mounted["a/v1"]
    assert second.mounted["b/v1"].compiled.api.max_body == 5


def test_routes_that_clash_do_not_take_a_place() -> None:
    """Two APIs at one base path: who had it keeps it, the newcomer is reported."""
    builder = _Builder()
    first = builder.build(entry("a").api)
    second = builder.build(entry("a").api, entry("b", base_path="/a/v1").api, before=first)
    assert builder.broken == ["b/v1"]
    assert set(second.mounted) == {"a/v1"}
