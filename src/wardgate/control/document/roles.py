"""``roles``: named sets of scopes that people hold."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from wardgate.control.document.fields import Fields, Report, suggestion
from wardgate.control.document.names import LINE, LINE_WORDS, NAME, NAME_WORDS, SCOPE, SCOPE_WORDS
from wardgate.domain.people import Role
from wardgate.openapi.tree import Node, Path, Scalar


def read_role(report: Report, node: Node, path: Path) -> tuple[Role, Fields]:
    """One role with its fields, for problems found later; what is wrong with it is noted in ``report``."""
    fields = Fields(report, node, path, ("name", "description", "scopes", "scopes_elsewhere"))
    scopes = fields.texts("scopes", SCOPE, SCOPE_WORDS)
    elsewhere = fields.texts("scopes_elsewhere", SCOPE, SCOPE_WORDS)
    for item, place in fields.items("scopes_elsewhere"):
        if isinstance(item, Scalar) and item.value in scopes:
            report.add(item.line, place, f"{item.value!r} stands in `scopes` as well", "Remove one of them")
    role = Role(
        name=fields.required("name", NAME, NAME_WORDS),
        description=fields.text("description", "", LINE, LINE_WORDS),
        scopes=tuple(dict.fromkeys((*scopes, *elsewhere))),
    )
    return role, fields


def role_data(role: Role, known: Collection[str]) -> dict[str, Any]:
    """The keys that :func:`read_role` reads as an equal role, but for the order of its scopes; ``known`` are those of the
    document's APIs."""
    data: dict[str, Any] = {"name": role.name}
    if role.description:
        data["description"] = role.description
    for key, there in (("scopes", True), ("scopes_elsewhere", False)):
        scopes = [each for each in role.scopes if (each in known) is there]
        if scopes:
            data[key] = scopes
    return data


def check_role_scopes(role: Role, fields: Fields, known: Collection[str]) -> None:
    """Notes a problem for each scope of ``role`` that no API has, unless it is said to be of one elsewhere."""

    def remedy(name: str) -> str:
        meant = suggestion(name, known, "scopes")
        stop = "" if meant.endswith("?") else "."
        return f"{meant}{stop} One of an API elsewhere stands in `scopes_elsewhere`"

    fields.unknown("scopes", role.scopes, known, "no API has the scope {}", "scopes", remedy)
