"""Another person, who approves what somebody asked for at this machine."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from wardgate.control import promote
from wardgate.domain.actor import local_actor
from wardgate.domain.promotion import PromotionStatus
from wardgate.domain.settings import ServerSettings
from wardgate.identity.federation import manage_providers
from wardgate.storage.database import open_store
from wardgate.web.identity_server import build_server

PENDING: tuple[PromotionStatus, ...] = ("pending",)


def restore_provider(data_dir: Path, provider: str, reason: str = "looked at") -> None:
    """Has an identity provider that is held restored by somebody else than who added it."""

    async def restore() -> None:
        async with await open_store(data_dir) as store:
            second = store.acting(local_actor("second-person"))
            settings = ServerSettings(
                data_dir=str(data_dir), environment="development", issuer="https://id.example.com"
            )
            server = replace(build_server(settings, store.overlapping), store=second)
            await manage_providers.restore(server, provider, reason=reason)

    asyncio.run(restore())


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
