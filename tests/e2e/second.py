"""Another person, who approves what somebody asked for at this machine."""

from __future__ import annotations

import asyncio
from pathlib import Path

from wardgate.control import promote
from wardgate.domain.actor import local_actor
from wardgate.domain.promotion import PromotionStatus
from wardgate.storage.database import open_store

PENDING: tuple[PromotionStatus, ...] = ("pending",)


def approve_pending(data_dir: Path, reason: str = "looked at") -> list[str]:
    """Approves every pending promotion as somebody else than who asked; the ids of those that are in force then."""

    async def approve() -> list[str]:
        async with await open_store(data_dir) as store:
            second = store.acting(local_actor("second-person"))
            found = await promote.list_promotions(second, statuses=PENDING)
            return [
                (await promote.approve(second, each.id, reason=reason)).promotion.id
                for each in reversed(found)
            ]

    return asyncio.run(approve())
