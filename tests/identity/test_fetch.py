"""Calls to URLs that others chose, against real servers with real TLS."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.e2e.certificates import Authority

from wardgate.identity.fetch import MAX_BYTES, NotJsonError, SafeFetcher
from wardgate.identity.ports import FetchError

LOOPBACK = ("127.0.0.0/8",)
JSON = b"Content-Type: application/json\r\n"


class Site:
    """A server that answers every request with ``answer`` and remembers what it was asked."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.asked: list[bytes] = []
        self.connections = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                (int(x[15:]) for x in head.split(b"\r\n") if x[:15].lower() == b"content-length:"), 0
            )
            self.asked.append(head + await reader.readexactly(length))
            writer.write(self.answer)
            await writer.drain()
            if not self.answer:
                await asyncio.sleep(30)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()


def answered(body: bytes, headers: bytes = JSON, status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 %b\r\n%bContent-Length: %d\r\n\r\n%b" % (status, headers, len(body), body)


@asynccontextmanager
async def serving(answer: bytes, authority: Authority | None, *names: str) -> AsyncIterator[Site]:
    site = Site(answer)
    context = authority.server_context(*(names or ("id.test",))) if authority else None
    server = await asyncio.start_server(site.serve, "127.0.0.1", 0, ssl=context)
    site.port = server.sockets[0].getsockname()[1]
    try:
        yield site
    finally:
        server.close()


def pointing(*answers: Sequence[str]) -> Callable[[str, int], Awaitable[Sequence[str]]]:
    """A resolver that gives each of ``answers`` once, and then the last for ever."""
    left = list(answers)

    async def resolve(host: str, port: int) -> Sequence[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    return resolve


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def fetcher(authority: Authority, *, allow: Sequence[str] = LOOPBACK, timeout: float = 5.0) -> SafeFetcher:
    return SafeFetcher(
        allow, context=authority.client_context(), resolve=pointing(["127.0.0.1"]), timeout=timeout
    )


async def test_a_document_comes_back_with_its_age(authority: Authority) -> None:
    """JSON, status and freshness come back; the server saw the name it was asked by, and no cookie or referrer."""
    headers = JSON + b"Cache-Control: public, max-age=600\r\nAge: 100\r\n"
    async with serving(answered(b'{"keys": []}', headers), authority) as site:
        got = await fetcher(authority).get(f"https://id.test:{site.port}/jwks?x=1", headers={"x-more": "y"})
    assert (got.status, got.document, got.max_age) == (200, {"keys": []}, 500.0)
    lines = site.asked[0].lower().split(b"\r\n")
    assert lines[0] == b"get /jwks?x=1 http/1.1"
    assert b"host: id.test:%d" % site.port in lines
    assert b"x-more: y" in lines
    assert not any(line.startswith((b"cookie", b"referer", b"authorization")) for line in lines)


async def test_a_form_is_posted(authority: Authority) -> None:
    """A form arrives URL-encoded, and an error's JSON comes back with its status."""
    async with serving(answered(b'{"error":"x"}', status=b"401 No"), authority) as site:
        got = await fetcher(authority).post(
            f"https://id.test:{site.port}/introspect",
            {"token": "a b&c"},
            headers={"authorization": "Basic eA=="},
        )
    assert (got.status, got.document) == (401, {"error": "x"})
    assert site.asked[0].endswith(b"\r\n\r\ntoken=a+b%26c")
    assert b"content-type: application/x-www-form-urlencoded" in site.asked[0].lower()


@pytest.mark.parametrize(
    ("headers", "age"),
    [
        (b"", 0.0),
        (b"Cache-Control: no-store, max-age=60\r\n", 0.0),
        (b"Cache-Control: s-maxage=9, max-age=60\r\n", 60.0),
        (b"Cache-Control: s-maxage=9\r\n", 0.0),
        (b"Cache-Control: max-age=60\r\nAge: 90\r\n", 0.0),
        (b"Cache-Control: max-age=nonsense\r\n", 0.0),
        (b"Date: Mon, 02 Nov 2026 10:00:00 GMT\r\nExpires: Mon, 02 Nov 2026 11:00:00 GMT\r\n", 3600.0),
        (b"Date: Mon, 02 Nov 2026 10:00:00 GMT\r\nExpires: -1\r\n", 0.0),
    ],
)
async def test_freshness_follows_the_cache_headers(authority: Authority, headers: bytes, age: float) -> None:
    """RFC 9111 section 4.2.1, as a private cache."""
    async with serving(answered(b"{}", JSON + headers), authority) as site:
        assert (await fetcher(authority).get(f"https://id.test:{site.port}/")).max_age == age


async def test_an_empty_answer_is_no_document(authority: Authority) -> None:
    """A 204, as a client's logout endpoint sends, is an answer."""
    async with serving(b"HTTP/1.1 204 No Content\r\n\r\n", authority) as site:
        got = await fetcher(authority).post(f"https://id.test:{site.port}/", {})
    assert (got.status, got.document) == (204, None)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (answered(b"<html>", b"Content-Type: text/html\r\n"), "answered 200 with something else than JSON"),
        (answered(b"{}", b""), "something else than JSON"),
        (answered(b"{]"), "JSON that cannot be read"),
        (answered(b'{"a": NaN}'), "JSON that cannot be read"),
        (answered(b'{"a": "\\ud800"}'), "JSON that cannot be read"),
        (answered(b"[" * 100_000), "JSON that cannot be read"),
        (answered(b'"\xff"'), "JSON that cannot be read"),
        (answered(b"\x1f\x8b", JSON + b"Content-Encoding: gzip\r\n"), "a compressed body, unasked"),
        (answered(b'{"a":"%b"}' % (b"x" * MAX_BYTES)), "more than 512 KiB"),
        (answered(b"", b"Location: https://127.0.0.1/\r\n", b"302 Found"), "redirects are not followed"),
        (b"SSH-2.0-OpenSSH\r\n", "did not answer as HTTP says"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}", "did not answer as HTTP says"),
        (b"HTTP/1.1 200 OK\r\n" + b"X-Y: " + b"z" * 300_000, "did not answer as HTTP says"),
    ],
)
async def test_what_is_no_json_answer_is_refused(authority: Authority, answer: bytes, why: str) -> None:
    """Wrong answers are refused with host and cause, never with what was sent."""
    async with serving(answer, authority) as site:
        with pytest.raises(FetchError) as caught:
            await fetcher(authority).get(f"https://id.test:{site.port}/a?token=secret")
    assert why in str(caught.value)
    assert f"id.test:{site.port}" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert site.connections == 1


async def test_the_status_of_what_is_no_json_is_told(authority: Authority) -> None:
    """Who only needs the status (a logout endpoint says OK in words) finds it."""
    async with serving(answered(b"OK", b"Content-Type: text/plain\r\n"), authority) as site:
        with pytest.raises(NotJsonError) as caught:
            await fetcher(authority).post(f"https://id.test:{site.port}/", {"logout_token": "x"})
    assert caught.value.status == 200


async def test_a_silent_server_costs_the_time_out(authority: Authority) -> None:
    """The time-out holds for the whole call."""
    async with serving(b"", authority) as site:
        began = time.monotonic()
        with pytest.raises(FetchError, match=r"did not answer within 0\.3 s"):
            await fetcher(authority, timeout=0.3).get(f"https://id.test:{site.port}/")
        assert time.monotonic() - began < 2


async def test_a_slow_resolver_costs_the_time_out(authority: Authority) -> None:
    """Resolving counts."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        await asyncio.sleep(30)
        return []

    slow = SafeFetcher(LOOPBACK, context=authority.client_context(), resolve=resolve, timeout=0.2)
    with pytest.raises(FetchError, match=r"did not answer within 0\.2 s"):
        await slow.get("https://id.test/")


async def test_tls_is_verified_against_the_name(authority: Authority) -> None:
    """The pinned address changes nothing about whose certificate is needed."""
    async with serving(answered(b"{}"), authority, "other.test") as site:
        with pytest.raises(FetchError, match="its certificate is not trusted"):
            await fetcher(authority).get(f"https://id.test:{site.port}/")
    assert site.asked == []


async def test_an_authority_nobody_knows_is_not_trusted(authority: Authority, tmp_path: Path) -> None:
    """A certificate of another authority is refused."""
    async with serving(answered(b"{}"), Authority(tmp_path)) as site:
        with pytest.raises(FetchError, match="its certificate is not trusted"):
            await fetcher(authority).get(f"https://id.test:{site.port}/")
    assert site.asked == []


async def test_a_certificate_for_an_address_is_verified(authority: Authority) -> None:
    """An address in the URL must stand in the certificate."""
    async with serving(answered(b"{}"), authority, "127.0.0.1") as site:
        assert (await fetcher(authority).get(f"https://127.0.0.1:{site.port}/")).document == {}


async def test_a_name_that_resolves_anew_is_not_followed(authority: Authority) -> None:
    """DNS rebinding: the name is resolved once a call, and the second answer is judged by itself."""
    async with serving(answered(b"{}"), authority) as site:
        rebinding = SafeFetcher(
            ("127.0.0.1/32",),
            context=authority.client_context(),
            resolve=pointing(["127.0.0.1"], ["127.0.0.2"]),
        )
        url = f"https://id.test:{site.port}/"
        assert (await rebinding.get(url)).document == {}
        with pytest.raises(FetchError, match=r"must not be called: 127\.0\.0\.2 is not public"):
            await rebinding.get(url)
    assert site.connections == 1


async def test_one_forbidden_address_forbids_the_host(authority: Authority) -> None:
    """A public and a private address together are a trap, not a choice."""
    mixed = SafeFetcher(
        context=authority.client_context(), resolve=pointing(["93.184.216.34", "169.254.169.254"])
    )
    with pytest.raises(FetchError, match=r"169\.254\.169\.254 is not public"):
        await mixed.get("https://id.test/latest/meta-data?token=secret")


@settings(max_examples=60, deadline=None)
@given(
    st.one_of(
        st.ip_addresses(network="10.0.0.0/8"),
        st.ip_addresses(network="100.64.0.0/10"),
        st.ip_addresses(network="127.0.0.0/8"),
        st.ip_addresses(network="169.254.0.0/16"),
        st.ip_addresses(network="192.168.0.0/16"),
        st.ip_addresses(network="224.0.0.0/4"),
        st.ip_addresses(network="::ffff:0:0/96"),
        st.ip_addresses(network="64:ff9b::/96"),
        st.ip_addresses(network="fc00::/7"),
        st.ip_addresses(network="fe80::/10"),
        st.ip_addresses(network="ff00::/8"),
        st.ip_addresses(network="::/96"),
    ),
    st.booleans(),
)
def test_no_forbidden_address_is_ever_connected_to(address: object, by_name: bool) -> None:
    """By name or as written, every form of an internal address is refused before anything is sent."""
    text = str(address)
    host = "id.test" if by_name else f"[{text}]" if ":" in text else text

    async def ask() -> None:
        await SafeFetcher(resolve=pointing([text])).get(f"https://{host}/")

    with pytest.raises(FetchError, match=r"must not be called: .* is not public"):
        asyncio.run(ask())


async def test_plain_http_needs_the_operators_word(authority: Authority) -> None:
    """http reaches an allowed network and nothing else."""
    async with serving(answered(b"{}"), None) as site:
        url = f"http://id.test:{site.port}/"
        assert (await fetcher(authority).get(url)).document == {}
        with pytest.raises(FetchError, match="may not be called without TLS"):
            await fetcher(authority, allow=("10.0.0.0/8",)).get(url)


async def test_proxies_of_the_environment_are_not_asked(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy would resolve the name itself."""
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with serving(answered(b"{}"), authority) as site:
        assert (await fetcher(authority).get(f"https://id.test:{site.port}/")).document == {}


async def test_the_next_address_is_tried_when_one_is_shut(authority: Authority) -> None:
    """A host with a dead address still answers at another."""
    async with serving(answered(b"{}"), authority) as site:
        two = SafeFetcher(
            LOOPBACK, context=authority.client_context(), resolve=pointing(["127.0.0.9", "127.0.0.1"])
        )
        assert (await two.get(f"https://id.test:{site.port}/")).document == {}


async def test_a_shut_port_is_named(authority: Authority) -> None:
    """The error says what is wrong with the connection."""
    async with serving(b"", authority) as site:
        port = site.port
    with pytest.raises(FetchError, match=rf"id\.test:{port} cannot be reached"):
        await fetcher(authority).get(f"https://id.test:{port}/")


async def test_a_name_without_address_is_named(authority: Authority) -> None:
    """The system's own resolver is asked, and its failure told."""
    with pytest.raises(FetchError, match=r"name\.invalid cannot be reached: the name does not resolve"):
        await SafeFetcher(context=authority.client_context()).get("https://name.invalid/")


async def test_localhost_is_no_way_in(authority: Authority) -> None:
    """The system's names for this machine are refused by what they resolve to."""
    async with serving(answered(b"{}"), authority, "localhost") as site:
        with pytest.raises(FetchError, match="is not public"):
            await SafeFetcher(context=authority.client_context()).get(f"https://localhost:{site.port}/")
    assert site.connections == 0


async def test_a_url_that_is_none_is_refused(authority: Authority) -> None:
    """The URL's own faults are told first."""
    with pytest.raises(FetchError, match="user name or password"):
        await fetcher(authority).get("https://a:secret@id.test/")


async def test_a_header_cannot_split_the_request(authority: Authority) -> None:
    """Header values with line ends never leave."""
    async with serving(answered(b"{}"), authority) as site:
        with pytest.raises(FetchError, match="did not answer as HTTP says"):
            await fetcher(authority).get(f"https://id.test:{site.port}/", headers={"x": "a\r\nHost: b"})
    assert site.asked == []
