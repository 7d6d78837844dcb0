"""What is special about Okta, Microsoft Entra ID and Google; everything else is OpenID Connect.

Entra issues in the name of the directory (tenant) a person comes from. An application of one directory has one exact
issuer. One of many (``common``, ``organizations``) has a template as issuer, which must fit the token's ``tid``; and as
anybody can make a directory, only those that the operator listed are let in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wardgate.domain.people import IdentityProvider
from wardgate.domain.provider import MANY_TENANTS, TENANT_ID, PresetName, ProviderSettings
from wardgate.jose.claims import text
from wardgate.jose.keys import DEFAULT_ALGORITHMS

_PLACE = "{tenantid}"
_USUAL_SCOPES = ("openid", "profile", "email")


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """What one kind of provider needs. ``extra_scopes`` are asked for where its metadata lists them; ``userinfo``:
    whether that endpoint tells more than the id token."""

    title: str
    algorithms: frozenset[str] = DEFAULT_ALGORITHMS
    extra_scopes: tuple[str, ...] = ()
    userinfo: bool = True


PRESETS: Mapping[PresetName, Preset] = {
    "generic": Preset(title="OpenID provider"),
    "okta": Preset(title="Okta", algorithms=frozenset(("RS256", "ES256")), extra_scopes=("groups",)),
    "entra": Preset(
        title="Microsoft",
        algorithms=frozenset(("RS256",)),
        userinfo=False,
    ),
    "google": Preset(title="Google", algorithms=frozenset(("RS256",)), userinfo=False),
}


class IssuerError(Exception):
    """A token or a document comes from somebody else; the message names what differs, never a value of a token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerRule:
    """Who may issue for a provider. ``url`` is what its metadata hangs below; ``template`` has ``{tenantid}`` where the
    directory stands, and is empty for a provider with one issuer."""

    url: str
    template: str = ""
    tenants: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()

    @property
    def of_metadata(self) -> str:
        """The ``issuer`` that the metadata must state."""
        return self.template or self.url

    def may_be(self, issuer: str) -> bool:
        """Whether ``issuer`` is one of the provider's: all that can be said before there is a token."""
        if not self.template:
            return issuer == self.url
        before, after = self.template.split(_PLACE)
        tenant = issuer.removeprefix(before).removesuffix(after)
        return issuer == before + tenant + after and tenant in self.tenants

    def check(self, claims: Mapping[str, Any]) -> str:
        """The issuer of an id token, which is exactly right.

        Raises:
            IssuerError: it is another, or of a directory or domain that may not come.
            JoseError: a claim is of the wrong type.
        """
        issuer, tenant = text(claims, "iss"), text(claims, "tid")
        if not self.template:
            if issuer != self.url:
                raise IssuerError("the id token is of another issuer")
            if self.tenants and tenant and tenant not in self.tenants:
                raise IssuerError("the id token is of another directory than its issuer")
        elif not TENANT_ID.fullmatch(tenant) or issuer != self.template.replace(_PLACE, tenant):
            raise IssuerError("the id token's issuer is not that of its directory")
        elif tenant not in self.tenants:
            raise IssuerError("the id token is of a directory that is not allowed")
        if self.domains and text(claims, "hd").lower() not in self.domains:
            raise IssuerError("the person is of no domain that is allowed")
        return issuer

    def subject(self, claims: Mapping[str, Any]) -> str:
        """What the person's account is known by: ``sub`` alone means something within one issuer only."""
        subject = text(claims, "sub")
        return f"{text(claims, 'tid')}/{subject}" if self.template else subject


def issuer_rule(provider: IdentityProvider, settings: ProviderSettings) -> IssuerRule:
    """The rule of a provider whose settings are sound."""
    domains = frozenset(settings.domains)
    if provider.preset != "entra":
        return IssuerRule(url=provider.issuer, domains=domains)
    if settings.tenant not in MANY_TENANTS:
        return IssuerRule(url=provider.issuer, tenants=frozenset((settings.tenant,)))
    before, _, after = provider.issuer.rpartition(f"/{settings.tenant}/")
    return IssuerRule(
        url=provider.issuer, template=f"{before}/{_PLACE}/{after}", tenants=frozenset(settings.tenants)
    )


def algorithms_of(provider: IdentityProvider, settings: ProviderSettings) -> frozenset[str]:
    """The signatures that are accepted on id tokens."""
    return frozenset(settings.algorithms) or PRESETS[provider.preset].algorithms


def scopes_of(
    provider: IdentityProvider, settings: ProviderSettings, supported: frozenset[str]
) -> tuple[str, ...]:
    """The scopes to ask for: as set, or the usual ones and what the preset adds where the provider has it."""
    if settings.scopes:
        return tuple(dict.fromkeys(("openid", *settings.scopes)))
    extra = PRESETS[provider.preset].extra_scopes
    return (*_USUAL_SCOPES, *(scope for scope in extra if scope in supported))


def email_verified(provider: IdentityProvider, claims: Mapping[str, Any]) -> bool:
    """Whether the provider vouches for the address.

    Entra lets administrators of any directory write any address; only ``xms_edov`` says that the directory owns its domain.
    """
    value = claims.get("xms_edov" if provider.preset == "entra" else "email_verified")
    return value is True or (provider.preset == "entra" and value in (1, "1", "true"))
