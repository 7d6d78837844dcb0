"""What a foreign issuer publishes of itself: its metadata (RFC 8414, OpenID Connect Discovery) and its JWK set."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from wardgate.identity.fetch import NotJsonError
from wardgate.identity.ports import Fetched, Fetcher, FetchError

#: Keys beyond are not kept.
MAX_KEYS = 200
_OIDC = "/.well-known/openid-configuration"
_OAUTH = "/.well-known/oauth-authorization-server"
#: Microsoft Entra ID names the tenant in its keys, and in metadata for several tenants, by this word.
_TENANT = "{tenantid}"
_GUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
#: What a JWK says in public; nothing else of it is kept.
_PUBLIC = ("kty", "kid", "use", "key_ops", "alg", "crv", "x", "y", "n", "e")
_PRIVATE = frozenset(("d", "p", "q", "dp", "dq", "qi", "oth", "k"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The keys of an issuer, where they are, and for how many seconds they may be believed to be the same."""

    jwks: Mapping[str, Any]
    jwks_uri: str
    max_age: float


async def read_issuer(fetch: Fetcher, issuer: str, jwks_uri: str) -> Published:
    """What ``issuer`` publishes now; its metadata is asked where its keys are unless ``jwks_uri`` says it.

    Raises:
        FetchError: it cannot be read, speaks of another issuer, or is no such document.
    """
    where = jwks_uri or await _keys_by_metadata(fetch, issuer)
    answer = await fetch.get(where)
    document = _good(answer, f"the JWK set of {_host(where)}")
    keys = document.get("keys")
    if not isinstance(keys, list):
        raise FetchError(f"the JWK set of {_host(where)} holds no list of keys")
    kept = [_public(key) for key in keys[:MAX_KEYS] if _is_for(key, issuer)]
    return Published(jwks={"keys": kept}, jwks_uri=where, max_age=answer.max_age)


async def read_metadata(fetch: Fetcher, issuer: str) -> Mapping[str, Any]:
    """The metadata of ``issuer``, which says that it is this one. Raises FetchError."""
    base = issuer.rstrip("/")
    parts = urlsplit(base)
    places = (base + _OIDC, f"{parts.scheme}://{parts.netloc}{_OAUTH}{parts.path}")
    for last, url in ((False, places[0]), (True, places[1])):
        try:
            document = _good(await fetch.get(url), f"the metadata of {_host(url)}")
        except _NotThereError:
            if last:
                raise
            continue
        except NotJsonError as error:
            if last or error.status < 400:
                raise
            continue
        named = document.get("issuer")
        if not isinstance(named, str) or not _same_issuer(named, issuer):
            # RFC 8414 section 3.3: else whoever serves the document could speak for anybody.
            raise FetchError(f"the metadata of {_host(url)} is that of another issuer")
        return document
    raise FetchError(f"{_host(base)} publishes no metadata")


class _NotThereError(FetchError):
    """There is no document at this place, and may be one at another."""


async def _keys_by_metadata(fetch: Fetcher, issuer: str) -> str:
    found = (await read_metadata(fetch, issuer)).get("jwks_uri")
    if not isinstance(found, str) or not found:
        raise FetchError(f"the metadata of {_host(issuer)} names no jwks_uri")
    return found


def _good(answer: Fetched, what: str) -> Mapping[str, Any]:
    if answer.status != 200:
        raise _NotThereError(f"{what} was answered with status {answer.status}")
    if not isinstance(answer.document, dict):
        raise FetchError(f"{what} is no JSON object")
    return answer.document


def _same_issuer(named: str, issuer: str) -> bool:
    """Whether metadata names ``issuer``, exactly or with the tenant left open as Entra does."""
    if named == issuer:
        return True
    before, open_, after = named.partition(_TENANT)
    return bool(open_) and re.fullmatch(re.escape(before) + _GUID + re.escape(after), issuer) is not None


def _is_for(key: Any, issuer: str) -> bool:
    """Whether a key is public and, where it names an issuer as Entra's do, is of this one."""
    if not isinstance(key, dict) or not _PRIVATE.isdisjoint(key):
        return False
    named = key.get("issuer")
    return named is None or (isinstance(named, str) and _same_issuer(named, issuer))


def _public(key: Mapping[str, Any]) -> dict[str, Any]:
    return {name: key[name] for name in _PUBLIC if name in key}


def _host(url: str) -> str:
    return urlsplit(url).netloc
