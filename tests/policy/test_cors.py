"""Cross-origin rules: who is allowed what, and the exact lines browsers get."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardgate.domain.api import Cors
from wardgate.policy.cors import CorsRules

APP = b"https://app.example.com"
VARY = b"Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers"


def rules(**settings: Any) -> CorsRules:
    """Rules for one named origin, unless told otherwise."""
    given_ = {
        "origins": (APP.decode(), "http://localhost:3000"),
        "methods": ("GET", "put", "PATCH"),
    } | settings
    return CorsRules(Cors(**given_))


def test_preflight_grants_what_was_asked() -> None:
    """An allowed pre-flight is answered with the origin, the method and the headers it asked for."""
    answer = rules(headers=("X-API-Key", "Content-Type"), credentials=True, max_age=60).preflight(
        APP, b"PUT", b"x-api-key, content-type"
    )
    assert answer == [
        b"Access-Control-Allow-Origin: https://app.example.com",
        b"Access-Control-Allow-Credentials: true",
        b"Access-Control-Max-Age: 60",
        VARY,
        b"Access-Control-Allow-Methods: PUT",
        b"Access-Control-Allow-Headers: x-api-key, content-type",
    ]


def test_preflight_of_any_origin() -> None:
    """With ``*`` the answer says ``*`` and carries no credentials."""
    assert rules(origins=("*",)).preflight(b"https://anyone.test", b"GET", None) == [
        b"Access-Control-Allow-Origin: *",
        b"Access-Control-Max-Age: 600",
        VARY,
        b"Access-Control-Allow-Methods: GET",
    ]


@pytest.mark.parametrize(
    ("origin", "method", "headers", "allowed"),
    [
        (APP, b"GET", None, True),
        (APP, b"HEAD", None, True),
        (APP, b"POST", b"", True),
        (APP, b"PUT", b"X-API-KEY", True),
        (APP, b"PATCH", b" x-api-key ,, Content-Type", True),
        (b"http://localhost:3000", b"GET", None, True),
        (b"http://localhost", b"GET", None, False),
        (b"http://localhost:30000", b"GET", None, False),
        (b"https://app.example.com.evil.test", b"GET", None, False),
        (b"https://APP.example.com", b"GET", None, False),
        (b"https://app.example.com/", b"GET", None, False),
        (b"http://app.example.com", b"GET", None, False),
        (b"null", b"GET", None, False),
        (b"*", b"GET", None, False),
        (b"", b"GET", None, False),
        (APP, b"patch", None, False),
        (APP, b"DELETE", None, False),
        (APP, b"", None, False),
        (APP, b"PUT\r\nX: y", None, False),
        (APP, b"PUT", b"x-other", False),
        (APP, b"PUT", b"x-api-key, x-other", False),
        (APP, b"PUT", b"authorization", False),
        (APP, b"PUT", b"x-api-key\r\nX: y", False),
        (APP, b"PUT", b"*", False),
    ],
)
def test_preflight_decisions(origin: bytes, method: bytes, headers: bytes | None, allowed: bool) -> None:
    """Origin byte for byte, method case-sensitively, headers in any case; anything else is refused."""
    answer = rules(headers=("X-API-Key",)).preflight(origin, method, headers)
    assert (answer is not None) is allowed


def test_null_only_when_listed() -> None:
    """The opaque origin ``null`` is allowed only by name."""
    assert rules().preflight(b"null", b"GET", None) is None
    listed = rules(origins=("null",)).preflight(b"null", b"GET", None)
    assert listed is not None
    assert listed[0] == b"Access-Control-Allow-Origin: null"


def test_wildcards_do_not_cover_everything() -> None:
    """``*`` in methods and headers leaves out Authorization and methods no browser may send."""
    wide = rules(methods=("*",), headers=("*",))
    assert wide.preflight(APP, b"PURGE", b"x-anything") is not None
    assert wide.preflight(APP, b"GET", b"Authorization") is None
    assert wide.preflight(APP, b"TRACE", None) is None
    named = rules(headers=("*", "Authorization"))
    assert named.preflight(APP, b"GET", b"authorization") is not None


def test_actual_lines() -> None:
    """An allowed origin's answer names it; every answer varies by origin."""
    some = rules(expose=("RateLimit", "X-Id"), credentials=True)
    assert some.actual(APP) == (
        b"Access-Control-Allow-Origin: https://app.example.com\r\n"
        b"Access-Control-Allow-Credentials: true\r\n"
        b"Access-Control-Expose-Headers: RateLimit, X-Id\r\n"
        b"Vary: Origin\r\n"
    )
    for origin in (b"", b"null", b"*", b"https://evil.test"):
        assert some.actual(origin) == b"Vary: Origin\r\n"


def test_actual_of_any_origin() -> None:
    """With ``*`` every answer is the same, so it does not vary."""
    for origin in (b"", b"null", b"https://any.test", b"*"):
        assert rules(origins=("*",)).actual(origin) == b"Access-Control-Allow-Origin: *\r\n"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"origins": ("*", "https://a.test")}, r"cors\.origins: '\*' must stand alone"),
        ({"origins": ("*",), "credentials": True}, r"cors\.credentials: not possible with origins"),
        ({"origins": ("https://*.a.test",)}, r"cors\.origins: 'https://\*\.a\.test' is not how"),
        ({"origins": ("https://a.test/",)}, r"without path"),
        ({"origins": ("https://a.test:443",)}, r"default port"),
        ({"origins": ("http://a.test:80",)}, r"default port"),
        ({"origins": ("https://A.test",)}, r"lower case"),
        ({"origins": ("a.test",)}, r"'a\.test'"),
        ({"origins": ("https://a.test\r\nX: y",)}, r"cors\.origins"),
        ({"methods": ("GET PUT",)}, r"cors\.methods: 'GET PUT'"),
        ({"methods": ("trace",)}, r"cors\.methods: 'trace'"),
        ({"headers": ("X Y",)}, r"cors\.headers: 'X Y'"),
        ({"expose": ("X:",)}, r"cors\.expose: 'X:'"),
        ({"expose": ("*",), "credentials": True}, r"cors\.expose: '\*'"),
        ({"max_age": -1}, r"cors\.max_age: -1"),
    ],
)
def test_refused_settings(settings: dict[str, Any], message: str) -> None:
    """Settings no browser would honour, or that open more than they say, are refused by name."""
    with pytest.raises(ValueError, match=message):
        rules(**settings)


@given(st.binary(max_size=30), st.binary(max_size=20), st.none() | st.binary(max_size=30), st.booleans())
def test_no_input_breaks_out_of_a_line(
    origin: bytes, method: bytes, headers: bytes | None, wide: bool
) -> None:
    """Whatever a client asks, no answer line holds a control character."""
    compiled = rules(methods=("*",), headers=("*",), origins=("*",)) if wide else rules()
    for line in compiled.preflight(APP if not wide else origin, method, headers) or []:
        assert all(0x20 <= byte < 0x7F for byte in line)
    assert compiled.actual(origin).count(b"\r\n") == 1
