"""What an operator may do: the permissions of the control plane, and the roles that come with it.

A permission is ``<things>.<verb>``. ``view`` reads; nothing that is a secret is ever read back, whoever asks. A
permission of a project holds for the APIs of that project, and for what belongs to them; the others are of the
installation as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

Permission = Literal[
    "environments.view",
    "environments.edit",  # add, order, hosts, variables, overrides, retention
    "secrets.edit",  # write an environment's secrets: nobody reads them
    "apis.view",
    "apis.edit",  # apply: new revisions, deployed to the first environment
    "apis.promote",  # ask for a promotion; carry out one that weakens nothing
    "apis.approve",  # the second person of a promotion that weakens security
    "apis.rollback",
    "apis.switch",  # the kill switch
    "plans.view",
    "plans.edit",
    "applications.view",
    "applications.edit",  # add, change, remove
    "applications.hold",  # suspend, throttle, restore
    "access.view",
    "access.request",  # ask for access on behalf of an application
    "access.decide",  # approve and reject, and set the controls of a subscription
    "keys.view",
    "keys.issue",  # issue and rotate
    "keys.revoke",
    "clients.view",
    "clients.edit",
    "tokens.view",
    "tokens.revoke",
    "people.view",
    "people.edit",  # users, their roles, groups
    "providers.view",
    "providers.edit",
    "webhooks.view",
    "webhooks.edit",
    "operators.view",
    "operators.edit",  # roles of operators, service accounts, projects, others' tokens
    "audit.view",  # read, verify, export
    "traffic.view",  # roll-ups, top, explain
    "system.backup",
]

PERMISSIONS: tuple[Permission, ...] = get_args(Permission)

#: Those that make sense for one project alone.
OF_PROJECT: frozenset[Permission] = frozenset(
    permission
    for permission in PERMISSIONS
    if permission.partition(".")[0] in ("apis", "plans", "access", "traffic")
) - {"plans.edit"}

_VIEWS = frozenset(permission for permission in PERMISSIONS if permission.endswith(".view"))

#: The roles every installation has; they cannot be changed. What their holders are called in the field.
BUILTIN_ROLES: Mapping[str, frozenset[Permission]] = {
    "owner": frozenset(PERMISSIONS),
    "admin": frozenset(PERMISSIONS) - {"operators.edit"},
    "publisher": frozenset(
        (
            "environments.view",
            "apis.view",
            "apis.edit",
            "apis.promote",
            "apis.rollback",
            "apis.switch",
            "plans.view",
            "traffic.view",
            "access.view",
        )
    ),
    "access-manager": frozenset(
        (
            "environments.view",
            "apis.view",
            "plans.view",
            "applications.view",
            "applications.edit",
            "applications.hold",
            "access.view",
            "access.request",
            "access.decide",
            "keys.view",
            "keys.issue",
            "keys.revoke",
            "traffic.view",
        )
    ),
    "auditor": _VIEWS,
    "viewer": _VIEWS - {"audit.view", "operators.view", "people.view"},
}
