"""The grants an OpenAPI document tells clients to use: implicit and password are for nobody to start with today."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wardgate.control.compare.rules import At, elements
from wardgate.domain.difference import Difference
from wardgate.domain.document import DocumentError
from wardgate.openapi.source import Source

_LEGACY = frozenset(("implicit", "password"))


def legacy_grants(text: str) -> tuple[str, ...]:
    """The legacy grants the document's OAuth 2.0 schemes declare; none where it cannot be read."""
    if not any(grant in text for grant in _LEGACY):
        return ()
    try:
        data = Source(text, "openapi").data
    except DocumentError:
        return ()
    found: set[str] = set()
    for scheme in _schemes(data):
        flows = scheme.get("flows")
        found.update(flows if isinstance(flows, dict) else ())
        flow = scheme.get("flow")
        found.update((flow,) if isinstance(flow, str) else ())
    return tuple(sorted(found & _LEGACY))


def _schemes(data: Any) -> Iterator[dict[str, Any]]:
    """Every OAuth 2.0 scheme, of OpenAPI 3 or of Swagger 2.0."""
    root = data if isinstance(data, dict) else {}
    components = root.get("components")
    holders = (
        root.get("securityDefinitions"),
        components.get("securitySchemes") if isinstance(components, dict) else None,
    )
    for holder in holders:
        for scheme in holder.values() if isinstance(holder, dict) else ():
            if isinstance(scheme, dict) and scheme.get("type") == "oauth2":
                yield scheme


def flows(at: At, before: str, after: str) -> Iterator[Difference]:
    """Which legacy grants came and went between two texts."""
    if before == after:
        return
    old, new = legacy_grants(before), legacy_grants(after)
    if old != new:
        yield from elements(at, "legacy_grant", old, new, "the legacy grant", weakens="added")
    else:
        yield at.found("openapi_text_changed", None, None, "the OpenAPI document reads otherwise")
