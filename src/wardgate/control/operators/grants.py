"""Who holds which role, everywhere or in one project."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from wardgate.control.authority import require
from wardgate.control.errors import ConflictError, NotFoundError
from wardgate.control.operators.escalation import require_covering
from wardgate.control.operators.naming import called, grantee_named, place, project_named, role_named
from wardgate.control.operators.owners import keeping_an_owner
from wardgate.control.ports import Store, Transaction
from wardgate.domain.audit import AuditEvent, by
from wardgate.domain.operator import EVERYWHERE, GranteeKind, OperatorGrant


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRecord:
    """A grant, and what people call whom it is to."""

    grant: OperatorGrant
    name: str


async def list_grants(
    store: Store, *, kind: GranteeKind | None = None, name: str | None = None, project: str | None = None
) -> list[GrantRecord]:
    """Who holds what: all of it, or what one grantee holds directly, or what is held in one project.

    Raises:
        ForbiddenError: the actor may not see that.
        NotFoundError: there is no such grantee or project.
    """
    async with store.reading() as tx:
        require(tx.actor, "operators.view")
        principal = None
        if kind is not None and name is not None:
            principal, _ = await grantee_named(tx, kind, name)
        if project:
            await project_named(tx, project)
        found = await tx.operators.grants(kind=kind, principal=principal, project=project)
        return [GrantRecord(grant=each, name=await called(tx, each.kind, each.principal)) for each in found]


async def who(store: Store, *, kind: GranteeKind, name: str) -> tuple[str, str]:
    """What grants keep of whom is named (an id, or a group's name), and what people call them.

    Raises:
        ForbiddenError: the actor may not see that.
        NotFoundError: there is no such user, group or service account.
    """
    async with store.reading() as tx:
        require(tx.actor, "operators.view")
        return await grantee_named(tx, kind, name)


async def grant(
    store: Store,
    *,
    kind: GranteeKind,
    name: str,
    role: str,
    project: str = EVERYWHERE,
    note: str = "",
    clock: Callable[[], float] = time.time,
) -> GrantRecord:
    """Afterwards the user, group or service account holds ``role`` in ``project``, or everywhere; at once.

    Raises:
        ForbiddenError: the actor does not hold everything that the role allows there.
        NotFoundError: there is no such grantee, role or project.
    """
    now = clock()
    async with store.writing() as tx:
        require(tx.actor, "operators.edit")
        asked = await _asked(tx, kind, name, role, project)
        given = GrantRecord(
            grant=OperatorGrant(
                kind=kind,
                principal=asked.grant.principal,
                role=role,
                project=project,
                at=now,
                by=by(tx.actor),
            ),
            name=asked.name,
        )
        if not await _is_there(tx, asked.grant):
            await tx.operators.grant(given.grant)
            await tx.audit.record(_event("operator.grant", given, note), at=now)
    return given


async def withdraw(
    store: Store,
    *,
    kind: GranteeKind,
    name: str,
    role: str,
    project: str = EVERYWHERE,
    note: str = "",
    clock: Callable[[], float] = time.time,
) -> None:
    """Takes the role back; tokens lose at once what it allowed.

    Raises:
        ForbiddenError: the actor does not hold everything that the role allows there.
        NotFoundError: there is no such grantee, role, project or grant.
        ConflictError: the last owner would go, or a provider's groups give the role.
    """
    async with store.writing() as tx:
        require(tx.actor, "operators.edit")
        asked = await _asked(tx, kind, name, role, project)
        async with keeping_an_owner(tx):
            withdrawn = await tx.operators.withdraw(asked.grant)
        if not withdrawn:
            await _explain_missing(tx, asked)
        await tx.audit.record(_event("operator.withdraw", asked, note), at=clock())


async def _asked(tx: Transaction, kind: GranteeKind, name: str, role: str, project: str) -> GrantRecord:
    """The grant as named, which there may or may not be; the actor holds all that it gives."""
    principal, shown = await grantee_named(tx, kind, name)
    found = await role_named(tx, role)
    if project != EVERYWHERE:
        await project_named(tx, project)
    require_covering(tx.actor, found.permissions, project)
    return GrantRecord(
        grant=OperatorGrant(kind=kind, principal=principal, role=role, project=project), name=shown
    )


async def _is_there(tx: Transaction, grant: OperatorGrant) -> bool:
    found = await tx.operators.grants(
        kind=grant.kind, principal=grant.principal, role=grant.role, project=grant.project
    )
    return any(not each.source for each in found)


async def _explain_missing(tx: Transaction, asked: GrantRecord) -> None:
    grant = asked.grant
    if await tx.operators.grants(
        kind=grant.kind, principal=grant.principal, role=grant.role, project=grant.project
    ):
        raise ConflictError(
            "grant_federated",
            f"{asked.name} holds {grant.role} {place(grant.project)} on account of an identity provider's groups",
            "Take it from the provider's mapping: `wardgate idp set`",
        )
    raise NotFoundError(
        "grant",
        f"{grant.role} {place(grant.project)} to {asked.name}",
        "`wardgate operators list` shows those there are",
    )


def _event(action: str, given: GrantRecord, note: str) -> AuditEvent:
    grant = given.grant
    what = {"kind": grant.kind, "principal": grant.principal, "role": grant.role}
    granted = action == "operator.grant"
    return AuditEvent(
        action=action,
        target=given.name,
        project=grant.project,
        before={} if granted else what,
        after=what if granted else {},
        note=note,
    )
