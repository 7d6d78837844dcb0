"""Cross-origin access of one API, rendered once (Fetch standard, section 3.2).

Pre-flights are answered by the gateway, before authentication: a browser sends them without credentials. An actual
request of an origin that is not allowed is still forwarded, only without CORS fields in the answer: CORS tells a
browser what its scripts may read, it is no access control, and refusing by ``Origin`` would break callers that are
not browsers. The browser then keeps the answer from the script.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from wardgate.domain.api import Cors
from wardgate.domain.versioning import Versioning

_ORIGIN = re.compile(r"null|[a-z][a-z0-9+.-]*://(?:\[[0-9a-f:.]+\]|[a-z0-9._~-]+)(?::[1-9][0-9]{0,4})?")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_PORT = re.compile(r":([0-9]+)\Z")
_LAST_PORT = 65535
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_ASKED_METHOD = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}")
_SAFE_METHODS = frozenset({b"GET", b"HEAD", b"POST"})
_NORMALISED = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"})
#: Safelisted request fields need no permission unless their value is unusual; browsers then name them.
_SAFE_HEADERS = frozenset({b"accept", b"accept-language", b"content-language", b"content-type"})
_FORBIDDEN_METHODS = frozenset({"CONNECT", "TRACE", "TRACK"})

_VARY = b"Vary: Origin\r\n"
_VARY_PREFLIGHT = b"Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers"


class CorsRules:
    """What browsers of other origins may do with an API. Origins match byte for byte, as browsers send them."""

    __slots__ = (
        "_actual",
        "_any_header",
        "_any_method",
        "_any_origin",
        "_headers",
        "_methods",
        "_others",
        "_preflight",
    )

    def __init__(self, cors: Cors) -> None:
        """Raises ValueError naming the first setting of :func:`cors_problems`."""
        for problem in cors_problems(cors):
            raise ValueError(f"cors.{problem.setting}: {problem.message}; {problem.remedy}")
        self._any_origin = cors.origins == ("*",)
        methods = [method.upper() if method.upper() in _NORMALISED else method for method in cors.methods]
        self._any_method = "*" in methods
        self._methods = frozenset(method.encode() for method in methods) | _SAFE_METHODS
        self._any_header = "*" in cors.headers
        self._headers = frozenset(header.lower().encode() for header in cors.headers) | _SAFE_HEADERS
        expose = (
            f"Access-Control-Expose-Headers: {', '.join(cors.expose)}\r\n".encode() if cors.expose else b""
        )
        allow = b"Access-Control-Allow-Credentials: true\r\n" if cors.credentials else b""
        vary = b"" if self._any_origin else _VARY
        self._actual: dict[bytes, bytes] = {}
        self._preflight: dict[bytes, list[bytes]] = {}
        for origin in cors.origins:
            line = b"Access-Control-Allow-Origin: " + origin.encode()
            self._actual[origin.encode()] = line + b"\r\n" + allow + expose + vary
            self._preflight[origin.encode()] = [
                line,
                *([allow.removesuffix(b"\r\n")] if allow else []),
                b"Access-Control-Max-Age: %d" % cors.max_age,
                _VARY_PREFLIGHT,
            ]
        #: What any other origin's answer gets, and one without Origin: caches must still keep answers apart.
        self._others = self._actual[b"*"] if self._any_origin else vary

    def preflight(self, origin: bytes, method: bytes, headers: bytes | None) -> list[bytes] | None:
        """The field lines (without CRLF) of the 204 that answers a pre-flight; ``None`` when it is refused.

        ``method`` and ``headers`` are the values of Access-Control-Request-Method and -Headers. Methods compare
        case-sensitively, header names do not. What was asked for is granted by name, never by ``*``, which means
        nothing once credentials are in play.
        """
        lines = self._preflight.get(b"*" if self._any_origin else origin)
        if lines is None or _ASKED_METHOD.fullmatch(method) is None:
            return None
        if method not in self._methods and not (
            self._any_method and method.decode() not in _FORBIDDEN_METHODS
        ):
            return None
        answer = [*lines, b"Access-Control-Allow-Methods: " + method]
        asked = [
            name for name in (name.strip(b" \t").lower() for name in (headers or b"").split(b",")) if name
        ]
        for name in asked:
            if _ASKED_METHOD.fullmatch(name) is None:
                return None
            # Authorization is never covered by "*" (Fetch, "CORS non-wildcard request-header name").
            if name not in self._headers and not (self._any_header and name != b"authorization"):
                return None
        if asked:
            answer.append(b"Access-Control-Allow-Headers: " + b", ".join(dict.fromkeys(asked)))
        return answer

    def actual(self, origin: bytes) -> bytes:
        """Field lines, each with CRLF, to add to the answer of any other request; ``origin`` is empty without one.

        ``Vary: Origin`` is always among them unless every origin gets the same answer.
        """
        return self._actual.get(origin, self._others)


def with_version(cors: Cors, versioning: Versioning | None) -> Cors:
    """The same for an API whose versions a header names: scripts may send that."""
    if versioning is None or not versioning.name or "*" in cors.headers:
        return cors
    return replace(cors, headers=(*cors.headers, versioning.name))


@dataclass(frozen=True, slots=True)
class CorsProblem:
    """A setting that no browser would honour, or that would open more than it says. ``value`` is the wrong entry."""

    setting: str
    value: str
    message: str
    remedy: str


def cors_problems(cors: Cors) -> Iterator[CorsProblem]:
    """Everything that :class:`CorsRules` would refuse in ``cors``."""
    if "*" in cors.origins and len(cors.origins) > 1:
        yield CorsProblem("origins", "*", "'*' must stand alone", "name the origins instead")
    if "*" in cors.origins and cors.credentials:
        yield CorsProblem("credentials", "", "not possible with origins '*'", "name the origins instead")
    for origin in cors.origins:
        scheme, _, rest = origin.partition("://")
        if origin != "*" and (
            _ORIGIN.fullmatch(origin) is None
            or rest.endswith(_DEFAULT_PORTS.get(scheme, "\0"))
            or _port(rest) > _LAST_PORT
        ):
            yield CorsProblem(
                "origins",
                origin,
                f"{origin!r} is not how a browser names an origin",
                "write it like https://app.example.com, in lower case, without path and without the default port",
            )
    for method in cors.methods:
        if method != "*" and (_TOKEN.fullmatch(method) is None or method.upper() in _FORBIDDEN_METHODS):
            yield CorsProblem("methods", method, f"{method!r} is no method a browser may send", "remove it")
    for setting, names in (("headers", cors.headers), ("expose", cors.expose)):
        for name in names:
            if _TOKEN.fullmatch(name) is None:
                yield CorsProblem(setting, name, f"{name!r} is no header name", "correct or remove it")
    if "*" in cors.expose and cors.credentials:
        message = "'*' means nothing to browsers together with credentials"
        yield CorsProblem("expose", "*", message, "name the headers")
    if cors.max_age < 0:
        yield CorsProblem("max_age", "", f"{cors.max_age} is below 0", "write seconds from 0 up")


def _port(authority: str) -> int:
    found = _PORT.search(authority)
    return int(found[1]) if found else 0
