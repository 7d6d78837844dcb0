"""Calls to URLs that others chose (JWK sets, metadata, introspection, sector identifiers), safe against SSRF.

The host is resolved once, each address is checked, and the connection goes to a checked address: a name that resolves
to something else a moment later changes nothing. TLS is still verified against the name. Redirects, proxies of the
environment, cookies and compressed answers are not taken; one call has one connection.
"""

from __future__ import annotations

import asyncio
import email.utils
import json
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from ipaddress import ip_address
from typing import Any, TypeVar
from urllib.parse import urlencode

import httpx2

from wardgate.identity.outbound import Address, AddressRule, OutboundError, Target, read_url
from wardgate.identity.ports import Fetched, FetchError, Sent
from wardgate.jose.encoding import check_writable

MAX_BYTES = 512 * 1024
TIMEOUT = 5.0
#: Calls at a time; further ones wait, within their own time-out.
MAX_CALLS = 32
#: Addresses of one host that are tried in turn.
_TRIES = 3
_FORM = "application/x-www-form-urlencoded"
_JSON = re.compile(r"application/(?:[a-z0-9.+-]+\+)?json", re.IGNORECASE)
#: Of a ``Retry-After``: a year has eight.
_DIGITS = 8
_MAX_AGE = re.compile(r'max-age="?(\d{1,10})"?')

T = TypeVar("T")
#: Makes of an answer what the caller wants of it.
_Read = Callable[[Target, httpx2.Response], Awaitable[T]]
#: The addresses of a host name; raises OSError when there are none.
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]


class NotJsonError(FetchError):
    """The server answered with ``status``, but not with JSON."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


async def _resolve(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class SafeFetcher:
    """A ``Fetcher``. ``allow``: networks that are not public and may be called, then over plain http too."""

    def __init__(
        self,
        allow: Sequence[str] = (),
        *,
        context: ssl.SSLContext | None = None,
        resolve: Resolver = _resolve,
        timeout: float = TIMEOUT,
    ) -> None:
        """``context`` is how servers are verified: by the system's authorities unless given. Raises ValueError for a
        network that is none."""
        self._rule = AddressRule(allow)
        self._context = context or ssl.create_default_context()
        self._resolve = resolve
        self._timeout = timeout
        self._calls = asyncio.Semaphore(MAX_CALLS)

    async def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> Fetched:
        """The JSON document at ``url``, whatever the status; ``None`` for an empty answer. Raises FetchError."""
        return await self._call("GET", url, headers or {}, b"", _document_of)

    async def post(
        self, url: str, form: Mapping[str, str], *, headers: Mapping[str, str] | None = None
    ) -> Fetched:
        """The JSON answer to a form, whatever the status; ``None`` for an empty answer. Raises FetchError."""
        return await self._call(
            "POST", url, {"content-type": _FORM, **(headers or {})}, urlencode(form).encode(), _document_of
        )

    async def send(self, url: str, body: bytes, *, headers: Mapping[str, str]) -> Sent:
        """What the server answers to ``body``, which is JSON, without reading more than the head. Raises FetchError."""
        return await self._call("POST", url, {"content-type": "application/json", **headers}, body, _head)

    async def _call(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, read: _Read[T]
    ) -> T:
        try:
            target = read_url(url)
        except OutboundError as error:
            raise FetchError(str(error)) from None
        try:
            async with asyncio.timeout(self._timeout), self._calls:
                return await self._first(method, target, headers, body, read)
        except TimeoutError:
            raise FetchError(f"{target.shown} did not answer within {self._timeout:g} s") from None

    async def _first(
        self, method: str, target: Target, headers: Mapping[str, str], body: bytes, read: _Read[T]
    ) -> T:
        """The answer of the first address that can be connected to."""
        addresses = (await self._addresses(target))[:_TRIES]
        for left, address in zip(range(len(addresses) - 1, -1, -1), addresses, strict=True):
            try:
                return await self._ask(method, target, address, headers, body, read, more=left > 0)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                if left == 0:
                    raise FetchError(f"{target.shown} cannot be reached: {_cause(error)}") from None
        raise FetchError(f"{target.shown} cannot be reached: it has no address")

    async def _addresses(self, target: Target) -> list[Address]:
        """Every address of the host. All must be allowed: a host with a forbidden one is not what it says it is."""
        try:
            found = [ip_address(target.host)]
        except ValueError:
            try:
                found = [ip_address(text) for text in await self._resolve(target.host, target.port)]
            except (OSError, ValueError):
                raise FetchError(f"{target.shown} cannot be reached: the name does not resolve") from None
        for address in found:
            if not self._rule.may_call(address, target.scheme):
                why = "is not public" if target.scheme == "https" else "may not be called without TLS"
                raise FetchError(
                    f"{target.shown} must not be called: {address} {why}; "
                    "an operator may allow its network with --outbound-allow"
                )
        return found

    async def _ask(
        self,
        method: str,
        target: Target,
        address: Address,
        headers: Mapping[str, str],
        body: bytes,
        read: _Read[T],
        *,
        more: bool,
    ) -> T:
        step = self._timeout
        timeouts = {"connect": step / _TRIES if more else step, "read": step, "write": step, "pool": step}
        own = {"accept": "application/json", "accept-encoding": "identity", "user-agent": "wardgate"}
        try:
            request = httpx2.Request(
                method,
                target.url(address),
                headers={**own, **headers, "host": target.shown, "connection": "close"},
                content=body or None,
                extensions={"timeout": timeouts, "sni_hostname": target.host},
            )
            async with httpx2.AsyncHTTPTransport(verify=self._context, trust_env=False) as transport:
                response = await transport.handle_async_request(request)
                try:
                    return await read(target, response)
                finally:
                    await response.aclose()
        except (httpx2.ConnectError, httpx2.ConnectTimeout):
            raise
        except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeEncodeError) as error:
            raise FetchError(f"{target.shown} did not answer as HTTP says: {type(error).__name__}") from None


async def _document_of(target: Target, response: httpx2.Response) -> Fetched:
    status = _status(target, response)
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > MAX_BYTES:
            raise FetchError(f"{target.shown} answered with more than {MAX_BYTES // 1024} KiB")
    age = _max_age(response.headers)
    if not body:
        return Fetched(status=status, document=None, max_age=age)
    kind = response.headers.get("content-type", "").partition(";")[0].strip()
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise NotJsonError(f"{target.shown} answered {status} with a compressed body, unasked", status)
    if not _JSON.fullmatch(kind):
        raise NotJsonError(f"{target.shown} answered {status} with something else than JSON", status)
    return Fetched(status=status, document=_document(target, status, bytes(body)), max_age=age)


async def _head(target: Target, response: httpx2.Response) -> Sent:
    seconds = response.headers.get("retry-after", "")
    after = float(seconds) if seconds.isascii() and seconds.isdigit() and len(seconds) <= _DIGITS else 0.0
    return Sent(status=_status(target, response), retry_after=after)


def _status(target: Target, response: httpx2.Response) -> int:
    status = int(response.status_code)
    if 300 <= status < 400:
        raise FetchError(f"{target.shown} answered {status}, and redirects are not followed")
    return status


def _document(target: Target, status: int, body: bytes) -> Any:
    try:
        found = json.loads(body.decode(), parse_constant=_no_number)
        check_writable(body, found)
    except (ValueError, RecursionError):
        raise NotJsonError(
            f"{target.shown} answered {status} with JSON that cannot be read", status
        ) from None
    return found


def _no_number(text: str) -> None:
    raise ValueError(text)


def _max_age(headers: httpx2.Headers) -> float:
    """Seconds the answer stays fresh (RFC 9111 section 4.2.1), as a private cache counts; 0 where it does not say."""
    control = headers.get("cache-control", "").lower()
    if "no-store" in control or "no-cache" in control:
        return 0.0
    match = _MAX_AGE.search(control.replace("s-maxage", ""))
    if match:
        age = headers.get("age", "0")
        return max(0.0, float(match[1]) - (float(age) if age.isascii() and age.isdigit() else 0.0))
    try:
        expires = email.utils.parsedate_to_datetime(headers["expires"])
        return max(0.0, (expires - email.utils.parsedate_to_datetime(headers["date"])).total_seconds())
    except (KeyError, ValueError, TypeError):
        return 0.0


def _cause(error: BaseException) -> str:
    """Why a connection failed, in words that hold nothing of the request."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({cause.verify_message})"
        if isinstance(cause, ssl.SSLError):
            return "TLS failed"
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror.lower()
        cause = cause.__cause__ or cause.__context__
    return "no connection" if not isinstance(error, httpx2.ConnectTimeout) else "no answer in time"
