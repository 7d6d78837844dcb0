"""Valid settings and documents with parts replaced at random: read or refused with problems, never anything else."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.control.document.conftest import POLICIES, openapi

from wardgate.control.document import difference, dump, load
from wardgate.domain.document import Document, DocumentError
from wardgate.openapi import import_document
from wardgate.openapi.yamltext import dump_yaml

ROOT = Path(__file__).parents[3]
SETTINGS = yaml.safe_load((ROOT / "examples" / "orders" / "wardgate.yaml").read_text())
SETTINGS["apis"][0]["openapi"] = "./api.json"
SETTINGS["apis"][0]["security"]["resources"] = {"GET /items": {"scopes": ["a"]}}
PETSTORE = yaml.safe_load((ROOT / "tests" / "openapi" / "petstore.yaml").read_text())

words = st.sampled_from(
    (
        *(
            "name",
            "version",
            "openapi",
            "upstream",
            "security",
            "schemes",
            "resources",
            "plans",
            "cors",
            "off",
        ),
        *(
            "api_key",
            "oauth2",
            "GET /items",
            "in",
            "header",
            "limits",
            "kind",
            "rate",
            "per",
            "minute",
            "amount",
        ),
        *(
            "paths",
            "/a",
            "/a/{b}",
            "get",
            "$ref",
            "#/paths/~1pet",
            "#",
            "components",
            "2.0",
            "3.1.0",
            "",
            "x-y",
        ),
    )
)
parts = st.recursive(
    words
    | st.none()
    | st.booleans()
    | st.integers(-1, 10**18)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)


def mutated(data: Any, chooser: random.Random, values: list[Any]) -> Any:
    """``data`` with a part at a random place replaced by each of ``values``."""
    data = copy.deepcopy(data)
    for value in values:
        holder: Any = data
        key: Any = None
        inner: Any = data
        while isinstance(inner, (dict, list)) and inner and (key is None or chooser.random() < 0.9):
            holder = inner
            key = chooser.choice(list(inner)) if isinstance(inner, dict) else chooser.randrange(len(inner))
            inner = holder[key]
        if key is not None:
            holder[key] = value
    return data


@settings(max_examples=120, deadline=None)
@given(chooser=st.randoms(use_true_random=False), values=st.lists(parts, min_size=1, max_size=3))
def test_mutated_settings(
    tmp_path_factory: pytest.TempPathFactory, chooser: random.Random, values: list[Any]
) -> None:
    """Settings that still load are dumped to the same document; all others give problems with remedies."""
    folder = tmp_path_factory.getbasetemp()
    (folder / "api.json").write_text(openapi())
    (folder / "mutated.yaml").write_text(dump_yaml(mutated(SETTINGS, chooser, values)), encoding="utf-8")
    try:
        document = load(folder / "mutated.yaml", POLICIES)
    except DocumentError as error:
        assert all(problem.line >= 1 and problem.message and problem.remedy for problem in error.problems)
        return
    difference(Document(), document)
    (folder / "mutated.yaml").write_text(dump(document), encoding="utf-8")
    assert load(folder / "mutated.yaml", POLICIES) == document


@settings(max_examples=60, deadline=None)
@given(chooser=st.randoms(use_true_random=False), values=st.lists(parts, min_size=1, max_size=2))
def test_mutated_openapi_documents(chooser: random.Random, values: list[Any]) -> None:
    """An OpenAPI document is imported or refused with problems, whatever stands in it."""
    try:
        import_document(json.dumps(mutated(PETSTORE, chooser, values)), "x.json", "http://h", None, None)
    except DocumentError as error:
        assert all(problem.line >= 1 and problem.message and problem.remedy for problem in error.problems)
