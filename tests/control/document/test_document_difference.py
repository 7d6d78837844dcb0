"""The difference of two documents: every change in a line people understand, and nothing confidential."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from wardgate.control.document import difference, load
from wardgate.domain.api import Acl, Api, Cors, PolicyUse, Resource
from wardgate.domain.document import ApplicationEntry, Document, SubscriptionEntry
from wardgate.domain.limit import Limit, Plan
from wardgate.domain.upstream import HealthCheck

BASE = load(Path(__file__).parents[3] / "examples" / "orders" / "wardgate.yaml")
API = BASE.apis[0].api
APPLICATION = BASE.applications[0]


def with_api(**changes: Any) -> Document:
    """The base with some of its API's fields replaced."""
    return replace(BASE, apis=(replace(BASE.apis[0], api=replace(API, **changes)),))


def with_resource(name: str, **changes: Any) -> Document:
    """The base with some fields of one resource replaced."""
    return with_api(resources=tuple(replace(r, **changes) if r.name == name else r for r in API.resources))


def test_equal_documents_have_no_difference() -> None:
    """Nothing changed, nothing said."""
    assert difference(BASE, BASE) == []


def test_everything_new_is_added() -> None:
    """Against an empty store every part is an addition, and the other way round a removal."""
    added = difference(Document(), BASE)
    assert added == [
        "+ api orders/v1: 8 resources at /orders/v1, to http://127.0.0.1:9000",
        "+ plan free: rate 100 per minute, burst 20; spike 5 per second; quota 10000 per month (UTC); concurrency 10",
        "+ plan gold: rate 5000 per minute, burst 500",
        "+ application mobile: orders/v1 on plan free",
    ]
    assert difference(BASE, Document()) == [line.replace("+", "-", 1) for line in added]


@pytest.mark.parametrize(
    ("new", "line"),
    [
        (with_api(base_path="/o"), "~ api orders/v1: base_path: /orders/v1 -> /o"),
        (with_api(hosts=("a.example",)), "~ api orders/v1: hosts: none -> a.example"),
        (with_api(plans=("gold",)), "~ api orders/v1: plans: free, gold -> gold"),
        (with_api(identity_headers=False), "~ api orders/v1: identity_headers: true -> false"),
        (
            with_api(upstream=replace(API.upstream, targets=("http://b",))),
            "~ api orders/v1: upstream.targets: http://127.0.0.1:9000 -> http://b",
        ),
        (
            with_resource("GET /items", schemes=("oauth2",), scopes=("read",)),
            "~ api orders/v1: ~ resource GET /items: api_key -> oauth2, scopes read",
        ),
        (with_resource("GET /items", schemes=()), "~ api orders/v1: ~ resource GET /items: api_key -> open"),
        (
            with_resource("GET /items", max_body=5),
            "~ api orders/v1: ~ resource GET /items: max_body none -> 5",
        ),
        (
            with_resource("GET /items", condition="'admin' in roles"),
            "~ api orders/v1: ~ resource GET /items: condition none -> 'admin' in roles",
        ),
        (
            with_resource("GET /items", acl=Acl(allow=("staff",))),
            "~ api orders/v1: ~ resource GET /items: acl none -> {'allow': ['staff'], 'deny': []}",
        ),
        (with_api(resources=API.resources[1:]), "~ api orders/v1: - resource GET /health (open)"),
        (
            with_api(resources=(*API.resources, Resource(method="PUT", path="/x", schemes=("api_key",)))),
            "~ api orders/v1: + resource PUT /x (api_key)",
        ),
        (with_api(policies=(PolicyUse(name="a.b"),)), "~ api orders/v1: policies: none -> a.b"),
        (
            replace(BASE, apis=(replace(BASE.apis[0], openapi_text="openapi: 3.1.0"),)),
            "~ api orders/v1: OpenAPI document (nothing the gateway enforces)",
        ),
        (
            replace(BASE, apis=(replace(BASE.apis[0], source={}),)),
            "~ api orders/v1: text of its settings (nothing the gateway enforces)",
        ),
        (
            replace(
                BASE, plans=(BASE.plans[0], Plan(name="gold", limits=(Limit(kind="concurrency", amount=1),)))
            ),
            "~ plan gold: limits: rate 5000 per minute, burst 500 -> concurrency 1",
        ),
        (
            replace(BASE, plans=(BASE.plans[0], replace(BASE.plans[1], description="Best"))),
            "~ plan gold: description: none -> Best",
        ),
        (
            replace(BASE, applications=(replace(APPLICATION, owner="x"),)),
            "~ application mobile: owner: dev@example.com -> x",
        ),
        (
            replace(BASE, applications=(ApplicationEntry(name="mobile", owner="dev@example.com"),)),
            "~ application mobile: - subscription orders/v1 on plan free",
        ),
        (
            replace(
                BASE,
                applications=(
                    replace(APPLICATION, subscriptions=(SubscriptionEntry(api="orders/v1", plan="gold"),)),
                ),
            ),
            "~ application mobile: ~ subscription orders/v1: free -> gold",
        ),
    ],
)
def test_each_change_has_its_line(new: Document, line: str) -> None:
    """One change gives one line that names the object, the old and the new value."""
    assert difference(BASE, new) == [line]


def test_whole_parts_coming_and_going() -> None:
    """Switching CORS and health checks on names each of their settings."""
    new = with_api(cors=Cors(origins=("*",)), upstream=replace(API.upstream, health=HealthCheck(path="/up")))
    lines = difference(BASE, new)
    assert "~ api orders/v1: cors.origins: none -> *" in lines
    assert "~ api orders/v1: upstream.health.path: none -> /up" in lines


def test_settings_of_policies_are_not_shown() -> None:
    """A policy's settings may hold secrets: that they changed is said, their values are not."""
    old = with_api(policies=(PolicyUse(name="a.b", config={"token": "hunter1"}),))
    new = with_api(policies=(PolicyUse(name="a.b", config={"token": "hunter2"}),))
    assert difference(old, new) == ["~ api orders/v1: policies: settings of a.b changed"]
    assert "hunter" not in "".join(difference(BASE, new))


def test_two_versions_of_an_api_are_told_apart() -> None:
    """A new version is an addition beside the old one."""
    second: Api = replace(API, version="v2", base_path="/orders/v2")
    new = replace(BASE, apis=(*BASE.apis, replace(BASE.apis[0], api=second)))
    assert difference(BASE, new) == ["+ api orders/v2: 8 resources at /orders/v2, to http://127.0.0.1:9000"]
