"""Redirect URIs are matched exactly, and responses arrive whole and nowhere else."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardgate.identity.redirects import (
    Target,
    form_action,
    host_of,
    is_registered,
    respond,
    respond_error,
)

OWN = "https://app.example.com/cb"
LOOPBACK = "http://127.0.0.1/cb"
ISSUER = "https://id.example.org"

TRICKS = [
    "https://app.example.com/cb/",
    "https://app.example.com/cb?x=1",
    "https://app.example.com/cb?",
    "https://app.example.com/cb#",
    "https://app.example.com/cb#x",
    "https://app.example.com/CB",
    "https://APP.example.com/cb",
    "HTTPS://app.example.com/cb",
    "http://app.example.com/cb",
    "https://app.example.com:443/cb",
    "https://app.example.com/cb/../evil",
    "https://app.example.com/./cb",
    "https://app.example.com/%63b",
    "https://app.example.com/cb%2f..%2fevil",
    "https://app.example.com/cb\\@evil.example",
    "https://app.example.com@evil.example/cb",
    "https://user:pw@app.example.com/cb",
    "https://app.example.com.evil.example/cb",
    "https://evil.example/?https://app.example.com/cb",
    "https://app.example.com\x00.evil.example/cb",
    "https://app.example.com/cb\r\nSet-Cookie: a=b",
    "https://app.example.com/cb\n",
    " https://app.example.com/cb",
    "https://app.example.com/cb ",
    "https://\u0430pp.example.com/cb",
    "https://app.example.com\u2044evil/cb",
    "//app.example.com/cb",
    "/cb",
    "",
    "javascript:alert(1)//https://app.example.com/cb",
    "data:text/html,https://app.example.com/cb",
]


@pytest.mark.parametrize("uri", TRICKS)
def test_nothing_like_a_registered_uri_is_one(uri: str) -> None:
    """A URI that differs in one character, in whatever spelling, is not the client's."""
    assert not is_registered(uri, [OWN])


def test_the_same_text_is_registered() -> None:
    """The registered text itself matches."""
    assert is_registered(OWN, ["https://other.example/cb", OWN])


@given(st.text(), st.lists(st.text(min_size=1), max_size=4))
def test_only_equal_text_matches_outside_loopback(uri: str, registered: list[str]) -> None:
    """Whatever is asked for, a match that is not loopback is equality: there is no open redirect."""
    plain = [each for each in registered if not each.startswith("http://")]
    assert is_registered(uri, plain) == (uri in plain and bool(uri))


@given(st.text(alphabet="htps:/127.0.1[]@?#\\%\u2028ab", max_size=40), st.integers(0, 99999))
def test_a_loopback_match_never_leaves_the_machine(tail: str, port: int) -> None:
    """What matches a loopback URI leads to that address and path, whichever way a URL is read."""
    for candidate in (f"http://127.0.0.1:{port}{tail}", f"http://127.0.0.1{tail}", tail):
        if is_registered(candidate, [LOOPBACK]):
            parts = urlsplit(candidate)
            assert (parts.hostname, parts.path, parts.query, parts.fragment) == ("127.0.0.1", "/cb", "", "")
            assert parts.username is None


@pytest.mark.parametrize(
    ("registered", "uri"),
    [
        (LOOPBACK, "http://127.0.0.1:49152/cb"),
        ("http://127.0.0.1:8000/cb", "http://127.0.0.1:49152/cb"),
        ("http://127.0.0.1:8000/cb", "http://127.0.0.1/cb"),
        ("http://[::1]/cb?x=1", "http://[::1]:9/cb?x=1"),
    ],
)
def test_a_native_app_may_choose_its_port(registered: str, uri: str) -> None:
    """On a loopback address the port is free (RFC 8252 section 7.3)."""
    assert is_registered(uri, [registered])


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:0/cb",
        "http://127.0.0.1:65536/cb",
        "http://127.0.0.1:/cb",
        "http://127.0.0.1:80a/cb",
        "http://127.0.0.1:80@evil.example/cb",
        "http://127.0.0.1.evil.example/cb",
        "http://127.0.0.2:80/cb",
        "http://127.1:80/cb",
        "http://localhost:80/cb",
        "http://[::1]:80/cb",
        "http://[::ffff:127.0.0.1]:80/cb",
        "https://127.0.0.1:80/cb",
        "http://127.0.0.1:80/cb#",
        "http://127.0.0.1:80/cb/",
        "http://127.0.0.1:80/cb?x",
        "http://127.0.0.1:\u0661/cb",
    ],
)
def test_the_port_alone_is_free(uri: str) -> None:
    """Another address, name, scheme, path or form of a port is no match."""
    assert not is_registered(uri, [LOOPBACK])


def test_localhost_keeps_its_port() -> None:
    """A name is not an address: its port is compared like everything else."""
    assert not is_registered("http://localhost:2/cb", ["http://localhost:1/cb"])


def target(uri: str = OWN, mode: str = "query", state: str | None = "s") -> Target:
    """A response's place."""
    return Target(redirect_uri=uri, mode=mode, state=state, issuer=ISSUER)  # type: ignore[arg-type]


@given(st.text(), st.text())
def test_no_value_splits_a_response(state: str, code: str) -> None:
    """Whatever ``state`` holds, the location is one line of ASCII and gives back exactly what went in."""
    state = state.encode(errors="ignore").decode()
    code = code.encode(errors="ignore").decode()
    reply = respond(target(state=state), [("code", code)])
    location = dict(reply.headers)["location"]
    assert location.isascii()
    assert location.isprintable()
    assert location.startswith(OWN + "?")
    assert parse_qsl(urlsplit(location).query, keep_blank_values=True) == [
        ("code", code),
        ("state", state),
        ("iss", ISSUER),
    ]


@pytest.mark.parametrize(
    ("uri", "start"),
    [
        (OWN, OWN + "?code="),
        (OWN + "?a=1", OWN + "?a=1&code="),
        (OWN + "?", OWN + "?code="),
        ("com.example.app:/cb", "com.example.app:/cb?code="),
    ],
)
def test_a_query_is_kept(uri: str, start: str) -> None:
    """Parameters are added to what the registered URI has (RFC 6749 section 3.1.2)."""
    assert dict(respond(target(uri), [("code", "c")]).headers)["location"].startswith(start)


def test_the_response_is_never_stored_and_names_its_issuer() -> None:
    """Errors too carry ``iss`` and ``state``, with 303 and no-store."""
    reply = respond_error(target(mode="fragment"), "access_denied", "No")
    headers = dict(reply.headers)
    assert reply.status == 303
    assert headers["cache-control"] == "no-store"
    assert headers["location"].startswith(OWN + "#error=access_denied")
    assert headers["location"].endswith("&state=s&iss=https%3A%2F%2Fid.example.org")


def test_form_post_is_a_page() -> None:
    """The fields travel in a form that leads to the redirect URI and nowhere else."""
    reply = respond(target(mode="form_post"), [("code", "c")])
    assert (reply.status, reply.page) == (200, "form_post.html")
    assert reply.context["action"] == OWN
    assert reply.context["fields"] == [("code", "c"), ("state", "s"), ("iss", ISSUER)]
    assert reply.context["form_action"] == ("https://app.example.com",)


@pytest.mark.parametrize(
    ("uri", "sources", "host"),
    [
        (OWN, ("https://app.example.com",), "app.example.com"),
        ("https://a.example:8443?x", ("https://a.example:8443",), "a.example"),
        ("http://127.0.0.1:5/cb", ("http://127.0.0.1:5",), "127.0.0.1"),
        ("http://[::1]:5/cb", ("http:",), "[::1]"),
        ("com.example.App:/cb", ("com.example.app:",), "com.example.App:/cb"),
        ("https://a.example;script-src *", ("https:",), "https://a.example;script-src *"),
    ],
)
def test_what_the_page_policy_must_allow(uri: str, sources: tuple[str, ...], host: str) -> None:
    """A source never holds more than a scheme and a host."""
    assert form_action(uri) == sources
    assert host_of(uri) == host
