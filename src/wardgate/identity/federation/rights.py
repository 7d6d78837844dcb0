"""What a provider's groups give and take: roles, groups, and what people may do as operators. Whoever loses something loses
at once what tokens had on account of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from wardgate.control.operators.naming import all_projects, all_roles
from wardgate.domain.audit import AuditEvent
from wardgate.domain.operator import EVERYWHERE, OperatorGrant
from wardgate.domain.provider import ProviderSettings
from wardgate.identity.people.standing import renew_tokens
from wardgate.identity.ports import Transaction
from wardgate.identity.revoking import end_grants
from wardgate.identity.scopes import open_to
from wardgate.identity.server import Server


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What follows from somebody's groups at a provider: names of roles and groups here, and roles of operators, each
    ``ROLE`` or ``ROLE@PROJECT``."""

    roles: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    operators: frozenset[str] = frozenset()


NO_RIGHTS = Rights()


async def set_rights(server: Server, tx: Transaction, user_id: str, rights: Rights, *, source: str) -> None:
    """Afterwards the user has what there is of ``rights`` from ``source``, besides what others gave.

    Where that takes something away, grants with scopes that are not the user's any more end with all their tokens, and of
    all other grants the access tokens end that name the lost role; what is refreshed names the roles that are left. What
    an operator loses is lost to tokens of the control plane from their next use on.
    """
    known = await tx.roles.all()
    before = set(await tx.users.roles(user_id))
    await tx.users.set_roles(user_id, rights.roles & {role.name for role in known}, source=source)
    await _set_groups(server, tx, user_id, rights.groups, source)
    await _set_operator(server, tx, user_id, rights.operators, source)
    after = set(await tx.users.roles(user_id))
    if before <= after:
        return
    grants = await tx.grants.find(subject=user_id, now=server.clock())
    lost = [grant for grant in grants if open_to(grant.scopes, after, known) != tuple(grant.scopes)]
    await end_grants(server, tx, lost)
    await renew_tokens(server, tx, [grant for grant in grants if grant not in lost])


async def take_back(
    server: Server, tx: Transaction, provider_id: str, before: ProviderSettings, after: ProviderSettings
) -> None:
    """Afterwards nobody has anything by the provider that a group of it was mapped to before and is not any more, until
    they sign in there again: which of their groups gave it is not known here. Where groups are read from another claim
    that is all they have by it."""
    kinds = (
        ("roles", before.roles, after.roles),
        ("groups", before.groups, after.groups),
        ("operators", before.operators, after.operators),
    )
    elsewhere = (before.groups_claim, before.roles_claim) != (after.groups_claim, after.roles_claim)
    lost = {
        kind: frozenset(
            name
            for group, names in old.items()
            for name in names
            if elsewhere or name not in new.get(group, ())
        )
        for kind, old, new in kinds
    }
    if not any(lost.values()):
        return
    for user in dict.fromkeys(link.user for link in await tx.providers.links_at(provider_id)):
        held = await _rights_from(tx, user, provider_id)
        left = Rights(
            roles=held.roles - lost["roles"],
            groups=held.groups - lost["groups"],
            operators=held.operators - lost["operators"],
        )
        if left != held:
            await set_rights(server, tx, user, left, source=provider_id)


async def _rights_from(tx: Transaction, user_id: str, source: str) -> Rights:
    grants = await tx.operators.grants(kind="user", principal=user_id)
    return Rights(
        roles=frozenset(await tx.users.roles_from(source, user_id)),
        groups=await tx.operators.groups_from(source, user_id),
        operators=frozenset(
            each.role if each.project == EVERYWHERE else f"{each.role}@{each.project}"
            for each in grants
            if each.source == source
        ),
    )


def read_operator_role(text: str) -> tuple[str, str]:
    """Role and project of ``ROLE`` or ``ROLE@PROJECT``."""
    role, _, project = text.partition("@")
    return role, project


async def _set_groups(
    server: Server, tx: Transaction, user_id: str, names: Collection[str], source: str
) -> None:
    there = {group.name for group in await tx.groups.all()} if names else set()
    before = await tx.operators.groups_of(user_id)
    await tx.operators.set_groups_from(source, user_id, there.intersection(names))
    if await tx.operators.groups_of(user_id) != before:
        await tx.feed.append("subject", user_id, at=server.clock())


async def _set_operator(
    server: Server, tx: Transaction, user_id: str, names: Collection[str], source: str
) -> None:
    """Tells the trail of what changed: the installation did it, on the provider's word."""
    now = server.clock()
    held = {
        (each.role, each.project)
        for each in await tx.operators.grants(kind="user", principal=user_id)
        if each.source == source
    }
    wanted = set(map(read_operator_role, names))
    if wanted:
        roles = {role.name for role in await all_roles(tx)}
        projects = {project.name for project in await all_projects(tx)} | {EVERYWHERE}
        wanted = {(role, project) for role, project in wanted if role in roles and project in projects}
    if wanted == held:
        return
    given = [
        OperatorGrant(
            kind="user",
            principal=user_id,
            role=role,
            project=project,
            at=now,
            by=f"provider {source}",
            source=source,
        )
        for role, project in sorted(wanted)
    ]
    await tx.operators.set_from(source, user_id, given)
    for action, changed in (("operator.withdraw", held - wanted), ("operator.grant", wanted - held)):
        for role, project in sorted(changed):
            what = {"kind": "user", "principal": user_id, "role": role, "provider": source}
            await tx.audit.record(
                AuditEvent(
                    action=action,
                    target=user_id,
                    project=project,
                    before=what if action == "operator.withdraw" else {},
                    after=what if action == "operator.grant" else {},
                ),
                at=now,
            )
