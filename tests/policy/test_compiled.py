"""What compilation leaves for the request path."""

from __future__ import annotations

import pytest
from tests.policy.exchanges import compiled, resource

from wardgate.domain.api import ApiKeyScheme, Cors, Place, Resource


@pytest.mark.parametrize(
    ("place", "name", "looked_for"),
    [
        ("header", "X-API-Key", b"x-api-key"),
        ("query", "Api_Key", b"Api_Key"),
        ("cookie", "Key", b"Key"),
    ],
)
def test_where_a_key_is_looked_for(place: Place, name: str, looked_for: bytes) -> None:
    """Header names ignore case, the others do not; an open resource looks too, so that no key is passed on."""
    made = compiled(
        resource("api_key"),
        resource(name="GET /free"),
        api_key=ApiKeyScheme(place=place, name=name),
        undeclared="allow",
    )
    assert made.undeclared is not None
    for each in (*made.resources, made.undeclared):
        assert (each.key_place, each.key_name) == (place, looked_for)


def test_a_resources_own_bound_on_bodies_counts() -> None:
    """Also one of zero; without one the API's holds."""
    own = Resource(method="POST", path="/none", schemes=("api_key",), max_body=0)
    made = compiled(own, resource("api_key"), max_body=1234)
    assert [each.max_body for each in made.resources] == [0, 1234]


def test_resources_keep_their_order_and_names() -> None:
    """Aligned with the API's, which the routes rely on."""
    made = compiled(resource("api_key"), resource("api_key", name="POST /items"))
    assert [each.resource for each in made.resources] == list(made.api.resources)
    assert [each.name for each in made.resources] == ["GET /items", "POST /items"]
    assert {each.api_id for each in made.resources} == {"orders/v1"}


def test_cross_origin_rules_are_shared() -> None:
    """One set of rules an API; none where none was set."""
    made = compiled(resource("api_key"), cors=Cors(origins=("https://a.example",)))
    assert made.cors is not None
    assert [each.cors for each in made.resources] == [made.cors]
    assert compiled().resources[0].cors is None
