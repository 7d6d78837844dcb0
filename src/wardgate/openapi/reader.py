"""From the text of an OpenAPI 3.1, 3.0 or Swagger 2.0 document to the operations a gateway exposes."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from wardgate.domain.document import Problem
from wardgate.openapi.document import OpenApiDocument, Operation
from wardgate.openapi.paths import template_problem
from wardgate.openapi.security import SecurityReader
from wardgate.openapi.source import Source, follow, references, resolve_local
from wardgate.openapi.tree import Path

#: ``trace`` came with OpenAPI 3.0.
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
#: Documents past either bound are checked for structure only: the official validator takes minutes on them.
DEEP_OPERATIONS = 300
DEEP_CHARACTERS = 1_000_000

_PARAMETER = re.compile(r"\{[^{}]*\}")
_VERSIONS = re.compile(r"3\.[01]\.\d+(?:-\S+)?|2\.0")


def read_document(text: str, name: str) -> OpenApiDocument:
    """The checked document; ``name`` stands for it in problems.

    What the gateway enforces (paths, operations, security schemes and requirements) is always checked here, line by
    line. Documents of up to 300 operations and a million characters are also validated in depth with
    openapi-spec-validator: in OpenAPI 3 every finding is an error, in Swagger 2.0 a remark, as documents of that age
    rarely meet their own schema (httpbin's does not). References to other documents are refused and never fetched.

    Raises:
        DocumentError: the text is no YAML or JSON, or no document of a known version, or breaks the specification.
    """
    source = Source(text, name)
    version = _version(source)
    source.refuse()
    _refuse_remote(source)
    source.refuse()
    reader = _Reader(source, version)
    document = reader.read()
    source.refuse()
    return document


def _version(source: Source) -> str:
    data = source.data
    if not isinstance(data, dict) or not ({"openapi", "swagger"} & data.keys()):
        remedy = "Give an OpenAPI 3.1, 3.0 or Swagger 2.0 document"
        source.problem((), "no OpenAPI document: neither `openapi` nor `swagger` is among its keys", remedy)
        return ""
    key = "openapi" if "openapi" in data else "swagger"
    value = data[key]
    if key == "swagger" and value == 2.0:
        return "2.0"
    if not isinstance(value, str) or not _VERSIONS.fullmatch(value) or (key == "swagger") != (value == "2.0"):
        source.problem((key,), f"version {value!r} is not supported", "Use OpenAPI 3.1, 3.0 or Swagger 2.0")
        return ""
    return value


def _refuse_remote(source: Source) -> None:
    for path, reference in references(source):
        if not reference.startswith("#"):
            source.problem(
                path,
                f"the reference {reference!r} leaves this document",
                "Bundle the documents into one file; references are never fetched",
            )
        elif reference.startswith("#/") or reference == "#":
            try:
                resolve_local(source, reference)
            except LookupError:
                source.problem(path, f"the reference {reference!r} names nothing", "Correct or remove it")


class _Reader:
    """Reads the parts of one document; problems collect in its source."""

    def __init__(self, source: Source, version: str) -> None:
        self._source = source
        self._data: dict[str, Any] = source.data
        self._version = version
        self._security = SecurityReader(source, version)
        self._ids: dict[str, str] = {}
        self._templates: dict[str, str] = {}

    def read(self) -> OpenApiDocument:
        info = self._mapping(("info",), self._data.get("info"))
        schemes = self._security.schemes()
        security = self._security.requirements(("security",), self._data.get("security"))
        operations = tuple(self._operations(security))
        remarks = self._deep(len(operations))
        return OpenApiDocument(
            version=self._version,
            title=str(info.get("title", "")),
            api_version=str(info.get("version", "")),
            base_path=self._base_path(),
            operations=operations,
            schemes=schemes,
            security=security,
            remarks=remarks,
        )

    def _mapping(self, path: Path, value: Any) -> dict[str, Any]:
        if isinstance(value, dict):
            return value
        what = "is missing" if value is None else "is no mapping"
        self._source.problem(
            path, f"`{path[-1]}` {what}", f"Write `{path[-1]}` as the OpenAPI specification says"
        )
        return {}

    def _operations(self, default: Any) -> list[Operation]:
        operations: list[Operation] = []
        if "paths" not in self._data and self._version.startswith("3.1"):
            return operations
        for template, item in self._mapping(("paths",), self._data.get("paths")).items():
            if template.startswith("x-"):
                continue
            if self._acceptable(template, item):
                operations.extend(self._item(template, item, default))
        return operations

    def _acceptable(self, template: str, item: Any) -> bool:
        trouble = template_problem(template)
        path = ("paths", template)
        if trouble is not None:
            methods = [method.upper() for method in METHODS if isinstance(item, dict) and method in item]
            whose = f", so no request could reach {' or '.join(f'{m} {template}' for m in methods)}"
            message = f"the path {template!r} {trouble[0]}{whose if methods else ''}"
            self._source.problem(path, message, trouble[1])
            return False
        same = self._templates.setdefault(_PARAMETER.sub("{}", template), template)
        if same != template:
            message = f"the paths {same!r} and {template!r} differ only in the names of their parameters"
            self._source.problem(
                path, message, "Give both the same parameter names and merge them into one path"
            )
            return False
        return True

    def _item(self, template: str, item: Any, default: Any) -> list[Operation]:
        path, item = follow(self._source, ("paths", template), item)
        if not isinstance(item, dict):
            self._source.problem(
                path, "a path must be a mapping of methods to operations", "Write `get:` or another"
            )
            return []
        return [
            self._operation((*path, method), method.upper(), template, item[method], default)
            for method in (METHODS if self._version != "2.0" else METHODS[:-1])
            if method in item
        ]

    def _operation(self, path: Path, method: str, template: str, value: Any, default: Any) -> Operation:
        if not isinstance(value, dict):
            self._source.problem(path, "an operation must be a mapping", "Write at least its `responses`")
            value = {}
        operation_id = value.get("operationId")
        if operation_id is not None:
            where = f"{method} {template}"
            if not isinstance(operation_id, str):
                self._source.problem(
                    (*path, "operationId"), "an operationId must be text", "Put it in quotes"
                )
                operation_id = None
            elif self._ids.setdefault(operation_id, where) != where:
                message = f"the operationId {operation_id!r} is also that of {self._ids[operation_id]}"
                self._source.problem((*path, "operationId"), message, "Make it unique or remove it")
        security = default
        if "security" in value:
            security = self._security.requirements((*path, "security"), value["security"])
        return Operation(method=method, path=template, operation_id=operation_id, security=security)

    def _base_path(self) -> str:
        if self._version == "2.0":
            value = self._data.get("basePath", "")
            return value.rstrip("/") if isinstance(value, str) else ""
        servers = self._data.get("servers")
        first = servers[0] if isinstance(servers, list) and servers else {}
        url = first.get("url", "") if isinstance(first, dict) else ""
        variables = first.get("variables", {}) if isinstance(first, dict) else {}
        if isinstance(variables, dict):
            for name, variable in variables.items():
                if isinstance(variable, dict):
                    url = str(url).replace(f"{{{name}}}", str(variable.get("default", "")))
        try:
            return urlsplit(str(url)).path.rstrip("/")
        except ValueError:
            self._source.problem(("servers", 0, "url"), f"the server URL {url!r} is not valid", "Correct it")
            return ""

    def _deep(self, operations: int) -> tuple[Problem, ...]:
        if self._source.problems or operations > DEEP_OPERATIONS or self._source.size > DEEP_CHARACTERS:
            return ()
        from wardgate.openapi.validation import findings

        found = [
            self._source.at(path, message, remedy) for path, message, remedy in findings(self._source.data)
        ]
        if self._version == "2.0":
            return tuple(found)
        self._source.problems.extend(found)
        return ()
