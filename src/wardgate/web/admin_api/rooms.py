"""Which module answers which paths: one line for each first segment. A module is imported when it is first needed."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

from wardgate.web.admin_api.operations import Operation, Operations, check

#: Every module has ``operations``, the :class:`Operations` whose paths begin with the segment.
ROOMS = {
    "access-requests": "wardgate.web.admin_api.access",
    "audit": "wardgate.web.admin_api.audit",
    "leaks": "wardgate.web.admin_api.leaks",
    "applications": "wardgate.web.admin_api.applications",
    "groups": "wardgate.web.admin_api.groups",
    "subscriptions": "wardgate.web.admin_api.subscriptions",
    "webhooks": "wardgate.web.admin_api.webhooks",
    "differences": "wardgate.web.admin_api.differences",
    "drift": "wardgate.web.admin_api.drift",
    "admin-tokens": "wardgate.web.admin_api.admin_tokens",
    "apis": "wardgate.web.admin_api.apis",
    "environments": "wardgate.web.admin_api.environments",
    "revisions": "wardgate.web.admin_api.revisions",
    "keys": "wardgate.web.admin_api.keys",
    "promotions": "wardgate.web.admin_api.promotions",
    "clients": "wardgate.web.admin_api.clients",
    "tokens": "wardgate.web.admin_api.oauth_tokens",
    "users": "wardgate.web.admin_api.users",
    "roles": "wardgate.web.admin_api.roles",
    "providers": "wardgate.web.admin_api.providers",
    "documents": "wardgate.web.admin_api.documents",
    "traffic": "wardgate.web.admin_api.traffic",
    "me": "wardgate.web.admin_api.me",
    "operator-roles": "wardgate.web.admin_api.operator_roles",
    "operators": "wardgate.web.admin_api.operators",
    "projects": "wardgate.web.admin_api.projects",
    "service-accounts": "wardgate.web.admin_api.service_accounts",
}


def first_segment(path: str) -> str:
    """``keys`` of ``/keys/key_01:revoke``."""
    return path.lstrip("/").replace(":", "/").partition("/")[0]


def operations_of(segments: Iterable[str]) -> list[Operation]:
    """The operations below ``segments``.

    Raises:
        TypeError: one of them is not sound, or its path does not begin with its segment.
    """
    found: list[Operation] = []
    for segment in segments:
        operations: Operations = import_module(ROOMS[segment]).operations
        for each in operations.all:
            if first_segment(each.path) != segment:
                raise TypeError(f"{each.id} has the path {each.path}, which does not begin with /{segment}")
        found += operations.all
    check(found)
    return found
