"""The table: malicious and ambiguous requests byte for byte, the verdict on each, and what the upstream may see of it.

``KEY`` in the bytes stands for a valid key. Unless ``then`` says otherwise nothing of a refused request reaches the
upstream, no request whose target has ``smuggled`` ever does, and the connection is closed.
"""

from __future__ import annotations

from dataclasses import dataclass

_AUTH = b"Host: gateway\r\nX-API-Key: KEY\r\n"
_NEXT = b"GET /raw/v1/smuggled HTTP/1.1\r\n" + _AUTH + b"\r\n"
_LONG = b"x" * 9000

FORWARDED = "forwarded"


@dataclass(frozen=True)
class Raw:
    """One row. ``sees``/``hides``: what the upstream's copy of the head must have, and must not have (lower case)."""

    name: str
    send: bytes
    status: int
    reason: str
    stays_open: bool = False
    sees: tuple[bytes, ...] = ()
    hides: tuple[bytes, ...] = ()
    #: Sent after a pause longer than the time a head may take.
    wait: float = 0.0


def _get(line: bytes, *fields: bytes, rest: bytes = b"") -> bytes:
    return line + b"\r\n" + _AUTH + b"".join(each + b"\r\n" for each in fields) + b"\r\n" + rest


def _post(*fields: bytes, body: bytes = b"") -> bytes:
    return _get(b"POST /raw/v1/echo HTTP/1.1", *fields, rest=body)


def _path(target: bytes) -> bytes:
    return _get(b"GET " + target + b" HTTP/1.1")


def _framing(
    name: str, *fields: bytes, body: bytes = b"0\r\n\r\n" + _NEXT, reason: str = "framing_ambiguous"
) -> Raw:
    return Raw(f"framing: {name}", _post(*fields, body=body), 400, reason)


def _malformed(name: str, data: bytes, status: int = 400, reason: str = "request_malformed") -> Raw:
    return Raw(name, data, status, reason)


def _ambiguous(target: bytes, reason: str = "path_ambiguous") -> Raw:
    return Raw(f"path: {target.decode('latin-1')!r}", _path(target) + _NEXT, 400, reason)


def _chunk(name: str, body: bytes) -> Raw:
    return Raw(
        f"chunked: {name}", _post(b"Transfer-Encoding: chunked", body=body + _NEXT), 400, "framing_ambiguous"
    )


def _dropped(field: bytes, *hides: bytes) -> Raw:
    name = field.partition(b":")[0].lower()
    return Raw(
        f"spoof: {field.decode('latin-1')}",
        _get(b"GET /raw/v1/echo HTTP/1.1", field),
        200,
        FORWARDED,
        stays_open=True,
        hides=hides or (b"evil", b"\r\n" + name + b": evil"),
    )


_CL = b"Content-Length: 5"
_TE = b"Transfer-Encoding: chunked"


def _version(name: str, *fields: bytes, status: int = 400, reason: str = "header_duplicate") -> Raw:
    return Raw(name, _get(b"GET /versioned/echo HTTP/1.1", *fields), status, reason, stays_open=True)


TABLE: tuple[Raw, ...] = (
    # Content-Length and Transfer-Encoding against each other
    _framing("CL.TE", b"Content-Length: 6", _TE, body=b"0\r\n\r\nG"),
    _framing("TE.CL", _TE, b"Content-Length: 4", body=b"5c\r\nGPOST / HTTP/1.1\r\n\r\n0\r\n\r\n"),
    _framing("CL.TE, TE tab", b"Content-Length: 5", b"Transfer-Encoding:\tchunked"),
    _framing("CL 0 with TE", b"Content-Length: 0", _TE),
    _framing("TE xchunked", b"Transfer-Encoding: xchunked"),
    _framing("TE chunked, identity", b"Transfer-Encoding: chunked, identity"),
    _framing("TE identity", b"Transfer-Encoding: identity"),
    _framing("TE identity, chunked", b"Transfer-Encoding: identity, chunked"),
    _framing("TE gzip, chunked", b"Transfer-Encoding: gzip, chunked"),
    _framing("TE twice", _TE, _TE),
    _framing("TE twice, second cow", _TE, b"Transfer-Encoding: cow"),
    _framing("TE quoted", b'Transfer-Encoding: "chunked"'),
    _framing("TE empty", b"Transfer-Encoding: "),
    _framing("TE with parameter", b"Transfer-Encoding: chunked;q=1"),
    _framing("TE with comma", b"Transfer-Encoding: chunked,"),
    _framing("TE vertical tab", b"Transfer-Encoding: \x0bchunked", reason="request_malformed"),
    _framing("TE space before colon", b"Transfer-Encoding : chunked", reason="request_malformed"),
    _framing("TE folded", b"Transfer-Encoding:\r\n chunked", reason="request_malformed"),
    _framing("TE leading space", b" Transfer-Encoding: chunked", reason="request_malformed"),
    _framing("TE after LF", b"X: y\nTransfer-Encoding: chunked", reason="request_malformed"),
    _framing("TE after CR", b"X: y\rTransfer-Encoding: chunked", reason="request_malformed"),
    Raw(
        "framing: TE in HTTP/1.0",
        _get(b"POST /raw/v1/echo HTTP/1.0", _TE, rest=b"0\r\n\r\n" + _NEXT),
        400,
        "framing_ambiguous",
    ),
    Raw(
        "framing: TE with underscore is no TE",
        _post(b"Transfer_Encoding: chunked", b"Content-Length: 5", body=b"0\r\n\r\n"),
        200,
        FORWARDED,
        stays_open=True,
        sees=(b"content-length: 5",),
        hides=(b"transfer",),
    ),
    Raw(
        "framing: mixed-case TE is chunked",
        _post(b"tRANSFER-eNCODING: CHUNKED", body=b"3\r\nabc\r\n0\r\n\r\n"),
        200,
        FORWARDED,
        stays_open=True,
        sees=(b"transfer-encoding: chunked",),
    ),
    _framing("CL +5", b"Content-Length: +5", body=b"hello"),
    _framing("CL 0x5", b"Content-Length: 0x5", body=b"hello"),
    _framing("CL list", b"Content-Length: 5, 5", body=b"hello"),
    _framing("CL -1", b"Content-Length: -1", body=b"hello"),
    _framing("CL with space", b"Content-Length: 5 5", body=b"hello"),
    _framing("CL empty", b"Content-Length: ", body=b"hello"),
    _framing("CL text", b"Content-Length: five", body=b"hello"),
    _framing("CL decimal", b"Content-Length: 5.0", body=b"hello"),
    _framing("CL underscore digits", b"Content-Length: 1_0", body=b"hello"),
    Raw(
        "framing: CL with leading zeros is decimal",
        _post(b"Content-Length: 0010", body=b"0123456789"),
        200,
        FORWARDED,
        stays_open=True,
        sees=(b"\r\ncontent-length: 10\r\n",),
        hides=(b"0010",),
    ),
    _framing("CL huge", b"Content-Length: 99999999999999999999", body=b"hello"),
    _framing("CL twice, equal", _CL, _CL, body=b"hello"),
    _framing("CL twice, different", _CL, b"Content-Length: 0", body=b"hello"),
    _framing("CL non-ASCII digits", b"Content-Length: \xd9\xa5", body=b"hello"),
    _framing("CL space before colon", b"Content-Length : 5", body=b"hello", reason="request_malformed"),
    # Chunked bodies
    _chunk("size overflow", b"10000000000000005\r\nhello\r\n0\r\n\r\n"),
    _chunk("negative size", b"-5\r\nhello\r\n0\r\n\r\n"),
    _chunk("plus size", b"+5\r\nhello\r\n0\r\n\r\n"),
    _chunk("0x size", b"0x5\r\nhello\r\n0\r\n\r\n"),
    _chunk("empty size", b"\r\nhello\r\n0\r\n\r\n"),
    _chunk("space before size", b" 5\r\nhello\r\n0\r\n\r\n"),
    _chunk("space after size", b"5 \r\nhello\r\n0\r\n\r\n"),
    _chunk("underscore size", b"0_5\r\nhello\r\n0\r\n\r\n"),
    _chunk("size ended by LF", b"5\nhello\r\n0\r\n\r\n"),
    _chunk("size ended by CR", b"5\rXhello\r\n0\r\n\r\n"),
    _chunk("extension with bare LF", b"5;a\nb\r\nhello\r\n0\r\n\r\n"),
    _chunk("extension with CR", b"5;a\rb\r\nhello\r\n0\r\n\r\n"),
    _chunk("extension with a quoted LF", b'5;a="\n"\r\nhello\r\n0\r\n\r\n'),
    _chunk("missing CRLF after data", b"5\r\nhello0\r\n\r\n"),
    _chunk("LF after data", b"5\r\nhello\n0\r\n\r\n"),
    _chunk("data longer than its size", b"3\r\nhello\r\n0\r\n\r\n"),
    _chunk("endless extension", b"5;" + b"a" * 5000 + b"\r\nhello\r\n0\r\n\r\n"),
    _chunk("Content-Length in the trailer", b"0\r\nContent-Length: 50\r\n\r\n"),
    _chunk("Transfer-Encoding in the trailer", b"0\r\nTransfer-Encoding: chunked\r\n\r\n"),
    _chunk("Host in the trailer", b"0\r\nHost: evil\r\n\r\n"),
    _chunk("folded trailer", b"0\r\nX: a\r\n b\r\n\r\n"),
    _chunk("trailer with bare LF", b"0\r\nX: a\nY: b\r\n\r\n"),
    _chunk("trailer without colon", b"0\r\nnothing\r\n\r\n"),
    _chunk(
        "trailers without end", b"0\r\n" + b"X-T: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 400
    ),
    Raw(
        "chunked: extension is dropped",
        _post(_TE, body=b'5;evil="x;y"\r\nhello\r\n0\r\n\r\n'),
        200,
        FORWARDED,
        stays_open=True,
        hides=(b"evil",),
    ),
    Raw(
        "chunked: identity in a trailer is dropped",
        _post(
            _TE,
            body=b"0\r\nX-Wardgate-Application: evil\r\nAuthorization: evil\r\nX_Wardgate_Plan: evil\r\n\r\n",
        ),
        200,
        FORWARDED,
        stays_open=True,
        hides=(b"evil",),
    ),
    # Lines and characters
    _malformed("bare LF head", b"GET /raw/v1/echo HTTP/1.1\nHost: gateway\nX-API-Key: KEY\n\n" + _NEXT),
    _malformed("bare LF after the request line", b"GET /raw/v1/echo HTTP/1.1\n" + _AUTH + b"\r\n" + _NEXT),
    _malformed("bare CR head", b"GET /raw/v1/echo HTTP/1.1\rHost: gateway\r\r\n\r\n" + _NEXT),
    _malformed("bare LF in a value", _get(b"GET /raw/v1/echo HTTP/1.1", b"X: a\nY: b") + _NEXT),
    _malformed("bare CR in a value", _get(b"GET /raw/v1/echo HTTP/1.1", b"X: a\rY: b") + _NEXT),
    _malformed("obs-fold", _get(b"GET /raw/v1/echo HTTP/1.1", b"X: a\r\n b") + _NEXT),
    _malformed(
        "obs-fold of the first field", b"GET /raw/v1/echo HTTP/1.1\r\n X: y\r\n" + _AUTH + b"\r\n" + _NEXT
    ),
    _malformed("NUL in a value", _get(b"GET /raw/v1/echo HTTP/1.1", b"X: a\x00b") + _NEXT),
    _malformed("NUL in a name", _get(b"GET /raw/v1/echo HTTP/1.1", b"X\x00: a") + _NEXT),
    _malformed("DEL in a value", _get(b"GET /raw/v1/echo HTTP/1.1", b"X: a\x7fb") + _NEXT),
    _malformed("space before colon", _get(b"GET /raw/v1/echo HTTP/1.1", b"X : a") + _NEXT),
    _malformed("no colon", _get(b"GET /raw/v1/echo HTTP/1.1", b"nothing") + _NEXT),
    _malformed("empty name", _get(b"GET /raw/v1/echo HTTP/1.1", b": a") + _NEXT),
    _malformed("non-ASCII name", _get(b"GET /raw/v1/echo HTTP/1.1", b"X-\xc3\xa9: a") + _NEXT),
    _malformed("name in brackets", _get(b"GET /raw/v1/echo HTTP/1.1", b"X[a]: a") + _NEXT),
    _malformed("two empty lines first", b"\r\n\r\n" + _NEXT),
    _malformed("space before the method", b" GET /raw/v1/echo HTTP/1.1\r\n" + _AUTH + b"\r\n"),
    # The request line
    _malformed("HTTP/0.9", b"GET /raw/v1/echo\r\n\r\n"),
    _malformed("HTTP/1.2", _get(b"GET /raw/v1/echo HTTP/1.2"), 505, "version_unsupported"),
    _malformed("HTTP/2.0", _get(b"GET /raw/v1/echo HTTP/2.0"), 505, "version_unsupported"),
    _malformed("HTTP/3", _get(b"GET /raw/v1/echo HTTP/3"), 505, "version_unsupported"),
    _malformed("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "version_unsupported"),
    _malformed("HTTP/1.10", _get(b"GET /raw/v1/echo HTTP/1.10"), 505, "version_unsupported"),
    _malformed("lower-case version", _get(b"GET /raw/v1/echo http/1.1")),
    _malformed("two spaces", _get(b"GET  /raw/v1/echo HTTP/1.1")),
    _malformed("trailing space", _get(b"GET /raw/v1/echo HTTP/1.1 ")),
    _malformed("tabs as separators", _get(b"GET\t/raw/v1/echo\tHTTP/1.1")),
    _malformed("space in the target", _get(b"GET /raw/v1/echo /x HTTP/1.1")),
    _malformed("no target", _get(b"GET  HTTP/1.1")),
    _malformed("method of 33 characters", _get(b"A" * 33 + b" /raw/v1/echo HTTP/1.1")),
    _malformed("method with a colon", _get(b"GET: /raw/v1/echo HTTP/1.1")),
    _malformed("TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 32),
    _malformed("CONNECT", _get(b"CONNECT evil:443 HTTP/1.1"), 501, "method_unsupported"),
    _malformed("TRACE", _get(b"TRACE /raw/v1/echo HTTP/1.1"), 501, "method_unsupported"),
    Raw(
        "lower-case method where undeclared ones are allowed",
        _get(b"get /raw/v1/echo HTTP/1.1"),
        404,
        "resource_not_found",
        stays_open=True,
    ),
    _malformed("PRI in HTTP/1.1", _get(b"PRI /raw/v1/echo HTTP/1.1"), 501, "method_unsupported"),
    _malformed("asterisk form", _get(b"OPTIONS * HTTP/1.1")),
    _malformed("authority form", _get(b"GET gateway:80 HTTP/1.1")),
    _malformed("absolute form, other scheme", _get(b"GET ftp://gateway/raw/v1/echo HTTP/1.1")),
    _malformed(
        "absolute form, other host", _get(b"GET http://evil/raw/v1/echo HTTP/1.1"), reason="host_invalid"
    ),
    _malformed(
        "absolute form, userinfo", _get(b"GET http://a@gateway/raw/v1/echo HTTP/1.1"), reason="host_invalid"
    ),
    Raw(
        "absolute form, same host",
        _get(b"GET http://GATEWAY/raw/v1/echo?a=b HTTP/1.1"),
        200,
        FORWARDED,
        stays_open=True,
        sees=(b"get /echo?a=b http/1.1\r\n",),
    ),
    Raw("target too long", _path(b"/raw/v1/echo?" + _LONG), 414, "uri_too_long"),
    Raw("head without end", b"GET /" + b"a" * 40000, 414, "uri_too_long"),
    Raw(
        "header too large",
        _get(b"GET /raw/v1/echo HTTP/1.1", b"X: " + b"a" * 40000),
        431,
        "headers_too_large",
    ),
    Raw("101 fields", _get(b"GET /raw/v1/echo HTTP/1.1", *([b"X: y"] * 101)), 431, "headers_too_large"),
    # Host
    Raw("no Host", b"GET /raw/v1/echo HTTP/1.1\r\nX-API-Key: KEY\r\n\r\n" + _NEXT, 400, "host_invalid"),
    Raw("two Hosts", _get(b"GET /raw/v1/echo HTTP/1.1", b"Host: evil") + _NEXT, 400, "host_invalid"),
    *(
        Raw(
            f"Host {host.decode('latin-1')!r}",
            b"GET /raw/v1/echo HTTP/1.1\r\nHost: " + host + b"\r\nX-API-Key: KEY\r\n\r\n" + _NEXT,
            400,
            "host_invalid",
        )
        for host in (
            b"",
            b"a b",
            b"user@gateway",
            b"gateway/evil",
            b"gateway:99999",
            b"gateway:x",
            b"a,b",
            b"[::1",
            b"gateway#",
            b"gateway?x",
            b"\xff",
        )
    ),
    # Paths
    *(
        _ambiguous(target)
        for target in (
            b"/raw/v1/../admin",
            b"/raw/v1/%2e%2e/admin",
            b"/raw/v1/%2E./admin",
            b"/raw/v1/.",
            b"/raw/v1/..",
            b"/raw/v1/a%2fb",
            b"/raw/v1/a%2Fb",
            b"/raw/v1//a",
            b"//raw/v1/a",
            b"/raw/v1/a;b=c",
            b"/raw/v1/..;/admin",
            b"/raw/v1/a\\b",
            b"/raw/v1/a%5cb",
            b"/raw/v1/%c0%ae%c0%ae/a",
            b"/raw/v1/%c0%af",
            b"/raw/v1/%EF%BC%8Fa",
            b"/raw/v1/%EF%BC%8E%EF%BC%8E/a",
            b"/raw/v1/%252e%252e/a",
            b"/raw/v1/%252fa",
            b"/raw/v1/a%00",
            b"/raw/v1/a%0d%0aX:%20y",
            b"/raw/v1/a%3fb",
            b"/raw/v1/a%23b",
            b"/raw/v1/%e2%80%ae",
            b"/raw/v1/%ff",
            b"/raw/v1/%2e",
            b"/raw/v1/...",
            b"/raw/v1/%20/",
            b"/raw/v1/a%3bb",
        )
    ),
    *(
        _ambiguous(target, "request_malformed")
        for target in (
            b"/raw/v1/a#b",
            b"/raw/v1/a%",
            b"/raw/v1/a%zz",
            b"/raw/v1/\xc3\xa9",
            b"/raw/v1/a%u002f",
        )
    ),
    Raw(
        "encoded CRLF in the query stays encoded",
        _path(b"/raw/v1/echo?a=%0d%0aX-Evil:%20y"),
        200,
        FORWARDED,
        stays_open=True,
        sees=(b"?a=%0d%0ax-evil:%20y http/1.1\r\n",),
        hides=(b"\r\nx-evil",),
    ),
    # Fields a client must not set
    *(
        _dropped(field)
        for field in (
            b"X-Wardgate-Application: evil",
            b"x-WARDGATE-application: evil",
            b"X_Wardgate_Application: evil",
            b"X-Wardgate_Subscription: evil",
            b"X-Wardgate-Anything: evil",
            b"X.Wardgate.Application: evil",
            b"X-Wardgate-Assertion: evil",
            b"X-Forwarded-For: evil",
            b"X-Forwarded-Host: evil",
            b"X-Forwarded-Proto: evil",
            b"X_Forwarded_For: evil",
            b"X-Forwarded-User: evil",
            b"Forwarded: for=evil",
            b"X-Real-IP: evil",
            b"X-Original-URL: /evil",
            b"X-Rewrite-URL: /evil",
            b"X-HTTP-Method-Override: evil",
            b"X-HTTP-Method: evil",
            b"X-Method-Override: evil",
            b"Proxy-Authorization: evil",
            b"TE: evil",
            b"Keep-Alive: evil",
            b"Proxy-Connection: evil",
            b"X_API_Key: evil",
            b"X-Forwarded-Client-Cert: evil",
            b"Client-Cert: evil",
            b"True-Client-IP: evil",
            b"CF-Connecting-IP: evil",
            b"Fastly-Client-IP: evil",
            b"X-Remote-IP: evil",
            b"X-Originating-IP: evil",
            b"X-Original-Forwarded-For: evil",
            b"X-Envoy-External-Address: evil",
            b"X-Envoy-Original-Path: /evil",
            b"X-HTTP-DestinationURL: http://evil",
            b"X-Override-URL: /evil",
            b"X-Host: evil",
            b"Remote-User: evil",
            b"X-Remote-User: evil",
            b"Proxy: http://evil",
        )
    ),
    Raw("Host nominated", _get(b"GET /raw/v1/echo HTTP/1.1", b"Connection: Host"), 400, "request_malformed"),
    Raw(
        "Content-Length nominated",
        _post(_CL, b"Connection: content-length", body=b"hello"),
        400,
        "request_malformed",
    ),
    Raw(
        "Cookie nominated",
        _get(b"GET /raw/v1/echo HTTP/1.1", b"Connection: cookie"),
        400,
        "request_malformed",
    ),
    Raw(
        "Connection garbage", _get(b"GET /raw/v1/echo HTTP/1.1", b"Connection: a b"), 400, "request_malformed"
    ),
    Raw(
        "identity nominated",
        _get(
            b"GET /raw/v1/echo HTTP/1.1",
            b"Connection: X-Wardgate-Application, X-Wardgate-Assertion, X-Forwarded-For",
        ),
        200,
        FORWARDED,
        stays_open=True,
        sees=(b"x-wardgate-application: open", b"x-wardgate-assertion: ey", b"x-forwarded-for: 127.0.0.1"),
    ),
    Raw(
        "nominated field is removed",
        _get(b"GET /raw/v1/echo HTTP/1.1", b"Connection: X-Private", b"X-Private: evil"),
        200,
        FORWARDED,
        stays_open=True,
        hides=(b"evil", b"connection:"),
    ),
    # Credentials
    Raw(
        "key twice",
        _get(b"GET /raw/v1/echo HTTP/1.1", b"X-API-Key: KEY"),
        400,
        "credential_ambiguous",
        stays_open=True,
    ),
    Raw(
        "key twice, other case",
        _get(b"GET /raw/v1/echo HTTP/1.1", b"x-api-key: other"),
        400,
        "credential_ambiguous",
        stays_open=True,
    ),
    Raw(
        "key in the query",
        b"GET /raw/v1/echo?X-API-Key=KEY HTTP/1.1\r\nHost: gateway\r\n\r\n",
        401,
        "credential_missing",
        stays_open=True,
    ),
    Raw(
        "key in a header with underscores",
        b"GET /raw/v1/echo HTTP/1.1\r\nHost: gateway\r\nX_API_Key: KEY\r\n\r\n",
        401,
        "credential_missing",
        stays_open=True,
    ),
    Raw(
        "key nominated in Connection is still the key",
        _get(b"GET /raw/v1/echo HTTP/1.1", b"Connection: X-API-Key"),
        200,
        FORWARDED,
        stays_open=True,
        hides=(b"wg_",),
    ),
    Raw(
        "two keys in one field",
        b"GET /raw/v1/echo HTTP/1.1\r\nHost: gateway\r\nX-API-Key: KEY, KEY\r\n\r\n",
        401,
        "credential_invalid",
        stays_open=True,
    ),
    Raw(
        "Authorization twice",
        _get(b"GET /raw/v1/echo HTTP/1.1", b"Authorization: a", b"Authorization: b"),
        400,
        "header_duplicate",
    ),
    Raw(
        "Content-Type twice",
        _post(_CL, b"Content-Type: a/b", b"Content-Type: c/d", body=b"hello"),
        400,
        "header_duplicate",
    ),
    # Expect and Upgrade
    Raw("Expect: something", _post(_CL, b"Expect: 200-ok", body=b"hello"), 417, "expectation_unsupported"),
    Raw(
        "Expect twice",
        _post(_CL, b"Expect: 100-continue", b"Expect: 100-continue", body=b"hello"),
        400,
        "header_duplicate",
    ),
    Raw(
        "Expect without body",
        _get(b"GET /raw/v1/echo HTTP/1.1", b"Expect: 100-continue"),
        200,
        FORWARDED,
        stays_open=True,
        hides=(b"expect",),
    ),
    Raw(
        "Upgrade: h2c",
        _get(
            b"GET /raw/v1/echo HTTP/1.1",
            b"Connection: Upgrade, HTTP2-Settings",
            b"Upgrade: h2c",
            b"HTTP2-Settings: AA",
        ),
        200,
        FORWARDED,
        stays_open=True,
        hides=(b"upgrade", b"h2c", b"http2-settings"),
    ),
    Raw(
        "Upgrade: h2c and websocket",
        _get(b"GET /raw/v1/echo HTTP/1.1", b"Connection: Upgrade", b"Upgrade: h2c, websocket"),
        200,
        FORWARDED,
        stays_open=True,
        hides=(b"upgrade", b"h2c"),
    ),
    Raw(
        "Upgrade not named in Connection",
        _get(b"GET /raw/v1/echo HTTP/1.1", b"Upgrade: websocket"),
        200,
        FORWARDED,
        stays_open=True,
        hides=(b"upgrade",),
    ),
    Raw(
        "Upgrade of a POST",
        _post(_CL, b"Connection: Upgrade", b"Upgrade: websocket", body=b"hello"),
        200,
        FORWARDED,
        stays_open=True,
        hides=(b"upgrade",),
    ),
    Raw(
        "WebSocket without a key",
        b"GET /raw/v1/upgrade-late HTTP/1.1\r\nHost: gateway\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        401,
        "credential_missing",
        stays_open=True,
    ),
    # Versions side by side
    _version("version named", b"X-API-Version: 2", status=200, reason=FORWARDED),
    _version("version not named", status=404, reason="version_missing"),
    _version("version that is none", b"X-API-Version: 3", status=404, reason="version_unknown"),
    _version("version twice", b"X-API-Version: 1", b"X-API-Version: 2"),
    _version("version twice, the same", b"X-API-Version: 1", b"X-API-Version: 1"),
    _version("version in two spellings", b"X-API-Version: 1", b"X_API_Version: 2"),
    _version("version in another spelling alone", b"X_API_Version: 2"),
    _version("version list", b"X-API-Version: 1, 2", status=404, reason="version_unknown"),
    _version("version empty", b"X-API-Version:", status=404, reason="version_unknown"),
    _version(
        "version for this hop", b"X-API-Version: 2", b"Connection: X-API-Version", reason="request_malformed"
    ),
    # Time
    Raw("slow head", b"GET /raw/v1/echo HTTP/1.1\r\nHost: gateway\r\n", 408, "request_timeout", wait=1.6),
    Raw(
        "slow body",
        _post(b"Content-Length: 10", body=b"hello"),
        408,
        "request_timeout",
        wait=2.6,
        sees=(b"post",),
    ),
)
