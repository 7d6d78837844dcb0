"""What the audit trail keeps of each thing done, tried and refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from wardgate.domain.actor import Actor, ActorKind

#: ``refused``: the actor was not allowed to, or the state did not allow it; ``failed``: a login that did not succeed.
Outcome = Literal["done", "refused", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """One thing that happened. ``action`` is ``<thing>.<verb>`` in the past or as asked: ``key.revoke``.

    ``target`` names what it happened to (an id, ``orders/v1``); ``environment`` and ``project`` are empty where it
    belongs to none. ``before`` and ``after`` hold what differs, secrets replaced by ``[redacted]``; ``note`` the reason
    the actor gave.
    """

    action: str
    target: str
    outcome: Outcome = "done"
    environment: str = ""
    project: str = ""
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """An event as kept: the ``seq``-th link of the chain. ``hash`` covers it and ``previous``. ``at`` is in Unix seconds."""

    seq: int
    at: float
    actor_kind: ActorKind
    actor_id: str
    actor_name: str
    address: str
    token: str
    event: AuditEvent
    previous: bytes
    hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which records: those that all of it holds for. ``action`` ending in ``.`` stands for all verbs of a thing; ``since``
    and ``until`` (exclusive) are Unix seconds. ``actor`` is an id or a name."""

    actor: str = ""
    action: str = ""
    target: str = ""
    outcome: str = ""
    environment: str = ""
    project: str = ""
    since: float | None = None
    until: float | None = None


def differing(old: Any, new: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """``before`` and ``after`` of a noun that was changed: those of its fields that differ."""
    names = [each.name for each in fields(new) if getattr(old, each.name) != getattr(new, each.name)]
    return {name: getattr(old, name) for name in names}, {name: getattr(new, name) for name in names}


def by(actor: Actor) -> str:
    """How a row other than the trail's names the actor: ``alice``, ``service ci``."""
    return actor.name if actor.kind in ("user", "local") else f"{actor.kind} {actor.name}"
