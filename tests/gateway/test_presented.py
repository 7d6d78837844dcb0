"""The presented key: found where the API expects it, ambiguous when there are two, gone from what is forwarded."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Literal

import pytest
from tests.storage.samples import entry

from wardgate.domain import apikey
from wardgate.domain.api import Api, ApiKeyScheme
from wardgate.gateway import snapshot as snapshots
from wardgate.gateway.head import HeadError, HeadParser
from wardgate.gateway.snapshot import Matched, Snapshot
from wardgate.policy.pipeline import compile_api
from wardgate.policy.registry import PolicyRegistry

_MASTER = b"m" * 32
_KEY = apikey.generate("dev", lambda count: bytes(range(count))).encode()
_DIGEST = apikey.digest(_KEY, _MASTER)
_parser = HeadParser(100, 8192)


def _snapshot(*apis: Api) -> Snapshot:
    def fail(api: Api, error: Exception) -> None:
        raise error

    registry = PolicyRegistry.installed()
    return snapshots.build(
        apis, None, _MASTER, lambda api: compile_api(api, "development", registry), lambda api: None, fail  # type: ignore[arg-type, return-value]
    )  # fmt: skip


def _api(place: Literal["header", "query", "cookie"], name: str, api: str = "orders") -> Api:
    return replace(entry(api).api, api_key=ApiKeyScheme(place=place, name=name))


_APIS = _snapshot(
    _api("header", "X-API-Key", "header"),
    _api("header", "Authorization", "bearer"),
    _api("query", "api_key", "query"),
    _api("cookie", "session", "cookie"),
)


def _match(api: str, *fields: bytes, query: bytes = b"") -> Matched:
    target = f"/{api}/v1/items".encode() + query.replace(b"KEY", _KEY)
    lines = b"".join(b"\r\n" + field.replace(b"KEY", _KEY) for field in fields)
    return _APIS.match(_parser.parse(b"GET " + target + b" HTTP/1.1\r\nHost: a" + lines))


@pytest.mark.parametrize(
    ("api", "fields", "query", "forwarded", "tail"),
    [
        ("header", [b"X-Api-Key: KEY", b"Accept: a"], b"", b"Accept: a\r\n", b"/items HTTP/1.1\r\n"),
        (
            "header",
            [b"Accept: a", b"X_Api_Key: x", b"x-api-key:KEY", b"X.API.Key: z"],
            b"",
            b"Accept: a\r\n",
            b"",
        ),
        ("bearer", [b"Authorization: Bearer KEY"], b"", b"", b""),
        ("bearer", [b"Authorization: apikey  KEY"], b"", b"", b""),
        ("bearer", [b"Authorization: KEY"], b"", b"", b""),
        ("query", [], b"?a=1&api_key=KEY&b=%26", b"", b"/items?a=1&b=%26 HTTP/1.1\r\n"),
        ("query", [], b"?api%5fkey=KEY", b"", b"/items HTTP/1.1\r\n"),
        ("query", [], b"?api_key=" + _KEY.replace(b"w", b"%77"), b"", b"/items HTTP/1.1\r\n"),
        ("cookie", [b"Cookie: a=1; session=KEY;b=2"], b"", b"Cookie: a=1; b=2\r\n", b""),
        ("cookie", [b'Cookie: session="KEY"', b"Cookie: c=3"], b"", b"Cookie: c=3\r\n", b""),
    ],
)
def test_a_key_is_found_and_taken_out(
    api: str, fields: list[bytes], query: bytes, forwarded: bytes, tail: bytes
) -> None:
    """Its digest is known, and no byte of it remains in the fields or the target."""
    found = _match(api, *fields, query=query)
    assert found.digest == _DIGEST
    assert found.fields == forwarded
    if tail:
        assert found.tail == tail
    assert b"wg_" not in found.fields + found.tail


@pytest.mark.parametrize(
    ("api", "fields", "query"),
    [
        ("header", [], b"?X-API-Key=KEY"),
        ("header", [b"Cookie: X-API-Key=KEY"], b""),
        ("header", [b"X_API_Key: KEY"], b""),
        ("query", [b"api_key: KEY"], b""),
        ("query", [], b"?API_KEY=KEY"),
        ("cookie", [b"Cookie: Session=KEY"], b""),
        ("bearer", [b"X-API-Key: KEY"], b""),
    ],
)
def test_elsewhere_it_is_no_key(api: str, fields: list[bytes], query: bytes) -> None:
    """In another place, or under another name, nothing is presented."""
    assert _match(api, *fields, query=query).digest is None


@pytest.mark.parametrize(
    ("api", "fields", "query"),
    [
        ("header", [b"X-API-Key: KEY", b"x-api-key: KEY"], b""),
        ("header", [b"X-API-Key:", b"X-API-Key: KEY"], b""),
        ("query", [], b"?api_key=KEY&api_key=KEY"),
        ("query", [], b"?api_key&api%5Fkey=KEY"),
        ("cookie", [b"Cookie: session=KEY; session=x"], b""),
        ("cookie", [b"Cookie: session=", b"Cookie: session=KEY"], b""),
    ],
)
def test_two_are_ambiguous(api: str, fields: list[bytes], query: bytes) -> None:
    """Even when they are equal or one is empty."""
    with pytest.raises(HeadError) as refused:
        _match(api, *fields, query=query)
    assert refused.value.reason == "credential_ambiguous"


@pytest.mark.parametrize(
    "key", [b"", b"x", _KEY[:-1], _KEY + b"0", _KEY + b", " + _KEY, _KEY.upper(), b"Bearer " + _KEY]
)
def test_what_is_no_key_is_never_looked_up(key: bytes) -> None:
    """A wrong checksum or form is told apart without a digest."""
    assert _match("header", b"X-API-Key: " + key).digest == b""


def test_one_block_of_fields_at_several_apis() -> None:
    """The same fields on one connection are read for each API anew, though the block is remembered."""
    other = apikey.generate("dev", secrets.token_bytes).encode()
    raw = b" HTTP/1.1\r\nHost: a\r\nX-API-Key: " + _KEY + b"\r\nAuthorization: Bearer " + other
    block = None
    for _ in range(3):
        for api, digest, kept in (
            ("header", _DIGEST, other),
            ("bearer", apikey.digest(other, _MASTER), _KEY),
        ):
            head = _parser.parse(f"GET /{api}/v1/items".encode() + raw, block)
            block = head.block
            found = _APIS.match(head)
            assert found.digest == digest
            assert kept in found.fields
            assert (_KEY if kept == other else other) not in found.fields


def _with_tokens(place: Literal["header", "query", "cookie"], name: str, api: str) -> Api:
    made = _api(place, name, api)
    return replace(
        made, resources=tuple(replace(each, schemes=("api_key", "oauth2")) for each in made.resources)
    )


_TOKENS = _snapshot(
    _with_tokens("header", "X-API-Key", "header"),
    _with_tokens("header", "Authorization", "bearer"),
    _with_tokens("query", "api_key", "query"),
    _with_tokens("cookie", "session", "cookie"),
)
_TOKEN = b"eyJhbGciOiJFUzI1NiJ9.e30.c2ln"


def _with_token(api: str, *fields: bytes, query: bytes = b"") -> Matched:
    target = f"/{api}/v1/items".encode() + query.replace(b"KEY", _KEY)
    shown = [field.replace(b"KEY", _KEY).replace(b"TOKEN", _TOKEN) for field in fields]
    lines = b"".join(b"\r\n" + field for field in shown)
    return _TOKENS.match(_parser.parse(b"GET " + target + b" HTTP/1.1\r\nHost: a" + lines))


@pytest.mark.parametrize(
    ("api", "fields", "query", "key", "token", "forwarded"),
    [
        ("header", [b"Authorization: Bearer TOKEN"], b"", False, "Bearer", b""),
        ("header", [b"Authorization: DPoP TOKEN", b"DPoP: p"], b"", False, "DPoP", b""),
        ("header", [b"X-API-Key: KEY", b"Accept: a", b"Authorization: Bearer TOKEN"], b"", True, "Bearer", b"Accept: a\r\n"),
        ("header", [b"DPoP: p", b"Accept: a"], b"", False, "", b"Accept: a\r\n"),
        ("header", [b"Authorization: Basic eA=="], b"", False, "", b"Authorization: Basic eA==\r\n"),
        ("header", [b"Authorization: Bearer KEY"], b"", False, "Bearer", b""),
        ("bearer", [b"Authorization: Bearer TOKEN"], b"", False, "Bearer", b""),
        ("bearer", [b"Authorization: Bearer KEY"], b"", True, "", b""),
        ("bearer", [b"Authorization: KEY"], b"", True, "", b""),
        ("bearer", [b"Authorization: Bearer"], b"", False, "Bearer", b""),
        ("query", [b"Authorization: Bearer TOKEN"], b"?api_key=KEY", True, "Bearer", b""),
        ("query", [b"Authorization: Bearer TOKEN"], b"?a=b", False, "Bearer", b""),
        ("cookie", [b"Cookie: a=b; session=KEY", b"Authorization: bearer TOKEN"], b"", True, "Bearer", b"Cookie: a=b\r\n"),
    ],
)  # fmt: skip
def test_tokens_beside_keys(
    api: str, fields: list[bytes], query: bytes, key: bool, token: str, forwarded: bytes
) -> None:
    """Each is found where it stands, wherever the other stands, and neither is forwarded."""
    for _ in range(2):  # the second time from what was remembered
        matched = _with_token(api, *fields, query=query)
        assert matched.digest == (_DIGEST if key else None)
        presented = matched.token
        assert ("" if presented is None else "DPoP" if presented.dpop else "Bearer") == token
        assert matched.fields == forwarded
        assert _TOKEN not in matched.tail + matched.fields
        if presented is not None and presented.text == _TOKEN:
            assert presented.digest == apikey.digest(_TOKEN, _MASTER)


def test_a_token_is_found_in_a_repeated_block_only_where_tokens_are_taken() -> None:
    """The same fields sent to two APIs: one takes the token, the other forwards it as the upstream's own."""
    fields = b"Host: a\r\nAuthorization: Bearer " + _TOKEN
    block = _parser.parse_block(fields, 1)
    mixed = _snapshot(_api("header", "X-API-Key", "keys"), _TOKENS.mounted["header/v1"].compiled.api)
    for path, taken in ((b"/keys/v1/items", False), (b"/header/v1/items", True), (b"/keys/v1/items", False)):
        matched = mixed.match(_parser.parse(b"GET " + path + b" HTTP/1.1\r\n" + fields, block))
        assert (matched.token is not None) == taken
        assert (_TOKEN in matched.fields) != taken


def test_a_presented_token_is_not_printed() -> None:
    """Neither its text nor its digest."""
    presented = _with_token("header", b"Authorization: Bearer TOKEN").token
    assert presented is not None
    assert repr(presented) == "PresentedToken(dpop=False)"
