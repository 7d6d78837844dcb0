"""``roles``: named sets of scopes that people hold."""

from __future__ import annotations

from collections.abc import Collection

from wardgate.control.document.fields import Fields, Report, suggestion
from wardgate.control.document.names import LINE, LINE_WORDS, NAME, NAME_WORDS, SCOPE, SCOPE_WORDS
from wardgate.domain.people import Role
from wardgate.openapi.tree import Node, Path, Scalar


def read_role(report: Report, node: Node, path: Path) -> tuple[Role, Fields]:
    """One role with its fields, for problems found later; what is wrong with it is noted in ``report``."""
    fields = Fields(report, node, path, ("name", "description", "scopes"))
    role = Role(
        name=fields.required("name", NAME, NAME_WORDS),
        description=fields.text("description", "", LINE, LINE_WORDS),
        scopes=fields.texts("scopes", SCOPE, SCOPE_WORDS),
    )
    return role, fields


def check_role_scopes(role: Role, fields: Fields, known: Collection[str]) -> None:
    """Notes a problem for each scope of ``role`` that no API has."""
    for node, path in fields.items("scopes"):
        name = node.value if isinstance(node, Scalar) else None
        if name in role.scopes and name not in known:
            fields.report.add(
                node.line, path, f"no API has the scope {name!r}", suggestion(str(name), known, "scopes")
            )
