"""Operations of revisions. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from wardgate.client.async_core import AsyncCore
from wardgate.client.wire import UNSET, Unset, segment

if TYPE_CHECKING:
    from wardgate.client import models


class Revisions(AsyncCore):
    """Operations of revisions."""

    def list_revisions(self, *, api: str, limit: int | Unset = UNSET) -> AsyncIterator[models.RevisionLine]:
        """The revisions of an API, newest first."""
        return self._pages("/revisions", {"api": api, "limit": limit})

    async def show_revision(self, name: str, version: str, number: str) -> models.RevisionShown:
        """One revision, whole."""
        found: models.RevisionShown = await self._ask(
            "GET", f"/revisions/{segment(name)}/{segment(version)}/{segment(number)}"
        )
        return found

    async def verify_revisions(self, *, api: str | Unset | None = UNSET) -> models.Verified:
        """Check revisions against their hashes and signatures."""
        found: models.Verified = await self._ask("GET", "/revisions:verify", query={"api": api})
        return found
