"""Writing a document back: it loads as the same one, and export never writes outside its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.control.document.conftest import OK, POLICIES, openapi

from wardgate.control.document import dump, export, load
from wardgate.domain.document import ApiEntry, ApplicationEntry, Document, SubscriptionEntry
from wardgate.domain.limit import Limit, Plan
from wardgate.openapi.yamltext import dump_yaml

ORDERS = Path(__file__).parents[3] / "examples" / "orders"

names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,8}", fullmatch=True)
lines = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp", "Cs"]), max_size=20)
away = st.sampled_from(("deny", "allow", "local"))
amounts = st.integers(1, 10**9)
limits = st.one_of(
    st.builds(
        Limit,
        kind=st.just("rate"),
        amount=amounts,
        per=st.sampled_from(("second", "week")),
        burst=st.none() | amounts,
        when_away=away,
    ),
    st.builds(
        Limit,
        kind=st.just("spike"),
        amount=amounts,
        per=st.just("minute"),
        queue=st.none() | st.floats(0, 60),
    ),
    st.builds(
        Limit,
        kind=st.just("quota"),
        amount=amounts,
        per=st.sampled_from(("minute", "month", "year")),
        timezone=st.sampled_from(("UTC", "Asia/Tokyo")),
    ),
    st.builds(Limit, kind=st.just("concurrency"), amount=amounts, when_away=away),
)
plans = st.lists(
    st.builds(Plan, name=names, limits=st.lists(limits, max_size=3).map(tuple), description=lines),
    max_size=3,
    unique_by=lambda plan: plan.name,
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | lines,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(lines.filter(lambda key: key != "<<"), inner, max_size=3)
    ),
    max_leaves=6,
)
extras = st.fixed_dictionaries(
    {},
    optional={
        "undeclared": st.sampled_from(("deny", "allow")),
        "max_body": st.integers(0, 10**9) | st.just("10MB"),
        "hosts": st.lists(st.from_regex(r"[a-z]{1,5}\.example", fullmatch=True), max_size=2, unique=True),
        "policies": st.lists(
            st.dictionaries(st.sampled_from(("a", "on", "off", "1")), json_values, max_size=2).map(
                lambda config: {"use": "acme.x", **config}
            ),
            max_size=2,
        ),
        "cors": st.just({"origins": ["*"]}),
        "identity": st.fixed_dictionaries({"headers": st.booleans()}),
    },
)
securities = st.sampled_from(
    (
        "off",
        False,
        {"schemes": ["api_key"]},
        {"schemes": ["oauth2"], "resources": {"GET /items": {"security": "off"}}},
    )
)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_what_is_dumped_loads_as_the_same_document(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Any valid document, dumped and loaded again, is equal to itself, sources included."""
    folder = tmp_path_factory.mktemp("round")
    (folder / "api.json").write_text(openapi())
    declared = data.draw(plans)
    offered = [plan.name for plan in declared]
    sources: list[dict[str, Any]] = []
    for name in data.draw(st.lists(names, max_size=2, unique=True)):
        extra = data.draw(extras)
        sources.append(
            {
                "name": name,
                "version": data.draw(names),
                "base_path": f"/{name}/x",
                "openapi": "./api.json",
                "upstream": {"targets": ["http://h:1"], "retry_budget": data.draw(st.floats(0, 1))},
                "security": data.draw(securities),
                "plans": offered,
                **extra,
            }
        )
    (folder / "first.yaml").write_text(dump_yaml({"apis": sources}), encoding="utf-8")
    apis = (
        load(folder / "first.yaml", POLICIES).apis if not offered else _with_plans(folder, sources, declared)
    )
    applications = tuple(
        ApplicationEntry(
            name=name,
            owner=data.draw(lines),
            subscriptions=tuple(
                SubscriptionEntry(api=entry.api.id, plan=offered[0] if offered else None) for entry in apis
            ),
        )
        for name in data.draw(st.lists(names, max_size=2, unique=True))
    )
    document = Document(apis=apis, plans=tuple(declared), applications=applications)
    (folder / "again.yaml").write_text(dump(document), encoding="utf-8")
    assert load(folder / "again.yaml", POLICIES) == document


def _with_plans(folder: Path, sources: list[dict[str, Any]], declared: list[Plan]) -> tuple[ApiEntry, ...]:
    text = dump_yaml({"apis": sources}) + dump(Document(plans=tuple(declared)))
    (folder / "first.yaml").write_text(text, encoding="utf-8")
    return load(folder / "first.yaml", POLICIES).apis


def test_the_example_is_exported_as_it_was_applied(tmp_path: Path) -> None:
    """The orders example, exported into an empty folder, loads there as the same document."""
    document = load(ORDERS / "wardgate.yaml")
    files = export(document)
    assert sorted(files) == ["orders.openapi.yaml", "wardgate.yaml"]
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert load(tmp_path / "wardgate.yaml") == document


def test_an_empty_document_is_dumped_as_one() -> None:
    """A document without anything in it still is a valid one."""
    assert dump(Document()) == "apis: []\n"


def entry(name: str, reference: str, text: str, folder: Path) -> ApiEntry:
    """An API whose OpenAPI document is at ``reference``."""
    path = folder / reference
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    source = {
        "name": name,
        "version": "v1",
        "openapi": reference,
        "upstream": {"targets": ["http://h"]},
        "security": "off",
    }
    (folder / "one.yaml").write_text(dump_yaml({"apis": [source]}))
    return load(folder / "one.yaml").apis[0]


def test_export_stays_in_its_folder(tmp_path: Path) -> None:
    """References that lead out of the folder or clash get a name beside the settings, and load there."""
    here = tmp_path / "deep" / "here"
    here.mkdir(parents=True)
    other = openapi({"/other": {"get": OK}})
    document = Document(
        apis=(
            entry("a", "./sub/x.json", openapi(), here),
            entry("b", "../x.json", openapi(), here),
            entry("c", "x.json", other, here),
            entry("d", "../wardgate.yaml", other, here),
        )
    )
    files = export(document)
    assert sorted(files) == ["c-v1.x.json", "d.openapi.yaml", "sub/x.json", "wardgate.yaml", "x.json"]
    target = tmp_path / "target"
    (target / "sub").mkdir(parents=True)
    for name, text in files.items():
        (target / name).write_text(text)
    again = load(target / "wardgate.yaml")
    assert [item.api for item in again.apis] == [item.api for item in document.apis]
