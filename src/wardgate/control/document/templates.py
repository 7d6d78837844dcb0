"""Names of variables and secrets in the settings of an API: which places take them, and in which form."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from wardgate.control.document.fields import Fields
from wardgate.control.document.names import HOST, HTTP_NAME, SERVER_NAME, reserved_header
from wardgate.domain.template import NAME, TemplateError, names_in
from wardgate.openapi.tree import Node, Path, Scalar

#: A host, or one whose parts are variables.
HOST_OR_VARIABLES = rf"{HOST}|[a-z0-9.*-]*(?:\$\{{{NAME}\}}[a-z0-9.*-]*)+"
SERVER_OR_VARIABLES = rf"{SERVER_NAME}|[a-z0-9.-]*(?:\$\{{{NAME}\}}[a-z0-9.-]*)+"
MAX_HEADERS, MAX_HEADER = 50, 4096
_FRAMING = frozenset(
    (
        "client-cert",
        "client-cert-chain",
        "http2-settings",
        "proxy-authenticate",
        "proxy-authorization",
        "true-client-ip",
    )
)


def named(text: str) -> bool:
    """Whether ``text`` names a variable or secret, or tries to."""
    return "${" in text


def template_problem(text: str, *, secrets: bool) -> tuple[str, str] | None:
    """What is wrong with the names in ``text``, and the remedy; ``secrets``: whether they may be of secrets."""
    try:
        _, found = names_in(text)
    except TemplateError as error:
        return str(error), "Correct the name, or write $$ for a dollar sign"
    if found and not secrets:
        return (
            f"the secret {min(found)!r} must not stand here",
            "Use a variable; secrets may stand in upstream.headers and in settings of policies only",
        )
    return None


def check_templates(fields: Fields, value: Any, path: Path, *, secrets: bool) -> None:
    """Notes what is wrong with the names in every text of ``value``, which stands at ``path`` below ``fields``."""
    for steps, text in _texts(value, path):
        trouble = template_problem(text, secrets=secrets)
        if trouble is not None:
            fields.problem_below(steps, *trouble)


def names_any(value: Any) -> bool:
    """Whether any text of ``value`` names a variable or secret."""
    return any(named(text) for _, text in _texts(value, ()))


def read_headers(upstream: Fields) -> dict[str, str]:
    """``headers`` of an upstream: names that mean nothing to HTTP itself, values that may hold variables and secrets."""
    fields = upstream.child("headers", ())
    if fields is None:
        return {}
    if len(fields.entries) > MAX_HEADERS:
        fields.problem(None, f"there are more than {MAX_HEADERS} headers", "Remove some")
    found: dict[str, str] = {}
    for name, node in fields.entries.items():
        value = _header(fields, name, node)
        if value is None:
            continue
        if name.lower() in {each.lower() for each in found}:
            fields.problem(name, f"the header {name!r} stands here twice", "Remove one of them")
        found[name] = value
    return found


def _header(fields: Fields, name: str, node: Node) -> str | None:
    if not re.fullmatch(HTTP_NAME, name):
        fields.problem(name, f"{name!r} is no name of a header", "Use letters, digits and hyphens")
        return None
    if reserved_header(name) or name.lower() in _FRAMING:
        message = f"the header {name!r} frames the request or is stated by Wardgate"
        fields.problem(
            name, message, "Use another name; `identity` says what upstreams are told of the caller"
        )
        return None
    value = node.value if isinstance(node, Scalar) else None
    if not isinstance(value, str) or not value.strip():
        fields.problem(name, f"the value of {name!r} must be text", f'Put it in quotes: {name}: "value"')
        return None
    if (
        len(value) > MAX_HEADER
        or re.search(r"[\x00-\x1f\x7f]", value)
        or any(ord(each) > 0xFF for each in value)
    ):
        fields.problem(
            name, f"no header can hold the value of {name!r}", "Use one line of at most 4096 characters"
        )
        return None
    trouble = template_problem(value, secrets=True)
    if trouble is not None:
        fields.problem(name, *trouble)
        return None
    return value.strip()


def _texts(value: Any, path: Path) -> Iterable[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, (*path, key))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, index))
