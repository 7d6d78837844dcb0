"""A tree of path segments: the way to resources whose templates are too varied to be looked up in one piece."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from wardgate.gateway.template import PLAIN, Capture, Template, fill

R = TypeVar("R")

#: Stands for every empty dictionary of the tree; never written to.
_NOTHING: Any = {}


class Route(Generic[R]):
    """What a path template and a method lead to; ``name`` is for messages."""

    __slots__ = ("captures", "name", "resource")

    def __init__(self, name: str, resource: R, captures: tuple[Capture, ...]) -> None:
        self.name = name
        self.resource = resource
        self.captures = captures


class Node(Generic[R]):
    """One place in the tree. What it has none of is one shared empty dictionary: most nodes have one child."""

    __slots__ = ("children", "parameter", "patterns", "routes")

    def __init__(self) -> None:
        #: Where literal segments lead, where ``{name}`` does, where ``{name}.json`` and the like do, and what ends here
        #: by method.
        self.children: dict[str, Node[R]] = _NOTHING
        self.parameter: Node[R] | None = None
        self.patterns: dict[tuple[str, ...], Node[R]] = _NOTHING
        self.routes: dict[str, Route[R]] = _NOTHING

    def add(self, template: Template, method: str, resource: R) -> None:
        """The path of ``template`` leads to ``resource``; this node is where the base path ends.

        Raises:
            ValueError: another resource answers the same requests.
        """
        node = self
        holes = {capture.at - template.offset: capture for capture in template.captures}
        for index, part in enumerate(template.parts):
            capture = holes.get(index)
            node = node._literal(part) if capture is None else node._pattern(capture.pieces)
        known = node.routes.get(method)
        if known is not None:
            raise ValueError(clash(known.name, template.name))
        node.routes = {**node.routes, method: Route(template.name, resource, template.captures)}

    def finish(self) -> None:
        """Puts patterns in order, and lets GET answer HEAD where HEAD is not declared (RFC 9110 section 9.3.2)."""
        nodes = [self]
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

    def find(self, segments: Sequence[str], at: int, method: str) -> Route[R] | None:
        """The first route below for ``segments[at:]``, trying literals, then patterns, then ``{name}``."""
        if at == len(segments):
            return self.routes.get(method)
        segment = segments[at]
        following = self.children.get(segment)
        if following is not None:
            route = following.find(segments, at + 1, method)
            if route is not None:
                return route
        for pieces, following in self.patterns.items():
            if fill(pieces, segment) is not None:
                route = following.find(segments, at + 1, method)
                if route is not None:
                    return route
        if segment and self.parameter is not None:
            return self.parameter.find(segments, at + 1, method)
        return None

    def _literal(self, segment: str) -> Node[R]:
        """The node after a literal segment, made if need be."""
        node = self.children.get(segment)
        if node is None:
            node = Node()
            if self.children:
                self.children[segment] = node
            else:
                self.children = {segment: node}
        return node

    def _pattern(self, pieces: tuple[str, ...]) -> Node[R]:
        """The node after a segment with parameters between ``pieces``, made if need be."""
        if pieces == PLAIN:
            if self.parameter is None:
                self.parameter = Node()
            return self.parameter
        node = self.patterns.get(pieces)
        if node is None:
            node = Node()
            self.patterns = {**self.patterns, pieces: node}
        return node


def clash(known: str, name: str) -> str:
    """The message about two resources that answer the same requests."""
    return f"resources {known} and {name} answer the same requests; remove one of them"
