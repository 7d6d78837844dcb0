"""Refuses whoever lacks a permission. Every use case that changes or shows anything asks here first."""

from __future__ import annotations

from wardgate.control.errors import ForbiddenError
from wardgate.domain.actor import Actor
from wardgate.domain.permission import Permission


def require(actor: Actor, permission: Permission, project: str | None = None) -> None:
    """Returns when ``actor`` holds ``permission``, everywhere or in ``project``.

    Raises:
        ForbiddenError: they do not.
    """
    if not actor.may(permission, project):
        raise ForbiddenError(permission, project)
