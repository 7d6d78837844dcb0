"""Operations of leaks. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from wardgate.client.sync_core import Core
from wardgate.client.wire import UNSET, Unset

if TYPE_CHECKING:
    from wardgate.client import models


class Leaks(Core):
    """Operations of leaks."""

    def list_leaks(
        self, *, environment: str | Unset | None = UNSET, limit: int | Unset = UNSET
    ) -> Iterator[models.LeakedKey]:
        """Keys found in public, newest first."""
        return self._pages("/leaks", {"environment": environment, "limit": limit})
