"""Text with names in it that an environment gives values: ``${NAME}`` a variable, ``${secret:NAME}`` one of its secrets.

``$$`` is a dollar sign; a dollar sign before anything but ``{`` or another one is itself. Variables are put in when an
API is bound to an environment. Secrets never are: in places that may hold them the bound text keeps ``${secret:NAME}`` and
``$$`` until a gateway uses it (:func:`revealed`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from wardgate.domain.secret import Secret

NAME = r"[A-Za-z_][A-Za-z0-9_]{0,99}"
_PART = re.compile(rf"\$\$|\$\{{(?P<secret>secret:)?(?P<name>{NAME})\}}|(?P<broken>\$\{{[^}}]{{0,200}}\}}?)")


class TemplateError(ValueError):
    """A text cannot be filled in. ``name`` is that of the variable or secret, empty where the text itself is wrong."""

    def __init__(self, message: str, name: str = "", *, secret: bool = False) -> None:
        super().__init__(message)
        self.name = name
        self.secret = secret


def names_in(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """The variables and the secrets that ``text`` names. Raises TemplateError where it is wrong."""
    variables: set[str] = set()
    secrets: set[str] = set()

    def note(name: str, secret: bool) -> str:
        (secrets if secret else variables).add(name)
        return ""

    _replaced(text, note, dollar="$")
    return frozenset(variables), frozenset(secrets)


def bound(text: str, variables: Mapping[str, str]) -> str:
    """``text`` with every variable in place; secrets have no place in it.

    Raises:
        TemplateError: it names a variable there is not, or a secret.
    """

    def value(name: str, secret: bool) -> str:
        if secret:
            raise TemplateError(f"the secret {name!r} must not stand here", name, secret=True)
        return _variable(name, variables)

    return _replaced(text, value, dollar="$")


def half_bound(text: str, variables: Mapping[str, str], secrets: frozenset[str]) -> str:
    """``text`` with every variable in place, and secrets and ``$$`` left as they are, for :func:`revealed`.

    Raises:
        TemplateError: it names a variable or a secret there is not.
    """

    def value(name: str, secret: bool) -> str:
        if not secret:
            return _variable(name, variables).replace("$", "$$")
        if name not in secrets:
            raise TemplateError(f"there is no secret {name!r}", name, secret=True)
        return f"${{secret:{name}}}"

    return _replaced(text, value, dollar="$$")


def revealed(value: Any, secrets: Mapping[str, Secret]) -> Any:
    """JSON-able data that was half bound, with every secret in every text of it in place.

    Raises:
        TemplateError: a secret is not there (any more), or is no text.
    """
    if isinstance(value, str):
        return _replaced(value, lambda name, secret: _revealed(name, secret, secrets), dollar="$")
    if isinstance(value, Mapping):
        return {key: revealed(item, secrets) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(revealed(item, secrets) for item in value)
    return value


def _revealed(name: str, secret: bool, secrets: Mapping[str, Secret]) -> str:
    found = secrets.get(name) if secret else None
    if found is None:
        raise TemplateError(f"there is no {'secret' if secret else 'variable'} {name!r}", name, secret=secret)
    try:
        return found.reveal().decode()
    except UnicodeDecodeError:
        raise TemplateError(f"the secret {name!r} is no text", name, secret=True) from None


def _variable(name: str, variables: Mapping[str, str]) -> str:
    if name not in variables:
        raise TemplateError(f"there is no variable {name!r}", name)
    return variables[name]


def _replaced(text: str, value: Callable[[str, bool], str], *, dollar: str) -> str:
    if "$" not in text:
        return text

    def part(match: re.Match[str]) -> str:
        if match["broken"] is not None:
            raise TemplateError(
                f"{match['broken'][:40]!r} names nothing; write ${{NAME}} or ${{secret:NAME}}, or $$ for a dollar sign"
            )
        return value(match["name"], match["secret"] is not None) if match["name"] else dollar

    return _PART.sub(part, text)
