"""Operations of drift. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from wardgate.client.async_core import AsyncCore
from wardgate.client.wire import UNSET, Unset

if TYPE_CHECKING:
    from wardgate.client import models


class Drift(AsyncCore):
    """Operations of drift."""

    def list_drift(
        self, *, environment: str | Unset | None = UNSET, limit: int | Unset = UNSET
    ) -> AsyncIterator[models.DeploymentShown]:
        """Every deployment, by environment in the order of promotion, with what is wrong with it."""
        return self._pages("/drift", {"environment": environment, "limit": limit})
