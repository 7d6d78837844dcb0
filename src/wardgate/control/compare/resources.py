"""The resources of an API: those that came, those that went, and what each asks for.

A resource that comes or goes may change what holds for paths that were answered before: a new ``/items/special`` is cut
out of ``/items/{id}``, and where it goes that one answers again. So it is compared with what its paths meet otherwise.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from wardgate.control.compare.access import ACCESS, credentials
from wardgate.control.compare.acl import ACL, CONDITION
from wardgate.control.compare.paths import overlap
from wardgate.control.compare.policies import POLICIES
from wardgate.control.compare.rules import Aspect, At, bounded, differences, neutral
from wardgate.domain.api import Api, Resource
from wardgate.domain.difference import Difference

#: ``undeclared: allow`` stands for every path, by any method.
_ANY = "*"


def undeclared_resource(api: Api) -> Resource:
    """What stands for all that ``api`` does not declare, where it lets that through."""
    return Resource(method=_ANY, path=_ANY, schemes=api.schemes, require=api.require)


def _max_body(at: At, before: Resource, after: Resource) -> Iterator[Difference]:
    old = before.max_body if before.max_body is not None or at.before is None else at.before.max_body
    new = after.max_body if after.max_body is not None or at.after is None else at.after.max_body
    if old != new:
        yield from bounded(at, "max_body", old, new, "the largest request body", unit="bytes")
    else:
        yield at.found(
            "max_body_changed",
            before.max_body,
            after.max_body,
            "the largest request body is written elsewhere",
        )


RESOURCE: tuple[Aspect, ...] = (
    neutral("method", "path", "operation_id"),
    ACCESS,
    ACL,
    CONDITION,
    Aspect(("max_body",), _max_body),
    POLICIES,
)


def resources(at: At, before: Api, after: Api) -> Iterator[Difference]:
    """All that differs in the resources of two states of an API."""
    old = {each.name: each for each in before.resources}
    new = {each.name: each for each in after.resources}
    around_new, around_old = _by_method(before), _by_method(after)
    for name, resource in old.items():
        if name not in new:
            yield from _gone(at.within(f"{at.place} {name}"), resource, around_old)
    for name, resource in new.items():
        inner = at.within(f"{at.place} {name}")
        if name in old:
            yield from differences(inner, old[name], resource, RESOURCE)
        else:
            yield from _came(inner, resource, around_new)
    if tuple(old) != tuple(new) and old.keys() == new.keys():
        yield at.found("resources_reordered", None, None, "resources: another order")


def _by_method(api: Api) -> dict[str, list[Resource]]:
    """The resources of ``api`` by method, what it does not declare under ``*`` where that is let through."""
    found: dict[str, list[Resource]] = defaultdict(list)
    for resource in api.resources:
        found[resource.method].append(resource)
    if api.undeclared == "allow":
        found[_ANY].append(undeclared_resource(api))
    return found


def _meeting(resource: Resource, around: dict[str, list[Resource]]) -> list[Resource]:
    """The resources that answer paths of ``resource`` where it is not: the declared ones, or else the undeclared."""
    met = [each for each in around.get(resource.method, ()) if overlap(each.path, resource.path)]
    return met or around.get(_ANY, [])


def _came(at: At, resource: Resource, around: dict[str, list[Resource]]) -> Iterator[Difference]:
    met = _meeting(resource, around)
    reasons = [(each, _weaker(at, each, resource)) for each in met]
    weaker = next((each for each, why in reasons if why), None)
    if weaker is not None:
        yield at.found(
            "resource_added",
            credentials(weaker),
            credentials(resource),
            f"the resource is new and asks for less than {weaker.name} did for its paths: "
            f"{'; '.join(each.sentence for each in _weaker(at, weaker, resource))}",
            weakens=True,
        )
        return
    opened = not resource.schemes and not any(not each.schemes for each in met)
    words = "and open to anyone" if not resource.schemes else f"and asks for {credentials(resource)}"
    yield at.found(
        "resource_added", None, credentials(resource), f"the resource is new {words}", weakens=opened
    )


def _gone(at: At, resource: Resource, around: dict[str, list[Resource]]) -> Iterator[Difference]:
    met = _meeting(resource, around)
    weaker = next((each for each in met if _weaker(at, resource, each)), None)
    if weaker is not None:
        yield at.found(
            "resource_removed",
            credentials(resource),
            credentials(weaker),
            f"the resource is gone, and its paths are answered by {weaker.name}, which asks for less: "
            f"{'; '.join(each.sentence for each in _weaker(at, resource, weaker))}",
            weakens=True,
        )
        return
    yield at.found("resource_removed", credentials(resource), None, "the resource is gone")


def _weaker(at: At, before: Resource, after: Resource) -> list[Difference]:
    """In what ``after`` asks for less than ``before``."""
    apart = {"method", "path", "operation_id", "max_body"}
    asked = tuple(aspect for aspect in RESOURCE if not apart.intersection(aspect.fields))
    same_place = replace(
        after,
        method=before.method,
        path=before.path,
        operation_id=before.operation_id,
        max_body=before.max_body,
    )
    return [each for each in differences(at, before, same_place, asked) if each.weakens]
