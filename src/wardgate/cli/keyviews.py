"""How keys are shown: the JSON shape, the columns, the verdict. Never the key itself."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from wardgate.cli.output import shown_age, shown_time
from wardgate.domain.consumer import Credential, Restrictions

if TYPE_CHECKING:
    from wardgate.control.verify import KeyVerdict

KEY_HEAD = ("ID", "APPLICATION", "ENVIRONMENT", "KEY", "NAME", "STATE", "EXPIRES", "LAST USED", "USES")


def restrictions_of(
    cidrs: Sequence[str] | None, referers: Sequence[str] | None, resources: Sequence[str] | None
) -> Restrictions:
    """The restrictions asked for on the command line."""
    return Restrictions(
        cidrs=tuple(cidrs or ()), referers=tuple(referers or ()), resources=tuple(resources or ())
    )


def key_json(credential: Credential, application: str) -> dict[str, Any]:
    """A key's stable JSON shape; times are Unix seconds or null."""
    from wardgate.control.keys import state_of

    return {
        "id": credential.id,
        "application": application,
        "environment": credential.environment,
        "prefix": credential.prefix,
        "last_four": credential.last_four,
        "name": credential.name,
        "description": credential.description,
        "state": state_of(credential, time.time()),
        "created_at": credential.created_at,
        "expires_at": credential.expires_at,
        "revoked_at": credential.revoked_at,
        "replaced_by": credential.replaced_by,
        "lineage": credential.lineage,
        "restrictions": {
            "cidrs": list(credential.restrictions.cidrs),
            "referers": list(credential.restrictions.referers),
            "resources": list(credential.restrictions.resources),
        },
        "last_used_at": credential.last_used_at,
        "last_used_address": credential.last_used_address,
        "use_count": credential.use_count,
    }


def key_row(credential: Credential, application: str, now: float) -> tuple[str, ...]:
    """A key's line under ``KEY_HEAD``."""
    from wardgate.control.keys import state_of

    return (
        credential.id,
        application,
        credential.environment,
        shown_key(credential),
        credential.name or "-",
        state_of(credential, now),
        shown_age(credential.expires_at, now),
        _last_used(credential, now),
        str(credential.use_count),
    )


def _last_used(credential: Credential, now: float) -> str:
    age = shown_age(credential.last_used_at, now)
    return f"{age} from {credential.last_used_address}" if credential.last_used_address else age


def key_fields(credential: Credential, application: str) -> list[tuple[str, str]]:
    """All of a key for people."""
    narrowed = credential.restrictions
    state = key_json(credential, application)["state"]
    return [
        ("id", credential.id),
        ("application", application),
        ("environment", credential.environment),
        ("key", shown_key(credential)),
        ("name", credential.name or "-"),
        ("description", credential.description or "-"),
        ("state", str(state)),
        ("created", shown_time(credential.created_at)),
        ("expires", shown_time(credential.expires_at)),
        ("revoked", shown_time(credential.revoked_at)),
        ("replaced by", credential.replaced_by or "-"),
        ("networks", ", ".join(narrowed.cidrs) or "any"),
        ("referers", ", ".join(narrowed.referers) or "any"),
        ("resources", ", ".join(narrowed.resources) or "any"),
        ("last used", f"{shown_time(credential.last_used_at)} {credential.last_used_address or ''}".strip()),
        ("uses", str(credential.use_count)),
    ]


def shown_key(credential: Credential) -> str:
    """What may be shown of a key: its start and its end."""
    return f"{credential.prefix}...{credential.last_four}"


def verdict_json(verdict: KeyVerdict) -> dict[str, Any]:
    """A verdict's stable JSON shape; ``key`` is null for a key that is not known."""
    known = verdict.credential is not None and verdict.application is not None
    return {
        "accepted": verdict.accepted,
        "reason": None if verdict.reason is None else verdict.reason.name,
        "environment": verdict.environment,
        "key": key_json(verdict.credential, verdict.application.name)
        if known and verdict.credential is not None and verdict.application is not None
        else None,
    }


def verdict_text(verdict: KeyVerdict) -> str:
    """A verdict in one line."""
    whose = ""
    if verdict.credential is not None and verdict.application is not None:
        whose = f" ({verdict.credential.id} of {verdict.application.name}, {verdict.credential.environment})"
    if verdict.reason is None:
        return f"accepted in {verdict.environment}{whose}"
    return f"refused in {verdict.environment}: {verdict.reason.name}{whose}"
