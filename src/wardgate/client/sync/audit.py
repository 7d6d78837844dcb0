"""Operations of audit. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from wardgate.client.sync_core import Core
from wardgate.client.wire import UNSET, Unset

if TYPE_CHECKING:
    from wardgate.client import models


class Audit(Core):
    """Operations of audit."""

    def list_audit_entries(
        self,
        *,
        actor: str | Unset = UNSET,
        action: str | Unset = UNSET,
        target: str | Unset = UNSET,
        outcome: str | Unset = UNSET,
        environment: str | Unset = UNSET,
        project: str | Unset = UNSET,
        since: float | Unset | None = UNSET,
        until: float | Unset | None = UNSET,
        limit: int | Unset = UNSET,
    ) -> Iterator[models.AuditEntry]:
        """What happened, newest first. ``actor`` is an id or a name."""
        return self._pages(
            "/audit",
            {
                "actor": actor,
                "action": action,
                "target": target,
                "outcome": outcome,
                "environment": environment,
                "project": project,
                "since": since,
                "until": until,
                "limit": limit,
            },
        )

    def show_audit_head(self) -> models.AuditHead:
        """Where the trail ends now."""
        found: models.AuditHead = self._ask("GET", "/audit/head")
        return found

    def verify_audit(self, *, head: str | Unset | None = UNSET) -> models.AuditVerdict:
        """Whether anything in the trail was changed, removed, exchanged or added behind the server's back."""
        found: models.AuditVerdict = self._ask("GET", "/audit/verification", query={"head": head})
        return found

    def export_audit(
        self,
        *,
        after: int | Unset = UNSET,
        action: str | Unset = UNSET,
        since: float | Unset | None = UNSET,
        until: float | Unset | None = UNSET,
        limit: int | Unset = UNSET,
    ) -> Any:
        """The trail as JSON lines, oldest first, as far as it goes at this moment."""
        found: Any = self._ask(
            "GET",
            "/audit/export",
            query={"after": after, "action": action, "since": since, "until": until, "limit": limit},
        )
        return found
