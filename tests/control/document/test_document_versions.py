"""``versioning`` of APIs: what is read, and what could not tell versions apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from wardgate.control.document import load
from wardgate.domain.document import DocumentError
from wardgate.domain.versioning import Versioning

OPENAPI = {
    "openapi": "3.1.0",
    "info": {"title": "o", "version": "1"},
    "paths": {"/a": {"get": {"responses": {"default": {"description": "any"}}}}},
}


def written(folder: Path, *versionings: Any) -> Path:
    """A document with a version of ``orders`` at ``/orders`` for each."""
    (folder / "o.openapi.yaml").write_text(yaml.safe_dump(OPENAPI))
    file = folder / "wardgate.yaml"
    apis = [
        {
            "name": "orders",
            "version": f"v{number}",
            "base_path": "/orders",
            "openapi": "./o.openapi.yaml",
            "upstream": {"targets": ["http://127.0.0.1:9"]},
            "security": "off",
            **({"versioning": versioning} if versioning is not None else {}),
        }
        for number, versioning in enumerate(versionings, 1)
    ]
    file.write_text(yaml.safe_dump({"apis": apis}))
    return file


def header(value: str, **more: Any) -> dict[str, Any]:
    return {"by": "header", "name": "X-API-Version", "value": value, **more}


def test_versions_of_a_place_are_read(tmp_path: Path) -> None:
    """Each with its own value, one of them the default."""
    found = load(written(tmp_path, header("1", default=True), header("2")))
    assert [entry.api.versioning for entry in found.apis] == [
        Versioning(by="header", name="X-API-Version", value="1", default=True),
        Versioning(by="header", name="X-API-Version", value="2"),
    ]


@pytest.mark.parametrize(
    ("versionings", "words"),
    [
        ((header("1"), None), "is also that of 'orders/v1'"),
        ((None, header("1")), "are not both told apart"),
        ((header("1"), {"by": "media_type", "value": "a/b"}), "told apart by different things"),
        ((header("1"), header("1")), "have the same version '1'"),
        ((header("1", default=True), header("2", default=True)), "are both the default version"),
        (({"by": "media_type", "value": "a/b"}, {"by": "media_type", "value": "A/B"}), "the same version"),
        (({"name": "X-V", "value": "1"},), "the key 'by' is missing"),
        (({"by": "header", "value": "1"},), "'name' is missing"),
        (({"by": "media_type", "value": "json"},), "is no media type"),
        (({"by": "media_type", "value": "a/*"},), "is no media type"),
        (({"by": "media_type", "name": "X-V", "value": "a/b"},), "media types stand in Accept"),
        (({"by": "query", "name": "v", "value": "1"},), "query"),
        *(
            (({"by": "header", "name": name, "value": "1"},), "has another meaning")
            for name in ("Host", "Accept", "Cookie", "Authorization", "X-Forwarded-For", "X_API_Version")
        ),
    ],
)
def test_what_cannot_tell_versions_apart_is_a_problem(
    tmp_path: Path, versionings: tuple[Any, ...], words: str
) -> None:
    """The message says which API is in the way, or what is wrong with the setting."""
    with pytest.raises(DocumentError) as error:
        load(written(tmp_path, *versionings))
    assert words in str(error.value)
