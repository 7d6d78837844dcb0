"""What an operator chose for one foreign provider, read strictly from how it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

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
    assertions about linked people for tokens (``identity/grants/jwt_bearer.py``).
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
