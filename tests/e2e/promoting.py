"""Brings what is deployed to the first environment to another, by two people: what weakens waits for a second one."""

from __future__ import annotations

import asyncio
from pathlib import Path

from wardgate.control import promote
from wardgate.domain.actor import local_actor
from wardgate.domain.promotion import Promotion
from wardgate.storage.database import open_store


def promoted(data_dir: Path, api: str, environment: str) -> Promotion:
    """The promotion of ``api``, which is in force afterwards."""

    async def both() -> Promotion:
        async with await open_store(data_dir) as store:
            asked = await promote.request(store.acting(local_actor("ann")), api=api, environment=environment)
            if asked.promotion.status != "pending":
                return asked.promotion
            second = store.acting(local_actor("ben"))
            return (await promote.approve(second, asked.promotion.id, reason="reviewed")).promotion

    found = asyncio.run(both())
    assert found.status == "done", found
    return found
