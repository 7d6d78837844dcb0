"""Which path templates a gateway can match without two readings of them."""

from __future__ import annotations

import re

from wardgate.domain.path import ambiguity

_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\x9f\\;?#%]")
_BRACES = re.compile(r"(?:[^{}]|\{[^{}/]+\})*")
_PARAMETER = re.compile(r"\{([^{}]*)\}")


def template_problem(template: str) -> tuple[str, str] | None:
    """What is wrong with a path template and its remedy, or ``None``.

    Requests are matched by their one canonical path, so a template that no canonical path can equal is refused.
    """
    if not template.startswith("/"):
        return "does not start with a slash", f"Write /{template}"
    if not _BRACES.fullmatch(template):
        return "has unbalanced, nested or empty braces", "Write each parameter as {name}, within one segment"
    names = _PARAMETER.findall(template)
    if len(set(names)) != len(names):
        return "uses a parameter name twice", "Give each parameter its own name"
    if "}{" in template:
        return "has two parameters with nothing between them", "Put a literal character between them"
    bare = _PARAMETER.sub("x", template)
    found = _FORBIDDEN.search(bare)
    if found:
        return (
            f"holds the character {found.group()!r}",
            "Paths are matched decoded and without a query; leave it out",
        )
    if "//" in bare or any(part in (".", "..") for part in bare.split("/")):
        return "has an empty segment or a dot segment", "Write the canonical path"
    reading = ambiguity(bare)
    if reading is not None:
        # What is left of it: segments of more dots, and characters one cannot see or that turn into delimiters.
        return f"can be read in two ways ({reading})", "No request may hold that; write it in another way"
    return None


def base_path_problem(path: str) -> tuple[str, str] | None:
    """What is wrong with a base path and its remedy, or ``None``; the root is ``/``."""
    if "{" in path or "}" in path:
        return (
            "holds a parameter",
            "A base path is literal; put parameters into the paths of the OpenAPI document",
        )
    if not path.isascii():
        return "holds a character beyond ASCII", "Use letters, digits and hyphens"
    trouble = template_problem(path)
    if trouble is None and path != "/" and path.endswith("/"):
        return "ends with a slash", f"Write {path.rstrip('/') or '/'}"
    return trouble
