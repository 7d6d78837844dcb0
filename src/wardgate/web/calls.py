"""Makes a :class:`Call` of an ASGI request: what is believed of it, and what is refused before anybody looks at it."""

from __future__ import annotations

import asyncio
import binascii
import hmac
import re
from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from wardgate.identity.errors import OAuthError
from wardgate.identity.http import Call, Parameters

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MAX_BODY = 64 * 1024
_BODY_SECONDS = 30.0
_MOST_PARAMETERS = 200
_FORM = "application/x-www-form-urlencoded"
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_HOP_LABEL = b"wardgate/hop/v1"
#: What only a gateway may say; endpoints never see it.
_PREFIXES = (b"x-wardgate-", b"x-forwarded-")
_TOLD = (b"x-wardgate-hop", b"x-forwarded-for", b"x-wardgate-client-certificate")
#: What is read here. Of a field that stands twice both values count, so that none is passed over.
_READ = frozenset(("content-length", "transfer-encoding", "content-type", "cookie"))


class ClientGoneError(Exception):
    """The client closed the connection before its request was whole."""


def hop_secret(master_key: bytes) -> str:
    """What only the gateway of the same installation can send: the value of ``X-Wardgate-Hop``."""
    return hmac.digest(master_key, _HOP_LABEL, "sha256").hex()


class CallReader:
    """Reads requests for the server whose issuer is ``issuer``.

    A client's address and certificate are believed only from the gateway of this installation, which proves itself by
    ``hop``; URLs follow from the issuer, never from ``Host``.
    """

    def __init__(self, issuer: str, hop: str) -> None:
        self._issuer = issuer
        self._hop = hop.encode()

    async def read(self, scope: Scope, receive: Receive, path: str, names: Mapping[str, str]) -> Call:
        """The call to ``path``, with ``names`` (the variable segments) before the query's parameters.

        Raises:
            OAuthError: 400 for what is malformed, 413 for a body over ``MAX_BODY``, 408 for one that does not come.
            ClientGoneError: nobody waits for an answer any more.
        """
        headers: list[tuple[str, str]] = []
        told: dict[bytes, bytes] = {}
        sent: dict[str, str] = {}
        for raw, value in scope["headers"]:
            if raw.startswith(_PREFIXES):
                if raw in told and raw in _TOLD:
                    raise OAuthError("invalid_request", f"The header {raw.decode()} stands twice")
                told[raw] = value
                continue
            name, text = raw.decode("latin-1"), value.decode("latin-1")
            headers.append((name, text))
            if name in _READ:
                sent[name] = f"{sent[name]}; {text}" if name in sent else text
        address, certificate = self._client(scope, told)
        body = b""
        form: tuple[tuple[str, str], ...] = ()
        if "content-length" in sent or "transfer-encoding" in sent:
            body = await _body(receive, sent.get("content-length", "0"))
            if body and sent.get("content-type", "").partition(";")[0].strip().lower() == _FORM:
                form = parse(body, "form")
        query = parse(scope["query_string"], "query")
        return Call(
            method=scope["method"],
            path=path,
            url=self._issuer + path,
            query=Parameters((*names.items(), *query)),
            form=Parameters(form),
            headers=tuple(headers),
            cookies=_cookies(sent["cookie"]) if "cookie" in sent else {},
            body=body,
            address=address,
            certificate=certificate,
        )

    def _client(self, scope: Scope, told: Mapping[bytes, bytes]) -> tuple[str, bytes | None]:
        """Address and certificate, from the gateway's headers if it is the gateway that speaks."""
        peer: str = (scope.get("client") or ("",))[0]
        if not hmac.compare_digest(told.get(b"x-wardgate-hop", b""), self._hop):
            return peer, None
        address = told.get(b"x-forwarded-for", b"").partition(b",")[0].strip().decode("latin-1") or peer
        certificate = told.get(b"x-wardgate-client-certificate")
        if certificate is None:
            return address, None
        try:
            return address, b64decode(certificate, validate=True)
        except binascii.Error:
            raise OAuthError("invalid_request", "The client certificate cannot be read") from None


def parse(text: bytes, what: str) -> tuple[tuple[str, str], ...]:
    """URL-encoded parameters, in order (WHATWG URL section 5.1), strictly.

    Raises:
        OAuthError: bytes that are no ASCII, an escape that is none, no UTF-8, NUL, or too many parameters; ``what``
            names the place.
    """
    if not text:
        return ()
    try:
        plain = text.decode("ascii")
        if _BAD_ESCAPE.search(plain) is not None:
            raise ValueError
        pairs = parse_qsl(plain, keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS)
        if "%00" in plain:
            raise ValueError
    except ValueError:
        raise OAuthError("invalid_request", f"The {what} is not well-formed") from None
    return tuple(pairs)


async def _body(receive: Receive, length: str) -> bytes:
    if length.isdecimal() and int(length) > MAX_BODY:
        raise _too_large()
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGoneError
                chunk: bytes = message.get("body", b"")
                size += len(chunk)
                if size > MAX_BODY:
                    raise _too_large()
                chunks.append(chunk)
                if not message.get("more_body"):
                    return b"".join(chunks)
    except TimeoutError:
        raise OAuthError("invalid_request", "The body did not come in time", status=408) from None


def _too_large() -> OAuthError:
    return OAuthError("invalid_request", f"The body is over {MAX_BODY} bytes", status=413)


def _cookies(line: str) -> dict[str, str]:
    """Cookies by name. One that came twice with different values is nobody's: it is left out."""
    found: dict[str, str] = {}
    doubtful: set[str] = set()
    for part in line.split(";"):
        name, _, value = part.strip().partition("=")
        if found.setdefault(name, value) != value:
            doubtful.add(name)
    return {name: value for name, value in found.items() if name not in doubtful}
