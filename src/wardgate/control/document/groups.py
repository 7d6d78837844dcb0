"""``groups``: sets of people and applications that ACLs name and roles are given to. Who is in them is no part of it."""

from __future__ import annotations

from collections.abc import Collection

from wardgate.control.document.fields import Fields, Report
from wardgate.control.document.names import LINE, LINE_WORDS, NAME, NAME_WORDS
from wardgate.domain.access import Group
from wardgate.openapi.tree import Node, Path


def read_group(report: Report, node: Node, path: Path) -> tuple[Group, Fields]:
    """One group with its fields, for problems found later; what is wrong with it is noted in ``report``."""
    fields = Fields(report, node, path, ("name", "description", "roles"))
    group = Group(
        name=fields.required("name", NAME, NAME_WORDS),
        description=fields.text("description", "", LINE, LINE_WORDS),
        roles=tuple(sorted(fields.texts("roles", NAME, "the name of a role"))),
    )
    return group, fields


def check_group_roles(group: Group, fields: Fields, known: Collection[str]) -> None:
    """Notes a problem for each role of ``group`` that the document does not declare."""
    fields.unknown("roles", group.roles, known, "there is no role {}", "roles")
