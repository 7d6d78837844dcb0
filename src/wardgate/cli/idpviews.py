"""How providers are shown: the JSON shape, the columns. Never a secret."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wardgate.domain.people import IdentityProvider

PROVIDER_HEAD = ("ID", "NAME", "KIND", "ENVIRONMENT", "ISSUER", "STATE")


def provider_json(provider: IdentityProvider) -> dict[str, Any]:
    """A provider's stable JSON shape."""
    return {
        "id": provider.id,
        "environment": provider.environment,
        "name": provider.name,
        "preset": provider.preset,
        "issuer": provider.issuer,
        "client_id": provider.client_id,
        "has_secret": bool(provider.sealed_secret),
        "settings": dict(provider.settings),
        "status": provider.status,
        "redirect_path": redirect_path(provider),
    }


def provider_row(provider: IdentityProvider) -> tuple[str, ...]:
    """A provider's line under ``PROVIDER_HEAD``."""
    return (
        provider.id,
        provider.name,
        provider.preset,
        provider.environment,
        provider.issuer,
        provider.status,
    )


def provider_fields(
    provider: IdentityProvider, links: int, key: dict[str, Any] | None
) -> list[tuple[str, str]]:
    """All of a provider for people."""
    settings = [(name.replace("_", " "), _shown(value)) for name, value in sorted(provider.settings.items())]
    return [
        ("id", provider.id),
        ("name", provider.name),
        ("kind", provider.preset),
        ("environment", provider.environment),
        ("issuer", provider.issuer),
        ("client id", provider.client_id),
        ("client secret", "stored, not shown" if provider.sealed_secret else "none"),
        *settings,
        ("state", provider.status),
        ("linked accounts", str(links)),
        ("redirect URI", f"(your issuer){redirect_path(provider)}"),
        *([("public key", json.dumps(key))] if key is not None else []),
    ]


def redirect_path(provider: IdentityProvider) -> str:
    """The redirect URI below this installation's issuer."""
    return f"/oauth2/federation/{provider.id}/callback"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{group}={role}" for group, roles in value.items() for role in roles)
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "yes" if value is True else str(value)
