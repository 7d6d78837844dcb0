"""What the use cases of promotion ask of a store."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from wardgate.domain.promotion import Promotion, PromotionStatus


class Promotions(Protocol):
    """Changes of what environments serve, open and ended."""

    async def add(self, promotion: Promotion) -> None:
        """Adds one."""

    async def get(self, promotion_id: str) -> Promotion | None:
        """The one with that id."""

    async def list(
        self,
        *,
        environment: str | None = None,
        api: str | None = None,
        statuses: Collection[PromotionStatus] = (),
    ) -> Sequence[Promotion]:
        """Those that fit, newest first; no status named: all."""

    async def advance(self, promotion: Promotion, was: PromotionStatus) -> bool:
        """Stores what became of one that is still as it ``was``; whether it was. One statement: of two who decide at the
        same time one hears ``False``."""

    async def due(self, now: float) -> Sequence[Promotion]:
        """The scheduled ones whose time has come, the earliest first."""

    async def in_force(self, environment: str, api: str) -> Sequence[tuple[int | None, int | None]]:
        """Every change that was carried out there, newest first: the revision that came into force, and the one it
        replaced; ``None`` where there was none."""

    async def withdrawn(self, environment: str) -> dict[str, int]:
        """Every API that was withdrawn there at some time, with the revision that was in force when it was last."""
