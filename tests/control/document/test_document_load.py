"""A whole document: the README's own, every reference checked, files and folders."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from wardgate.control.document import load
from wardgate.domain.api import ApiKeyScheme
from wardgate.domain.document import DocumentError, SubscriptionEntry
from wardgate.domain.limit import Limit

if TYPE_CHECKING:
    from tests.control.document.conftest import Load, Refuse

ORDERS = Path(__file__).parents[3] / "examples" / "orders"
HEAD = (
    "apis:\n  - name: orders\n    version: v1\n    openapi: ./api.json\n"
    '    upstream: { targets: ["http://127.0.0.1:9000"] }\n    security: { schemes: [api_key] }\n'
)


def test_the_orders_example_loads_as_it_stands() -> None:
    """The example gives its API, plans and application with every setting in place."""
    document = load(ORDERS / "wardgate.yaml")
    (entry,) = document.apis
    api = entry.api
    assert (api.id, api.base_path, api.plans) == ("orders/v1", "/orders/v1", ("free", "gold"))
    assert api.upstream.targets == ("http://127.0.0.1:9000",)
    assert api.api_key == ApiKeyScheme(place="header", name="X-API-Key")
    access = {resource.name: resource.schemes for resource in api.resources}
    assert access.pop("GET /health") == ()
    assert set(access.values()) == {("api_key",)}
    assert document.plans[0].limits == (
        Limit(kind="rate", amount=100, per="minute", burst=20),
        Limit(kind="spike", amount=5, per="second"),
        Limit(kind="quota", amount=10000, per="month", timezone="UTC"),
        Limit(kind="concurrency", amount=10),
    )
    assert document.applications[0].subscriptions == (SubscriptionEntry(api="orders/v1", plan="free"),)
    assert entry.openapi_name == "./orders.openapi.yaml"
    assert entry.openapi_text.startswith("openapi: 3.1.0")
    assert entry.source["security"]["resources"] == {"GET /health": {"security": "off"}}


def test_every_problem_is_told_at_once_with_line_path_and_remedy(refused: Refuse) -> None:
    """One wrong file gives all its problems, each with file, line, path and remedy."""
    text = """apis:
  - name: orders
    version: v1
    openapi: ./api.json
    upstrem: { targets: [] }
    upstream: { targets: ["ftp://x"], retries: many }
    security: { schemes: [api_kee] }
    plans: [gratis]
plans:
  - name: free
    limits:
      - { kind: quota, amount: 10 }
applications:
  - name: mobile
    subscriptions: [{ api: orders/v2, plan: free }]
"""
    problems = refused(text)
    assert sorted((problem.line, problem.path) for problem in problems) == [
        (5, "apis[0].upstrem"),
        (6, "apis[0].upstream.retries"),
        (6, "apis[0].upstream.targets[0]"),
        (7, "apis[0].security.schemes[0]"),
        (8, "apis[0].plans[0]"),
        (12, "plans[0].limits[0]"),
        (15, "applications[0].subscriptions[0].api"),
    ]
    remedies = {problem.path: problem.remedy for problem in problems}
    assert remedies["apis[0].upstrem"] == "Did you mean 'upstream'?"
    assert remedies["apis[0].security.schemes[0]"] == "Did you mean 'api_key'?"
    assert remedies["apis[0].plans[0]"] == "Known plans: free"
    assert remedies["applications[0].subscriptions[0].api"] == "Did you mean 'orders/v1'?"
    assert all(problem.file.endswith("wardgate.yaml") and problem.remedy for problem in problems)


PLAN = "plans:\n  - { name: free }\n"


@pytest.mark.parametrize(
    ("text", "path", "message", "remedy"),
    [
        ("api: []", "api", "unknown key 'api'", "Did you mean 'apis'?"),
        ("apis: {}", "apis", "'apis' must be a list", "Write `apis: [...]`"),
        ("apis:\n", "apis", "'apis' must be a list", "Write `apis: [...]`"),
        ("[]", "(document)", "a mapping is expected here", "Write keys such as apis"),
        ("plans: [x]", "plans[0]", "a mapping is expected here", "Write keys such as"),
        ("plans: [{}]", "plans[0]", "the key 'name' is missing", "Add `name:`"),
        ("plans: [{name: 5}]", "plans[0].name", "'name' must be text, not 5", 'Put it in quotes: name: "5"'),
        ("plans: [{name: true}]", "plans[0].name", "'name' must be text, not true", "Put it in quotes"),
        ("plans: [{name: a b}]", "plans[0].name", "'a b' is no valid name", "Use up to 64 letters"),
        (PLAN + "  - { name: free }\n", "plans[1].name", "the plan 'free' is also declared at", "Rename one"),
        (
            "applications: [{name: a}, {name: a}]",
            "applications[1].name",
            "the application 'a' is also",
            "Merge",
        ),
        (HEAD + HEAD[6:], "apis[1].name", "the API 'orders/v1' is also declared at", "Give one of them"),
        (
            HEAD + HEAD[6:].replace("name: orders", "name: other") + "    base_path: /orders/v1\n",
            "apis[1].base_path",
            "the base path '/orders/v1' on every host is also that of 'orders/v1'",
            "Give one of them another base path",
        ),
        (
            HEAD
            + "    plans: [free]\n"
            + PLAN
            + "applications: [{name: a, subscriptions: [{api: orders/v1}]}]",
            "applications[0].subscriptions[0]",
            "the subscription to 'orders/v1' names no plan",
            "Add `plan:` with one of free",
        ),
        (
            HEAD + PLAN + "applications: [{name: a, subscriptions: [{api: orders/v1, plan: free}]}]",
            "applications[0].subscriptions[0].plan",
            "'orders/v1' does not offer the plan 'free'",
            "Remove `plan:`",
        ),
        (
            HEAD + "applications: [{name: a, subscriptions: [{api: orders/v1}, {api: orders/v1}]}]",
            "applications[0].subscriptions[1].api",
            "the application is already subscribed to 'orders/v1'",
            "Keep one",
        ),
    ],
)
def test_mistakes_are_named(refused: Refuse, text: str, path: str, message: str, remedy: str) -> None:
    """Each mistake between or above the parts is told once, with its place and remedy."""
    (problem, *more) = refused(text)
    assert not more
    assert problem.path == path
    assert problem.message.startswith(message)
    assert problem.remedy.startswith(remedy)


def test_the_same_base_path_on_different_hosts_is_fine(loaded: Load) -> None:
    """Two APIs may share a base path where their hosts differ."""
    other = HEAD[6:].replace("name: orders", "name: other")
    text = (
        HEAD
        + "    hosts: [a.example]\n    base_path: /x\n"
        + other
        + "    hosts: [b.example]\n    base_path: /x\n"
    )
    assert len(loaded(text).apis) == 2


def test_names_yaml_1_1_would_misread(loaded: Load) -> None:
    """``on`` and ``no`` are names like any other."""
    document = loaded("plans: [{name: on}, {name: no}, {name: 'true'}]")
    assert [plan.name for plan in document.plans] == ["on", "no", "true"]


def test_a_folder_is_merged(tmp_path: Path) -> None:
    """APIs, plans and applications of a folder's files make one document; referred documents are not settings."""
    shutil.copy(ORDERS / "orders.openapi.yaml", tmp_path / "a-openapi.yaml")
    text = (ORDERS / "wardgate.yaml").read_text().replace("orders.openapi", "a-openapi")
    apis, rest = text.split("plans:\n", 1)
    (tmp_path / "apis.yaml").write_text(apis)
    (tmp_path / "plans.yml").write_text("plans:\n" + rest)
    (tmp_path / "notes.txt").write_text("not: [settings")
    document = load(tmp_path)
    assert [entry.api.id for entry in document.apis] == ["orders/v1"]
    assert [plan.name for plan in document.plans] == ["free", "gold"]
    assert document.apis[0].openapi_name == "./a-openapi.yaml"


def test_an_openapi_document_nobody_refers_to_is_told(tmp_path: Path) -> None:
    """A stray OpenAPI document in the folder is named instead of being ignored."""
    (tmp_path / "plans.yaml").write_text("plans: []")
    (tmp_path / "stray.yaml").write_text("openapi: 3.1.0\n")
    with pytest.raises(DocumentError) as caught:
        load(tmp_path)
    (problem,) = caught.value.problems
    assert problem.message == "this OpenAPI document is not referred to by any API of the folder"
    assert problem.remedy == "Refer to it with `openapi: ./stray.yaml`, or move it elsewhere"


def test_problems_of_all_files_are_told(tmp_path: Path) -> None:
    """Each file of a folder that is wrong is named, with YAML errors of all files at once."""
    (tmp_path / "a.yaml").write_text("plans: [")
    (tmp_path / "b.yaml").write_text("plans: ]")
    with pytest.raises(DocumentError) as caught:
        load(tmp_path)
    assert [Path(problem.file).name for problem in caught.value.problems] == ["a.yaml", "b.yaml"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.yaml", None, "the file cannot be read (No such file or directory)"),
        ("latin.yaml", b"plans:\n- name: caf\xe9\n", "the file is not UTF-8 text"),
        ("empty.yaml", b"", "the document is empty"),
    ],
)
def test_unreadable_files_are_told(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    """A file that is missing, empty or no UTF-8 is refused with that reason."""
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DocumentError) as caught:
        load(tmp_path / name)
    (problem,) = caught.value.problems
    assert problem.message == message
    assert problem.file.endswith(name)


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    """A folder without settings is a mistake and no empty document."""
    with pytest.raises(DocumentError, match="the folder holds no settings"):
        load(tmp_path)


def test_problems_of_the_openapi_document_are_told_beside_others(refused: Refuse) -> None:
    """A wrong OpenAPI document does not hide what is wrong with the settings, nor the other way round."""
    problems = refused(HEAD + "    max_body: big\n", '{"openapi": "3.1.0", "paths": {"x": {}}}')
    assert [(Path(problem.file).name, problem.path) for problem in problems] == [
        ("wardgate.yaml", "apis[0].max_body"),
        ("api.json", "info"),
        ("api.json", "paths.x"),
    ]
