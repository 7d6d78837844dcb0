"""Operations of traffic. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wardgate.client.async_core import AsyncCore
from wardgate.client.wire import UNSET, Unset

if TYPE_CHECKING:
    from wardgate.client import models


class Traffic(AsyncCore):
    """Operations of traffic."""

    async def show_top(
        self,
        *,
        minutes: int | Unset = UNSET,
        limit: int | Unset = UNSET,
        environment: str | Unset | None = UNSET,
    ) -> models.TrafficTop:
        """What carried most requests in the last minutes."""
        found: models.TrafficTop = await self._ask(
            "GET", "/traffic:top", query={"minutes": minutes, "limit": limit, "environment": environment}
        )
        return found
