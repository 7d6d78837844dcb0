"""Foreign OpenID providers: what an operator chose for one, read strictly from how it is stored, and as documents say it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from wardgate.domain.people import IdentityProvider

PresetName = Literal["generic", "okta", "entra", "google"]
#: Issuers that need not be written. That of Entra is an authority, to which the directory is added.
PRESET_ISSUERS: Mapping[PresetName, str] = {
    "generic": "",
    "okta": "",
    "entra": "https://login.microsoftonline.com",
    "google": "https://accounts.google.com",
}
#: Names of Entra that stand for more than one directory.
MANY_TENANTS = frozenset(("common", "organizations"))
TENANT_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
#: Part of the redirect URI.
PROVIDER_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
#: Sources of roles that are no provider.
RESERVED_IDS = frozenset(("local",))
PROVIDER_SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{1,200}")

Authentication = Literal["client_secret_basic", "client_secret_post", "private_key_jwt"]
AUTHENTICATIONS: tuple[Authentication, ...] = (
    "client_secret_basic",
    "client_secret_post",
    "private_key_jwt",
)
OnOverage = Literal["refuse", "ignore"]
ON_OVERAGE: tuple[OnOverage, ...] = ("refuse", "ignore")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """The settings of a provider besides its columns; empty where the preset decides.

    ``tenant`` (Entra) is a directory's id, or ``common`` or ``organizations``, and then ``tenants`` says whose people may
    come. ``domains`` (Google) are the hosted domains whose people may. ``roles`` maps a group or role of the provider to
    roles here, ``groups`` to groups, ``operators`` to roles of operators (``ROLE`` or ``ROLE@PROJECT``). ``create``:
    whoever has no account here gets one. ``assertion_clients`` are the ids of clients that may trade the provider's
    assertions about linked people for tokens (``identity/grants/jwt_bearer.py``). ``secret_from`` is the environment's
    secret that the client secret was taken from, ``secret_at`` the time at which that one was set; empty for one that was
    given by itself.
    """

    tenant: str = ""
    tenants: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    algorithms: tuple[str, ...] = ()
    groups_claim: str = "groups"
    roles_claim: str = "roles"
    name_claim: str = "preferred_username"
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    operators: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    on_overage: OnOverage = "refuse"
    create: bool = False
    authentication: Authentication = "client_secret_basic"
    assertion_clients: tuple[str, ...] = ()
    secret_from: str = ""
    secret_at: str = ""

    @property
    def by_groups(self) -> bool:
        """Whether anything follows from the groups of people."""
        return bool(self.roles or self.groups or self.operators)

    def document(self) -> dict[str, Any]:
        """As it is stored: what differs from the defaults."""
        default = ProviderSettings()
        found: dict[str, Any] = {}
        for each in fields(self):
            value = getattr(self, each.name)
            if value != getattr(default, each.name):
                found[each.name] = _plain(value)
        return found


def read_settings(document: Mapping[str, Any]) -> ProviderSettings:
    """The settings in ``document``. Raises ValueError naming the one that is wrong."""
    known = {each.name: each for each in fields(ProviderSettings)}
    unknown = sorted(document.keys() - known.keys())
    if unknown:
        raise ValueError(f"there is no setting {unknown[0]!r}")
    default = ProviderSettings()
    values = {name: _typed(name, value, getattr(default, name)) for name, value in document.items()}
    read = ProviderSettings(**values)
    if read.on_overage not in ON_OVERAGE:
        raise ValueError(f"on_overage is none of {', '.join(ON_OVERAGE)}")
    if read.authentication not in AUTHENTICATIONS:
        raise ValueError(f"authentication is none of {', '.join(AUTHENTICATIONS)}")
    return read


def _typed(name: str, value: Any, like: Any) -> Any:
    if isinstance(like, bool):
        if isinstance(value, bool):
            return value
        raise ValueError(f"{name} is neither true nor false")
    if isinstance(like, str):
        if isinstance(value, str):
            return value
        raise ValueError(f"{name} is no text")
    if isinstance(like, tuple):
        return _texts(name, value)
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: _texts(name, each) for key, each in value.items()}
    raise ValueError(f"{name} is no mapping")


def _texts(name: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, list | tuple) and all(isinstance(each, str) for each in value):
        return tuple(value)
    raise ValueError(f"{name} is no list of texts")


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return {key: list(each) for key, each in value.items()} if isinstance(value, Mapping) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderEntry:
    """A provider of an environment as a document says it, whole, or as it is.

    ``client_secret`` is the name of the environment's secret that is shown to the provider; empty in a document that keeps
    what is stored, and where the secret was given by itself. ``stale``: that secret was set anew since it was taken.
    ``settings`` name no secret.
    """

    id: str
    name: str
    preset: PresetName
    issuer: str
    client_id: str
    client_secret: str = ""
    stale: bool = False
    settings: ProviderSettings = field(default_factory=ProviderSettings)


def entry_of_provider(provider: IdentityProvider, secrets: Mapping[str, float]) -> ProviderEntry:
    """All that holds of a provider but its secret and whether it is suspended. ``secrets``: when those of its environment
    were set, by name. Raises ValueError where what is stored is not sound."""
    settings = read_settings(provider.settings)
    at = secrets.get(settings.secret_from)
    return ProviderEntry(
        id=provider.id,
        name=provider.name,
        preset=provider.preset,
        issuer=provider.issuer,
        client_id=provider.client_id,
        client_secret=settings.secret_from,
        stale=at is not None and repr(at) != settings.secret_at,
        settings=_once(settings),
    )


def _once(settings: ProviderSettings) -> ProviderSettings:
    """The settings as a document says them: without the secret, and with nothing twice."""
    found: dict[str, Any] = {"secret_from": "", "secret_at": ""}
    for each in fields(settings):
        value = getattr(settings, each.name)
        if isinstance(value, tuple):
            found[each.name] = tuple(dict.fromkeys(value))
        elif isinstance(value, Mapping):
            found[each.name] = {key: tuple(dict.fromkeys(names)) for key, names in value.items()}
    return replace(settings, **found)


def whole_issuer(preset: PresetName, issuer: str, tenant: str) -> str:
    """The issuer that ``issuer`` (empty: that of the preset) stands for, empty where there is none."""
    url = issuer or PRESET_ISSUERS[preset]
    if preset != "entra":
        return url
    ending = f"/{tenant}/v2.0"
    return url if url.endswith(ending) else url.rstrip("/") + ending
