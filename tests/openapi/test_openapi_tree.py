"""The YAML reader: YAML 1.2, lines, duplicates, and bounds that hold before anything is built."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardgate.domain.document import DocumentError
from wardgate.openapi.tree import MAX_DEPTH, line_of, path_text, plain, read_tree
from wardgate.openapi.yamltext import dump_yaml

texts = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    (
        "on",
        "no",
        "off",
        "yes",
        "null",
        "~",
        "1e5",
        "0o17",
        "0x1F",
        "1_000",
        "1:30",
        "2026-11-21",
        ".inf",
        "=",
        "<<",
    )
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(texts.filter(lambda key: key != "<<"), inner, max_size=4)
    ),
    max_leaves=12,
)


def problem(text: str) -> tuple[int, str, str, str]:
    """Line, path, message and remedy of the one problem of ``text``."""
    try:
        _, problems = read_tree(text, "x.yaml")
    except DocumentError as error:
        problems = list(error.problems)
    (only,) = problems
    return only.line, only.path, only.message, only.remedy


@settings(max_examples=150)
@given(values)
def test_what_is_written_is_read_back(value: object) -> None:
    """Any JSON-able value survives being dumped as YAML and read again, text staying text."""
    tree, problems = read_tree(dump_yaml(value), "x.yaml")
    assert not problems
    again = plain(tree)
    assert again == value
    assert json.dumps(again) == json.dumps(value)


@settings(max_examples=60)
@given(values.filter(lambda value: json.dumps(value, ensure_ascii=False).isascii()))
def test_json_is_read_as_json(value: object) -> None:
    """JSON text read as YAML gives the value its own parser gives."""
    tree, problems = read_tree(json.dumps(value).replace("\x7f", ""), "x.json")
    assert not problems
    assert plain(tree) == json.loads(json.dumps(value).replace("\x7f", ""))


@settings(max_examples=200)
@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text brings the reader down: it gives a tree or a DocumentError with a line."""
    try:
        read_tree(text, "x.yaml")
    except DocumentError as error:
        assert all(found.line >= 1 and found.remedy for found in error.problems)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("off", "off"),
        ("no", "no"),
        ("Yes", "Yes"),
        ("1:30", "1:30"),
        ("2026-11-21", "2026-11-21"),
        ("1_000", "1_000"),
        ("010", 10),
        ("0o10", 8),
        ("0x1f", 31),
        ("1e3", 1000.0),
        ("true", True),
        ("~", None),
        ("'5'", "5"),
        ("!!str 5", "5"),
        ("! 5", "5"),
        ("{200: x}", {"200": "x"}),
        ("{on: x}", {"on": "x"}),
        ("a: &x [1]\nb: *x", {"a": [1], "b": [1]}),
    ],
)
def test_scalars_follow_yaml_1_2(text: str, value: object) -> None:
    """Plain scalars mean what the YAML 1.2 core schema says, and keys are always text."""
    tree, problems = read_tree(text, "x.yaml")
    assert not problems
    assert plain(tree) == value
    assert type(plain(tree)) is type(value)


BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))


@pytest.mark.parametrize(
    ("text", "line", "path", "message"),
    [
        ("a: 1\nb:\n  c: 1\n  c: 2\n", 4, "b.c", "the key 'c' stands here and on line 3"),
        ("a: [1\nb: 2", 2, "(document)", "not valid YAML"),
        ("", 1, "(document)", "the document is empty"),
        ("a: 1\n---\nb: 2\n", 2, "(document)", "the file holds more than one YAML document"),
        (
            "a: !!python/object/apply:os.system [x]",
            1,
            "a",
            "the tag 'tag:yaml.org,2002:python/object/apply:os",
        ),
        ("x: &x\n  y: *x", 2, "x.y", "the alias *x names no anchor that is complete"),
        (
            "base: &b {k: 1}\nother:\n  <<: *b\n",
            3,
            'other["<<"]',
            "the merge key `<<` is no part of YAML 1.2",
        ),
        ("a: .inf", 1, "a", ".inf is no finite number"),
        ("a: 1e999", 1, "a", "the number 1e999 is too large"),
        ("[1, 2]: x", 1, "(document)", "a key must be text"),
        ("[" * 500, 1, "[0]", f"nested deeper than {MAX_DEPTH} levels"),
        (BOMB, 6, "(document)", "more than 1000000 values once aliases are expanded"),
        ("a: \x00", 1, "(document)", "not valid YAML"),
        ("a: \ud800", 1, "(document)", "not valid YAML"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(text: str, line: int, path: str, message: str) -> None:
    """Each unreadable or dangerous document is refused with the line and the reason."""
    found = problem(text)
    assert found[2].startswith(message)
    assert found[0] == line
    assert found[1].startswith(path)
    assert found[3]


def test_lines_of_paths() -> None:
    """A path leads to the line of its key, and a path that is not there to the nearest line above it."""
    tree, _ = read_tree(
        "apis:\n  - name: x\n    upstream:\n      targets:\n        - a\n        - b\n", "x.yaml"
    )
    assert line_of(tree, ("apis", 0, "upstream", "targets", 1)) == 6
    assert line_of(tree, ("apis", 0, "upstream")) == 3
    assert line_of(tree, ("apis", 0, "security", "schemes")) == 2


def test_paths_read_as_people_write_them() -> None:
    """Plain keys are joined by dots, indexes and odd keys stand in brackets."""
    assert path_text(("apis", 0, "security", "resources", "GET /x")) == 'apis[0].security.resources["GET /x"]'
    assert path_text(()) == "(document)"
