"""Only URLs that are read one way, and that can be the client's alone, are registered."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardgate.identity.redirect_rules import link_problem, redirect_problem


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example.com",
        "https://app.example.com/cb?tenant=1",
        "https://app.example.com:8443/cb/",
        "https://192.0.2.7/cb",
        "https://[2001:db8::1]:8443/cb",
        "https://xn--bcher-kva.example/cb",
        "http://127.0.0.1/cb",
        "http://[::1]:8000/cb",
        "http://localhost:3000/cb",
    ],
)
def test_web_addresses(uri: str) -> None:
    """HTTPS anywhere, plain HTTP on the machine itself, for every kind of client."""
    assert redirect_problem(uri, native=False) is None


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("", "empty"),
        ("https://app.example.com/" + "a" * 2000, "more than 2000"),
        ("https://app.example.com/cb#x", "fragment"),
        ("https://app.example.com/cb#", "fragment"),
        ("https://*.example.com/cb", "wildcard"),
        ("https://app.example.com/*", "wildcard"),
        ("https://app.example.com/c b", "blanks"),
        ("https://app.example.com/cb\r\nx: y", "blanks"),
        ("https://b\u00fccher.example/cb", "beyond ASCII"),
        ("https://user@app.example.com/cb", "user information"),
        ("https://user:pw@app.example.com/cb", "user information"),
        ("https://app.example.com/a/../b", "dot segments"),
        ("https://app.example.com/a/.", "dot segments"),
        ("https://app.example.com/a%2fb", "percent"),
        ("https://app.example.com/%2e%2e/b", "percent"),
        ("https://app.example.com/%0d%0a", "percent"),
        ("https://app.example.com/%zz", "percent"),
        ("https://app.example.com\\evil", "no URI has"),
        ('https://app.example.com/"', "no URI has"),
        ("https://APP.example.com/cb", "lower case"),
        ("HTTPS://app.example.com/cb", "neither https"),
        ("https:app.example.com/cb", "begin with https://"),
        ("https:///cb", "host is none"),
        ("https://-a.example/cb", "host is none"),
        ("https://a..example/cb", "host is none"),
        ("https://app.example.com:/cb", "port is none"),
        ("https://app.example.com:0/cb", "port is none"),
        ("https://app.example.com:99999/cb", "cannot be read"),
        ("https://[::1/cb", "cannot be read"),
        ("https://[2001:DB8::1]/cb", "host is none"),
        ("https://127.1/cb", "host is none"),
        ("https://0x7f.0.0.1/cb", "host is none"),
        ("http://app.example.com/cb", "plain http"),
        ("http://127.0.0.1.example.com/cb", "plain http"),
        ("http://localhost.example.com/cb", "plain http"),
        ("http://127.0.0.2/cb", "plain http"),
        ("ftp://app.example.com/cb", "neither https"),
        ("javascript:alert(1)", "neither https"),
        ("data:text/html,x", "neither https"),
        ("myapp:/cb", "neither https"),
        ("app.example.com/cb", "neither https"),
        ("/cb", "neither https"),
        ("com.example.app:cb", "a path must follow"),
        ("com.example.app://cb", "has no host"),
    ],
)
def test_what_is_refused_says_why(uri: str, why: str) -> None:
    """Each refusal names what is wrong."""
    problem = redirect_problem(uri, native=True)
    assert problem is not None
    assert why in problem


def test_private_schemes_are_for_apps_on_a_device() -> None:
    """A scheme with a dot belongs to a domain, and to a native client (RFC 8252 section 7.1)."""
    assert redirect_problem("com.example.app:/cb", native=True) is None
    assert "native" in (redirect_problem("com.example.app:/cb", native=False) or "")


@given(st.text(max_size=60), st.booleans())
def test_no_text_breaks_the_rules(text: str, native: bool) -> None:
    """Any text is judged, and what passes is printable and has a scheme that runs no code."""
    for uri in (text, f"https://{text}", f"com.example:{text}"):
        if redirect_problem(uri, native=native) is None:
            assert uri.isascii()
            assert uri.isprintable()
            assert urlsplit(uri).scheme in ("https", "http") or "." in urlsplit(uri).scheme


def test_links_are_https() -> None:
    """What this server calls or shows is HTTPS: no loopback, no private schemes."""
    assert link_problem("https://app.example.com/logo.png") is None
    assert "not https" in (link_problem("http://127.0.0.1/x") or "")
    assert "begin with https" in (link_problem("com.example.app:/x") or "")
    assert "begin with https" in (link_problem("javascript:alert(1)") or "")
