"""Which role may do what: every cell."""

from __future__ import annotations

import pytest

from wardgate.domain.actor import SYSTEM, Actor, local_actor
from wardgate.domain.operator import Holdings
from wardgate.domain.permission import BUILTIN_ROLES, OF_PROJECT, PERMISSIONS

ROLES = ("owner", "admin", "publisher", "access-manager", "auditor", "viewer")
#: For each permission a letter for each role of ROLES that has it, in their order, and a dot for each that has not; then
#: whether it can be held in one project.
TABLE = """
environments.view   o a p m d v  -
environments.edit   o a . . . .  -
secrets.edit        o a . . . .  -
apis.view           o a p m d v  project
apis.edit           o a p . . .  project
apis.promote        o a p . . .  project
apis.approve        o a . . . .  project
apis.rollback       o a p . . .  project
apis.switch         o a p . . .  project
plans.view          o a p m d v  project
plans.edit          o a . . . .  -
applications.view   o a . m d v  -
applications.edit   o a . m . .  -
applications.hold   o a . m . .  -
access.view         o a p m d v  project
access.request      o a . m . .  project
access.decide       o a . m . .  project
keys.view           o a . m d v  -
keys.issue          o a . m . .  -
keys.revoke         o a . m . .  -
clients.view        o a . . d v  -
clients.edit        o a . . . .  -
tokens.view         o a . . d v  -
tokens.revoke       o a . . . .  -
people.view         o a . . d .  -
people.edit         o a . . . .  -
providers.view      o a . . d v  -
providers.edit      o a . . . .  -
webhooks.view       o a . . d v  -
webhooks.edit       o a . . . .  -
operators.view      o a . . d .  -
operators.edit      o . . . . .  -
audit.view          o a . . d .  -
traffic.view        o a p m d v  project
system.backup       o a . . . .  -
"""
ROWS = [line.split() for line in TABLE.strip().splitlines()]
CELLS = [(row[0], role, row[1 + number] != ".") for row in ROWS for number, role in enumerate(ROLES)]


def test_the_table_has_a_row_for_each_permission_and_a_column_for_each_role() -> None:
    """A permission or role that is added needs its cells here."""
    assert [row[0] for row in ROWS] == list(PERMISSIONS)
    assert tuple(BUILTIN_ROLES) == ROLES


@pytest.mark.parametrize(("permission", "role", "allowed"), CELLS)
def test_a_role_has_a_permission_or_not(permission: str, role: str, allowed: bool) -> None:
    """As the table says, everywhere and in a project, for an actor with that role alone."""
    actor = Actor(kind="user", id="usr_x", name="x", permissions=BUILTIN_ROLES[role])
    assert actor.may(permission) is allowed  # type: ignore[arg-type]
    assert actor.may(permission, "shop") is allowed  # type: ignore[arg-type]
    assert actor.may_somewhere(permission) is allowed  # type: ignore[arg-type]


@pytest.mark.parametrize(("permission", "role", "allowed"), CELLS)
def test_a_role_in_a_project_has_what_means_something_there(
    permission: str, role: str, allowed: bool
) -> None:
    """Nothing of the installation, and nothing in another project."""
    held = BUILTIN_ROLES[role] & OF_PROJECT
    actor = Actor(kind="user", id="usr_x", name="x", projects={"shop": held})
    of_project = next(row[-1] == "project" for row in ROWS if row[0] == permission)
    assert actor.may(permission, "shop") is (allowed and of_project)  # type: ignore[arg-type]
    assert actor.may(permission, "bank") is False  # type: ignore[arg-type]
    assert actor.may(permission) is False  # type: ignore[arg-type]


def test_the_machine_and_the_installation_may_do_everything() -> None:
    """Who may read the master key needs no role."""
    assert local_actor("x").permissions == SYSTEM.permissions == frozenset(PERMISSIONS)


@pytest.mark.parametrize("permission", PERMISSIONS)
def test_narrowing_keeps_no_permission_that_was_not_named_or_held(permission: str) -> None:
    """Of a token for one permission nothing else is left; of one that is not held, nothing."""
    everything = Holdings(permissions=frozenset(PERMISSIONS))
    assert everything.narrowed({permission}, None).permissions == {permission}  # type: ignore[arg-type]
    assert Holdings().narrowed({permission}, None) == Holdings()  # type: ignore[arg-type]
    within = everything.narrowed(PERMISSIONS, {"shop"})
    assert within.permissions == frozenset()
    assert (permission in within.projects["shop"]) is (permission in OF_PROJECT)
