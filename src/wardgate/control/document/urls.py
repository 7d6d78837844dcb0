"""URLs of other people's authorization servers: over TLS, or to this machine itself, and with one reading."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from wardgate.control.document.fields import Fields
from wardgate.control.document.templates import named, template_problem

_NAME = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?")
_PRINTABLE = re.compile(r"[\x21-\x7e]{1,2000}")
_REMEDY = "Write it as https://host/path"


def read_url(fields: Fields, key: str, *, query: bool = False, variables: bool = False) -> str:
    """The URL under ``key``, empty where there is none or it is wrong, which is noted. It may be plain http for
    loopback only; a query only with ``query``. With ``variables`` it may hold some; it is checked when they are in place.
    """
    url = fields.text(key, "")
    if variables and named(url):
        wrong = template_problem(url, secrets=False)
        if wrong is not None:
            fields.problem(key, *wrong)
        return url
    trouble = url_problem(url, query=query) if url else None
    if trouble is None:
        return url
    fields.problem(key, f"the URL of {key!r} cannot be used: {trouble}", _REMEDY)
    return ""


def url_problem(url: str, *, query: bool = False) -> str | None:
    """What keeps ``url`` from being called, or ``None``; never repeats credentials in it."""
    if not _PRINTABLE.fullmatch(url) or "\\" in url:
        return "it holds a space, a backslash or a character beyond ASCII, or is too long"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "it is no valid URL"
    if parts.scheme not in ("https", "http"):
        return "it must start with https://"
    if "@" in parts.netloc:
        return "it holds a user name or password"
    host = parts.hostname or ""
    if port == 0 or not (_NAME.fullmatch(host) or _is_address(host)):
        return "it names no host"
    if "#" in url or ("?" in url and not query):
        return "it holds a fragment" if "#" in url else "it holds a query"
    if parts.scheme == "http" and not is_loopback(host):
        return "it must start with https://; plain http reaches this machine only"
    return None


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine."""
    return host == "localhost" or (_is_address(host) and ip_address(host).is_loopback)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
