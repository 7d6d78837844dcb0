"""Operations of operators. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from wardgate.client.async_core import AsyncCore
from wardgate.client.wire import UNSET, State, Unset, segment

if TYPE_CHECKING:
    from wardgate.client import models


class Operators(AsyncCore):
    """Operations of operators."""

    def list_admin_tokens(
        self,
        *,
        user: str | Unset | None = UNSET,
        service: str | Unset | None = UNSET,
        everyone: bool | Unset = UNSET,
        limit: int | Unset = UNSET,
    ) -> AsyncIterator[models.AdminToken]:
        """Access tokens, oldest first: one's own, unless somebody is named."""
        return self._pages(
            "/admin-tokens", {"user": user, "service": service, "everyone": everyone, "limit": limit}
        )

    async def issue_admin_token(
        self,
        *,
        name: str,
        user: str | Unset | None = UNSET,
        service: str | Unset | None = UNSET,
        permissions: Sequence[str] | Unset | None = UNSET,
        projects: Sequence[str] | Unset | None = UNSET,
        expires_at: float | Unset | None = UNSET,
        idempotency_key: str | None = None,
    ) -> models.IssuedAdminToken:
        """Issue an access token. Its text is shown this once."""
        found: models.IssuedAdminToken = await self._ask(
            "POST",
            "/admin-tokens",
            body={
                "name": name,
                "user": user,
                "service": service,
                "permissions": permissions,
                "projects": projects,
                "expires_at": expires_at,
            },
            idempotency_key=idempotency_key,
        )
        return found

    async def show_admin_token(self, token_id: str) -> models.AdminToken:
        """One access token."""
        found: models.AdminToken = await self._ask("GET", f"/admin-tokens/{segment(token_id)}")
        return found

    async def revoke_admin_token(
        self, token_id: str, *, if_match: State, idempotency_key: str | None = None
    ) -> models.AdminToken:
        """End an access token for ever.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.AdminToken = await self._ask(
            "POST",
            f"/admin-tokens/{segment(token_id)}:revoke",
            if_match=if_match,
            idempotency_key=idempotency_key,
        )
        return found

    async def show_me(self) -> models.Me:
        """Who asks, with what they may do at this moment, as narrow as their token."""
        found: models.Me = await self._ask("GET", "/me")
        return found

    def list_operator_roles(self, *, limit: int | Unset = UNSET) -> AsyncIterator[models.Role]:
        """Roles by name."""
        return self._pages("/operator-roles", {"limit": limit})

    async def show_operator_role(self, name: str) -> models.Role:
        """One role."""
        found: models.Role = await self._ask("GET", f"/operator-roles/{segment(name)}")
        return found

    async def set_operator_role(
        self,
        name: str,
        *,
        permissions: Sequence[str],
        if_match: State | None,
        description: str | Unset = UNSET,
    ) -> models.Role:
        """Add a role or change it; who does must hold all of it, before and after.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state, ``None`` to add it."""
        found: models.Role = await self._ask(
            "PUT",
            f"/operator-roles/{segment(name)}",
            body={"permissions": permissions, "description": description},
            if_match=if_match,
        )
        return found

    async def remove_operator_role(self, name: str, *, if_match: State) -> None:
        """Delete a role; nobody holds it any more.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        await self._ask("DELETE", f"/operator-roles/{segment(name)}", if_match=if_match)

    def list_operators(
        self, *, project: str | Unset | None = UNSET, limit: int | Unset = UNSET
    ) -> AsyncIterator[models.Operator]:
        """Whoever was granted a role: groups, service accounts, users."""
        return self._pages("/operators", {"project": project, "limit": limit})

    async def show_operator(self, kind: str, name: str) -> models.Operator:
        """What one was granted, which may be nothing."""
        found: models.Operator = await self._ask("GET", f"/operators/{segment(kind)}/{segment(name)}")
        return found

    async def grant_operator(
        self,
        kind: str,
        name: str,
        *,
        role: str,
        if_match: State,
        project: str | Unset = UNSET,
        note: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> models.Operator:
        """Grant a role; who grants it must hold all of it. It holds at once.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.Operator = await self._ask(
            "POST",
            f"/operators/{segment(kind)}/{segment(name)}:grant",
            body={"role": role, "project": project, "note": note},
            if_match=if_match,
            idempotency_key=idempotency_key,
        )
        return found

    async def withdraw_operator(
        self,
        kind: str,
        name: str,
        *,
        role: str,
        if_match: State,
        project: str | Unset = UNSET,
        note: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> models.Operator:
        """Take a role back; tokens lose at once what it allowed. The last owner stays.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.Operator = await self._ask(
            "POST",
            f"/operators/{segment(kind)}/{segment(name)}:withdraw",
            body={"role": role, "project": project, "note": note},
            if_match=if_match,
            idempotency_key=idempotency_key,
        )
        return found

    async def enable_sign_on(self, *, idempotency_key: str | None = None) -> models.SignOn:
        """Let operators sign on with this environment's authorization server (`wardgate login`)."""
        found: models.SignOn = await self._ask(
            "POST", "/operators:enable-sign-on", idempotency_key=idempotency_key
        )
        return found

    async def disable_sign_on(self, *, idempotency_key: str | None = None) -> None:
        """Let nobody sign on there any more; whoever did is out."""
        await self._ask("POST", "/operators:disable-sign-on", idempotency_key=idempotency_key)

    def list_projects(self, *, limit: int | Unset = UNSET) -> AsyncIterator[models.Project]:
        """Projects by name: those whose APIs whoever asks may see."""
        return self._pages("/projects", {"limit": limit})

    async def show_project(self, name: str) -> models.Project:
        """One project."""
        found: models.Project = await self._ask("GET", f"/projects/{segment(name)}")
        return found

    async def set_project(
        self, name: str, *, if_match: State | None, description: str | Unset = UNSET
    ) -> models.Project:
        """Add a project, or describe it anew.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state, ``None`` to add it."""
        found: models.Project = await self._ask(
            "PUT", f"/projects/{segment(name)}", body={"description": description}, if_match=if_match
        )
        return found

    async def remove_project(self, name: str, *, if_match: State) -> None:
        """Delete a project without APIs, and the roles held in it.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        await self._ask("DELETE", f"/projects/{segment(name)}", if_match=if_match)

    def list_service_accounts(self, *, limit: int | Unset = UNSET) -> AsyncIterator[models.ServiceAccount]:
        """Service accounts by name."""
        return self._pages("/service-accounts", {"limit": limit})

    async def add_service_account(
        self, *, name: str, description: str | Unset = UNSET, idempotency_key: str | None = None
    ) -> models.ServiceAccount:
        """Make a service account, which may do nothing yet."""
        found: models.ServiceAccount = await self._ask(
            "POST",
            "/service-accounts",
            body={"name": name, "description": description},
            idempotency_key=idempotency_key,
        )
        return found

    async def show_service_account(self, name: str) -> models.ServiceAccount:
        """One service account."""
        found: models.ServiceAccount = await self._ask("GET", f"/service-accounts/{segment(name)}")
        return found

    async def describe_service_account(
        self, name: str, *, description: str, if_match: State
    ) -> models.ServiceAccount:
        """Describe a service account anew.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.ServiceAccount = await self._ask(
            "PATCH",
            f"/service-accounts/{segment(name)}",
            body={"description": description},
            if_match=if_match,
        )
        return found

    async def remove_service_account(self, name: str, *, if_match: State) -> None:
        """Delete a service account with its roles and tokens.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        await self._ask("DELETE", f"/service-accounts/{segment(name)}", if_match=if_match)

    async def suspend_service_account(
        self, name: str, *, if_match: State, idempotency_key: str | None = None
    ) -> models.ServiceAccount:
        """Refuse all its tokens until it is restored.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.ServiceAccount = await self._ask(
            "POST",
            f"/service-accounts/{segment(name)}:suspend",
            if_match=if_match,
            idempotency_key=idempotency_key,
        )
        return found

    async def restore_service_account(
        self, name: str, *, if_match: State, idempotency_key: str | None = None
    ) -> models.ServiceAccount:
        """Let a suspended service account's tokens count again.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.ServiceAccount = await self._ask(
            "POST",
            f"/service-accounts/{segment(name)}:restore",
            if_match=if_match,
            idempotency_key=idempotency_key,
        )
        return found
