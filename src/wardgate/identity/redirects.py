"""Where an authorization response goes, and how it travels there (RFC 6749 section 4.1.2, RFC 9700 section 2.1).

A response leaves for a redirect URI only when that URI is, character by character, one the client registered. The one
exception is the port of a loopback address, which a native app cannot know in advance (RFC 8252 section 7.3).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlencode

from wardgate.identity.http import Reply, page, redirect

ResponseMode = Literal["query", "fragment", "form_post"]
RESPONSE_MODES: tuple[ResponseMode, ...] = ("query", "fragment", "form_post")

#: Longest redirect URI that can be registered or asked for.
MAX_LENGTH = 2000

_LOOPBACK = re.compile(r"http://(127\.0\.0\.1|\[::1\])(?::([0-9]{1,5}))?((?:[/?][\x21-\x7e]*)?)")
_ORIGIN = re.compile(r"(https?)://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(?:[/?].*)?")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A place a response may be sent to: the client and its redirect URI are sure. ``state`` is echoed as it came."""

    redirect_uri: str
    mode: ResponseMode
    state: str | None
    issuer: str


def is_registered(requested: str, registered: Iterable[str]) -> bool:
    """Whether ``requested`` is one of the client's own redirect URIs.

    Compared as text (RFC 3986 section 6.2.1): no decoding, no case folding, no prefix. Where the registered one is
    plain HTTP on a loopback address, the port may differ and nothing else may.
    """
    if not requested or len(requested) > MAX_LENGTH:
        return False
    wanted = _loopback(requested)
    return any(requested == uri or (wanted is not None and wanted == _loopback(uri)) for uri in registered)


def _loopback(uri: str) -> tuple[str, str] | None:
    """Address and rest of a plain URI on a loopback address, whatever its port; ``None`` for any other."""
    match = _LOOPBACK.fullmatch(uri)
    if match is None or int(match[2] or 80) not in range(1, 65536) or "#" in match[3]:
        return None
    return match[1], match[3]


def respond(target: Target, parameters: Sequence[tuple[str, str]]) -> Reply:
    """The response: ``parameters``, the ``state`` that came, and ``iss`` (RFC 9207), in the mode that was asked for.

    ``form_post`` is a page that sends its form by itself, or by its button where there are no scripts.
    """
    fields = [*parameters]
    if target.state is not None:
        fields.append(("state", target.state))
    fields.append(("iss", target.issuer))
    uri = target.redirect_uri
    if target.mode == "form_post":
        context = {"action": uri, "fields": fields, "form_action": form_action(uri), "script": "form_post.js"}
        return page("form_post.html", context)
    if target.mode == "fragment":
        location = f"{uri}#{urlencode(fields)}"
    else:
        location = f"{uri}{_joint(uri)}{urlencode(fields)}"
    return redirect(location, ("referrer-policy", "no-referrer"))


def respond_error(target: Target, error: str, description: str) -> Reply:
    """An error response (RFC 6749 section 4.1.2.1)."""
    return respond(target, [("error", error), ("error_description", description)])


def form_action(uri: str) -> tuple[str, ...]:
    """What a content security policy must allow so that a form of ours may end at ``uri`` (CSP 3, ``form-action``)."""
    origin = _ORIGIN.fullmatch(uri)
    if origin is not None:
        scheme, host, port = origin[1], origin[2], origin[3] or ""
        # A host source cannot name an IPv6 address.
        return (f"{scheme}:",) if host.startswith("[") else (f"{scheme}://{host}{port}",)
    scheme_only = _SCHEME.match(uri)
    return () if scheme_only is None else (f"{scheme_only[1].lower()}:",)


def host_of(uri: str) -> str:
    """What a person is told of where a URI leads: its host, or the whole of it where it has none."""
    origin = _ORIGIN.fullmatch(uri)
    return uri if origin is None else origin[2].lower()


def _joint(uri: str) -> str:
    if "?" not in uri:
        return "?"
    return "" if uri.endswith(("?", "&")) else "&"
