"""Service accounts: programs that act at the control plane."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path

from wardgate.control.operators import service_accounts
from wardgate.domain import operator
from wardgate.web.admin_api.ask import Ask
from wardgate.web.admin_api.models import Line, Model, Page, Prose, Seconds, Thing
from wardgate.web.admin_api.operations import Operations
from wardgate.web.admin_api.pages import Paging

operations = Operations("operators")

AccountName = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$", description="A name or an id.")]


class ServiceAccount(Thing):
    """A program that acts with tokens of its own."""

    id: str
    name: str
    description: str
    status: Literal["active", "suspended"]
    created_at: Seconds


class NewServiceAccount(Model):
    """Which account to make."""

    name: Line
    description: Prose = ""


class ServiceAccountSettings(Model):
    """What is said of an account."""

    description: Prose


@operations.get("/service-accounts", permission="operators.view")
async def list_service_accounts(ask: Ask, page: Paging) -> Page[ServiceAccount]:
    """Service accounts by name."""
    found = await service_accounts.list_service_accounts(ask.store)
    return page.of(found, key=lambda each: each.name, show=_shown)


@operations.get("/service-accounts/{name}", permission="operators.view")
async def show_service_account(ask: Ask, name: AccountName) -> ServiceAccount:
    """One service account."""
    return _shown(await service_accounts.show_service_account(ask.store, name))


@operations.post(
    "/service-accounts", permission="operators.edit", location=lambda new: f"/service-accounts/{new.name}"
)
async def add_service_account(ask: Ask, body: NewServiceAccount) -> ServiceAccount:
    """Make a service account, which may do nothing yet."""
    return _shown(
        await service_accounts.add_service_account(
            ask.store, name=body.name, description=body.description, clock=ask.clock
        )
    )


@operations.patch("/service-accounts/{name}", permission="operators.edit", guard=show_service_account)
async def describe_service_account(
    ask: Ask, name: AccountName, body: ServiceAccountSettings
) -> ServiceAccount:
    """Describe a service account anew."""
    return _shown(
        await service_accounts.describe_service_account(
            ask.store, name, description=body.description, clock=ask.clock
        )
    )


@operations.post(
    "/service-accounts/{name}:suspend", permission="operators.edit", guard=show_service_account, status=200
)
async def suspend_service_account(ask: Ask, name: AccountName) -> ServiceAccount:
    """Refuse all its tokens until it is restored."""
    return _shown(await service_accounts.suspend_service_account(ask.store, name, clock=ask.clock))


@operations.post(
    "/service-accounts/{name}:restore", permission="operators.edit", guard=show_service_account, status=200
)
async def restore_service_account(ask: Ask, name: AccountName) -> ServiceAccount:
    """Let a suspended service account's tokens count again."""
    return _shown(await service_accounts.restore_service_account(ask.store, name, clock=ask.clock))


@operations.delete("/service-accounts/{name}", permission="operators.edit", guard=show_service_account)
async def remove_service_account(ask: Ask, name: AccountName) -> None:
    """Delete a service account with its roles and tokens."""
    await service_accounts.remove_service_account(ask.store, name, clock=ask.clock)


def _shown(account: operator.ServiceAccount) -> ServiceAccount:
    return ServiceAccount(
        id=account.id,
        name=account.name,
        description=account.description,
        status=account.status,
        created_at=account.created_at,
    )
