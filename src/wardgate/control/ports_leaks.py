"""What the use cases of secret scanning ask of a store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from wardgate.domain.leak import Leak, LeakAction


class Leaks(Protocol):
    """Keys that were found in public."""

    async def add(self, leak: Leak) -> bool:
        """Adds one, unless the same key was found at the same place before; whether it was added."""

    async def pending(self, limit: int) -> Sequence[Leak]:
        """Those nothing was done about yet, oldest first. On PostgreSQL they are the caller's until it commits."""

    async def settle(self, leak_id: str, action: LeakAction) -> None:
        """Notes what was done."""

    async def of(self, credential: str) -> Sequence[Leak]:
        """Where a key was found, oldest first."""

    async def find(self, *, environment: str | None, before: str | None, limit: int) -> Sequence[Leak]:
        """At most ``limit`` with an id lower than ``before``, newest first."""
