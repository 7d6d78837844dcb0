"""How keys are shown: the columns, the fields, the verdict. Never the key itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wardgate.cli.output import shown_age, shown_time

if TYPE_CHECKING:
    from wardgate.client import models

KEY_HEAD = ("ID", "APPLICATION", "ENVIRONMENT", "KEY", "NAME", "STATE", "EXPIRES", "LAST USED", "USES")


def key_row(key: models.Key, now: float) -> tuple[str, ...]:
    """A key's line under ``KEY_HEAD``."""
    return (
        key["id"],
        key["application"],
        key["environment"],
        shown_key(key),
        key["name"] or "-",
        key["state"],
        shown_age(key["expires_at"], now),
        _last_used(key, now),
        str(key["use_count"]),
    )


def _last_used(key: models.Key, now: float) -> str:
    age = shown_age(key["last_used_at"], now)
    return f"{age} from {key['last_used_address']}" if key["last_used_address"] else age


def key_fields(key: models.Key) -> list[tuple[str, str]]:
    """All of a key for people."""
    narrowed = key["restrictions"]
    return [
        ("id", key["id"]),
        ("application", key["application"]),
        ("environment", key["environment"]),
        ("key", shown_key(key)),
        ("name", key["name"] or "-"),
        ("description", key["description"] or "-"),
        ("state", key["state"]),
        ("created", shown_time(key["created_at"])),
        ("expires", shown_time(key["expires_at"])),
        ("revoked", shown_time(key["revoked_at"])),
        ("replaced by", key["replaced_by"] or "-"),
        ("networks", ", ".join(narrowed["cidrs"]) or "any"),
        ("referers", ", ".join(narrowed["referers"]) or "any"),
        ("resources", ", ".join(narrowed["resources"]) or "any"),
        ("last used", f"{shown_time(key['last_used_at'])} {key['last_used_address'] or ''}".strip()),
        ("uses", str(key["use_count"])),
    ]


def shown_key(key: models.Key) -> str:
    """What may be shown of a key: its start and its end."""
    return f"{key['prefix']}...{key['last_four']}"


def verdict_text(verdict: models.KeyVerdict) -> str:
    """A verdict in one line."""
    key = verdict["key"]
    whose = "" if key is None else f" ({key['id']} of {key['application']}, {key['environment']})"
    if verdict["reason"] is None:
        return f"accepted in {verdict['environment']}{whose}"
    return f"refused in {verdict['environment']}: {verdict['reason']}{whose}"
