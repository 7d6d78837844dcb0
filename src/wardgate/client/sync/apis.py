"""Operations of apis. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from wardgate.client.sync_core import Core
from wardgate.client.wire import UNSET, State, Unset, segment

if TYPE_CHECKING:
    from wardgate.client import models


class Apis(Core):
    """Operations of apis."""

    def list_apis(self, *, limit: int | Unset = UNSET) -> Iterator[models.ApiShown]:
        """APIs by name and version, of the projects one may see."""
        return self._pages("/apis", {"limit": limit})

    def show_api(self, name: str, version: str) -> models.ApiShown:
        """One API."""
        found: models.ApiShown = self._ask("GET", f"/apis/{segment(name)}/{segment(version)}")
        return found

    def describe_api(
        self,
        name: str,
        version: str,
        *,
        if_match: State,
        visibility: Literal["public", "private", "group"] | Unset | None = UNSET,
        groups: Sequence[str] | Unset | None = UNSET,
        project: str | Unset | None = UNSET,
        tags: Sequence[str] | Unset | None = UNSET,
        docs: str | Unset | None = UNSET,
        contact: str | Unset | None = UNSET,
        description: str | Unset | None = UNSET,
        note: str | Unset = UNSET,
    ) -> models.ApiShown:
        """Change what people are told of an API.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.ApiShown = self._ask(
            "PATCH",
            f"/apis/{segment(name)}/{segment(version)}",
            body={
                "visibility": visibility,
                "groups": groups,
                "project": project,
                "tags": tags,
                "docs": docs,
                "contact": contact,
                "description": description,
                "note": note,
            },
            if_match=if_match,
        )
        return found

    def publish_api(
        self,
        name: str,
        version: str,
        *,
        if_match: State,
        force: bool | Unset = UNSET,
        note: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> models.ApiShown:
        """Offer an API: it takes subscriptions.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.ApiShown = self._ask(
            "POST",
            f"/apis/{segment(name)}/{segment(version)}:publish",
            body={"force": force, "note": note},
            if_match=if_match,
            idempotency_key=idempotency_key,
        )
        return found

    def deprecate_api(
        self,
        name: str,
        version: str,
        *,
        if_match: State,
        sunset: float | Unset | None = UNSET,
        successor: str | Unset = UNSET,
        note: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> models.ApiShown:
        """Announce the end of an API: it takes no new subscriptions, and its answers say so.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.ApiShown = self._ask(
            "POST",
            f"/apis/{segment(name)}/{segment(version)}:deprecate",
            body={"sunset": sunset, "successor": successor, "note": note},
            if_match=if_match,
            idempotency_key=idempotency_key,
        )
        return found

    def retire_api(
        self,
        name: str,
        version: str,
        *,
        if_match: State,
        force: bool | Unset = UNSET,
        note: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> models.ApiShown:
        """End an API: it answers 410 in every environment.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.ApiShown = self._ask(
            "POST",
            f"/apis/{segment(name)}/{segment(version)}:retire",
            body={"force": force, "note": note},
            if_match=if_match,
            idempotency_key=idempotency_key,
        )
        return found

    def switch_api_off(
        self,
        name: str,
        version: str,
        *,
        environment: str,
        reason: str,
        if_match: State,
        resource: str | Unset | None = UNSET,
        idempotency_key: str | None = None,
    ) -> models.ApiShown:
        """Shut an API or a resource in one environment, at once: it answers 503.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.ApiShown = self._ask(
            "POST",
            f"/apis/{segment(name)}/{segment(version)}:switch-off",
            body={"environment": environment, "resource": resource, "reason": reason},
            if_match=if_match,
            idempotency_key=idempotency_key,
        )
        return found

    def switch_api_on(
        self,
        name: str,
        version: str,
        *,
        environment: str,
        reason: str,
        if_match: State,
        resource: str | Unset | None = UNSET,
        idempotency_key: str | None = None,
    ) -> models.ApiShown:
        """Open again what was shut. Without a resource everything of the API is on again.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.ApiShown = self._ask(
            "POST",
            f"/apis/{segment(name)}/{segment(version)}:switch-on",
            body={"environment": environment, "resource": resource, "reason": reason},
            if_match=if_match,
            idempotency_key=idempotency_key,
        )
        return found
