"""Operations of roles. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from wardgate.client.async_core import AsyncCore
from wardgate.client.wire import UNSET, State, Unset, segment

if TYPE_CHECKING:
    from wardgate.client import models


class Roles(AsyncCore):
    """Operations of roles."""

    def list_roles(self, *, limit: int | Unset = UNSET) -> AsyncIterator[models.ScopeRole]:
        """Roles by name."""
        return self._pages("/roles", {"limit": limit})

    async def show_role(self, role: str) -> models.ScopeRole:
        """One role."""
        found: models.ScopeRole = await self._ask("GET", f"/roles/{segment(role)}")
        return found

    async def set_role(
        self,
        role: str,
        *,
        if_match: State | None,
        scopes: Sequence[str] | Unset = UNSET,
        description: str | Unset = UNSET,
        open_scopes: bool | Unset = UNSET,
    ) -> models.ScopeRole:
        """Make a role, or replace it. Access tokens of people who lose a scope by it are refused.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state, ``None`` to add it."""
        found: models.ScopeRole = await self._ask(
            "PUT",
            f"/roles/{segment(role)}",
            body={"scopes": scopes, "description": description},
            if_match=if_match,
            query={"open_scopes": open_scopes},
        )
        return found

    async def remove_role(self, role: str, *, if_match: State, open_scopes: bool | Unset = UNSET) -> None:
        """Delete a role; nobody holds it any more.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        await self._ask(
            "DELETE", f"/roles/{segment(role)}", if_match=if_match, query={"open_scopes": open_scopes}
        )
