"""Versions side by side: which one a head gets, and what is told where it names none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wardgate.domain.api import Api, Cors, Resource
from wardgate.domain.standing import Standing
from wardgate.domain.upstream import Upstream
from wardgate.domain.versioning import Versioning
from wardgate.gateway import snapshot as snapshots
from wardgate.gateway.head import HeadError, HeadParser, RequestHead
from wardgate.gateway.outlet import Outbox
from wardgate.gateway.pool import UpstreamPool
from wardgate.gateway.response_head import ResponseParser
from wardgate.gateway.snapshot import Matched, Snapshot, Unversioned
from wardgate.policy.pipeline import compile_api
from wardgate.policy.registry import PolicyRegistry

V1, V2 = "application/vnd.orders.v1+json", "application/vnd.orders.v2+json"
PARSER = HeadParser(100, 8192)


def an_api(version: str, versioning: Versioning | None, **more: object) -> Api:
    """``orders`` in a version at ``/orders``, open to anyone, with ``GET`` and ``POST /items``."""
    made = Api(
        name="orders",
        version=version,
        base_path="/orders",
        upstream=Upstream(targets=("http://127.0.0.1:9",)),
        resources=tuple(Resource(method=method, path="/items", schemes=()) for method in ("GET", "POST")),
        versioning=versioning,
    )
    return replace(made, **more)  # type: ignore[arg-type]


def by_header(value: str, *, default: bool = False) -> Versioning:
    return Versioning(by="header", name="X-API-Version", value=value, default=default)


def by_type(value: str, *, default: bool = False) -> Versioning:
    return Versioning(by="media_type", value=value, default=default)


def snapshot(*apis: Api) -> Snapshot:
    """What a worker would serve; an API that cannot be is an error."""

    def broken(api: Api, error: Exception) -> None:
        raise AssertionError(f"{api.id}: {error}")

    registry = PolicyRegistry.installed()
    parser = ResponseParser(100)
    return snapshots.build(
        apis,
        None,
        bytes(32),
        lambda api: compile_api(api, "development", registry, "https://a.test"),
        lambda api: UpstreamPool(api.upstream, parser, lambda: 0.0, lambda: 0.0, 65536, Outbox()),
        broken,
    )


def head(*lines: str, method: str = "GET", path: str = "/orders/items") -> RequestHead:
    return PARSER.parse("\r\n".join([f"{method} {path} HTTP/1.1", "Host: a.test", *lines]).encode())


def found(matched: Matched) -> str:
    return matched.resource.api_id if matched.resource is not None else matched.miss


HEADERS = snapshot(an_api("v1", by_header("1")), an_api("v2", by_header("2")))
TYPES = snapshot(an_api("v1", by_type(V1)), an_api("v2", by_type(V2)))
WITH_DEFAULT = snapshot(an_api("v1", by_type(V1, default=True)), an_api("v2", by_type(V2)))
PARAMETERS = snapshot(
    an_api("v1", by_type("application/json;version=1")), an_api("v2", by_type("application/json; version=2"))
)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["X-API-Version: 1"], "orders/v1"),
        (["x-api-version: 2"], "orders/v2"),
        ([], "version_missing"),
        (["X-API-Version: 02"], "version_unknown"),
        (["X-API-Version: v2"], "version_unknown"),
    ],
)
def test_a_header_names_the_version_exactly(lines: list[str], expected: str) -> None:
    """The name in any case, the value byte for byte."""
    assert found(HEADERS.match(head(*lines))) == expected


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["X-API-Version: 1", "X-API-Version: 1"], "header_duplicate"),
        (["X-API-Version: 1", "X_API_Version: 2"], "header_duplicate"),
        (["X_API_Version: 2"], "header_duplicate"),
        (["X-API-Version: 1", "Connection: x-api-version"], "request_malformed"),
    ],
)
def test_a_header_that_others_may_read_otherwise_is_refused(lines: list[str], reason: str) -> None:
    """Copies, other spellings, and one that would not reach the upstream."""
    with pytest.raises(HeadError) as error:
        HEADERS.match(head(*lines))
    assert error.value.reason == reason


def test_the_default_answers_where_none_is_named_and_not_where_another_is() -> None:
    """Who asks for a version that there is not hears so, instead of getting another one."""
    served = snapshot(an_api("v1", by_header("1", default=True)), an_api("v2", by_header("2")))
    assert found(served.match(head())) == "orders/v1"
    assert found(served.match(head("X-API-Version: 3"))) == "version_unknown"


@pytest.mark.parametrize(
    ("accept", "bare", "with_default"),
    [
        (V2, "v2", "v2"),
        (V2.upper(), "v2", "v2"),
        (f"{V1};q=0.5, {V2}", "v2", "v2"),
        (f"{V2};q=0.5, {V1}", "v1", "v1"),
        (f"{V1}, {V2}", "v1", "v1"),
        (f"{V2}, */*", "v2", "v2"),
        (f"{V2};q=0.5, */*", "v2", "v1"),
        (f"{V2};q=0, */*", None, "v1"),
        ("*/*", None, "v1"),
        ("application/*", None, "v1"),
        ("text/html", None, "v1"),
        (f"{V1};q=0", None, None),
        ("nonsense", None, "v1"),
    ],
)
def test_accept_chooses_by_quality(accept: str, bare: str | None, with_default: str | None) -> None:
    """A version is served that is named, the default also for ranges that name none, and never what has no quality."""
    for served, version in ((TYPES, bare), (WITH_DEFAULT, with_default)):
        expected = f"orders/{version}" if version else "version_not_acceptable"
        assert found(served.match(head(f"Accept: {accept}"))) == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([f"Content-Type: {V2}; charset=utf-8"], "orders/v2"),
        ([f"Content-Type: {V2}", f"Accept: {V2}"], "orders/v2"),
        ([f"Content-Type: {V2}", f"Accept: {V1}, {V2};q=0.1"], "orders/v2"),
        ([f"Content-Type: {V2}", "Accept: application/problem+json"], "orders/v2"),
        ([f"Content-Type: {V2}", f"Accept: {V1}"], "version_ambiguous"),
        ([f"Content-Type: {V2}", f"Accept: */*, {V2};q=0"], "version_ambiguous"),
        (["Content-Type: application/json", f"Accept: {V1}"], "orders/v1"),
        (["Content-Type: application/json"], "version_not_acceptable"),
    ],
)
def test_the_content_type_of_a_body_names_the_version_too(lines: list[str], expected: str) -> None:
    """It goes before Accept, which must not speak against it."""
    assert found(TYPES.match(head("Content-Length: 2", *lines, method="POST"))) == expected


@pytest.mark.parametrize("accept", [f"{V2}," * 80, "a/b," * 600, 'a/b;x="' + "a" * 3000])
def test_an_accept_made_to_be_dear_is_refused(accept: str) -> None:
    """What choosing costs does not grow with what a client sends; whom it names as often as it likes is found at once."""
    with pytest.raises(HeadError) as error:
        TYPES.match(head(f"Accept: {accept}"))
    assert error.value.reason == "headers_too_large"
    with pytest.raises(HeadError):
        TYPES.match(head("Content-Length: 2", f"Content-Type: {accept}", method="POST"))
    assert found(TYPES.match(head(f"Accept: {V2}" + f", {V2}" * 40))) == "orders/v2"


def test_a_content_type_without_a_body_means_nothing() -> None:
    """A request that has no body has no version of one."""
    assert found(TYPES.match(head(f"Content-Type: {V2}"))) == "version_not_acceptable"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("application/json;version=2", "orders/v2"),
        ('application/json; VERSION="1"', "orders/v1"),
        ("application/json", "version_not_acceptable"),
        ("application/json;version=3", "version_not_acceptable"),
        ("application/json;version=2;charset=utf-8", "version_not_acceptable"),
    ],
)
def test_a_parameter_may_be_the_version(accept: str, expected: str) -> None:
    """``application/json;version=2`` is a type of its own."""
    assert found(PARAMETERS.match(head(f"Accept: {accept}"))) == expected


def test_answers_vary_by_what_names_the_version() -> None:
    """Also those that refuse, so that no cache gives one version's answer to another's client."""
    for served, line in ((HEADERS, b"Vary: X-API-Version\r\n"), (TYPES, b"Vary: Accept\r\n")):
        for lines in ([], ["X-API-Version: 1", f"Accept: {V1}"]):
            assert line in served.match(head(*lines)).lines


def test_who_names_none_is_told_of_versions_anybody_may_know() -> None:
    """The header and the versions stand in the answer; a version that is not public does not."""
    hidden = an_api("v3", by_header("3"), standing=Standing(listed=False))
    matched = snapshot(an_api("v1", by_header("1")), an_api("v2", by_header("2")), hidden).match(head())
    assert isinstance(matched, Unversioned)
    assert matched.detail == "Name a version in the header X-API-Version: 1, 2."
    matched = snapshot(hidden).match(head())
    assert isinstance(matched, Unversioned)
    assert matched.detail == "Name a version in the header X-API-Version."


def test_one_version_alone_must_be_named_as_well() -> None:
    """So that a second one changes nothing for the clients of the first."""
    assert found(snapshot(an_api("v1", by_header("1"))).match(head())) == "version_missing"


def test_a_place_without_versions_has_none_to_choose_from() -> None:
    """What a request pays for versions is paid where they are: here the match is there at once."""
    served = snapshot(an_api("v1", None))
    assert found(served.match(head("X-API-Version: 7"))) == "orders/v1"
    assert served.match(head()).lines == b""


def test_a_kept_connection_gets_each_version_it_asks_for() -> None:
    """Heads that differ in the version alone are told apart, in whatever order they come."""
    last = None
    for value in ("1", "2", "2", "1", "2"):
        last = PARSER.parse(
            f"GET /orders/items HTTP/1.1\r\nHost: a.test\r\nX-API-Version: {value}".encode(), last
        ).block
        again = PARSER.parse(f"GET /orders/items HTTP/1.1\r\n{last.raw.decode()}".encode(), last)
        assert found(HEADERS.match(again)) == f"orders/v{value}"


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        (by_header("1"), None, "are not both told apart"),
        (by_header("1"), by_type(V1), "told apart by different things"),
        (
            by_header("1"),
            Versioning(by="header", name="X-Other", value="2"),
            "told apart by different things",
        ),
        (by_header("1"), by_header("1"), "have the same version"),
        (by_type("a/b;x=1"), by_type('a/b; X="1"'), "have the same version"),
        (by_header("1", default=True), by_header("2", default=True), "are both the default version"),
    ],
)
def test_what_cannot_be_told_apart_is_no_router(
    one: Versioning, other: Versioning | None, words: str
) -> None:
    """The newcomer is reported and not served; the one that was there stays."""
    reported: list[str] = []
    registry = PolicyRegistry.installed()
    parser = ResponseParser(100)
    served = snapshots.build(
        [an_api("v1", one), an_api("v2", other)],
        snapshot(an_api("v1", one)),
        bytes(32),
        lambda api: compile_api(api, "development", registry, "https://a.test"),
        lambda api: UpstreamPool(api.upstream, parser, lambda: 0.0, lambda: 0.0, 65536, Outbox()),
        lambda api, error: reported.append(f"{api.id}: {error}"),
    )
    assert list(served.mounted) == ["orders/v1"]
    assert words in reported[0]


CORS = Cors(origins=("https://app.test",))
PREFLIGHT = (
    "Origin: https://app.test",
    "Access-Control-Request-Method: POST",
    "Access-Control-Request-Headers: x-api-version",
)


def test_a_preflight_is_allowed_where_every_version_allows_it() -> None:
    """It cannot name a version; the header that names one may be sent without being listed."""
    served = snapshot(an_api("v1", by_header("1"), cors=CORS), an_api("v2", by_header("2"), cors=CORS))
    answer = served.match(head(*PREFLIGHT, method="OPTIONS")).preflight
    assert answer
    assert b"Access-Control-Allow-Headers: x-api-version" in answer


@pytest.mark.parametrize("other", [None, Cors(origins=("https://other.test",))])
def test_a_preflight_that_one_version_refuses_is_refused(other: Cors | None) -> None:
    """The request it asks for may go to any of them."""
    served = snapshot(an_api("v1", by_header("1"), cors=CORS), an_api("v2", by_header("2"), cors=other))
    assert served.match(head(*PREFLIGHT, method="OPTIONS")).preflight == []


def test_a_version_without_the_resource_has_no_say_in_its_preflight() -> None:
    """Nothing could be asked of it there."""
    without = an_api("v2", by_header("2"), resources=(Resource(method="GET", path="/other", schemes=()),))
    served = snapshot(an_api("v1", by_header("1"), cors=CORS), without)
    assert served.match(head(*PREFLIGHT, method="OPTIONS")).preflight
