"""Operators: who holds which role, everywhere or in one project; and whether they may sign on with this environment's
authorization server."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Annotated, Literal

from fastapi import Path, Query
from pydantic import Field

from wardgate.control.operators import grants
from wardgate.control.operators.grants import GrantRecord
from wardgate.identity import operator_sign_on
from wardgate.web.admin_api.ask import Ask
from wardgate.web.admin_api.models import Line, Model, Page, Prose, Seconds, Thing
from wardgate.web.admin_api.operations import Operations
from wardgate.web.admin_api.pages import Paging

operations = Operations("operators")

NAME = r"^[A-Za-z0-9][A-Za-z0-9._@+-]*$"
Kind = Annotated[
    Literal["user", "group", "service"], Path(description="A person, everyone in a group, or a program.")
]
Who = Annotated[
    str,
    Path(
        pattern=NAME,
        max_length=128,
        description="A user's or service account's name or id, or a group's name.",
    ),
]


class HeldRole(Model):
    """A role somebody holds."""

    role: str
    project: str = Field(description="Empty: everywhere.")
    granted_at: Seconds
    granted_by: str
    provider: str = Field(description="The identity provider whose groups gave it; empty: an operator did.")


class Operator(Thing):
    """What a user, group or service account was granted directly."""

    kind: Literal["user", "group", "service"]
    name: str
    principal: str = Field(description="A user's or service account's id; a group's name.")
    roles: list[HeldRole]


class RoleGrant(Model):
    """Which role, and where."""

    role: Line
    project: Line = Field(default="", description="Empty: everywhere.")
    note: Prose = Field(default="", description="Why: for the audit trail.")


class SignOn(Model):
    """How people sign on to the control plane."""

    environment: str
    client_id: str = Field(description="The client that `wardgate login` is.")


@operations.get("/operators", permission="operators.view", refuses=(404,))
async def list_operators(
    ask: Ask,
    page: Paging,
    project: Annotated[str | None, Query(max_length=64, description="Who holds a role in this one.")] = None,
) -> Page[Operator]:
    """Whoever was granted a role: groups, service accounts, users."""
    found = _by_grantee(await grants.list_grants(ask.store, project=project))
    return page.of(found, key=lambda each: (each.kind, each.principal), show=lambda each: each)


@operations.get("/operators/{kind}/{name}", permission="operators.view")
async def show_operator(ask: Ask, kind: Kind, name: Who) -> Operator:
    """What one was granted, which may be nothing."""
    principal, called = await grants.who(ask.store, kind=kind, name=name)
    found = _by_grantee(await grants.list_grants(ask.store, kind=kind, name=principal))
    return found[0] if found else Operator(kind=kind, name=called, principal=principal, roles=[])


@operations.post(
    "/operators/{kind}/{name}:grant", permission="operators.edit", guard=show_operator, status=200
)
async def grant_operator(ask: Ask, kind: Kind, name: Who, body: RoleGrant) -> Operator:
    """Grant a role; who grants it must hold all of it. It holds at once."""
    await grants.grant(
        ask.store,
        kind=kind,
        name=name,
        role=body.role,
        project=body.project,
        note=body.note,
        clock=ask.clock,
    )
    return await show_operator(ask, kind, name)


@operations.post(
    "/operators/{kind}/{name}:withdraw", permission="operators.edit", guard=show_operator, status=200
)
async def withdraw_operator(ask: Ask, kind: Kind, name: Who, body: RoleGrant) -> Operator:
    """Take a role back; tokens lose at once what it allowed. The last owner stays."""
    await grants.withdraw(
        ask.store,
        kind=kind,
        name=name,
        role=body.role,
        project=body.project,
        note=body.note,
        clock=ask.clock,
    )
    return await show_operator(ask, kind, name)


@operations.post(
    "/operators:enable-sign-on", permission="operators.edit", status=200, action="sign_on.enable"
)
async def enable_sign_on(ask: Ask) -> SignOn:
    """Let operators sign on with this environment's authorization server (`wardgate login`)."""
    client = await operator_sign_on.enable_sign_on(ask.server)
    return SignOn(environment=client.environment, client_id=client.id)


@operations.post("/operators:disable-sign-on", permission="operators.edit", action="sign_on.disable")
async def disable_sign_on(ask: Ask) -> None:
    """Let nobody sign on there any more; whoever did is out."""
    await operator_sign_on.disable_sign_on(ask.server)


def _by_grantee(found: Iterable[GrantRecord]) -> list[Operator]:
    """``found`` is in the order of grantees."""
    return [
        Operator(
            kind=kind,
            name=name,
            principal=principal,
            roles=[
                HeldRole(
                    role=each.grant.role,
                    project=each.grant.project,
                    granted_at=each.grant.at,
                    granted_by=each.grant.by,
                    provider=each.grant.source,
                )
                for each in records
            ],
        )
        for (kind, principal, name), records in groupby(
            found, key=lambda each: (each.grant.kind, each.grant.principal, each.name)
        )
    ]
