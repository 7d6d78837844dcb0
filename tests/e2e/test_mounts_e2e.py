"""The authorization server on the gateway's own hosts, with a real `wardgate serve`: tokens got and used at one place."""

from __future__ import annotations

import json
import os
import signal
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.certificates import Authority
from tests.e2e.held import HeldTokenEndpoint
from tests.e2e.issuer import ForeignIssuer, basic
from tests.e2e.stack import Stack, api, command, document
from tests.e2e.upstream import Upstream
from tests.e2e.wire import Answer, Wire, ask
from tests.supervisor.serving import free_ports

SECURITY = {
    "schemes": ["api_key", "oauth2"],
    "scopes": {"items.read": "See items"},
    "resources": {"GET /items/{id}": {"scopes": ["items.read"]}},
}


def form(path: str, body: str, *lines: str, host: str = "gateway") -> bytes:
    """A posted form."""
    head = [
        f"POST {path} HTTP/1.1",
        f"Host: {host}",
        *lines,
        "Content-Type: application/x-www-form-urlencoded",
    ]
    return "\r\n".join([*head, f"Content-Length: {len(body)}", "", body]).encode()


def get(path: str, *lines: str, host: str = "gateway") -> bytes:
    """A plain request."""
    return "\r\n".join([f"GET {path} HTTP/1.1", f"Host: {host}", *lines, "", ""]).encode()


def client(stack: Stack, *options: str) -> dict[str, Any]:
    """A new client of the application ``open`` for client credentials, with all that is told of it."""
    told = command(
        *("clients", "add", "open", "--grant", "client_credentials", "--scope", "items.read", "--json"),
        *("--data-dir", str(stack.data_dir), *options),
    )
    return dict(json.loads(told))


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    """A recording upstream."""
    with Upstream() as running:
        yield running


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Stack]:
    """Two workers, and an API that would take every path of its host if it could."""
    grabbing = api(
        "grab", [upstream.url], base_path="/", hosts=["grab.example.com"], security="off", plans=[]
    )
    content = document([api("items", [upstream.url], security=SECURITY), grabbing])
    folder = tmp_path_factory.mktemp("mounts")
    issuer = "https://id.example.com"
    with Stack(folder, upstream, content, "--issuer", issuer, workers=2) as running:
        yield running


@pytest.mark.parametrize("host", ["gateway", "grab.example.com", "[::1]:9"])
@pytest.mark.parametrize(
    "path", ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"]
)
def test_metadata_is_served_on_every_host(stack: Stack, host: str, path: str) -> None:
    """Whatever the Host header says, the issuer and its URLs are the configured ones."""
    answer = ask(stack.port, get(path, host=host), "GET")
    assert answer.status == 200
    assert answer.json()["issuer"] == "https://id.example.com"
    assert answer.json()["token_endpoint"] == "https://id.example.com/oauth2/token"


def test_a_token_is_got_and_used_at_the_gateway(stack: Stack, upstream: Upstream) -> None:
    """Client credentials at `POST /oauth2/token`; the token opens what a key does not."""
    made = client(stack)
    granted = ask(
        stack.port,
        form(
            "/oauth2/token",
            "grant_type=client_credentials&scope=items.read",
            f"Authorization: {basic(made['id'], made['client_secret'])}",
        ),
        "POST",
    )
    assert granted.status == 200, granted.body
    assert granted.values("cache-control") == ["no-store"]
    token = granted.json()["access_token"]
    opened = ask(stack.port, get("/items/v1/items/7", f"Authorization: Bearer {token}"), "GET")
    assert opened.status == 200
    assert token.encode() not in upstream.log.requests[-1].head
    refused = ask(stack.port, stack.request("/items/v1/items/7"), "GET")
    assert refused.status == 401
    assert 'scope="items.read"' in refused.values("www-authenticate")[0]


def test_nobody_passes_for_the_gateway(stack: Stack) -> None:
    """Control believes an address and a certificate only from the gateway, whichever way it is reached."""
    made = client(stack, "--set", "certificate_bound=true")
    lines = (
        f"Authorization: {basic(made['id'], made['client_secret'])}",
        "X-Wardgate-Client-Certificate: AAAA",
        "X-Wardgate-Hop: " + "0" * 64,
    )
    for port in (stack.port, stack.service.control):
        answer = ask(port, form("/oauth2/token", "grant_type=client_credentials", *lines), "POST")
        assert (answer.status, answer.json()["error"]) == (400, "invalid_request")


def test_the_gateway_answers_for_control_when_it_is_away(stack: Stack) -> None:
    """A control process that died is started again, and its paths answer as before."""
    (control,) = stack.service.children()["wardgate.web.main"]
    os.kill(control, signal.SIGKILL)
    stack.service.until(lambda: ask(stack.port, get("/oauth2/jwks"), "GET").status == 200)
    assert ask(stack.port, stack.request("/items/v1/items"), "GET").status == 200


def test_certificates_reach_the_authorization_server_and_bind_tokens(
    tmp_path: Path, upstream: Upstream
) -> None:
    """Over TLS the certificate a client shows is told to control, and a token bound to it opens nothing without it."""
    authority = Authority(tmp_path)
    server, own = authority.issue("localhost"), authority.issue("partner.example.com")
    port = free_ports(1)[0]
    options = ["--tls-listen", str(port), "--certificate", str(server[0]), "--key", str(server[1])]
    options += ["--client-ca", str(authority.ca_file), "--issuer", f"https://localhost:{port}"]
    content = document([api("items", [upstream.url], security=SECURITY)])
    with Stack(tmp_path, upstream, content, *options, workers=1) as stack:
        made = client(
            stack,
            *("--authentication", "tls_client_auth", "--set", "tls_san_dns=partner.example.com"),
            *("--set", "certificate_bound=true"),
        )
        shown, bare = authority.client_context(), authority.client_context()
        shown.load_cert_chain(*own)

        def over(context: ssl.SSLContext, request: bytes) -> Answer:
            with Wire(port, tls=context) as wire:
                wire.send(request)
                return wire.answer(request.split(b" ")[0].decode())

        asked = form(
            "/oauth2/token",
            f"grant_type=client_credentials&scope=items.read&client_id={made['id']}",
            host="localhost",
        )
        assert over(bare, asked).status == 401
        granted = over(shown, asked)
        assert granted.status == 200, granted.body
        bearer = f"Authorization: Bearer {granted.json()['access_token']}"
        assert over(shown, get("/items/v1/items/7", bearer, host="localhost")).status == 200
        stolen = over(bare, get("/items/v1/items/7", bearer, host="localhost"))
        assert stolen.status == 401


def test_tokens_come_from_elsewhere(tmp_path: Path, upstream: Upstream) -> None:
    """`POST /oauth2/token` is answered by an external server for an API, and for the whole environment when the
    document says so; its token then opens the API; taking the word back brings Wardgate's own back."""
    with ForeignIssuer() as issuer:
        trusted = {"issuer": issuer.url, "audiences": ["items"], "applications": {"partner": "open"}}
        oauth2 = {"issuers": ["builtin", trusted], "token_endpoint": f"{issuer.url}/token?tenant=7"}
        content = document([api("items", [upstream.url], security={**SECURITY, "oauth2": oauth2})])
        issuer_token = issuer.token
        issuer.token = lambda *args, **claims: issuer_token(*args, aud="items", **claims)  # type: ignore[method-assign]
        with Stack(tmp_path, upstream, content, "--outbound-allow", "127.0.0.0/8") as stack:
            asked = ("grant_type=client_credentials", f"Authorization: {basic('partner', 'secret')}")
            granted = ask(stack.port, form("/items/v1/oauth2/token", *asked), "POST")
            assert granted.status == 200
            # Its metadata and keys are read meanwhile, too.
            assert [path for path in issuer.asked if "token" in path][-1] == "/token?tenant=7"
            assert issuer.authorizations[-1] == basic("partner", "secret")
            bearer = f"Authorization: Bearer {granted.json()['access_token']}"
            assert ask(stack.port, get("/items/v1/items", bearer), "GET").status == 200
            own = ask(stack.port, form("/oauth2/token", *asked), "POST")
            assert (own.status, own.json()["error"]) == (401, "invalid_client")

            stack.apply({**content, "authorization_server": {"token_endpoint": f"{issuer.url}/token"}})
            stack.service.until(lambda: ask(stack.port, form("/oauth2/token", *asked), "POST").status == 200)
            assert [path for path in issuer.asked if "token" in path][-1] == "/token"
            stack.apply({**content, "authorization_server": "off"})
            stack.service.until(lambda: ask(stack.port, form("/oauth2/token", *asked), "POST").status == 401)


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[ForeignIssuer]:
    """A foreign issuer with a token endpoint that answers at once."""
    with ForeignIssuer() as running:
        yield running


@pytest.fixture(scope="module")
def exchanging(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Stack]:
    """One worker: what a new request is answered with says what it serves by."""
    content = document([api("items", [upstream.url], security=SECURITY)])
    folder = tmp_path_factory.mktemp("exchanging")
    with Stack(folder, upstream, content, "--outbound-allow", "127.0.0.0/8") as running:
        yield running


@pytest.mark.parametrize("begun", [False, True], ids=["unanswered", "half-answered"])
@pytest.mark.parametrize("after", ["another", "off"])
@pytest.mark.parametrize("place", ["/oauth2/token", "/items/v1/oauth2/token"])
def test_a_token_request_under_way_outlives_its_mount(
    exchanging: Stack, elsewhere: ForeignIssuer, upstream: Upstream, place: str, after: str, begun: bool
) -> None:
    """A document names another token endpoint, or none: new requests go by it, and the one that the old endpoint has
    already is answered by that, whole."""
    stack = exchanging
    asked = form(place, "grant_type=client_credentials", f"Authorization: {basic('partner', 'secret')}")

    def apply(endpoint: str) -> None:
        """Tokens are got at ``endpoint`` from now on; with an empty one, of the gateway itself or not at all."""
        trusted = {"issuer": elsewhere.url, "audiences": ["items"], "applications": {"partner": "open"}}
        oauth2: dict[str, Any] = {"issuers": ["builtin", trusted]}
        content: dict[str, Any] = {"authorization_server": "off"}
        if endpoint and place == "/oauth2/token":
            content["authorization_server"] = {"token_endpoint": endpoint}
        elif endpoint:
            oauth2["token_endpoint"] = endpoint
        security = {**SECURITY, "oauth2": oauth2}
        stack.apply({**document([api("items", [upstream.url], security=security)]), **content})

    def answer() -> Answer:
        return ask(stack.port, asked, "POST")

    with HeldTokenEndpoint() as held, stack.wire() as wire:
        apply(held.url)
        stack.service.until(lambda: answer().body == held.BODY)
        held.holding = True
        wire.send(asked)
        assert held.arrived.wait(10)
        held.holding = False
        if begun:
            held.first_half.set()
            wire.peek(held.BODY[: held.HALF])
        if after == "another":
            apply(f"{elsewhere.url}/token")
            stack.service.until(lambda: answer().body != held.BODY)
            assert answer().status == 200
        else:
            apply("")
            stack.service.until(lambda: answer().status == 401)
        held.first_half.set()
        wire.peek(held.BODY[: held.HALF])
        held.second_half.set()
        whole = wire.answer("POST")
        assert (whole.status, whole.body) == (200, held.BODY)
