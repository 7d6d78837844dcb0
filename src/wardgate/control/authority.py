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


def require_somewhere(actor: Actor, permission: Permission) -> None:
    """Returns when ``actor`` holds ``permission``, everywhere or in any project: what they see is for the caller to narrow.

    Raises:
        ForbiddenError: they do not.
    """
    if not actor.may_somewhere(permission):
        raise ForbiddenError(permission)


def require_operator(actor: Actor) -> None:
    """Returns when ``actor`` holds anything at all: for what everyone may do with what is their own.

    Raises:
        ForbiddenError: they hold nothing.
    """
    if not actor.permissions and not any(actor.projects.values()):
        raise ForbiddenError("of any role")
