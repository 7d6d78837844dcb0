"""Clients whose access tokens open the control plane: who may make and change them.

Such a client acts as whoever signs in with it, so that making one is as good as being any of them.
"""

from __future__ import annotations

from collections.abc import Collection

from wardgate.control.authority import require
from wardgate.domain.actor import Actor
from wardgate.domain.oauth import Client
from wardgate.domain.operator import ADMIN_SCOPE


def check_operator_client(actor: Actor, *clients: Client) -> None:
    """Returns when none of ``clients`` has the scope of the control plane, or ``actor`` looks after operators.

    Raises:
        ForbiddenError: they do not.
    """
    for client in clients:
        check_operator_scopes(actor, client.scopes)


def check_operator_scopes(actor: Actor, scopes: Collection[str]) -> None:
    """Returns when the scope of the control plane is not among ``scopes``, or ``actor`` looks after operators.

    Raises:
        ForbiddenError: they do not.
    """
    if ADMIN_SCOPE in scopes:
        require(actor, "operators.edit")
