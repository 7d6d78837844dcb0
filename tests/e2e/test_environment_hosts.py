"""Hosts that are written oddly, and connections that change theirs: no request reaches the other environment."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from tests.e2e.test_environments_e2e import HOSTS, Both
from tests.e2e.upstream import Upstream
from tests.e2e.wire import Answer, Closed, Wire, ask

DEV, STAGE = HOSTS["development"], HOSTS["staging"]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """The service, for all tests of the module."""
    with Upstream() as upstream:
        made = Both(tmp_path_factory.mktemp("odd"), upstream)
        with made.service:
            yield made


def environment_of(both: Both, answer: Answer) -> str:
    """The environment that answered, by the log."""
    (request_id,) = answer.values("x-wardgate-request-id")
    return str(both.logged(request_id)["environment"])


def raw(both: Both, head: str, environment: str = "development", port: int = 0) -> Answer:
    """The answer to a head that lacks its key alone, which is of ``environment``."""
    key = both.keys[environment, "open"]
    return ask(port or both.service.port, f"{head}\r\nX-API-Key: {key}\r\n\r\n".encode())


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (f"GET /raw/v1/echo HTTP/1.1\r\nHost: {DEV.upper()}", 200),
        (f"GET /raw/v1/echo HTTP/1.1\r\nHost: {DEV}.", 200),
        (f"GET /raw/v1/echo HTTP/1.1\r\nHost: {DEV}:1", 200),
        (f"GET /raw/v1/echo HTTP/1.1\r\nHost: {DEV}:", 400),
        (f"GET /raw/v1/echo HTTP/1.1\r\nHost: {DEV}:99999", 400),
        (f"GET /raw/v1/echo HTTP/1.1\r\nHost: {STAGE}@{DEV}", 400),
        (f"GET /raw/v1/echo HTTP/1.1\r\nHost: {DEV},{STAGE}", 400),
        (f"GET /raw/v1/echo HTTP/1.1\r\nHost: {DEV}\r\nHost: {STAGE}", 400),
        (f"GET /raw/v1/echo HTTP/1.1\r\nHost: {DEV}\r\nhost : {STAGE}", 400),
        (f"GET /raw/v1/echo HTTP/1.1\r\nHost: {DEV}\r\n Host: {STAGE}", 400),
        (f"GET http://{STAGE}/raw/v1/echo HTTP/1.1\r\nHost: {DEV}", 400),
        (f"GET http://{DEV}/raw/v1/echo HTTP/1.1\r\nHost: {DEV}", 200),
        (f"GET http://x@{DEV}/raw/v1/echo HTTP/1.1\r\nHost: {DEV}", 400),
        ("GET /raw/v1/echo HTTP/1.0", 421),
        (f"GET /raw/v1/echo HTTP/1.0\r\nHost: {DEV}", 200),
        ("GET /raw/v1/echo HTTP/1.1\r\nHost: [::1]", 421),
        (f"GET /raw/v1/echo HTTP/1.1\r\nHost: nowhere\r\nX-Forwarded-Host: {DEV}", 421),
        (f"GET /raw/v1/echo HTTP/1.1\r\nHost: nowhere\r\nForwarded: host={DEV}", 421),
        (f"GET /raw/v1/echo HTTP/1.1\r\nHost: {STAGE}\r\nX-Wardgate-Environment: development", 401),
        (f"GET /raw/v1/echo HTTP/1.1\r\nHost: {STAGE}\r\nX-Forwarded-Host: {DEV}", 401),
        (f"GET /raw/v1/echo HTTP/1.1\r\nHost: {STAGE.partition(':')[0]}:08443", 421),
    ],
)
def test_an_odd_host_is_one_environments_or_nobodys(both: Both, head: str, status: int) -> None:
    """A key of development opens nothing but development, however the host is written."""
    answer = raw(both, head)
    assert answer.status == status
    if status == 200:
        assert environment_of(both, answer) == "development"


def test_a_host_of_the_other_environment_reaches_nothing_at_a_bound_port(both: Both) -> None:
    """The port decides, and there the other's host has neither API nor another issuer."""
    for environment, other in (("development", STAGE), ("staging", DEV)):
        port = both.ports[environment]
        line = f"GET /raw/v1/echo HTTP/1.1\r\nHost: {other}"
        for whose in HOSTS:
            answer = raw(both, line, whose, port)
            assert answer.status in (401, 404), (environment, whose)
            assert environment_of(both, answer) == environment
        found = ask(
            port, f"GET /.well-known/oauth-authorization-server HTTP/1.1\r\nHost: {other}\r\n\r\n".encode()
        )
        assert found.status == 200
        assert found.json()["issuer"] == f"https://{HOSTS[environment]}"


def test_pipelined_requests_go_each_to_its_own(both: Both) -> None:
    """Sent at once, with the same head but for the host, and the same one again: each is decided by its own host."""
    order = [
        "development",
        "staging",
        "development",
        "development",
        "staging",
        "staging",
        "nowhere",
        "development",
    ]
    key = both.keys["development", "open"]
    heads = [
        f"GET /raw/v1/echo HTTP/1.1\r\nHost: {HOSTS.get(each, 'nowhere')}\r\nX-API-Key: {key}\r\n\r\n"
        for each in order
    ]
    wanted = {"development": 200, "staging": 401, "nowhere": 421}
    with Wire(both.service.port) as wire:
        wire.send("".join(heads).encode())
        answers = [wire.answer() for _ in order]
    assert [answer.status for answer in answers] == [wanted[each] for each in order]
    for each, answer in zip(order, answers, strict=True):
        assert environment_of(both, answer) == ("development" if each == "nowhere" else each)


def test_a_forged_hop_chooses_no_authorization_server(both: Both) -> None:
    """What only a gateway may say to the control process is taken from no client, in head or trailers."""
    forged = b"X-Wardgate-Environment: staging\r\nX_Wardgate_Environment: staging\r\nX-Wardgate-Hop: 00\r\n"
    line = f"GET /.well-known/oauth-authorization-server HTTP/1.1\r\nHost: {DEV}\r\n".encode()
    for port in (both.service.port, both.ports["development"]):
        assert ask(port, line + forged + b"\r\n").json()["issuer"] == f"https://{DEV}"


def test_a_token_of_the_one_is_nobodys_at_the_other(both: Both) -> None:
    """Keys of the other's authorization server, its issuer and its metadata are not found through any host."""
    found = {}
    for environment, host in HOSTS.items():
        line = f"GET /oauth2/jwks HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        with Wire(both.service.port) as wire:
            wire.send(line)
            found[environment] = {key["kid"] for key in wire.answer().json()["keys"]}
    assert found["development"]
    assert not found["development"] & found["staging"]


def test_hosts_that_move_are_looked_up_anew_on_open_connections(both: Both) -> None:
    """A kept connection is served by who has its host now; the host that was taken away is nobody's."""
    key = both.keys["development", "open"]
    request = f"GET /raw/v1/echo HTTP/1.1\r\nHost: {DEV}\r\nX-API-Key: {key}\r\n\r\n".encode()
    with Wire(both.service.port) as wire:
        wire.send(request)
        assert wire.answer().status == 200
        both.apply({"environments": [{"name": "development", "hosts": ["moved.example.com"]}]})
        try:
            deadline = time.monotonic() + 3
            status = 200
            while status == 200 and time.monotonic() < deadline:
                wire.send(request)
                status = wire.answer().status
            assert status == 421
            wire.send(request.replace(DEV.encode(), b"moved.example.com"))
            assert wire.answer().status == 200
        except Closed:
            raise AssertionError("the connection was closed") from None
        finally:
            both.hosts()
