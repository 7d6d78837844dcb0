"""Who a foreign provider says has signed in: account, address, groups."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wardgate.domain.mail_address import is_address
from wardgate.domain.people import IdentityProvider
from wardgate.domain.provider import ProviderSettings
from wardgate.identity.federation.providers import IssuerRule, email_verified
from wardgate.identity.federation.rights import NO_RIGHTS, Rights

_log = logging.getLogger("wardgate.identity")

_METHOD = re.compile(r"[a-z0-9_-]{1,20}")
_MOST_METHODS = 10
_LONGEST = 200
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_PROFILE = ("name", "given_name", "family_name")


class OverageError(Exception):
    """The person is in more groups than the provider lists, so that what follows from them cannot be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """An account at a provider. ``subject`` is what links know it by; ``rights`` what follows from its groups; ``amr``
    how the provider says the person proved who they are (RFC 8176)."""

    subject: str
    name: str = ""
    email: str = ""
    email_verified: bool = False
    profile: Mapping[str, str] = field(default_factory=dict)
    rights: Rights = NO_RIGHTS
    amr: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """What the account is called on a page."""
        return self.email or self.name or self.subject


def person_of(
    provider: IdentityProvider, settings: ProviderSettings, rule: IssuerRule, claims: Mapping[str, Any]
) -> Person:
    """The person that verified claims describe.

    Raises:
        OverageError: the provider left the groups out because there are too many, and they matter.
    """
    email = _text(claims.get("email"))
    email = email if is_address(email) else ""
    methods = claims.get("amr")
    return Person(
        subject=rule.subject(claims),
        name=_text(claims.get(settings.name_claim)),
        email=email,
        email_verified=bool(email) and email_verified(provider, claims),
        profile={name: value for name in _PROFILE if (value := _text(claims.get(name)))},
        rights=rights_of(settings, _groups(provider, settings, claims)),
        amr=tuple(
            each for each in methods[:_MOST_METHODS] if isinstance(each, str) and _METHOD.fullmatch(each)
        )
        if isinstance(methods, list)
        else (),
    )


def rights_of(settings: ProviderSettings, groups: frozenset[str]) -> Rights:
    """What groups map to."""
    return Rights(
        roles=_mapped(settings.roles, groups),
        groups=_mapped(settings.groups, groups),
        operators=_mapped(settings.operators, groups),
    )


def _mapped(mapping: Mapping[str, tuple[str, ...]], groups: frozenset[str]) -> frozenset[str]:
    return frozenset(name for group in groups for name in mapping.get(group, ()))


def lacks(settings: ProviderSettings, claims: Mapping[str, Any]) -> bool:
    """Whether an id token leaves out what matters and userinfo may tell (OIDC core section 5.4)."""
    if not _text(claims.get("email")) or not _text(claims.get(settings.name_claim)):
        return True
    names = (settings.groups_claim, settings.roles_claim)
    return settings.by_groups and all(claim_at(claims, name) is None for name in names)


def is_overage(settings: ProviderSettings, claims: Mapping[str, Any]) -> bool:
    """Whether Entra left the groups out, as there are more than it lists (200 in a JWT)."""
    elsewhere = claims.get("_claim_names")
    left_out = isinstance(elsewhere, Mapping) and settings.groups_claim in elsewhere
    return left_out or claims.get("hasgroups") in (True, "true", 1)


def claim_at(claims: Mapping[str, Any], name: str) -> Any:
    """A claim by its name, or by the way to it: ``realm_access.roles``."""
    if name in claims:
        return claims[name]
    value: Any = claims
    for step in name.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _groups(
    provider: IdentityProvider, settings: ProviderSettings, claims: Mapping[str, Any]
) -> frozenset[str]:
    if is_overage(settings, claims):
        decided = "refused" if settings.by_groups and settings.on_overage == "refuse" else "no groups count"
        _log.warning(
            "identity provider %s: a person is in more groups than it lists: %s", provider.id, decided
        )
        if decided == "refused":
            raise OverageError
        groups: frozenset[str] = frozenset()
    else:
        groups = _texts(claim_at(claims, settings.groups_claim))
    return groups | _texts(claim_at(claims, settings.roles_claim))


def _texts(value: Any) -> frozenset[str]:
    if isinstance(value, str):
        return frozenset((value,))
    return (
        frozenset(each for each in value if isinstance(each, str)) if isinstance(value, list) else frozenset()
    )


def _text(value: Any) -> str:
    """A claim that can be shown on one line; empty for anything else."""
    if not isinstance(value, str) or len(value) > _LONGEST or _UNPRINTABLE.search(value):
        return ""
    return value.strip()
