"""From host, method and path to the resource that is asked for, at a cost that does not grow with their number.

Which API answers is decided first: by host (exact, then the longest ``*.suffix``, then APIs without hosts), then by
the longest base path on a segment boundary. Only that API's resources are looked at, so an API mounted at
``/orders/v1`` is never answered by a template of the one mounted at ``/orders``. Within it a literal segment beats
``{name}.json``, which beats ``{name}``, from left to right; a choice that leads nowhere, or to a path that does
not declare the method, is taken back.

Every host pattern has one tree of path segments, and beside it a plain dictionary of the paths without parameters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import unquote

from wardgate.domain.api import Api
from wardgate.gateway.template import Capture, fill, literal, parse

R = TypeVar("R")

#: Stands for every empty dictionary of the tree; never written to.
_NOTHING: Any = {}

_HOSTS_REMEMBERED = 1024
_HOST_PATTERN = re.compile(r"(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\]")


class Match(Generic[R]):
    """A resource was found: what was compiled for it, and the values its path parameters have."""

    __slots__ = ("_captures", "_segments", "resource")

    def __init__(self, resource: R, captures: Sequence[Capture], segments: Sequence[str]) -> None:
        self.resource = resource
        self._captures = captures
        self._segments = segments

    @property
    def parameters(self) -> dict[str, str]:
        """Path parameters by name, decoded; worked out when asked for."""
        values: dict[str, str] = {}
        for capture in self._captures:
            found = fill(capture.pieces, self._segments[capture.at])
            values.update(zip(capture.names, found or (), strict=True))
        return values


@dataclass(frozen=True, slots=True)
class Miss:
    """Nothing declared answers: ``api_not_found``, or ``resource_not_found`` with the API that was reached."""

    reason: Literal["api_not_found", "resource_not_found"]
    api: Api | None = None


class _Route(Generic[R]):
    """What a path template and a method lead to; ``name`` is for messages."""

    __slots__ = ("captures", "name", "resource")

    def __init__(self, name: str, resource: R, captures: tuple[Capture, ...]) -> None:
        self.name = name
        self.resource = resource
        self.captures = captures


class _Base(Generic[R]):
    """Where an API is mounted, and the answer for what it does not declare."""

    __slots__ = ("api", "otherwise")

    def __init__(self, api: Api, undeclared: R | None) -> None:
        self.api = api
        self.otherwise: Match[R] | Miss = Miss("resource_not_found", api)
        if api.undeclared == "allow":
            if undeclared is None:
                raise ValueError(f"API {api.id} allows undeclared resources but nothing is compiled for them")
            self.otherwise = Match(undeclared, (), ())


class _Node(Generic[R]):
    """One place in the tree. What it has none of is one shared empty dictionary: most nodes have one child."""

    __slots__ = ("base", "children", "parameter", "patterns", "routes")

    def __init__(self) -> None:
        #: Where literal segments lead, where ``{name}`` does, where ``{name}.json`` and the like do, and what ends here
        #: by method.
        self.children: dict[str, _Node[R]] = _NOTHING
        self.parameter: _Node[R] | None = None
        self.patterns: dict[tuple[str, ...], _Node[R]] = _NOTHING
        self.routes: dict[str, _Route[R]] = _NOTHING
        #: Set where an API's base path ends.
        self.base: _Base[R] | None = None

    def literal(self, segment: str) -> _Node[R]:
        """The node after a literal segment, made if need be."""
        node = self.children.get(segment)
        if node is None:
            node = _Node()
            if self.children:
                self.children[segment] = node
            else:
                self.children = {segment: node}
        return node

    def pattern(self, pieces: tuple[str, ...]) -> _Node[R]:
        """The node after a segment with parameters between ``pieces``, made if need be."""
        if pieces == ("", ""):
            if self.parameter is None:
                self.parameter = _Node()
            return self.parameter
        node = self.patterns.get(pieces)
        if node is None:
            node = _Node()
            self.patterns = {**self.patterns, pieces: node}
        return node


class _Table(Generic[R]):
    """The APIs of one host pattern."""

    __slots__ = ("fixed", "root")

    def __init__(self) -> None:
        self.root: _Node[R] = _Node()
        #: Whole paths without parameters, with one ready answer for each method.
        self.fixed: dict[str, dict[str, Match[R]]] = {}

    def mount(self, api: Api, undeclared: R | None) -> None:
        """Marks where ``api`` begins; every API is mounted before any resource is added."""
        node = self.root
        for segment in _base_segments(api):
            node = node.literal(segment)
        if node.base is not None:
            raise ValueError(
                f"APIs {node.base.api.id} and {api.id} share the base path {api.base_path!r} on the same host; "
                "give one of them another base path or other hosts"
            )
        node.base = _Base(api, undeclared)

    def add(self, api: Api, compiled: Sequence[R]) -> None:
        """Adds the resources of ``api``, except those whose path belongs to an API mounted deeper: none reaches them."""
        prefix = _base_segments(api)
        start = self.root
        for segment in prefix:
            start = start.literal(segment)
        for resource, target in zip(api.resources, compiled, strict=True):
            template = resource.path
            name = f"{api.id} {resource.name}"
            if not template.startswith("/"):
                raise ValueError(f"path of resource {name} must start with '/'")
            self._add(start, prefix, template[1:].split("/"), resource.method, name, target)
            if template == "/" and len(prefix) > 1:
                # The base path itself is the same resource, with and without its trailing slash.
                self._add(start, prefix, [], resource.method, name, target)

    def _add(
        self, node: _Node[R], prefix: list[str], path: list[str], method: str, name: str, resource: R
    ) -> None:
        captures: list[Capture] = []
        for index, part in enumerate(path, len(prefix)):
            if "{" in part:
                pieces, names = parse(name, part)
                captures.append(Capture(index, pieces, names))
                node = node.pattern(pieces)
            else:
                node = node.literal(literal(name, part))
            if node.base is not None:
                return
        if captures:
            used = [parameter for capture in captures for parameter in capture.names]
            if len(set(used)) < len(used):
                raise ValueError(f"resource {name} uses a path parameter twice; rename one of them")
        known = node.routes.get(method)
        if known is not None:
            raise ValueError(
                f"resources {known.name} and {name} answer the same requests; remove one of them"
            )
        node.routes = {**node.routes, method: _Route(name, resource, tuple(captures))}
        if not captures:
            whole = "/".join([*prefix, *(literal(name, part) for part in path)])
            self.fixed.setdefault(whole, {})[method] = Match(resource, (), ())

    def finish(self) -> None:
        """Puts patterns in order, and lets GET answer HEAD where HEAD is not declared (RFC 9110 section 9.3.2)."""
        for ready in self.fixed.values():
            if "GET" in ready:
                ready.setdefault("HEAD", ready["GET"])
        nodes = [self.root]
        while nodes:
            node = nodes.pop()
            if "GET" in node.routes:
                node.routes.setdefault("HEAD", node.routes["GET"])
            nodes.extend(node.children.values())
            nodes.extend(node.patterns.values())
            if len(node.patterns) > 1:
                # More literal characters first: ``{name}.tar.gz`` before ``{name}.gz``.
                node.patterns = dict(sorted(node.patterns.items(), key=lambda item: -len("".join(item[0]))))
            if node.parameter is not None:
                nodes.append(node.parameter)

    def search(self, method: str, segments: list[str]) -> Match[R] | Miss | None:
        """The answer when the first choice at every segment did not lead to one; ``None``: no API is mounted here."""
        node = start = self.root
        at = 0
        for depth, segment in enumerate(segments, 1):
            following = node.children.get(segment)
            if following is None:
                break
            node = following
            if node.base is not None:
                start, at = node, depth
        if start.base is None:
            return None
        route = _descend(start, segments, at, method)
        if route is None:
            return start.base.otherwise
        return Match(route.resource, route.captures, segments)


class Router(Generic[R]):
    """Routes every API of an environment. Immutable once built: a new set of APIs is a new router."""

    __slots__ = ("_always", "_every", "_exact", "_nothing", "_remembered", "_suffixes")

    def __init__(self, apis: Iterable[tuple[Api, Sequence[R], R | None]]) -> None:
        """Takes each API with what was compiled for its resources, in their order, and for undeclared ones.

        Raises:
            ValueError: two APIs or two resources answer the same requests, or a host, base path or path template is
                not valid. The message names them.
        """
        self._nothing = Miss("api_not_found")
        self._exact: dict[str, _Table[R]] = {}
        self._suffixes: dict[str, _Table[R]] = {}
        self._remembered: dict[str, tuple[_Table[R], ...]] = {}
        every: _Table[R] = _Table()
        known = list(apis)
        for api, _, undeclared in known:
            for table in self._tables(api, every):
                table.mount(api, undeclared)
        for api, compiled, _ in known:
            for table in self._tables(api, every):
                table.add(api, compiled)
        for table in (every, *self._exact.values(), *self._suffixes.values()):
            table.finish()
        #: Set when no API is bound to hosts: then the Host header decides nothing.
        self._always: tuple[_Table[R], ...] = () if self._exact or self._suffixes else (every,)
        self._every = every

    def match(self, host: str, method: str, path: str) -> Match[R] | Miss:
        """The resource that answers ``method`` on the canonical decoded ``path``, or what is missing.

        ``host`` is the Host header's value, of any case, with or without a port. HEAD is answered by GET's resource
        where HEAD is not declared.
        """
        tables = self._always or self._remembered.get(host)
        if tables is None:
            tables = self._resolve(host)
        for table in tables:
            ready = table.fixed.get(path)
            if ready is not None:
                answer = ready.get(method)
                if answer is not None:
                    return answer
            segments = path.split("/")
            node = table.root
            for segment in segments:
                following = node.children.get(segment)
                if following is None:
                    following = node.parameter
                    if following is None or not segment or node.patterns:
                        break
                node = following
            else:
                route = node.routes.get(method)
                if route is not None:
                    return Match(route.resource, route.captures, segments)
            found = table.search(method, segments)
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


def _descend(node: _Node[R], segments: list[str], at: int, method: str) -> _Route[R] | None:
    """The first route below ``node`` for ``segments[at:]``, trying literals, then patterns, then ``{name}``."""
    if at == len(segments):
        return node.routes.get(method)
    segment = segments[at]
    following = node.children.get(segment)
    if following is not None:
        route = _descend(following, segments, at + 1, method)
        if route is not None:
            return route
    for pieces, following in node.patterns.items():
        if fill(pieces, segment) is not None:
            route = _descend(following, segments, at + 1, method)
            if route is not None:
                return route
    if segment and node.parameter is not None:
        return _descend(node.parameter, segments, at + 1, method)
    return None


def _base_segments(api: Api) -> list[str]:
    """``/orders/v1`` as ``["", "orders", "v1"]``; ``/`` as ``[""]``."""
    base = api.base_path.rstrip("/")
    segments = [unquote(segment) for segment in base.split("/")]
    if (base and not base.startswith("/")) or "" in segments[1:] or "{" in base:
        raise ValueError(
            f"base path {api.base_path!r} of API {api.id} must read like /orders/v1, without parameters"
        )
    return segments
