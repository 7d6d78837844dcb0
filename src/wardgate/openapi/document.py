"""What an OpenAPI document says that a gateway enforces, whatever version it is written in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from wardgate.domain.api import Place, SchemeName
from wardgate.domain.document import Problem

#: One security requirement object: every scheme in it is needed, with these scopes (OpenAPI 3.1 section 4.8.30).
Requirement = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityScheme:
    """One entry of ``components.securitySchemes`` (``securityDefinitions`` in Swagger 2.0).

    ``scheme`` is what Wardgate calls it, ``None`` for one it has no name for (HTTP digest); ``kind`` is the
    document's own term. ``place`` and ``parameter`` are set for API keys; for OAuth 2.0 ``scopes`` are those of all
    its flows with what they let one do, and ``token_url`` is where tokens come from, empty where it says nothing.
    """

    name: str
    kind: str
    scheme: SchemeName | None
    place: Place = "header"
    parameter: str = ""
    scopes: Mapping[str, str] = field(default_factory=dict)
    token_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation. ``security`` is ``None`` where neither it nor the document declares any; an empty tuple, or a
    requirement without schemes in it, is the document's way to say that callers may be anonymous."""

    method: str
    path: str
    operation_id: str | None = None
    security: tuple[Requirement, ...] | None = None

    @property
    def name(self) -> str:
        """``GET /items/{id}``, as resources are named."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenApiDocument:
    """A checked document. ``base_path`` is the path of its first server, without a trailing slash.

    ``remarks`` are deviations from the specification that do not touch what the gateway enforces.
    """

    version: str
    title: str
    api_version: str
    base_path: str = ""
    operations: tuple[Operation, ...] = ()
    schemes: Mapping[str, SecurityScheme] = field(default_factory=dict)
    security: tuple[Requirement, ...] | None = None
    remarks: tuple[Problem, ...] = ()
