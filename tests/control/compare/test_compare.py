"""Comparing two states of an API: what weakens is found, whatever else changes, and nothing else is called weaker."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, make_dataclass, replace
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.control.compare.weaker import HARMLESS, STRICT, WEAKENINGS, api, with_resource, without

from wardgate.control.compare import Deployable, compare, compare_all
from wardgate.control.compare.known import KNOWN
from wardgate.control.compare.rules import At, differences
from wardgate.domain.access import Group
from wardgate.domain.api import Api, Cors, Resource
from wardgate.domain.consumer import Controls
from wardgate.domain.document import ApplicationEntry
from wardgate.domain.environment import EnvironmentSettings
from wardgate.domain.limit import Plan
from wardgate.domain.standing import Catalogue
from wardgate.domain.upstream import Upstream

ROOTS = (Api, Plan, Catalogue, EnvironmentSettings, Controls, ApplicationEntry, Group)


def weak_kinds(before: Deployable, after: Deployable) -> set[str]:
    return {each.kind for each in compare(before, after) if each.weakens}


def _classes(root: type) -> set[type]:
    found: set[type] = set()
    waiting: list[Any] = [root]
    while waiting:
        hint = waiting.pop()
        if isinstance(hint, type) and is_dataclass(hint):
            if hint not in found:
                found.add(hint)
                waiting += get_type_hints(hint).values()
        else:
            waiting += get_args(hint)
    return found


@pytest.mark.parametrize("cls", sorted({c for r in ROOTS for c in _classes(r)}, key=str))
def test_every_field_is_known_to_a_comparator(cls: type) -> None:
    """A field that no comparator knows fails here, so that whoever adds one says what it means to security."""
    assert cls in KNOWN, f"{cls.__name__} stands in no table of wardgate.control.compare.known"
    known = {name for aspect in KNOWN[cls] for name in aspect.fields}
    assert {field.name for field in fields(cls)} == known


def test_an_unknown_field_weakens() -> None:
    """A field that slipped past all of that is a weakening, with its name."""
    grown = make_dataclass("grown", [("a", int), ("shield", bool)], frozen=True)
    found = list(differences(At(place="x"), grown(1, True), grown(1, False), ()))
    assert [(each.kind, each.weakens) for each in found] == [("unknown_changed", True)]
    assert "`shield`" in found[0].sentence


def test_nothing_differs_from_itself() -> None:
    """The same state has no difference."""
    assert compare(STRICT, STRICT) == ()


@pytest.mark.parametrize("name", WEAKENINGS)
def test_a_weakening_is_found_and_its_reverse_is_none(name: str) -> None:
    """Each weakens by the kind it should and by a sentence; taking it back weakens nothing that can be compared."""
    change, kind = WEAKENINGS[name]
    weaker = change(STRICT)
    found = [each for each in compare(STRICT, weaker) if each.weakens]
    assert kind in {each.kind for each in found}
    assert all(each.sentence and each.place.startswith("orders/v1") for each in found)
    if name not in UNPROVEN:
        assert weak_kinds(weaker, STRICT) == set()


#: Those whose reverse cannot be told to be stricter either.
UNPROVEN = {
    "scheme replaced",
    "resource policy loosened",
    "policies in another order",
    "another name",
    "secret sent elsewhere",
    "header not set",
    "client mapped elsewhere",
    "keys elsewhere",
    "usual audiences",
    "scheme added to any",
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_harmless_is_a_difference_and_no_weakening(name: str) -> None:
    """Changes that let nobody do more are told, and weaken nothing."""
    after = HARMLESS[name](STRICT)
    assert compare(STRICT, after)
    assert weak_kinds(STRICT, after) == set()


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(WEAKENINGS)), st.lists(st.sampled_from(sorted(HARMLESS)), max_size=4, unique=True)
)
def test_a_weakening_is_found_whatever_comes_along(name: str, others: list[str]) -> None:
    """Harmless changes made before it hide no weakening."""
    change, kind = WEAKENINGS[name]
    before = STRICT
    after = STRICT
    for other in others:
        after = HARMLESS[other](after)
    if change(after) == after or _covers(name, others):
        return
    assert kind in weak_kinds(before, change(after))


def _covers(name: str, others: list[str]) -> bool:
    """Whether the other changes took away or made harmless what this one weakens."""
    gone = {
        "resource removed": {"scheme added to any", "scheme replaced"},
        "issuer removed": {
            key for key in WEAKENINGS if WEAKENINGS[key][1] in ("jwks_uri_changed", "algorithm_added")
        }
        | {"type added", "client mapped", "client mapped elsewhere", "role grows", "issuer audience"}
        | {"issuer lifetime", "stale keys"},
        "cors off": {key for key in WEAKENINGS if key.startswith("cors") or "origin" in key},
        "shorter tokens": {"issuer lifetime"},
        "private": {"seen by more"},
        "rate lowered": {"rate per second"},
        "rate per second, lower": {"burst raised", "rate raised"},
        "scheme added to all": {"scheme replaced", "scheme added to any"},
    }
    return any(name in gone.get(other, ()) for other in others)


def _mutants(value: Any, hint: Any) -> list[Any]:
    """Values of the same type that differ from ``value``, as stored data may hold them."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, max(1, value - 1)]
    if isinstance(value, float):
        return [value + 1.0]
    if isinstance(value, str):
        options = [x for x in get_args(hint) if isinstance(x, str)]
        return options or [value + "x"]
    if isinstance(value, tuple):
        return [value[1:], value[:-1], tuple(reversed(value))]
    return []


def _changed_somewhere(value: Any) -> list[Any]:
    """``value`` with one field of it, or of what it holds, changed: every field once or more often."""
    found: list[Any] = []
    hints = get_type_hints(type(value))
    for field in fields(value):
        if not field.init:
            continue
        old = getattr(value, field.name)
        news = _mutants(old, hints[field.name])
        if is_dataclass(old) and not isinstance(old, type):
            news += _changed_somewhere(old)
        if isinstance(old, tuple) and old and is_dataclass(old[0]):
            news += [(new, *old[1:]) for new in _changed_somewhere(old[0])]
        found += [replace(value, **{field.name: new}) for new in news if new != old]
    return found


def test_no_change_of_any_field_goes_unnoticed() -> None:
    """Whatever single field is changed, at any depth, there is a difference, and comparing never fails."""
    many = _changed_somewhere(STRICT.api)
    assert len(many) > 100
    for changed in many:
        assert compare(STRICT, replace(STRICT, api=changed)), changed
        assert compare(replace(STRICT, api=changed), STRICT)
    for plans in _changed_somewhere(STRICT.plans[0]):
        assert compare(STRICT, replace(STRICT, plans=(plans, STRICT.plans[1])))


def test_what_is_uncovered_by_a_removed_resource_weakens() -> None:
    """Where a stricter resource goes and a more general one answers its paths instead, that is a weakening."""
    special = with_resource(method="GET", path="/items/special", schemes=("mtls",))(STRICT)
    loose = replace(
        special,
        api=replace(
            special.api,
            resources=tuple(
                Resource(method="GET", path="/items/{id}", schemes=("api_key",))
                if each.path == "/items/{id}"
                else each
                for each in special.api.resources
            ),
        ),
    )
    found = [each for each in compare(loose, without("GET /items/special")(loose)) if each.weakens]
    assert [each.kind for each in found] == ["resource_removed"]
    assert "GET /items/{id}" in found[0].sentence


def test_a_removed_resource_that_undeclared_paths_answer_weakens() -> None:
    """With ``undeclared: allow`` a resource taken out of the document is answered by what stands for the rest."""
    open_ended = api(undeclared="allow", schemes=("api_key",))(STRICT)
    found = [each for each in compare(open_ended, without("GET /items/{id}")(open_ended)) if each.weakens]
    assert [each.kind for each in found] == ["resource_removed"]


def test_dropping_the_weaker_of_two_ways_in_is_no_weakening() -> None:
    """Of a key or a token the key goes: harmless. The token goes: what is left is the weaker way."""
    either = replace(STRICT, api=replace(STRICT.api, resources=(_get("api_key", "oauth2"),), oauth2=None))
    token = replace(either, api=replace(either.api, resources=(_get("oauth2"),)))
    key = replace(either, api=replace(either.api, resources=(_get("api_key"),)))
    assert weak_kinds(either, token) == set()
    assert weak_kinds(either, key) == {"scheme_removed"}


def _get(*schemes: Any) -> Resource:
    return Resource(method="GET", path="/x", schemes=schemes)


def test_a_new_api_answers_for_what_is_open() -> None:
    """What was not there before weakens by open resources, every origin, keys in the URL, undeclared paths, and no more."""
    closed = Deployable(
        api=Api(
            name="a",
            version="v1",
            base_path="/a",
            upstream=Upstream(targets=("http://x",)),
            resources=(_get("api_key"),),
        )
    )
    assert [each.kind for each in compare(None, closed)] == ["api_added"]
    assert not compare(None, closed)[0].weakens
    opened = api(resources=(_get(),), undeclared="allow", cors=Cors(origins=("*",)))(closed)
    kinds = {each.kind for each in compare(None, opened) if each.weakens}
    assert kinds == {"security_off", "undeclared_changed", "cors_on"}


def test_an_api_that_goes_is_no_weakening() -> None:
    """Taking an API away lets nobody do more."""
    (only,) = compare_all({"orders/v1": STRICT}, {})
    assert (only.kind, only.weakens) == ("api_removed", False)


def test_settings_of_policies_and_headers_are_never_shown() -> None:
    """What may be a secret stands in no difference."""
    before = replace(
        STRICT, api=replace(STRICT.api, upstream=replace(STRICT.api.upstream, headers={"A": "hunter1"}))
    )
    after = replace(
        STRICT, api=replace(STRICT.api, upstream=replace(STRICT.api.upstream, headers={"A": "hunter2"}))
    )
    assert "hunter" not in repr(compare(before, after))
