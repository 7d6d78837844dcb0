"""Finds who and what is named, or says what there is instead."""

from __future__ import annotations

import re
from collections.abc import Collection

from wardgate.control.errors import InvalidError, NotFoundError
from wardgate.control.ports import Transaction
from wardgate.domain.operator import (
    DEFAULT_PROJECT,
    EVERYWHERE,
    GranteeKind,
    OperatorRole,
    Project,
    ServiceAccount,
)
from wardgate.domain.permission import BUILTIN_ROLES, PERMISSIONS, Permission

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_DEFAULT = Project(name=DEFAULT_PROJECT, description="APIs that name no project")


def checked_name(what: str, name: str) -> str:
    """``name``, if it can be one. Raises InvalidError."""
    if not _NAME.fullmatch(name):
        raise InvalidError(
            what,
            f"This is no name of a {what.replace('_', ' ')}",
            "Use up to 64 lower-case letters, digits, dots, hyphens or underscores, the first a letter or digit",
        )
    return name


async def all_projects(tx: Transaction) -> list[Project]:
    """Every project by name; the default one is among them whether it was described or not."""
    found = {_DEFAULT.name: _DEFAULT} | {each.name: each for each in await tx.operators.projects()}
    return [found[name] for name in sorted(found)]


async def project_named(tx: Transaction, name: str) -> Project:
    """The project called ``name``. Raises NotFoundError."""
    known = await all_projects(tx)
    for each in known:
        if each.name == name:
            return each
    raise NotFoundError("project", _shown(name), f"Projects: {', '.join(each.name for each in known)}")


async def all_roles(tx: Transaction) -> list[OperatorRole]:
    """The roles every installation has, then the custom ones."""
    builtin = [
        OperatorRole(name=name, permissions=permissions, description=_WHAT_FOR[name], builtin=True)
        for name, permissions in BUILTIN_ROLES.items()
    ]
    return builtin + [role for role in await tx.operators.roles() if role.name not in BUILTIN_ROLES]


async def role_named(tx: Transaction, name: str) -> OperatorRole:
    """The role called ``name``. Raises NotFoundError."""
    known = await all_roles(tx)
    for role in known:
        if role.name == name:
            return role
    raise NotFoundError("role", _shown(name), f"Roles: {', '.join(role.name for role in known)}")


async def service_account_named(tx: Transaction, name_or_id: str) -> ServiceAccount:
    """The service account with that name or id. Raises NotFoundError."""
    found = await tx.operators.service_account(name_or_id)
    if found is None:
        raise NotFoundError(
            "service_account",
            _shown(name_or_id),
            "`wardgate service-accounts list` shows those there are",
        )
    return found


async def grantee_named(tx: Transaction, kind: GranteeKind, name: str) -> tuple[str, str]:
    """What a grant keeps of whom is named (an id, or a group's name), and what people call them.

    Raises:
        NotFoundError: there is nobody of that name or id.
    """
    if kind == "service":
        account = await service_account_named(tx, name)
        return account.id, account.name
    if kind == "group":
        if await tx.groups.get(name) is None:
            raise NotFoundError("group", _shown(name), "`wardgate groups list` shows those there are")
        return name, name
    person = await tx.operators.person_named(name.lower()) or await tx.operators.person(name)
    if person is None:
        raise NotFoundError(
            "user",
            _shown(name),
            "`wardgate users list` shows those there are; `wardgate users add` makes one",
        )
    return person.id, person.name


async def called(tx: Transaction, kind: GranteeKind, principal: str) -> str:
    """What people call whom a grant or a token belongs to; the id of one who is gone."""
    if kind == "group":
        return principal
    if kind == "user":
        person = await tx.operators.person(principal)
        return principal if person is None else person.name
    return next(
        (each.name for each in await tx.operators.service_accounts() if each.id == principal), principal
    )


def checked_permissions(names: Collection[str]) -> frozenset[Permission]:
    """``names`` as permissions. Raises InvalidError naming the first that is none."""
    known: dict[str, Permission] = {each: each for each in PERMISSIONS}
    for name in names:
        if name not in known:
            raise InvalidError(
                "permission", f"There is no permission {_shown(name)!r}", f"Permissions: {', '.join(known)}"
            )
    return frozenset(known[name] for name in names)


def place(project: str) -> str:
    """How people are told of the project of a grant."""
    return "everywhere" if project == EVERYWHERE else f"in {project}"


def _shown(name: str) -> str:
    """What was given might be a token by mistake: nothing long is repeated."""
    return name if len(name) <= 40 else f"{name[:8]}..."


_WHAT_FOR = {
    "owner": "Everything",
    "admin": "Everything but who operators are",
    "publisher": "APIs: apply, promote, roll back, switch off",
    "access-manager": "Applications, access to APIs, keys",
    "auditor": "Sees everything, the audit trail too",
    "viewer": "Sees everything but people, operators and the audit trail",
}
