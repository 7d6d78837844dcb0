"""A folder with settings and OpenAPI documents, and what loading it gives."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from wardgate.control.document import load
from wardgate.domain.api import Api
from wardgate.domain.document import Document, DocumentError, Problem
from wardgate.policy.exchange import Step
from wardgate.policy.registry import CompileContext, PolicyConfigError, PolicyRegistry


class Tenant:
    """A policy that takes any setting but ``wrong``."""

    phase = "authorize"

    def __init__(self, name: str) -> None:
        self.name = name

    def validate(self, config: Mapping[str, Any]) -> None:
        """Objects to the key ``wrong`` within ``deep``."""
        deep = config.get("deep")
        if isinstance(deep, dict) and "wrong" in deep:
            raise PolicyConfigError("deep.wrong", "this is wrong", "Remove it")

    def compile(self, config: Mapping[str, Any], context: CompileContext) -> Step | None:
        """Nothing to check on a request."""
        return None


POLICIES = PolicyRegistry([Tenant("acme.tenant"), Tenant("acme.x")])

OK = {"responses": {"200": {"description": "ok"}}}

#: Loads settings beside an OpenAPI document called ``api.json``.
Load = Callable[..., Document]
#: The problems of settings that must be refused.
Refuse = Callable[..., tuple[Problem, ...]]
#: The one API made of the YAML of its extra keys and a document's parts.
Resolve = Callable[..., Api]


def openapi(paths: dict[str, Any] | None = None, **parts: Any) -> str:
    """An OpenAPI 3.1 document as JSON text."""
    paths = paths if paths is not None else {"/items": {"get": OK}}
    return json.dumps({"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": paths, **parts})


@pytest.fixture
def loaded(tmp_path: Path) -> Load:
    """Writes both files and loads the settings."""

    def load_text(text: str, document: str | None = None) -> Document:
        (tmp_path / "api.json").write_text(document if document is not None else openapi(), encoding="utf-8")
        (tmp_path / "wardgate.yaml").write_text(text, encoding="utf-8")
        return load(tmp_path / "wardgate.yaml", POLICIES)

    return load_text


@pytest.fixture
def refused(loaded: Load) -> Refuse:
    """Loads settings that must be refused."""

    def problems(text: str, document: str | None = None) -> tuple[Problem, ...]:
        with pytest.raises(DocumentError) as caught:
            loaded(text, document)
        return caught.value.problems

    return problems


def one_api(extra: str = "security: { schemes: [api_key] }") -> str:
    """Settings of one API with ``extra`` lines at its level."""
    lines = "".join(f"    {line}\n" for line in extra.splitlines())
    return (
        "apis:\n  - name: orders\n    version: v1\n    openapi: ./api.json\n"
        '    upstream: { targets: ["http://127.0.0.1:9000"] }\n' + lines
    )


@pytest.fixture
def resolved(loaded: Load) -> Resolve:
    """The API of :func:`one_api`."""

    def api(extra: str = "security: { schemes: [api_key] }", document: str | None = None) -> Api:
        return loaded(one_api(extra), document).apis[0].api

    return api
