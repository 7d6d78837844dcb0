"""Which URLs a client may register: places that are its own and that are read one way only (RFC 8252, RFC 9700)."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import urlsplit

from wardgate.identity.redirects import MAX_LENGTH

_CHARACTERS = re.compile(r"[\x21-\x7e]+")
_HOST = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})|%(?:0[0-9a-f]|1[0-9a-f]|2e|2f|5c|7f)", re.IGNORECASE)
_PRIVATE_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+")
LOOPBACK = frozenset(("127.0.0.1", "[::1]", "localhost"))


def redirect_problem(uri: str, *, native: bool) -> str | None:
    """What keeps ``uri`` from being a redirect URI; ``None`` if nothing does.

    It is ``https``, or ``http`` on a loopback address, or, of a ``native`` app, a private scheme named after a domain
    (``com.example.app:/done``, RFC 8252 section 7.1). It has no fragment, wildcard, user information or dot segments.
    """
    problem = _shared_problem(uri)
    if problem is not None:
        return problem
    scheme, colon, rest = uri.partition(":")
    if scheme in ("https", "http"):
        return _web_problem(uri, loopback=True)
    if not colon or _PRIVATE_SCHEME.fullmatch(scheme) is None:
        return "its scheme is neither https nor a private one with a dot, like com.example.app"
    if not native:
        return "private schemes are for native (public) clients"
    if rest.startswith("//"):
        return (
            "a private scheme has no host: write one slash, like com.example.app:/done (RFC 8252 section 7.1)"
        )
    return None if rest.startswith("/") else "a path must follow its scheme, like com.example.app:/done"


def link_problem(uri: str) -> str | None:
    """What keeps ``uri`` from being an address this server calls or shows: it must be plain ``https``."""
    return _shared_problem(uri) or _web_problem(uri, loopback=False)


def _shared_problem(uri: str) -> str | None:
    if not uri:
        return "it is empty"
    if len(uri) > MAX_LENGTH:
        return f"it has more than {MAX_LENGTH} characters"
    if _CHARACTERS.fullmatch(uri) is None:
        return "it holds blanks, control characters or others beyond ASCII: write them percent-encoded"
    if "#" in uri:
        return "it has a fragment (RFC 6749 section 3.1.2)"
    if "*" in uri:
        return "it has a wildcard: every URI is registered by itself"
    if any(each in uri for each in '\\"<>^`{|}'):
        return "it holds a character that no URI has"
    if _BAD_ESCAPE.search(uri.partition("?")[0]) is not None:
        return "its path hides a slash, a dot, a control character or a broken escape behind a percent sign"
    path = uri.partition("?")[0]
    if any(segment in (".", "..") for segment in path.split("/")):
        return "it has dot segments"
    return None


def _web_problem(uri: str, *, loopback: bool) -> str | None:
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        return "its host or port cannot be read"
    if parts.scheme not in ("https", "http") or not uri.startswith(f"{parts.scheme}://"):
        return "it must begin with https:// in lower case"
    if "@" in parts.netloc:
        return "it has user information before its host"
    host, colon, _ = (
        parts.netloc.rpartition(":") if not parts.netloc.endswith("]") else (parts.netloc, "", "")
    )
    host = host if colon else parts.netloc
    if colon and not port:
        return "its port is none"
    if not _is_host(host):
        return "its host is none, or not in lower case"
    if parts.scheme == "http" and not (loopback and host in LOOPBACK):
        return "plain http is for loopback addresses only" if loopback else "it is not https"
    return None


def _is_host(host: str) -> bool:
    """Whether ``host`` is a name in lower case, or an address in its one canonical form."""
    try:
        if host.startswith("[") and host.endswith("]"):
            return str(IPv6Address(host[1:-1])) == host[1:-1]
        if host.rpartition(".")[2].isdigit():
            return str(IPv4Address(host)) == host
    except AddressValueError:
        return False
    return _HOST.fullmatch(host) is not None
