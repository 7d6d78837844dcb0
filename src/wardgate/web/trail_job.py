"""Lets go of what the audit trail has kept for as long as environments ask it to."""

from __future__ import annotations

from wardgate.control.audit import retained_days, shorten
from wardgate.control.ports import Store
from wardgate.web.jobs import Job

_SECONDS = 3600.0


def shortening(store: Store) -> Job:
    """Once an hour; where several processes do it, each finds less to do."""

    async def run() -> bool:
        await shorten(store, days=await retained_days(store))
        return False

    return Job(name="audit", seconds=_SECONDS, run=run)
