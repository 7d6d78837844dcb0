"""``apis``: each entry with its OpenAPI document, resolved to what the gateway enforces."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Literal

from wardgate.control.document import security, security_settings
from wardgate.control.document.fields import Fields, Report
from wardgate.control.document.listings import LISTING_KEYS, read_listing
from wardgate.control.document.names import (
    HOST_WORDS,
    HTTP_NAME,
    HTTP_NAME_WORDS,
    LINE,
    LINE_WORDS,
    NAME,
    NAME_WORDS,
    ORIGIN,
    ORIGIN_WORDS,
)
from wardgate.control.document.opener import Opener
from wardgate.control.document.plans import read_limits
from wardgate.control.document.policies import read_policies
from wardgate.control.document.reserved import check_base_path, check_operations
from wardgate.control.document.templates import HOST_OR_VARIABLES
from wardgate.control.document.upstreams import read_upstream
from wardgate.control.document.versions import read_versioning
from wardgate.domain.api import Api, Cors
from wardgate.domain.document import ApiEntry, DocumentError
from wardgate.domain.upstream import Upstream
from wardgate.openapi.document import OpenApiDocument
from wardgate.openapi.paths import base_path_problem
from wardgate.openapi.tree import Node, Path, Scalar, plain
from wardgate.policy.cors import cors_problems

_KNOWN = (
    "name",
    "version",
    "base_path",
    "hosts",
    "openapi",
    "upstream",
    "security",
    "plans",
    "limits",
    "cors",
    "undeclared",
    "max_body",
    "policies",
    "identity",
    "versioning",
    *LISTING_KEYS,
)

_UNDECLARED: tuple[Literal["deny", "allow"], ...] = ("deny", "allow")
DEFAULT_MAX_BODY = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ReadApi:
    """An API with its fields, for problems found later. ``entry`` is ``None`` where its OpenAPI document was wrong."""

    id: str
    entry: ApiEntry | None
    fields: Fields


def read_api(report: Report, node: Node, path: Path, folder: FilePath, open_document: Opener) -> ReadApi:
    """One API, resolved; mistakes are noted in ``report``. File names in it are relative to ``folder``."""
    fields = Fields(report, node, path, _KNOWN)
    name = fields.required("name", NAME, NAME_WORDS)
    version = fields.required("version", NAME, NAME_WORDS)
    upstream = _upstream(fields, None if open_document.confined else folder)
    settings = security_settings.read_settings(fields)
    base_path = _base_path(fields, name, version)
    cors = _cors(fields)
    undeclared = fields.choice("undeclared", _UNDECLARED, _UNDECLARED[0])
    identity = fields.child("identity", ("headers", "assertion"))
    max_body = fields.size("max_body", DEFAULT_MAX_BODY)
    plans = fields.texts("plans", NAME, "the name of a plan of this document")
    hosts = fields.texts("hosts", HOST_OR_VARIABLES, HOST_WORDS)
    policies = read_policies(fields)
    check_base_path(fields, base_path)
    opened = _openapi(fields, folder, open_document)
    if opened is None:
        return ReadApi(f"{name}/{version}", None, fields)
    reference, text, document = opened
    if not document.operations and undeclared == "deny":
        fields.problem(
            "openapi", "the OpenAPI document declares no operation", "Add paths, or `undeclared: allow`"
        )
    resolved = security.resolve(fields, settings, document)
    security.check_scopes(fields, settings, document)
    check_operations(fields, base_path, resolved.resources)
    api = Api(
        name=name,
        version=version,
        base_path=base_path,
        upstream=upstream,
        resources=resolved.resources,
        hosts=hosts,
        api_key=resolved.api_key,
        schemes=resolved.schemes,
        require=resolved.require,
        plans=plans,
        cors=cors,
        undeclared=undeclared,
        max_body=max_body,
        policies=policies,
        identity_headers=identity.flag("headers", True) if identity else True,
        assertion=identity.flag("assertion", True) if identity else True,
        oauth2=settings.oauth2,
        scopes=resolved.scopes,
        acl=settings.acl,
        condition=settings.condition,
        subscription=settings.subscription,
        limits=read_limits(fields),
        versioning=read_versioning(fields),
    )
    source = {key: value for key, value in plain(node).items() if key not in LISTING_KEYS}
    entry = ApiEntry(
        api=api, source=source, openapi_name=reference, openapi_text=text, listing=read_listing(fields)
    )
    return ReadApi(api.id, entry, fields)


def _upstream(fields: Fields, folder: FilePath | None) -> Upstream:
    node = fields.entries.get("upstream")
    if node is None:
        fields.problem(
            None, "the key 'upstream' is missing", 'Add `upstream: { targets: ["http://host:port"] }`'
        )
        return Upstream(targets=())
    return read_upstream(fields.report, node, (*fields.path, "upstream"), folder)


def _base_path(fields: Fields, name: str, version: str) -> str:
    """The base path; the root is the empty string, so that base path and resource path join to a path."""
    path = fields.text("base_path", f"/{name}/{version}")
    trouble = base_path_problem(path)
    if trouble is not None and "base_path" in fields:
        fields.problem("base_path", f"the base path {path!r} {trouble[0]}", trouble[1])
    return "" if path == "/" else path


def _cors(fields: Fields) -> Cors | None:
    inner = fields.child("cors", ("origins", "methods", "headers", "expose", "credentials", "max_age"))
    known = len(fields.report.problems)
    if inner is None:
        return None
    origins = inner.texts("origins", rf"\*|{ORIGIN}", ORIGIN_WORDS)
    if not inner.items("origins"):
        inner.problem(None, "CORS without origins allows nobody", "Add `origins:`, or remove `cors`")
    if "*" in origins and len(origins) > 1:
        inner.problem("origins", "'*' already means every origin", "Keep '*' alone, or list origins")
    token = rf"\*|{HTTP_NAME}"
    cors = Cors(
        origins=origins,
        methods=tuple(method.upper() for method in inner.texts("methods", token, HTTP_NAME_WORDS)),
        headers=inner.texts("headers", token, HTTP_NAME_WORDS),
        expose=inner.texts("expose", token, HTTP_NAME_WORDS),
        credentials=inner.flag("credentials", False),
        max_age=inner.integer("max_age", 600, 0, 86400),
    )
    if cors.credentials:
        for key in ("origins", "methods", "headers", "expose"):
            if "*" in getattr(cors, key):
                remedy = f"List the {key} by name, or set `credentials: false`"
                inner.problem(key, "'*' cannot go with credentials (Fetch standard, section 3.2.5)", remedy)
    if len(fields.report.problems) == known:
        for trouble in cors_problems(cors):
            steps: Path = (trouble.setting, *_index(inner, trouble.setting, trouble.value))
            remedy = trouble.remedy[0].upper() + trouble.remedy[1:]
            inner.problem_below(steps, trouble.message, remedy)
    return cors


def _index(fields: Fields, key: str, value: str) -> Path:
    """Where ``value`` stands in the list ``key``, whatever its case; nothing where ``key`` is no list."""
    for index, (item, _) in enumerate(fields.items(key) if value else ()):
        if isinstance(item, Scalar) and str(item.value).upper() == value.upper():
            return (index,)
    return ()


def _openapi(
    fields: Fields, folder: FilePath, open_document: Opener
) -> tuple[str, str, OpenApiDocument] | None:
    if "openapi" not in fields:
        fields.problem(
            None, "the key 'openapi' is missing", "Add `openapi: ./NAME.yaml`, relative to this file"
        )
        return None
    reference = fields.text("openapi", None, LINE, LINE_WORDS)
    if reference is None:
        return None
    if FilePath(reference).is_absolute():
        remedy = "Write the path relative to this file, such as ./orders.openapi.yaml"
        fields.problem("openapi", f"{reference!r} is an absolute path", remedy)
        return None
    path = folder / reference
    if not open_document.there(path):
        fields.problem(
            "openapi", f"there is no file {reference!r}", "Correct the path; it is relative to this file"
        )
        return None
    try:
        text, document = open_document(path)
    except DocumentError as error:
        fields.report.problems.extend(error.problems)
        return None
    return reference, text, document
