"""Which URL a proof is for, and that one is good once."""

from __future__ import annotations

import time
from typing import Any

import pytest
from tests.gateway.oauth_side import ISSUER, Holder
from tests.policy.exchanges import Directory, bearer, compiled, presented, resource

from wardgate.domain.trust import OAuth2Settings
from wardgate.gateway.head import HeadParser
from wardgate.gateway.proofs import Proofs, SeenOnce
from wardgate.policy.exchange import Exchange, PresentedToken

TOKEN = "a-token"
HOLDER = Holder()


class Never:
    """A desk that has seen everything."""

    async def first(self, key: str, until: float) -> bool:
        """Never new."""
        return False


async def check(
    url: str,
    *,
    host: bytes = b"gateway.example",
    target: bytes = b"/orders/v1/items?page=2",
    scheme: str = "https",
    client: str = "192.0.2.7",
    hosts: tuple[str, ...] = (),
    jkt: str = HOLDER.jkt,
    desk: Any = None,
    proofs: tuple[bytes, ...] | None = None,
    settings: OAuth2Settings | None = None,
    **claims: Any,
) -> str | None:
    """What is said of a proof made for ``url`` that comes with a request."""
    lines = [
        b"GET " + target + (b" HTTP/1.1" if host else b" HTTP/1.0"),
        *([b"Host: " + host] if host else []),
    ]
    (resourced,) = compiled(resource("oauth2"), hosts=hosts).resources
    made = Exchange(
        HeadParser(100, 8192).parse(b"\r\n".join(lines)), resourced, None, client, True, 0.0, Directory()
    )
    shown = (HOLDER.proof("GET", url, TOKEN, **claims),) if proofs is None else proofs
    made.token = PresentedToken(b"d" * 32, TOKEN.encode(), True, shown)
    made.scheme = scheme
    checked = Proofs(ISSUER, bytes(32), desk or SeenOnce(time.time), time.time)
    token = bearer(jkt=jkt).token
    assert token is not None
    outcome = checked.check(made, token, settings or OAuth2Settings())
    return outcome if isinstance(outcome, str) else await outcome


LOCAL = {"client": "::1", "scheme": "http"}
URL = "https://gateway.example/orders/v1/items"


@pytest.mark.parametrize(
    ("url", "request_", "reason"),
    [
        (URL, {}, None),
        (URL, {"host": b"GATEWAY.example"}, None),
        (URL, {"scheme": "http"}, "dpop_mismatch"),
        (URL, {"host": b"gateway.example:8443"}, "dpop_mismatch"),
        (URL, {"host": b"evil.example"}, "dpop_mismatch"),
        # Made for another server, whose name is repeated here: that name must be one of ours.
        ("https://evil.example/orders/v1/items", {"host": b"evil.example"}, "dpop_mismatch"),
        ("https://evil.example/orders/v1/items", {"host": b"evil.example", "client": "127.0.0.1"}, "dpop_mismatch"),
        # An API was found by its own host.
        ("https://api.test/orders/v1/items", {"host": b"api.test", "hosts": ("api.test",)}, None),
        # On this machine, names of this machine are ours.
        ("http://localhost:8080/orders/v1/items", {"host": b"localhost:8080", **LOCAL}, None),
        ("http://127.0.0.1:8080/orders/v1/items", {"host": b"127.0.0.1:8080", **LOCAL}, None),
        ("http://[::1]:8080/orders/v1/items", {"host": b"[::1]:8080", **LOCAL}, None),
        ("https://localhost/orders/v1/items", {"host": b"localhost"}, "dpop_mismatch"),
        (URL, {"host": b""}, "dpop_mismatch"),
        (URL, {"target": b"/orders/v1/%69tems"}, None),
        (URL, {"jkt": "another"}, "dpop_mismatch"),
        (URL, {"proofs": ()}, "dpop_missing"),
        (URL, {"proofs": (b"a", b"b")}, "dpop_invalid"),
        (URL, {"proofs": (b"\xff",)}, "dpop_invalid"),
        (URL, {"proofs": (b"x" * 7000,)}, "dpop_invalid"),
        (URL, {"iat": 5}, "dpop_expired"),
        (URL, {"jti": None}, "dpop_invalid"),
        (URL, {"desk": Never()}, "dpop_replayed"),
    ],
)  # fmt: skip
async def test_a_proof_is_for_one_request(url: str, request_: dict[str, Any], reason: str | None) -> None:
    """Its URL is the one the client called, at a host that is ours."""
    assert await check(url, **request_) == reason


async def test_the_age_is_the_apis() -> None:
    """How old a proof may be is a setting."""
    old = int(time.time()) - 100
    assert await check(URL, iat=old) == "dpop_expired"
    assert await check(URL, iat=old, settings=OAuth2Settings(proof_age=200)) is None


async def test_without_a_token_there_is_no_proof() -> None:
    """A proof alone shows nothing."""
    (resourced,) = compiled(resource("oauth2")).resources
    made = Exchange(
        HeadParser(9, 99).parse(b"GET / HTTP/1.0"), resourced, None, "::1", True, 0.0, Directory()
    )
    token = bearer().token
    assert token is not None
    checked = Proofs(ISSUER, bytes(32), Never(), time.time)
    assert checked.check(made, token, OAuth2Settings()) == "dpop_missing"
    made.token = presented(dpop=True)
    assert checked.check(made, token, OAuth2Settings()) == "dpop_missing"


async def test_what_was_seen_is_forgotten_in_time_and_never_too_early() -> None:
    """Exact while it lasts; a full memory lets nothing new pass, until what is over makes room."""
    clock = [1000.0]
    desk = SeenOnce(lambda: clock[0], size=3)
    for name in ("a", "b", "c"):
        assert await desk.first(name, 1010.0)
        assert not await desk.first(name, 1010.0)
    assert not await desk.first("d", 1010.0)
    assert not await desk.first("a", 1010.0)
    clock[0] = 1011.0
    assert await desk.first("d", 1020.0)
    assert await desk.first("a", 1020.0)
