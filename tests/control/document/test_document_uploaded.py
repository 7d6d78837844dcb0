"""Documents that come as texts: read like files, and never anything else of the machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from wardgate.control.document import load
from wardgate.control.document.uploaded import load_uploaded
from wardgate.control.errors import InvalidError
from wardgate.domain.document import DocumentError

ORDERS = Path(__file__).parents[3] / "examples" / "orders"
SETTINGS = (ORDERS / "wardgate.yaml").read_text(encoding="utf-8")
FILES = {path.name: path.read_text(encoding="utf-8") for path in ORDERS.glob("*.yaml")}


def test_the_same_document_as_from_files() -> None:
    """A folder that is sent means what it means on disk, at whatever depth it stands."""
    there = load(ORDERS / "wardgate.yaml")
    assert load_uploaded(FILES, "wardgate.yaml") == there
    deep = {f"conf/shop/{name}": text for name, text in FILES.items()}
    assert load_uploaded(deep, "conf/shop/wardgate.yaml") == there


@pytest.mark.parametrize("reference", ["../../../../../../etc/passwd", "../secret.yaml", "./link.yaml"])
def test_references_never_leave_what_was_sent(tmp_path: Path, reference: str) -> None:
    """A file of the server is neither read nor told apart from one that is not there."""
    name = next(name for name in FILES if name != "wardgate.yaml")
    wrong = SETTINGS.replace(f"./{name}", reference)
    assert wrong != SETTINGS
    with pytest.raises(DocumentError) as refused:
        load_uploaded({**FILES, "wardgate.yaml": wrong}, "wardgate.yaml")
    assert f"there is no file {reference!r}" in [each.message for each in refused.value.problems]


def test_problems_name_files_as_they_came() -> None:
    """No path of the server stands in an answer."""
    with pytest.raises(DocumentError) as refused:
        load_uploaded({"a/wardgate.yaml": "applications:\n  - nam: shop\n"}, "a/wardgate.yaml")
    problems = refused.value.problems
    assert {each.file for each in problems} == {"a/wardgate.yaml"}
    assert problems[0].line == 2
    assert not any("/tmp" in str(each) or "wardgate-" in str(each) for each in problems)


@pytest.mark.parametrize(
    "name",
    ["/etc/passwd", "../x.yaml", "a/../../x.yaml", "", ".", "a\0b", "a\\b", "x" * 300, "a/" * 30 + "b"],
)
def test_names_that_lead_elsewhere_are_refused(name: str) -> None:
    """A name is relative and stays inside."""
    with pytest.raises(InvalidError, match="name that cannot be"):
        load_uploaded({name: "apis: []"})


def test_what_cannot_be_kept_is_refused() -> None:
    """A file with the name of another's folder, and a document that was not sent."""
    with pytest.raises(InvalidError):
        load_uploaded({"a": "apis: []", "a/b.yaml": "apis: []"})
    with pytest.raises(InvalidError, match="none of the files"):
        load_uploaded({"a.yaml": "apis: []"}, "b.yaml")
