"""Operations of groups. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from wardgate.client.sync_core import Core
from wardgate.client.wire import UNSET, State, Unset, segment

if TYPE_CHECKING:
    from wardgate.client import models


class Groups(Core):
    """Operations of groups."""

    def list_groups(self, *, limit: int | Unset = UNSET) -> Iterator[models.Group]:
        """Groups by name."""
        return self._pages("/groups", {"limit": limit})

    def show_group(self, name: str) -> models.Group:
        """One group."""
        found: models.Group = self._ask("GET", f"/groups/{segment(name)}")
        return found

    def set_group(
        self,
        name: str,
        *,
        if_match: State | None,
        description: str | Unset = UNSET,
        roles: Sequence[str] | Unset = UNSET,
    ) -> models.Group:
        """Add a group, or replace its description and roles.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state, ``None`` to add it."""
        found: models.Group = self._ask(
            "PUT",
            f"/groups/{segment(name)}",
            body={"description": description, "roles": roles},
            if_match=if_match,
        )
        return found

    def remove_group(self, name: str, *, if_match: State) -> None:
        """Remove a group; what its members held by it they hold no more.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        self._ask("DELETE", f"/groups/{segment(name)}", if_match=if_match)

    def set_group_members(
        self,
        name: str,
        *,
        if_match: State,
        users: Sequence[str] | Unset = UNSET,
        applications: Sequence[str] | Unset = UNSET,
    ) -> models.Group:
        """Say who is in a group.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.Group = self._ask(
            "PUT",
            f"/groups/{segment(name)}/members",
            body={"users": users, "applications": applications},
            if_match=if_match,
        )
        return found

    def add_group_members(
        self,
        name: str,
        *,
        if_match: State,
        users: Sequence[str] | Unset = UNSET,
        applications: Sequence[str] | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> models.Group:
        """Put people and applications in a group.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.Group = self._ask(
            "POST",
            f"/groups/{segment(name)}/members:add",
            body={"users": users, "applications": applications},
            if_match=if_match,
            idempotency_key=idempotency_key,
        )
        return found

    def remove_group_members(
        self,
        name: str,
        *,
        if_match: State,
        users: Sequence[str] | Unset = UNSET,
        applications: Sequence[str] | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> models.Group:
        """Take people and applications out of a group.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.Group = self._ask(
            "POST",
            f"/groups/{segment(name)}/members:remove",
            body={"users": users, "applications": applications},
            if_match=if_match,
            idempotency_key=idempotency_key,
        )
        return found
