"""Documents that come as texts: read like files, and never anything else of the machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.e2e.certificates import Authority

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


def with_tls(settings: str) -> dict[str, str]:
    """The files, with these settings of TLS to the upstream."""
    head, targets, tail = SETTINGS.partition('    upstream: { targets: ["http://127.0.0.1:9000"]')
    assert targets
    return {**FILES, "wardgate.yaml": f"{head}{targets}, tls: {{ {settings} }}{tail}"}


@pytest.mark.parametrize("key", ["ca", "certificate", "key"])
@pytest.mark.parametrize(
    "name",
    [
        "{there}",
        "{missing}",
        "/etc/passwd",
        "./1.pem",
        "../../1.pem",
        "1.pem",
        "/etc/${X}",
        "${X}/1.pem",
        "${X}${Y}",
    ],
)
def test_tls_files_are_not_the_servers(tmp_path: Path, key: str, name: str) -> None:
    """Whether a file is there, is a key or was sent along: the answer is the same, and names the line and the remedy."""
    authority = Authority(tmp_path)
    files = dict(zip(("certificate", "key"), authority.issue("client.example"), strict=True))
    there = files.get(key, authority.ca_file)
    written = name.replace("{there}", str(there)).replace("{missing}", str(tmp_path / "none.pem"))
    pair = {"certificate": "${CERTIFICATE}", "key": "${KEY}"} if key != "ca" else {}
    sent = with_tls(", ".join(f"{each}: '{value}'" for each, value in {**pair, key: written}.items()))
    sent["1.pem"] = there.read_text(encoding="utf-8")
    with pytest.raises(DocumentError) as refused:
        load_uploaded(sent, "wardgate.yaml")
    (problem,) = refused.value.problems
    assert problem.file == "wardgate.yaml"
    assert "tls: " in sent["wardgate.yaml"].splitlines()[problem.line - 1]
    assert problem.path == f"apis[0].upstream.tls.{key}"
    assert problem.message == (
        f"{key!r} names a file of this machine, which a document that is sent to it cannot"
    )
    assert problem.remedy.startswith("Apply the document on the gateway's machine")


def test_tls_files_are_named_by_variables() -> None:
    """Whoever may change the environment says which file it is; nothing of the server is looked at."""
    sent = with_tls("ca: '${CA}', certificate: '${CERTIFICATE}', key: '${KEY}', server_name: a.example")
    tls = load_uploaded(sent, "wardgate.yaml").apis[0].api.upstream.tls
    assert (tls.ca, tls.certificate, tls.key) == ("${CA}", "${CERTIFICATE}", "${KEY}")
    with pytest.raises(DocumentError, match="secret 'CA' must not stand here"):
        load_uploaded(with_tls("ca: '${secret:CA}'"), "wardgate.yaml")


def test_a_reference_no_file_can_have_is_a_mistake() -> None:
    """It is told like any other, instead of failing."""
    name = next(name for name in FILES if name != "wardgate.yaml")
    wrong = SETTINGS.replace(f"./{name}", "x" * 300)
    with pytest.raises(DocumentError, match="there is no file 'xxx"):
        load_uploaded({**FILES, "wardgate.yaml": wrong}, "wardgate.yaml")


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
