"""Which resource of one API answers: an index made once, so that a request touches little memory however many there are.

Paths without parameters are looked up whole. The others are kept by shape: which segments of how many are parameters.
A shape's resources are one dictionary under their literal segments joined, so a request costs one look-up for each
shape of its length, the most specific first. Lengths at which an API has many shapes, or templates such as
``{name}.json``, go the longer way through a tree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from wardgate.domain.api import Api
from wardgate.gateway.template import PLAIN, Capture, Template, fill, signature, split
from wardgate.gateway.tree import Node, clash

R = TypeVar("R")

#: Shapes of one length and method that are tried one after the other; more are cheaper in a tree.
_SHAPES = 6


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


class _Shape(Generic[R]):
    """Resources with the same method, number of segments and places of parameters (``holes``).

    ``resources`` is keyed by the segments at ``literals``, joined: those from ``start`` to before ``end``, or, when
    they are parted, ``start`` is negative. ``ends_open``: the last segment is a parameter. ``captures`` are those of
    nearly all resources, ``others`` those of the ones that name their parameters otherwise.
    """

    __slots__ = ("captures", "end", "ends_open", "holes", "literals", "others", "resources", "start")

    def __init__(
        self, literals: tuple[int, ...], holes: tuple[int, ...], captures: tuple[Capture, ...]
    ) -> None:
        first, last = (literals[0], literals[-1]) if literals else (0, -1)
        self.start = first if last - first == len(literals) - 1 else -1
        self.end = last + 1
        self.ends_open = holes[-1] > last
        self.literals = literals
        self.holes = holes
        self.captures = captures
        self.others: dict[str, tuple[Capture, ...]] = {}
        self.resources: dict[str, R] = {}

    def add(self, template: Template, offset: int, resource: R) -> bool:
        """Takes the resource of ``template``; false when another has its place."""
        parts = template.parts
        key = "/".join([parts[at - offset] for at in self.literals])
        if key in self.resources:
            return False
        self.resources[key] = resource
        if template.captures != self.captures:
            self.others[key] = template.captures
        return True

    def with_more(self, more: _Shape[R]) -> _Shape[R]:
        """A shape with the resources of both; where both answer, those of ``more``."""
        merged: _Shape[R] = _Shape(self.literals, self.holes, self.captures)
        merged.resources = {**self.resources, **more.resources}
        for shape in (self, more):
            for key in shape.resources:
                captures = shape.others.get(key, shape.captures)
                if captures != merged.captures:
                    merged.others[key] = captures
                else:
                    merged.others.pop(key, None)
        return merged


class Routes(Generic[R]):
    """The resources of ``api`` below one base path. Immutable once built, so it may serve in several routers.

    ``deeper`` are the base paths, relative to this API's, of APIs mounted below it: no template reaches into those.
    """

    __slots__ = (
        "_compiled",
        "_deeper",
        "_fixed",
        "_offset",
        "_otherwise",
        "_shapes",
        "_trees",
        "_undeclared",
        "api",
    )

    def __init__(
        self,
        api: Api,
        base: Sequence[str],
        deeper: Sequence[Sequence[str]],
        compiled: Sequence[R],
        undeclared: R | None,
    ) -> None:
        """``base`` are the base path's segments, ``compiled`` is what was compiled for the API's resources in order.

        Raises:
            ValueError: two resources answer the same requests, a template is not valid, or nothing was compiled for
                the undeclared resources the API allows.
        """
        self.api = api
        self._compiled = compiled
        self._undeclared = undeclared
        self._deeper = deeper
        self._otherwise: Match[R] | Miss = Miss("resource_not_found", api)
        if api.undeclared == "allow":
            if undeclared is None:
                raise ValueError(f"API {api.id} allows undeclared resources but nothing is compiled for them")
            self._otherwise = Match(undeclared, (), ())
        self._offset = len(base)
        #: By method: whole paths without parameters.
        self._fixed: dict[str, dict[str, R]] = {}
        #: By method and number of segments: the shapes, most specific first.
        self._shapes: dict[str, dict[int, tuple[_Shape[R], ...]]] = {}
        #: By number of segments: what is not kept by shape.
        self._trees: dict[int, Node[R]] = {}
        self._build("/".join(base))

    def serves(
        self, api: Api, compiled: Sequence[R], undeclared: R | None, deeper: Sequence[Sequence[str]]
    ) -> bool:
        """Whether this is what would be built of the same arguments."""
        return (
            self.api is api
            and self._compiled is compiled
            and self._undeclared is undeclared
            and self._deeper == deeper
        )

    def find(self, method: str, path: str, segments: list[str]) -> Match[R] | Miss:
        """What answers ``method`` on ``path``, whose segments, those of the base path included, are ``segments``.

        The path is canonical: no segment but the last is empty.
        """
        fixed = self._fixed.get(method)
        if fixed is not None:
            resource = fixed.get(path)
            if resource is not None:
                return Match(resource, (), ())
        lengths = self._shapes.get(method)
        if lengths is not None:
            shapes = lengths.get(len(segments))
            if shapes is not None:
                for shape in shapes:
                    start = shape.start
                    if start < 0:
                        key = "/".join([segments[at] for at in shape.literals])
                    elif shape.end - start == 1:
                        key = segments[start]
                    else:
                        key = "/".join(segments[start : shape.end])
                    resource = shape.resources.get(key)
                    if resource is not None and (segments[-1] or not shape.ends_open):
                        captures = shape.captures
                        if shape.others:
                            captures = shape.others.get(key, captures)
                        return Match(resource, captures, segments)
                return self._otherwise
        if self._trees:
            tree = self._trees.get(len(segments))
            if tree is not None:
                route = tree.find(segments, self._offset, method)
                if route is not None:
                    return Match(route.resource, route.captures, segments)
        return self._unless_folded(method)

    def _unless_folded(self, method: str) -> Match[R] | Miss:
        """What answers the undeclared: nothing, where a reader behind that ignores case sees another method, which may be
        a declared one with rules of its own."""
        if method.upper() != method:
            return Miss("resource_not_found", self.api)
        return self._otherwise

    def _build(self, base: str) -> None:
        api_id = self.api.id
        offset = self._offset
        shapes: dict[tuple[str, int], dict[tuple[int, ...], _Shape[R]]] = {}
        #: Lengths that are not kept by shape.
        varied: set[int] = set()
        placed: list[tuple[Template, str, R]] = []
        for resource, target in zip(self.api.resources, self._compiled, strict=True):
            method = resource.method
            template = split(f"{api_id} {resource.name}", resource.path, offset)
            captures = template.captures
            if self._deeper and self._is_deeper(template):
                continue
            if not captures:
                self._fix(method, f"{base}/{'/'.join(template.parts)}", template, target)
                if resource.path == "/" and base:
                    # The base path itself is the same resource, with and without its trailing slash.
                    self._fix(method, base, template, target)
                continue
            placed.append((template, method, target))
            length = offset + len(template.parts)
            if length in varied or any(capture.pieces != PLAIN for capture in captures):
                varied.add(length)
                continue
            alike = shapes.setdefault((method, length), {})
            holes = tuple([capture.at for capture in captures])
            shape = alike.get(holes)
            if shape is None:
                literals = tuple([at for at in range(offset, length) if at not in holes])
                shape = alike[holes] = _Shape(literals, holes, captures)
                if len(alike) > _SHAPES:
                    varied.add(length)
            if not shape.add(template, offset, target):
                raise ValueError(self._clash(method, template))
        self._finish(shapes, varied, placed)

    def _finish(
        self,
        shapes: dict[tuple[str, int], dict[tuple[int, ...], _Shape[R]]],
        varied: set[int],
        placed: list[tuple[Template, str, R]],
    ) -> None:
        """Orders the shapes, plants the trees, and lets GET answer HEAD where HEAD is not declared (RFC 9110 9.3.2)."""
        fixed = self._fixed
        if "GET" in fixed:
            own = fixed.get("HEAD")
            fixed["HEAD"] = {**fixed["GET"], **own} if own else fixed["GET"]
        for (method, length), alike in list(shapes.items()):
            if method == "GET" and length not in varied:
                own_alike = shapes.get(("HEAD", length), {})
                shapes["HEAD", length] = {
                    holes: _merged(alike.get(holes), own_alike.get(holes)) for holes in {**alike, **own_alike}
                }
        for (method, length), alike in shapes.items():
            if length not in varied:
                ordered = sorted(
                    alike.values(), key=lambda shape: [at in shape.holes for at in range(length)]
                )
                self._shapes.setdefault(method, {})[length] = tuple(ordered)
        if varied:
            for template, method, target in placed:
                length = self._offset + len(template.parts)
                if length in varied:
                    self._trees.setdefault(length, Node()).add(template, method, target)
            for tree in self._trees.values():
                tree.finish()

    def _fix(self, method: str, path: str, template: Template, target: R) -> None:
        paths = self._fixed.setdefault(method, {})
        if path in paths:
            raise ValueError(self._clash(method, template))
        paths[path] = target

    def _is_deeper(self, template: Template) -> bool:
        """Whether the template's first segments are the base path of an API mounted below this one."""
        literal = template.captures[0].at - self._offset if template.captures else len(template.parts)
        return any(
            len(base) <= literal and template.parts[: len(base)] == list(base) for base in self._deeper
        )

    def _clash(self, method: str, template: Template) -> str:
        """The message about ``template`` and the one before it that answers the same requests."""
        wanted = signature(template)
        known = template.name
        for resource in self.api.resources:
            name = f"{self.api.id} {resource.name}"
            if resource.method == method and signature(split(name, resource.path, self._offset)) == wanted:
                known = name
                break
        return clash(known, template.name)


def _merged(get: _Shape[R] | None, head: _Shape[R] | None) -> _Shape[R]:
    """What answers HEAD: the resources that declare it, else those of GET."""
    if get is None or head is None:
        found = get or head
        if found is None:
            raise ValueError("a shape without resources")
        return found
    return get.with_more(head)
