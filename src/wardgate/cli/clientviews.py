"""How clients are shown: rows, fields and JSON, never with a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wardgate.cli.output import shown_time

if TYPE_CHECKING:
    from wardgate.client import models

CLIENT_HEAD = ("CLIENT", "APPLICATION", "ENVIRONMENT", "NAME", "GRANTS", "AUTHENTICATION", "STATUS")


def _grants(client: models.Client) -> list[str]:
    legacy = client["legacy_grants"]
    return [
        f"{grant.rpartition(':')[2]}{' (legacy)' if grant in legacy else ''}"
        for grant in client["grant_types"]
    ]


def client_row(client: models.Client) -> tuple[str, ...]:
    """The cells under ``CLIENT_HEAD``."""
    return (
        client["id"],
        client["application"],
        client["environment"],
        client["name"],
        ", ".join(_grants(client)),
        client["authentication"],
        client["status"],
    )


def client_json(client: models.Client) -> dict[str, Any]:
    """Every setting by its name, the application by its own, and when each secret began and ends."""
    return {name: value for name, value in client.items() if name != "warnings"}


def client_fields(client: models.Client) -> list[tuple[str, str]]:
    """Names and values for people: what is set, without what is left at its default and empty."""
    shape = client_json(client)
    secrets = shape.pop("secrets")
    shape["grant_types"] = _grants(client)
    del shape["legacy_grants"]
    fields = [(name, _shown(name, value)) for name, value in shape.items() if value not in ("", (), [], None)]
    for number, secret in enumerate(secrets, 1):
        end = "" if secret["expires_at"] is None else f", ends {shown_time(secret['expires_at'])}"
        fields.append((f"secret {number}", f"since {shown_time(secret['created_at'])}{end}"))
    return fields


def _shown(name: str, value: Any) -> str:
    if name == "created_at":
        return shown_time(value)
    if isinstance(value, list | tuple):
        return " ".join(str(each) for each in value)
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
