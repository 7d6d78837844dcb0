"""Where an API's settings name secrets of its environment: the text a gateway uses, kept apart from what may be shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from wardgate.domain.api import Api, PolicyUse
from wardgate.domain.headers import cgi_name
from wardgate.domain.secret import Secret
from wardgate.domain.template import TemplateError, revealed

Secrets = Callable[[], Mapping[str, Secret]]


class SecretMissingError(Exception):
    """A setting names a secret that is not there or cannot be used; the text names both, never a value."""


@dataclass(frozen=True, slots=True)
class Revealed:
    """What an API sends and uses, with its secrets in place; never printed.

    ``lines`` are the header lines for the upstream, each with CRLF, and ``names`` those whose inbound copies they replace,
    as :func:`cgi_name` makes them. ``api`` is the API with the settings of its policies, for compiling alone.
    """

    lines: bytes = field(default=b"", repr=False)
    names: frozenset[bytes] = frozenset()
    api: Api | None = field(default=None, repr=False)


NOTHING = Revealed()


def reveal(api: Api, secrets: Secrets) -> Revealed:
    """What ``api`` needs of the environment's secrets, which are asked for only if it names any.

    Raises:
        SecretMissingError: one is missing, or no header can hold it.
    """
    headers = api.upstream.headers
    templates = [use for use in (*api.policies, *_own_policies(api)) if _names_any(use.config)]
    if not headers and not templates:
        return NOTHING
    known: Mapping[str, Secret] = {}
    if templates or any("$" in value for value in headers.values()):
        known = secrets()
    lines = b"".join(_line(name, value, known) for name, value in headers.items())
    names = frozenset(cgi_name(name.lower().encode()) for name in headers)
    if not templates:
        return Revealed(lines, names)
    return Revealed(lines, names, _with_policies(api, known))


def _line(name: str, value: str, known: Mapping[str, Secret]) -> bytes:
    try:
        text = revealed(value, known)
    except TemplateError as error:
        raise SecretMissingError(f"upstream.headers[{name!r}]: {error}") from None
    try:
        line: bytes = text.encode("latin-1")
    except UnicodeEncodeError:
        raise SecretMissingError(f"upstream.headers[{name!r}]: a header cannot hold its value") from None
    if not line.strip(b" \t") or any((octet < 0x20 and octet != 0x09) or octet == 0x7F for octet in line):
        raise SecretMissingError(f"upstream.headers[{name!r}]: a header cannot hold its value")
    return b"%b: %b\r\n" % (name.encode(), line.strip(b" \t"))


def _own_policies(api: Api) -> list[PolicyUse]:
    return [use for resource in api.resources for use in resource.policies]


def _names_any(value: Any) -> bool:
    if isinstance(value, str):
        return "$" in value
    if isinstance(value, Mapping):
        return any(_names_any(item) for item in value.values())
    return isinstance(value, (list, tuple)) and any(_names_any(item) for item in value)


def _with_policies(api: Api, known: Mapping[str, Secret]) -> Api:
    def filled(uses: tuple[PolicyUse, ...], place: str) -> tuple[PolicyUse, ...]:
        try:
            return tuple(PolicyUse(name=use.name, config=revealed(use.config, known)) for use in uses)
        except TemplateError as error:
            raise SecretMissingError(f"policies of {place}: {error}") from None

    return replace(
        api,
        policies=filled(api.policies, api.id),
        resources=tuple(
            replace(resource, policies=filled(resource.policies, resource.name))
            if resource.policies
            else resource
            for resource in api.resources
        ),
    )
