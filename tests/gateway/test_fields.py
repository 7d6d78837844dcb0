"""Header lines: the strict grammar, what each field means, and a memo that changes nothing."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardgate.domain.headers import cgi_name
from wardgate.gateway import fields
from wardgate.gateway.fields import Line, LineError, LineMemo, request_kind, response_kind


@pytest.mark.parametrize(
    ("raw", "pair", "text"),
    [
        (b"X-A: b", (b"x-a", b"b"), b"X-A: b"),
        (b"X-A:b", (b"x-a", b"b"), b"X-A: b"),
        (b"X-A:\t b c\t ", (b"x-a", b"b c"), b"X-A: b c"),
        (b"X-A:", (b"x-a", b""), b"X-A: "),
        (b"X-A: \t", (b"x-a", b""), b"X-A: "),
        (b"!#$%&'*+-.^_`|~1z: x", (b"!#$%&'*+-.^_`|~1z", b"x"), b"!#$%&'*+-.^_`|~1z: x"),
        (b"X: caf\xc3\xa9", (b"x", b"caf\xc3\xa9"), b"X: caf\xc3\xa9"),
        (b"X: a:b: c", (b"x", b"a:b: c"), b"X: a:b: c"),
    ],
)
def test_lines_are_parsed_and_written_anew(raw: bytes, pair: tuple[bytes, bytes], text: bytes) -> None:
    """The name is lower-cased for look-ups, white space around the value goes, the spelling of the name stays."""
    line = LineMemo().parse(raw)
    assert (line.pair, line.text) == (pair, text)


@pytest.mark.parametrize(
    "raw",
    [
        b"", b":", b": x", b"X", b"X : y", b" X: y", b"\tX: y", b"X: a\x00", b"X: a\nb", b"X: a\rb", b"X: a\x0bb",
        b"X: a\x7f", b"X\xc3\xa9: y", b"X(: y", b'X": y', b"X/Y: z", b"X,Y: z", b"X: a\n", b"\nX: a", b"X: \x1b[0m",
    ],
)  # fmt: skip
def test_what_is_no_field_line_is_refused(raw: bytes) -> None:
    """Folds, controls, spaces before the colon and odd names are errors, never repaired."""
    with pytest.raises(LineError):
        LineMemo().parse(raw)


@pytest.mark.parametrize(
    "name",
    [
        b"x-wardgate-application", b"x_wardgate_application", b"x.wardgate.application", b"x-wardgate_plan",
        b"x-forwarded-for", b"x_forwarded_for", b"x-forwarded-user", b"forwarded", b"te", b"keep-alive", b"client-cert",
        b"content_length", b"transfer_encoding", b"transfer.encoding", b"x-rewrite-url",
        b"x-http-method-override", b"x_http_method_override", b"proxy-authorization", b"x-real-ip",
    ],
)  # fmt: skip
def test_what_only_a_gateway_may_say_is_dropped(name: bytes) -> None:
    """In every spelling that some server behind would read as the same."""
    assert request_kind(name) == fields.DROP


@pytest.mark.parametrize(
    "name", [b"accept", b"x-api-key", b"cookie", b"x-ward", b"x-forward", b"user_agent", b"trailer"]
)
def test_other_fields_pass(name: bytes) -> None:
    """A name that collides with nothing is forwarded, underscores or not."""
    assert request_kind(name) == fields.FORWARD


def test_fields_that_concern_a_proxy_have_their_kinds() -> None:
    """Host, lengths, Connection, Expect, Upgrade, Authorization, Content-Type and Origin are told apart."""
    names = [
        b"host",
        b"content-length",
        b"transfer-encoding",
        b"connection",
        b"expect",
        b"upgrade",
        b"authorization",
    ]
    kinds = [request_kind(name) for name in [*names, b"content-type", b"origin"]]
    assert len(set(kinds)) == len(kinds)
    assert not {fields.FORWARD, fields.DROP} & set(kinds)


def test_an_upstream_cannot_speak_for_the_gateway() -> None:
    """Its copies of the gateway's own fields are dropped, the rest of its answer is not."""
    dropped = [
        b"x-wardgate-request-id",
        b"ratelimit",
        b"ratelimit-policy",
        b"keep-alive",
        b"proxy-authenticate",
    ]
    assert {response_kind(name) for name in dropped} == {fields.DROP}
    assert response_kind(b"set-cookie") == response_kind(b"x-forwarded-for") == fields.FORWARD


@given(st.from_regex(r"[a-z0-9._~-]{1,20}", fullmatch=True))
def test_names_that_collide_have_one_cgi_name(name: str) -> None:
    """Whatever stands for the dash, the CGI-style name is the same, and reading it again changes nothing."""
    raw = name.encode()
    assert cgi_name(raw) == cgi_name(raw.replace(b".", b"_").replace(b"~", b"-"))
    assert cgi_name(cgi_name(raw)) == cgi_name(raw)


@given(
    st.lists(
        st.sampled_from([b"A: 1", b"a: 1", b"A:1", b"B: 2", b"Host: x", b"Bad : x", b"C: " + b"x" * 300]),
        max_size=40,
    )
)
def test_the_memo_changes_nothing(raws: list[bytes]) -> None:
    """A warm memo gives what a cold one gives, and never holds more than it may."""
    memo = LineMemo(size=3, longest=100)
    for raw in raws:
        try:
            expected = LineMemo().parse(raw)
        except LineError:
            assert raw not in memo.known
            continue
        assert _said(memo.known.get(raw) or memo.parse(raw)) == _said(expected)
        assert len(memo.known) <= 3
        assert all(len(each) <= 100 for each in memo.known)


_GRAMMAR = re.compile(
    rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*"
    rb"((?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)[ \t]*"
)


@given(
    st.lists(
        st.sampled_from([b"X-A", b"host", b":", b" ", b"\t", b"\0", b"\r", b"\n", b"\x7f", b"\xff", b"v"]),
        max_size=8,
    )
)
def test_exactly_the_grammar_is_accepted(parts: list[bytes]) -> None:
    """RFC 9112 section 5 and RFC 9110 section 5.5, written as one expression, accept the same lines with the same parts."""
    raw = b"".join(parts)
    memo = LineMemo()
    match = _GRAMMAR.fullmatch(raw)
    for _ in range(2):
        if match is None:
            with pytest.raises(LineError):
                memo.parse(raw)
        else:
            assert memo.parse(raw).pair == (match.group(1).lower(), match.group(2))


def _said(line: Line) -> tuple[object, ...]:
    return line.pair, line.kind, line.text, line.plain
