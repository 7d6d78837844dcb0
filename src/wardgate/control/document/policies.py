"""``policies``: pluggable policies switched on at an API or a resource, with their own settings."""

from __future__ import annotations

from wardgate.control.document.fields import Fields
from wardgate.control.document.names import POLICY, POLICY_WORDS
from wardgate.domain.api import PolicyUse
from wardgate.openapi.tree import plain


def read_policies(holder: Fields) -> tuple[PolicyUse, ...]:
    """The list under ``policies``. Each policy checks its own settings when the API is compiled."""
    uses: list[PolicyUse] = []
    for item, path in holder.items("policies"):
        fields = Fields(holder.report, item, path, ())
        name = fields.required("use", POLICY, POLICY_WORDS)
        config = {key: plain(value) for key, value in fields.entries.items() if key != "use"}
        uses.append(PolicyUse(name=name, config=config))
    return tuple(uses)
