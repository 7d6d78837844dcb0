"""How providers are shown: the JSON shape, the columns. Never a secret."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wardgate.client import models

PROVIDER_HEAD = ("ID", "NAME", "KIND", "ENVIRONMENT", "ISSUER", "STATE")


def provider_json(provider: models.Provider) -> dict[str, Any]:
    """A provider's stable JSON shape."""
    return {name: value for name, value in provider.items() if name not in ("links", "public_key")}


def provider_row(provider: models.Provider) -> tuple[str, ...]:
    """A provider's line under ``PROVIDER_HEAD``."""
    return (
        provider["id"],
        provider["name"],
        provider["preset"],
        provider["environment"],
        provider["issuer"],
        "held" if provider["held"] else provider["status"],
    )


def provider_fields(provider: models.Provider) -> list[tuple[str, str]]:
    """All of a provider for people."""
    settings = [
        (name.replace("_", " "), _shown(value)) for name, value in sorted(provider["settings"].items())
    ]
    key = provider["public_key"]
    return [
        ("id", provider["id"]),
        ("name", provider["name"]),
        ("kind", provider["preset"]),
        ("environment", provider["environment"]),
        ("issuer", provider["issuer"]),
        ("client id", provider["client_id"]),
        ("client secret", "stored, not shown" if provider["has_secret"] else "none"),
        *settings,
        ("state", "waits for another person" if provider["held"] else provider["status"]),
        ("linked accounts", str(provider["links"])),
        ("redirect URI", f"(your issuer){provider['redirect_path']}"),
        *([("public key", json.dumps(key))] if key is not None else []),
    ]


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{group}={role}" for group, roles in value.items() for role in roles)
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "yes" if value is True else str(value)
