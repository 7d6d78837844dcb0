"""Operations of differences. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wardgate.client.sync_core import Core

if TYPE_CHECKING:
    from wardgate.client import models


class Differences(Core):
    """Operations of differences."""

    def show_differences(self, *, before: str, after: str) -> models.Differences:
        """In what `after` differs from `before`."""
        found: models.Differences = self._ask("GET", "/differences", query={"before": before, "after": after})
        return found
