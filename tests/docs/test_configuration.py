"""``docs/configuration.md`` names every key that a document may have, and no other; its examples load."""

from __future__ import annotations

import copy
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from wardgate.control.document import load
from wardgate.control.document.fields import Fields
from wardgate.control.document.uploaded import load_uploaded
from wardgate.domain.document import DocumentError

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")


def documented() -> dict[str, set[str]]:
    """The keys of each table, by the mapping its heading names."""
    found: dict[str, set[str]] = {}
    for section in re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]:
        heading = re.match(r"`(.+)`\n", section)
        if heading:
            found[heading[1]] = set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))
    return found


def example(folder: Path) -> Path:
    """The full example of the page as a file, beside the OpenAPI document it refers to."""
    block = re.search(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    assert block is not None
    path = folder / "wardgate.yaml"
    path.write_text(block[1], encoding="utf-8")
    shutil.copy(ROOT / "examples" / "orders" / "orders.openapi.yaml", folder)
    return path


def place(path: tuple[str | int, ...]) -> str:
    """A path of the document as the page's headings write it."""
    text = ""
    for index, step in enumerate(path):
        if isinstance(step, int):
            text += "[]"
        elif index and (path[index - 1] == "resources" or path[index - 1 : index] == ("plans",)):
            text += ".NAME"
        else:
            text += f".{step}" if text else step
    return text or "(document)"


def test_every_key_is_documented_and_every_documented_key_exists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the loader accepts while it reads the full example is what the tables list."""
    accepted: dict[str, set[str]] = {}
    plain = Fields.__init__

    def recorded(self: Fields, report: Any, node: Any, path: Any, known: Any) -> None:
        if known:
            accepted.setdefault(place(path), set()).update(known)
        plain(self, report, node, path, known)

    monkeypatch.setattr(Fields, "__init__", recorded)
    document = load(example(tmp_path))
    assert documented() == accepted
    assert document.apis[0].api.upstream.tls.server_name == "orders.internal"


def test_the_full_example_uses_every_key(tmp_path: Path) -> None:
    """A reader finds each key in the example, but for the files it would need and keys of other kinds of limits."""
    text = example(tmp_path).read_text(encoding="utf-8")
    for keys in documented().values():
        for key in keys - {"ca", "certificate", "key"}:
            assert re.search(rf"\b{key}:", text), key


def test_defaults_are_those_of_the_page(tmp_path: Path) -> None:
    """Leaving out everything that has a default gives the same API as the example, which writes defaults down."""
    full = load(example(tmp_path)).apis[0].api
    (tmp_path / "wardgate.yaml").write_text(
        "apis:\n  - name: orders\n    version: v1\n    openapi: ./orders.openapi.yaml\n"
        '    upstream: { targets: ["http://127.0.0.1:9000", "http://127.0.0.1:9002"] }\n'
        "    security: { schemes: [api_key] }\n",
        encoding="utf-8",
    )
    short = load(tmp_path / "wardgate.yaml").apis[0].api
    for name in (
        "base_path",
        "undeclared",
        "max_body",
        "policies",
        "api_key",
        "identity_headers",
        "assertion",
    ):
        assert getattr(full, name) == getattr(short, name), name
    for name in (
        "retries",
        "retry_budget",
        "strip_base_path",
        "preserve_host",
        "max_connections",
        "breaker",
        "timeouts",
    ):
        assert getattr(full.upstream, name) == getattr(short.upstream, name), name


def test_no_key_of_a_document_that_is_sent_looks_at_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is answered is the same whether a file of that name is on the machine or not, whatever key names it."""
    mappings: list[tuple[tuple[str | int, ...], tuple[str, ...]]] = []
    plain = Fields.__init__

    def recorded(self: Fields, report: Any, node: Any, path: Any, known: Any) -> None:
        mappings.append((path, tuple(known)))
        plain(self, report, node, path, known)

    with monkeypatch.context() as patch:
        patch.setattr(Fields, "__init__", recorded)
        load(example(tmp_path))
    whole = yaml.safe_load((tmp_path / "wardgate.yaml").read_text(encoding="utf-8"))
    openapi = (tmp_path / "orders.openapi.yaml").read_text(encoding="utf-8")
    (tmp_path / "there.yaml").write_text(openapi, encoding="utf-8")

    def answer(key: str, name: str) -> str:
        changed = copy.deepcopy(whole)
        for path, known in sorted(mappings, key=lambda each: -len(each[0])):
            if key in known:
                _at(changed, path)[key] = name
        files = {"wardgate.yaml": json.dumps(changed, default=str), "orders.openapi.yaml": openapi}
        try:
            return str(load_uploaded(files, "wardgate.yaml")).replace(name, "NAME")
        except DocumentError as error:
            return "\n".join(str(each) for each in error.problems).replace(name, "NAME")

    tried = {key for _, known in mappings for key in known}
    assert answer("", "-").startswith("Document(")
    assert tried > {"openapi", "ca", "certificate", "key", "jwks_uri", "jwks"}
    for key in sorted(tried):
        there, missing = (answer(key, str(tmp_path / name)) for name in ("there.yaml", "where.yaml"))
        assert there == missing, key
    up = "../" * 12
    for key in ("openapi", "ca", "certificate", "key"):
        assert answer(key, f"{up}{tmp_path}/there.yaml") == answer(key, f"{up}{tmp_path}/where.yaml")


def _at(data: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        data = data[step]
    return data
