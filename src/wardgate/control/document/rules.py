"""``acl``, ``condition`` and ``subscription`` of ``security``: who may call beyond the credential, checked at once."""

from __future__ import annotations

import re
from typing import Literal

from wardgate.control.document.fields import Fields, suggestion
from wardgate.control.document.names import LINE, LINE_WORDS
from wardgate.domain.api import Acl, ApiKeyScheme, Resource
from wardgate.domain.headers import dropped
from wardgate.openapi.tree import Path, Scalar
from wardgate.policy.condition import SECRET_HEADERS
from wardgate.policy.expression import ConditionError, expression

Subscribing = Literal["required", "off"]
KEYS = ("acl", "condition")
_PARAMETER = re.compile(r"\{([^{}]+)\}")


def read_acl(fields: Fields) -> Acl | None:
    """The ACL of an API or a resource."""
    inner = fields.child("acl", ("allow", "deny"))
    if inner is None:
        return None
    acl = Acl(allow=inner.texts("allow", LINE, LINE_WORDS), deny=inner.texts("deny", LINE, LINE_WORDS))
    if not inner.items("allow") and not inner.items("deny"):
        inner.problem(
            None, "an ACL without groups says nothing", "Add `allow:` or `deny:` with names of groups"
        )
    for group in acl.allow:
        if group in acl.deny:
            inner.problem(
                "deny", f"the group {group!r} is allowed as well", "Remove it from one of the lists"
            )
    return acl


def read_condition(fields: Fields) -> str:
    """The condition of an API or a resource, compiled once to see that it can be; empty where there is none."""
    node = fields.entries.get("condition")
    if node is None:
        return ""
    text = node.value if isinstance(node, Scalar) else None
    if not isinstance(text, str) or not text.strip():
        fields.problem(
            "condition",
            "a condition is one text",
            'Write an expression in quotes: condition: "claims.sub == path.user_id"',
        )
        return ""
    text = text.strip()
    try:
        expression(text)
    except ConditionError as error:
        where = f"line {error.line}, column {error.column}" if "\n" in text else f"column {error.column}"
        fields.problem("condition", f"the condition is wrong at {where}: {error.message}", error.remedy)
        return ""
    return text


def read_subscribing(fields: Fields, acl: Acl | None, condition: str) -> Subscribing:
    """Whether callers need a subscription. Without one something else must decide who may call."""
    node = fields.entries.get("subscription")
    if node is None:
        return "required"
    if isinstance(node, Scalar) and (node.value == "off" or node.value is False):
        if not condition and (acl is None or not acl.allow):
            fields.problem(
                "subscription",
                "without subscriptions every application's credential would open this API",
                "Say which may call: `acl: { allow: [...] }` or a `condition:` beside it",
            )
        return "off"
    if not isinstance(node, Scalar) or node.value != "required":
        fields.problem("subscription", "this is no valid subscription", "Write `required` or `off`")
    return "required"


def check_condition(
    api: Fields, path: Path, line: int, text: str, resources: tuple[Resource, ...], key: ApiKeyScheme
) -> None:
    """Notes what a condition asks for that none of its ``resources`` have, as it would then let nobody in."""
    if not text:
        return
    uses = expression(text).uses
    for name in sorted(uses.get("headers") or ()):
        hidden = dropped(name.encode("latin-1", "replace")) or name in SECRET_HEADERS
        if hidden or (key.place == "header" and name == key.name.lower()):
            api.report.add(
                line,
                path,
                f"conditions do not see the header {name!r}",
                "Ask about claims, scopes or roles instead",
            )
    for resource in resources:
        known = frozenset(_PARAMETER.findall(resource.path))
        for name in sorted((uses.get("path") or frozenset()) - known):
            api.report.add(
                line,
                path,
                f"{resource.name} has no path parameter {name!r}",
                suggestion(name, known, "path parameters"),
            )
            return
