"""A foreign provider's metadata (OIDC discovery section 4): fetched when needed, checked, kept while fresh."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from wardgate.identity.federation.providers import IssuerRule
from wardgate.identity.outbound import OutboundError, read_url
from wardgate.identity.ports import Fetcher, FetchError

WELL_KNOWN = "/.well-known/openid-configuration"
#: Providers whose metadata is kept; the one not used for longest goes first.
MOST = 128
#: Seconds metadata is good for: what its server says, within these bounds.
_USUAL, _LEAST, _LONGEST = 3600.0, 60.0, 86400.0
#: Seconds between two calls to a provider that does not answer, and how long what it said before still counts then.
_RETRY, STALE = 5.0, 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What is used of a provider's metadata."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    scopes: frozenset[str] = frozenset()
    #: RFC 9207 section 3: it names itself in every answer.
    names_itself: bool = False


class MetadataError(FetchError):
    """Metadata was read and cannot be used."""


def metadata_url(issuer: str) -> str:
    """Where an issuer's metadata is (section 4.1)."""
    return issuer.removesuffix("/") + WELL_KNOWN


def problems_of(document: Mapping[str, Any], rule: IssuerRule) -> list[str]:
    """All that forbids to use the metadata, in words."""
    found = []
    stated = document.get("issuer")
    if stated != rule.of_metadata:
        found.append(f"it states the issuer {_shown(stated)}, and {rule.of_metadata!r} was expected, exactly")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        trouble = _url_problem(document.get(name), rule)
        if trouble:
            found.append(f"{name} {trouble}")
    if document.get("userinfo_endpoint") is not None:
        trouble = _url_problem(document["userinfo_endpoint"], rule)
        if trouble:
            found.append(f"userinfo_endpoint {trouble}")
    return found


def read_metadata(document: Any, rule: IssuerRule) -> Metadata:
    """The metadata in ``document``. Raises MetadataError."""
    if not isinstance(document, Mapping):
        raise MetadataError("the provider's metadata is no JSON object")
    problems = problems_of(document, rule)
    if problems:
        raise MetadataError(f"the provider's metadata cannot be used: {'; '.join(problems)}")
    return Metadata(
        authorization_endpoint=document["authorization_endpoint"],
        token_endpoint=document["token_endpoint"],
        jwks_uri=document["jwks_uri"],
        userinfo_endpoint=document.get("userinfo_endpoint") or "",
        scopes=listed(document, "scopes_supported"),
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
    )


def listed(document: Mapping[str, Any], name: str) -> frozenset[str]:
    """A list of texts in metadata; empty where there is none."""
    value = document.get(name)
    return (
        frozenset(each for each in value if isinstance(each, str)) if isinstance(value, list) else frozenset()
    )


async def fetch_document(fetch: Fetcher, issuer: str) -> tuple[Any, float]:
    """The metadata as it is, and how long its server says it is fresh. Raises FetchError."""
    answer = await fetch.get(metadata_url(issuer))
    if answer.status != 200:
        host = urlsplit(issuer).netloc
        raise FetchError(f"{host} answered {answer.status} where its metadata ({WELL_KNOWN}) should be")
    return answer.document, answer.max_age


@dataclass(slots=True)
class _Entry:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    metadata: Metadata | None = None
    fresh_until: float = float("-inf")
    asked_at: float = float("-inf")


class Discovery:
    """Metadata of providers, by what may be in it."""

    def __init__(self) -> None:
        self._entries: OrderedDict[IssuerRule, _Entry] = OrderedDict()

    async def of(self, fetch: Fetcher, rule: IssuerRule, now: float) -> Metadata:
        """The metadata of ``rule``'s provider. One call at a time; what was read before serves while it is away.

        Raises:
            FetchError: it cannot be read, or cannot be used, and what was read before is too old.
        """
        entry = self._entries.setdefault(rule, _Entry())
        self._entries.move_to_end(rule)
        while len(self._entries) > MOST:
            self._entries.popitem(last=False)
        if entry.metadata is not None and now < entry.fresh_until:
            return entry.metadata
        async with entry.lock:
            if now >= entry.fresh_until and now >= entry.asked_at + _RETRY:
                entry.asked_at = now
                try:
                    await _read(entry, fetch, rule, now)
                except MetadataError:
                    entry.metadata = None  # it answers, and is not what it was: nothing before it counts
                    raise
                except FetchError:
                    if entry.metadata is None or now >= entry.fresh_until + STALE:
                        raise
            if entry.metadata is None or now >= entry.fresh_until + STALE:
                raise FetchError(
                    f"the metadata of {urlsplit(rule.url).netloc} could not be read a moment ago"
                )
            return entry.metadata


async def _read(entry: _Entry, fetch: Fetcher, rule: IssuerRule, now: float) -> None:
    document, age = await fetch_document(fetch, rule.url)
    entry.metadata = read_metadata(document, rule)
    entry.fresh_until = now + (min(max(age, _LEAST), _LONGEST) if age else _USUAL)


def _url_problem(url: Any, rule: IssuerRule) -> str:
    if url is None:
        return "is missing"
    try:
        target = read_url(url)
    except OutboundError as error:
        return f"cannot be used: {error}"
    if target.scheme != "https" and urlsplit(rule.url).scheme == "https":
        return "is not over TLS"
    return ""


def _shown(value: Any) -> str:
    return repr(value[:200]) if isinstance(value, str) else "no text"
