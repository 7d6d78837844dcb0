"""Operations of documents. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from wardgate.client.sync_core import Core
from wardgate.client.wire import UNSET, Unset

if TYPE_CHECKING:
    from wardgate.client import models


class Documents(Core):
    """Operations of documents."""

    def export_documents(self, *, environment: str | Unset | None = UNSET) -> models.ExportedDocument:
        """An environment's configuration as files that can be applied."""
        found: models.ExportedDocument = self._ask("GET", "/documents", query={"environment": environment})
        return found

    def plan_document(
        self,
        *,
        files: Mapping[str, str],
        document: str | Unset = UNSET,
        environment: str | Unset | None = UNSET,
        prune: bool | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> models.DocumentResult:
        """Say what applying a document would change. Nothing is changed."""
        found: models.DocumentResult = self._ask(
            "POST",
            "/documents:plan",
            body={"files": files, "document": document, "environment": environment, "prune": prune},
            idempotency_key=idempotency_key,
        )
        return found

    def apply_documents(
        self,
        *,
        files: Mapping[str, str],
        document: str | Unset = UNSET,
        environment: str | Unset | None = UNSET,
        prune: bool | Unset = UNSET,
        note: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> models.DocumentResult:
        """Bring an environment to what a document says: all of it, or nothing when anything in it is wrong."""
        found: models.DocumentResult = self._ask(
            "POST",
            "/documents:apply",
            body={
                "files": files,
                "document": document,
                "environment": environment,
                "prune": prune,
                "note": note,
            },
            idempotency_key=idempotency_key,
        )
        return found
