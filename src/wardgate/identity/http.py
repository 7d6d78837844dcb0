"""One call to the server and its reply, apart from any web framework."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

NO_STORE = (("cache-control", "no-store"), ("pragma", "no-cache"))
_encode = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Parameters:
    """Form or query parameters in order. RFC 6749 section 3.1: empty counts as absent, none may come twice."""

    pairs: tuple[tuple[str, str], ...] = ()

    def get(self, name: str) -> str | None:
        """The value, or ``None`` where it is absent or empty; of a repeated one the first."""
        return next((value for key, value in self.pairs if key == name and value), None)

    def all(self, name: str) -> tuple[str, ...]:
        """Every value that is not empty."""
        return tuple(value for key, value in self.pairs if key == name and value)

    def repeated(self, allowed: frozenset[str] = frozenset(("resource", "audience"))) -> str | None:
        """The name of a parameter that came twice and may not; ``None`` if there is none."""
        seen: set[str] = set()
        for key, _ in self.pairs:
            if key in seen and key not in allowed:
                return key
            seen.add(key)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request as the server sees it. ``url`` is its external URL without query or fragment (what DPoP's ``htu``
    must say); ``headers`` are pairs with lower-case names; ``address`` the client's; ``certificate`` the DER of the
    client certificate the TLS listener saw, if any. ``form`` is empty unless the body was a URL-encoded form."""

    method: str
    path: str
    url: str
    query: Parameters = Parameters()
    form: Parameters = Parameters()
    headers: tuple[tuple[str, str], ...] = ()
    cookies: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    address: str = ""
    certificate: bytes | None = None

    def header(self, name: str) -> str | None:
        """The first value of the header ``name`` (lower case)."""
        return next((value for key, value in self.headers if key == name), None)

    def header_values(self, name: str) -> tuple[str, ...]:
        """Every value of the header ``name`` (lower case)."""
        return tuple(value for key, value in self.headers if key == name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What goes back. A reply with a ``page`` is rendered from the template of that name with ``context``.

    Two names in ``context`` are for the page's content security policy: ``form_action``, the origins that its forms may
    lead to besides this server (a client's redirect URI), and ``script``, the static script it loads. ``signed_in``, the
    person's name, adds the links of the account to its head.
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    page: str = ""
    context: Mapping[str, Any] = field(default_factory=dict)

    def plus(self, *headers: tuple[str, str]) -> Reply:
        """The same with more headers."""
        return Reply(
            status=self.status,
            headers=(*self.headers, *headers),
            body=self.body,
            page=self.page,
            context=self.context,
        )


Handler = Callable[[Call], Awaitable[Reply]]


def json_reply(value: Any, status: int = 200, *headers: tuple[str, str], cache: bool = False) -> Reply:
    """A JSON document; not to be stored unless ``cache``."""
    body = _encode(value).encode()
    kept = () if cache else NO_STORE
    return Reply(status=status, headers=(("content-type", "application/json"), *kept, *headers), body=body)


def page(template: str, context: Mapping[str, Any], status: int = 200) -> Reply:
    """A page for a person."""
    return Reply(status=status, headers=NO_STORE, page=template, context=context)


def redirect(url: str, *headers: tuple[str, str]) -> Reply:
    """A 303: the browser follows with GET and never re-sends a form (RFC 9700 section 4.12)."""
    return Reply(status=303, headers=(("location", url), *NO_STORE, *headers))


def with_query(url: str, parameters: Sequence[tuple[str, str]]) -> str:
    """``url`` with parameters added to its query, as a redirect to a client has it."""
    parts = urlsplit(url)
    query = "&".join(part for part in (parts.query, urlencode(parameters)) if part)
    return urlunsplit(parts._replace(query=query))
