"""How clients are shown: rows, fields and JSON, never with a secret."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from wardgate.cli.output import shown_time

if TYPE_CHECKING:
    from wardgate.identity.manage_clients import ClientRecord

CLIENT_HEAD = ("CLIENT", "APPLICATION", "ENVIRONMENT", "NAME", "GRANTS", "AUTHENTICATION", "STATUS")


def _grants(record: ClientRecord) -> list[str]:
    legacy = record.client.legacy
    return [
        f"{grant.rpartition(':')[2]}{' (legacy)' if grant in legacy else ''}"
        for grant in record.client.grant_types
    ]


def client_row(record: ClientRecord) -> tuple[str, ...]:
    """The cells under ``CLIENT_HEAD``."""
    client = record.client
    return (
        client.id,
        record.application.name,
        client.environment,
        client.name,
        ", ".join(_grants(record)),
        client.authentication,
        client.status,
    )


def client_json(record: ClientRecord) -> dict[str, Any]:
    """Every setting by its name, the application by its own, and when each secret began and ends."""
    return {
        **asdict(record.client),
        "application": record.application.name,
        "legacy_grants": list(record.client.legacy),
        "secrets": [
            {"created_at": secret.created_at, "expires_at": secret.expires_at} for secret in record.secrets
        ],
    }


def client_fields(record: ClientRecord) -> list[tuple[str, str]]:
    """Names and values for people: what is set, without what is left at its default and empty."""
    shape = client_json(record)
    secrets = shape.pop("secrets")
    shape["grant_types"] = _grants(record)
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
