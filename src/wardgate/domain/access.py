"""Asking for access and being granted it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from wardgate.domain.consumer import Controls

RequestStatus = Literal["pending", "approved", "rejected", "withdrawn"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRequest:
    """An application's wish for a subscription, and what became of it. Times are Unix seconds.

    The subscription exists from the start with the status ``pending``: its credentials are refused until it is approved.
    ``requester`` is the id of who asked, ``requested_by`` how people call them. ``controls`` and ``expires_at`` are what was
    granted, not what was asked; once decided, so is ``plan``.
    """

    id: str
    subscription: str
    application: str
    environment: str
    api: str
    plan: str | None
    requested_by: str
    requested_at: float
    requester: str = ""
    message: str = ""
    status: RequestStatus = "pending"
    decided_by: str = ""
    decided_at: float | None = None
    reason: str = ""
    controls: Controls = field(default_factory=Controls)
    expires_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A set of people and applications that ACLs name and roles are given to.

    ``users`` and ``applications`` are ids, of whom operators put in it; a foreign provider may put more people there. Who is
    in the group holds its ``roles``.
    """

    name: str
    description: str = ""
    roles: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    applications: tuple[str, ...] = ()
