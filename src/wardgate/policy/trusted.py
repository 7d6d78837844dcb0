"""Whose tokens an API believes, resolved: what verification depends on, apart from what each request is checked for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from wardgate.domain.trust import OAuth2Settings, TrustedIssuer

_BUILTIN_TYPES = ("at+jwt",)
_FOREIGN_TYPES = ("at+jwt", "jwt", "")
#: Claim names of this installation's own tokens; no setting changes what it issues.
_BUILTIN_CLAIMS = ("client_id",)


@dataclass(frozen=True, slots=True)
class Profile:
    """The issuers of an API by ``iss``, each with its skew, lifetime and types filled in.

    ``tag`` tells profiles apart: what was verified under one is looked up under that one only. It is empty for the
    profile of this installation alone, which nearly all APIs share.
    """

    tag: bytes
    issuers: Mapping[str, TrustedIssuer]
    #: The issuer whose tokens have no readable form: that of the opaque ones of this installation.
    builtin: TrustedIssuer | None
    introspected: tuple[TrustedIssuer, ...]
    #: Whether all that a token says is kept, and the groups of its person are read: what ACLs and conditions ask for.
    full: bool = False

    @property
    def servers(self) -> tuple[str, ...]:
        """The issuers by their identifiers."""
        return tuple(self.issuers)


def profile_of(settings: OAuth2Settings, issuer: str) -> Profile:
    """The profile of an API's settings where ``issuer`` is this installation's own."""
    given = settings.issuers or (TrustedIssuer(issuer=issuer, kind="builtin"),)
    resolved = tuple(_resolved(each, settings, issuer) for each in given)
    plain = (_resolved(TrustedIssuer(issuer=issuer, kind="builtin"), OAuth2Settings(), issuer),)
    tag = b"" if resolved == plain else hashlib.blake2b(repr(resolved).encode(), digest_size=8).digest()
    return Profile(
        tag,
        {each.issuer: each for each in resolved},
        next((each for each in resolved if each.kind == "builtin"), None),
        tuple(each for each in resolved if each.kind == "introspection"),
    )


def with_claims(profile: Profile) -> Profile:
    """The profile of resources whose ACLs or conditions ask more of a token than most. What was verified under it is kept
    apart, so that all other resources remember no more of their tokens than before."""
    return replace(profile, tag=profile.tag + b"+", full=True)


def _resolved(trusted: TrustedIssuer, settings: OAuth2Settings, issuer: str) -> TrustedIssuer:
    """The issuer with what it leaves open taken from the API. Audiences are checked per request, so they are left out:
    APIs that differ in nothing else share what was verified."""
    filled = replace(
        trusted,
        audiences=(),
        skew=settings.skew if trusted.skew is None else trusted.skew,
        max_lifetime=settings.max_lifetime if trusted.max_lifetime is None else trusted.max_lifetime,
    )
    if trusted.kind != "builtin":
        return replace(filled, types=trusted.types or _FOREIGN_TYPES)
    return replace(
        filled,
        issuer=issuer,
        types=trusted.types or _BUILTIN_TYPES,
        application_claims=_BUILTIN_CLAIMS,
        scope_claims=("scope",),
        roles_claims=("roles",),
    )


def audiences_by_issuer(settings: OAuth2Settings, issuer: str, base_path: str) -> dict[str, frozenset[str]]:
    """Which audiences a token of each issuer may name: one of them is enough (RFC 7519 section 4.1.3)."""
    base = issuer + base_path.rstrip("/")
    own = frozenset(settings.audiences or (issuer, base, f"{base}/"))
    found = {issuer: own} if not settings.issuers else {}
    for each in settings.issuers:
        found[issuer if each.kind == "builtin" else each.issuer] = frozenset(each.audiences) or own
    return found
