"""From host, method and path to the resource that is asked for, at a cost that does not grow with their number.

Which API answers is decided first: by host (exact, then the longest ``*.suffix``, then APIs without hosts), then by
the longest base path on a segment boundary. Only that API's resources are looked at, so an API mounted at
``/orders/v1`` is never answered by a template of the one mounted at ``/orders``. Within it a literal segment beats
``{name}.json``, which beats ``{name}``, from left to right; a choice that leads nowhere, or to a path that does
not declare the method, is taken back.

Every host pattern has one dictionary of base paths; each API has its index (``routes.py``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar
from urllib.parse import unquote

from wardgate.domain.api import Api
from wardgate.gateway.routes import Match, Miss, Routes
from wardgate.gateway.versions import Several, Versions, versions_of

__all__ = ["Match", "Miss", "Router", "Several"]

R = TypeVar("R")

_HOSTS_REMEMBERED = 1024
_HOST_PATTERN = re.compile(r"(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\]")
#: An API, what was compiled for its resources, and for what it does not declare.
_Entry = tuple[Api, Sequence[R], R | None]


class _Table(Generic[R]):
    """The APIs of one host pattern."""

    __slots__ = ("_entries", "_lengths", "bases")

    def __init__(self) -> None:
        #: By base path, decoded and without a slash at its end.
        self.bases: dict[str, Routes[R] | Versions[R]] = {}
        #: How many segments base paths have, the longest first.
        self._lengths: tuple[int, ...] = ()
        self._entries: dict[str, list[_Entry[R]]] = {}

    def mount(self, entry: _Entry[R]) -> None:
        """Marks where an API begins; every API is mounted before the table is finished."""
        self._entries.setdefault("/".join(_base_segments(entry[0])), []).append(entry)

    def finish(self, built: dict[str, list[Routes[R]]], before: dict[str, list[Routes[R]]]) -> None:
        """Indexes every API; an index in ``before`` or ``built`` that would come out the same serves again."""
        bases = {base: base.split("/") for base in self._entries}
        self._lengths = tuple(sorted({len(segments) for segments in bases.values()}, reverse=True))
        below: dict[str, list[list[str]]] = {}
        for segments in bases.values():
            for length in range(1, len(segments)):
                above = "/".join(segments[:length])
                if above in bases:
                    below.setdefault(above, []).append(segments[length:])
        for base, entries in self._entries.items():
            deeper = sorted(below.get(base, ()))
            here: list[Routes[R]] = []
            for api, compiled, undeclared in entries:
                routes: Routes[R] | None = None
                for known in (*built.get(api.id, ()), *before.get(api.id, ())):
                    if known.serves(api, compiled, undeclared, deeper):
                        routes = known
                        break
                if routes is None:
                    routes = Routes(api, bases[base], deeper, compiled, undeclared)
                built.setdefault(api.id, []).append(routes)
                here.append(routes)
            self.bases[base] = versions_of(here)

    def find(self, method: str, path: str, segments: list[str]) -> Match[R] | Miss | Several[R] | None:
        """The answer of the API with the longest base path above ``path``; ``None``: no API is mounted here."""
        for length in self._lengths:
            if length <= len(segments):
                routes = self.bases.get("/".join(segments[:length]))
                if routes is not None:
                    return routes.find(method, path, segments)
        return None


class Router(Generic[R]):
    """Routes every API of an environment. Immutable once built: a new set of APIs is a new router."""

    __slots__ = ("_always", "_every", "_exact", "_nothing", "_remembered", "_suffixes", "built")

    def __init__(self, apis: Iterable[_Entry[R]], before: Router[R] | None = None) -> None:
        """Takes each API with what was compiled for its resources, in their order, and for undeclared ones.

        Of ``before`` the index of every API is taken over whose compiled form is the same object, unless APIs came or
        went below its base path.

        Raises:
            ValueError: two APIs or two resources answer the same requests, or a host, base path or path template is
                not valid. The message names them.
        """
        self._nothing = Miss("api_not_found")
        self._exact: dict[str, _Table[R]] = {}
        self._suffixes: dict[str, _Table[R]] = {}
        self._remembered: dict[str, tuple[_Table[R], ...]] = {}
        #: Every index in use, by API.
        self.built: dict[str, list[Routes[R]]] = {}
        every: _Table[R] = _Table()
        for entry in apis:
            for table in self._tables(entry[0], every):
                table.mount(entry)
        known = before.built if before is not None else {}
        for table in (every, *self._exact.values(), *self._suffixes.values()):
            table.finish(self.built, known)
        #: Set when no API is bound to hosts: then the Host header decides nothing.
        self._always: tuple[_Table[R], ...] = () if self._exact or self._suffixes else (every,)
        self._every = every

    def match(self, host: str, method: str, path: str) -> Match[R] | Miss | Several[R]:
        """The resource that answers ``method`` on the canonical decoded ``path``, or what is missing, or the versions
        that the request has to choose from.

        ``host`` is the Host header's value, of any case, with or without a port. HEAD is answered by GET's resource
        where HEAD is not declared.
        """
        tables = self._always or self._remembered.get(host)
        if tables is None:
            tables = self._resolve(host)
        segments = path.split("/")
        for table in tables:
            found = table.find(method, path, segments)
            if found is not None:
                return found
        return self._nothing

    def _tables(self, api: Api, every: _Table[R]) -> list[_Table[R]]:
        """The tables ``api`` stands in, one for each of its host patterns."""
        tables: list[_Table[R]] = []
        for host in sorted({host.lower().rstrip(".") for host in api.hosts}):
            if _HOST_PATTERN.fullmatch(host) is None:
                raise ValueError(
                    f"host {host!r} of API {api.id} must be a name such as api.example.com or *.example.com, "
                    "without a port"
                )
            if host.startswith("*"):
                tables.append(self._suffixes.setdefault(host[1:], _Table()))
            else:
                tables.append(self._exact.setdefault(host, _Table()))
        return tables or [every]

    def _resolve(self, host: str) -> tuple[_Table[R], ...]:
        """The tables of ``host``, most specific first; remembered for the first thousand hosts seen."""
        name = host.lower()
        name = name[: name.find("]") + 1] if name.startswith("[") else name.partition(":")[0].rstrip(".")
        tables = [self._exact[name]] if name in self._exact else []
        dot = name.find(".")
        while dot >= 0:
            if name[dot:] in self._suffixes:
                tables.append(self._suffixes[name[dot:]])
            dot = name.find(".", dot + 1)
        tables.append(self._every)
        if len(self._remembered) < _HOSTS_REMEMBERED:
            self._remembered[host] = tuple(tables)
        return tuple(tables)


def _base_segments(api: Api) -> list[str]:
    """``/orders/v1`` as ``["", "orders", "v1"]``; ``/`` as ``[""]``."""
    base = api.base_path.rstrip("/")
    segments = [unquote(segment) for segment in base.split("/")]
    if (base and not base.startswith("/")) or "" in segments[1:] or "{" in base:
        raise ValueError(
            f"base path {api.base_path!r} of API {api.id} must read like /orders/v1, without parameters"
        )
    return segments
