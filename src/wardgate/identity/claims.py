"""What is said of a person to a client: standard claims by scope and by request (OIDC core sections 5.1, 5.4, 5.5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from wardgate.domain.people import User

#: The claims each scope opens.
CLAIMS_OF_SCOPE: Mapping[str, tuple[str, ...]] = {
    "profile": (
        "name",
        "family_name",
        "given_name",
        "middle_name",
        "nickname",
        "preferred_username",
        "profile",
        "picture",
        "website",
        "gender",
        "birthdate",
        "zoneinfo",
        "locale",
        "updated_at",
    ),
    "email": ("email", "email_verified"),
    "address": ("address",),
    "phone": ("phone_number", "phone_number_verified"),
}
SCOPE_OF_CLAIM: Mapping[str, str] = {
    claim: scope for scope, claims in CLAIMS_OF_SCOPE.items() for claim in claims
}
#: What ``claims_supported`` of the discovery document says of persons.
SUPPORTED_CLAIMS = ("sub", *SCOPE_OF_CLAIM)


def implied_scopes(claims: Mapping[str, Mapping[str, Any]]) -> frozenset[str]:
    """The scopes whose claims a ``claims`` request names one by one: consent to the one is asked as to the other."""
    return frozenset(
        SCOPE_OF_CLAIM[name] for asked in claims.values() for name in asked if name in SCOPE_OF_CLAIM
    )


def without_claims_of(
    claims: Mapping[str, Mapping[str, Any]], scopes: Iterable[str]
) -> dict[str, dict[str, Any]]:
    """``claims`` without what belongs to ``scopes``: nobody may see it, so it is left out (section 5.5.1)."""
    closed = frozenset(scopes)
    return {
        destination: {
            name: wish for name, wish in asked.items() if SCOPE_OF_CLAIM.get(name, "") not in closed
        }
        for destination, asked in claims.items()
    }


def claims_for(
    user: User, scopes: Iterable[str], asked: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, Any]:
    """The person's claims that the granted ``scopes`` open, and those ``asked`` for by name. Never ``sub``.

    A claim with no value is left out; so is one that has another value than all that were asked for.
    """
    names = {name for scope in scopes for name in CLAIMS_OF_SCOPE.get(scope, ())}
    names.update(name for name in asked or () if name in SCOPE_OF_CLAIM)
    known = _all_claims(user)
    found = {name: known[name] for name in SCOPE_OF_CLAIM if name in names and name in known}
    return {name: value for name, value in found.items() if _suits(value, (asked or {}).get(name, {}))}


def _all_claims(user: User) -> dict[str, Any]:
    claims = {name: value for name, value in user.profile.items() if value not in (None, "", {}, [])}
    claims["preferred_username"] = user.name
    claims.pop("email_verified", None)
    claims.pop("phone_number_verified", None)
    claims.pop("updated_at", None)
    since = int(user.claims_at or user.created_at)
    if since:
        claims["updated_at"] = since
    if "phone_number" in claims:
        # Nobody here calls it.
        claims["phone_number_verified"] = False
    if user.email:
        claims |= {"email": user.email, "email_verified": user.email_verified}
    return claims


def _suits(value: Any, wish: Mapping[str, Any]) -> bool:
    if "value" in wish:
        return bool(value == wish["value"])
    return "values" not in wish or value in wish["values"]
