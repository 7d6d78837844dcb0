"""The canonical path: what is accepted, what it becomes, and what is refused with which reason."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wardgate.gateway.path import PathError, canonical


@pytest.mark.parametrize(
    ("target", "path", "encoded", "query"),
    [
        (b"/", "/", b"/", b""),
        (b"/?", "/", b"/", b""),
        (b"/orders/v1/items/7", "/orders/v1/items/7", b"/orders/v1/items/7", b""),
        (b"/orders/", "/orders/", b"/orders/", b""),
        (b"/a?x=1&y=%2F..//;", "/a", b"/a", b"x=1&y=%2F..//;"),
        (b"/a?b?c", "/a", b"/a", b"b?c"),
        (b'/a?"<>\\^`{|}', "/a", b"/a", b'"<>\\^`{|}'),
        (b"/a?%zz", "/a", b"/a", b"%zz"),
        (b"/.well-known/jwks.json", "/.well-known/jwks.json", b"/.well-known/jwks.json", b""),
        (b"/..a/.b/c..", "/..a/.b/c..", b"/..a/.b/c..", b""),
        (b"/%41%2d%7E%2ejson", "/A-~.json", b"/A-~.json", b""),
        (b"/caf%c3%a9", "/café", b"/caf%C3%A9", b""),
        (b"/%E6%97%A5%E6%9C%AC", "/日本", b"/%E6%97%A5%E6%9C%AC", b""),
        (b"/a%20b", "/a b", b"/a%20b", b""),
        (b"/%22{x}|^`", '/"{x}|^`', b"/%22%7Bx%7D%7C%5E%60", b""),
        (b"/100%25", "/100%", b"/100%25", b""),
        (b"/100%25-off", "/100%-off", b"/100%25-off", b""),
        (b"/a,b%2Cc+d:e@f'(g)*!$&=", "/a,b,c+d:e@f'(g)*!$&=", b"/a,b,c+d:e@f'(g)*!$&=", b""),
        (b"/%F0%9F%9A%80", "/\U0001f680", b"/%F0%9F%9A%80", b""),
    ],
)
def test_accepted(target: bytes, path: str, encoded: bytes, query: bytes) -> None:
    """A target one reader only can understand becomes its canonical form."""
    assert canonical(target) == (path, encoded, query)


@pytest.mark.parametrize(
    "target",
    [
        b"",
        b"a",
        b"*",
        b"?x",
        b"http://example.com/",
        b"example.com:443",
        b"/a#b",
        b"/a?b#c",
        b"/a b",
        b"/a\tb",
        b"/a\x00b",
        b"/a\x7fb",
        b"/a\r\nX: y",
        b"/a?b c",
        b"/a?b\x00",
        b"/a?\xc3\xa9",
        b"/caf\xc3\xa9",
        b"/\x80",
        b"/%",
        b"/%4",
        b"/%zz",
        b"/%u002f",
        b"/a\n",
        b"/\n",
    ],
)
def test_malformed(target: bytes) -> None:
    """What is no valid origin-form target is refused as malformed."""
    with pytest.raises(PathError) as refused:
        canonical(target)
    assert refused.value.reason == "request_malformed"


def _escaped(text: str) -> bytes:
    return b"".join(b"%%%02X" % byte for byte in text.encode())


@pytest.mark.parametrize(
    "target",
    [
        b"//",
        b"//a",
        b"/a//b",
        b"/a//",
        b"/.",
        b"/..",
        b"/./",
        b"/a/./b",
        b"/a/../b",
        b"/a/..",
        b"/a/.",
        b"/...",
        b"/%2e",
        b"/%2E%2e/",
        b"/.%2e/a",
        b"/a/%2e./b",
        b"/a/..%20/b",
        b"/a/%20/b",
        b"/a%2Fb",
        b"/a%2fb",
        b"/..%2f",
        b"/a\\b",
        b"/a%5Cb",
        b"/a%5cb",
        b"/a;b",
        b"/a;jsessionid=1",
        b"/a%3Bb",
        b"/..;/a",
        b"/a%3Fb",
        b"/a%3fb",
        b"/a%23b",
        b"/a%00",
        b"/a%0d%0aX:%20y",
        b"/a%1f",
        b"/a%7F",
        b"/a%C2%80",
        b"/a%C2%9f",
        b"/%252e%252e/",
        b"/%252F",
        b"/%25%32%66",
        b"/%25u002f",
        b"/%C0%AF",
        b"/%C0%AE%C0%AE/",
        b"/%E0%80%AF",
        b"/%ED%A0%80",
        b"/%F8%80%80%80%AF",
        b"/%FF",
        b"/%C3",
        *(
            b"/a" + _escaped(character)
            for character in (
                "\uff0f",  # fullwidth solidus
                "\uff3c",  # fullwidth reverse solidus
                "\ufe68",  # small reverse solidus
                "\uff0e",  # fullwidth full stop
                "\ufe52",  # small full stop
                "\u2024",  # one dot leader
                "\u2025",  # two dot leader
                "\u2026",  # ellipsis
                "\u2488",  # digit one full stop
                "\u2100",  # account of
                "\u037e",  # Greek question mark
                "\uff1b",  # fullwidth semicolon
                "\ufe54",  # small semicolon
                "\uff05",  # fullwidth percent
                "\ufe6a",  # small percent
                "\uff1f",  # fullwidth question mark
                "\u2047",  # double question mark
                "\uff03",  # fullwidth number sign
                "\u2044",  # fraction slash
                "\u2215",  # division slash
                "\u2216",  # set minus
                "\u200b",  # zero width space
                "\u200d",  # zero width joiner
                "\u200e",  # left-to-right mark
                "\u202e",  # right-to-left override
                "\u2066",  # left-to-right isolate
                "\u2060",  # word joiner
                "\u00ad",  # soft hyphen
                "\ufeff",  # byte order mark
                "\u2028",  # line separator
                "\u2029",  # paragraph separator
                "\U000e0041",  # tag letter
                "\ufdd0",  # noncharacter
                "\uffff",  # noncharacter
                "\U0001ffff",  # noncharacter
            )
        ),
    ],
)
def test_ambiguous(target: bytes) -> None:
    """What two readers could read differently is refused as ambiguous, not repaired."""
    with pytest.raises(PathError) as refused:
        canonical(target)
    assert refused.value.reason == "path_ambiguous"


def test_note_names_the_finding() -> None:
    """The private note says which part was refused, for the log."""
    with pytest.raises(PathError, match="encoded slash") as refused:
        canonical(b"/a%2Fb")
    assert refused.value.note == "encoded slash"


_PIECES = st.one_of(
    st.sampled_from(
        rb"/ . .. %2e %2F %5c %25 %20 ; ? # %00 \\ a %C3%A9 % %E2%80%AE %EF%BC%8F %u 41 ~ // %3f".split(b" ")
    ),
    st.binary(max_size=3),
    st.characters(codec="utf-8").map(_escaped),
)
TARGETS = st.lists(_PIECES, max_size=12).map(lambda pieces: b"/" + b"".join(pieces))


@given(TARGETS)
@example(b"/a%20b/%E2%98%83?x=%00")
@example(b"/%C3%A9/100%25")
def test_accepted_targets_have_one_reading(target: bytes) -> None:
    """Whatever is accepted is canonical already, unambiguous in every decoding, and equal in both forms."""
    try:
        path, encoded, query = canonical(target)
    except PathError as refused:
        assert refused.reason in {"path_ambiguous", "request_malformed"}
        return
    again = encoded + (b"?" + query if query else b"")
    assert canonical(again) == (path, encoded, query)
    assert unquote_to_bytes(encoded).decode() == path
    assert path.startswith("/")
    for reading in (
        path,
        unquote_to_bytes(path).decode(errors="replace"),
        unicodedata.normalize("NFKC", path),
    ):
        segments = reading.split("/")
        assert not {".", ".."} & set(segments)
        assert "" not in segments[1:-1]
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\\;?#]", reading)
        assert len(segments) == len(path.split("/"))
    assert re.fullmatch(rb"(?:[A-Za-z0-9\-._~!$&'()*+,=:@/]|%[0-9A-F]{2})+", encoded)
    assert re.fullmatch(rb"[!-~]*", query)
    assert b"#" not in query


@given(st.binary(max_size=40))
def test_any_bytes_are_judged(target: bytes) -> None:
    """No input at all raises anything but PathError."""
    try:
        canonical(target)
    except PathError as refused:
        assert refused.reason in {"path_ambiguous", "request_malformed"}


@given(st.lists(st.text("abc.-_~!$&'()*+,=:@", min_size=1, max_size=6), max_size=5))
def test_plain_paths_agree_with_decoded_ones(segments: list[str]) -> None:
    """The short way for plain paths gives what decoding every byte of it gives."""
    plain = "/" + "/".join(segments)

    def outcome(target: bytes) -> object:
        try:
            return canonical(target)[:2]
        except PathError as refused:
            return refused.reason

    escaped = b"/".join(_escaped(segment) for segment in plain.split("/"))
    assert outcome(plain.encode()) == outcome(escaped)
