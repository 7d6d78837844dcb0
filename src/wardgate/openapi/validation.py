"""The specification's own rules, by openapi-spec-validator, without a way out of the document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, NoReturn

from wardgate.openapi.tree import Path

#: More findings than anyone reads at once.
MOST_FINDINGS = 50
_LONGEST = 240


class _Denied(Mapping[str, Any]):
    """A handler for every URI scheme there is, which refuses: a reference is never fetched."""

    def __getitem__(self, scheme: str) -> Any:
        return self._refuse

    def __contains__(self, scheme: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    @staticmethod
    def _refuse(uri: str) -> NoReturn:
        raise LookupError(f"the reference {uri!r} leaves this document")


def findings(data: dict[str, Any]) -> list[tuple[Path, str, str]]:
    """Where ``data`` breaks its version of the specification: path, message and remedy of each finding."""
    # Slow to import, and needed only where documents come in.
    from openapi_spec_validator import (
        OpenAPIV2SpecValidator,
        OpenAPIV30SpecValidator,
        OpenAPIV31SpecValidator,
    )

    if "swagger" in data:
        base: type = OpenAPIV2SpecValidator
        chapter = "Swagger 2.0"
    elif data["openapi"].startswith("3.0"):
        base, chapter = OpenAPIV30SpecValidator, "OpenAPI 3.0"
    else:
        base, chapter = OpenAPIV31SpecValidator, "OpenAPI 3.1"
    validator: Any = type("_OfflineValidator", (base,), {"resolver_handlers": _Denied()})
    found: list[tuple[Path, str, str]] = []
    try:
        for error in islice(validator(data).iter_errors(), MOST_FINDINGS):
            closest = _closest(error)
            message = (
                closest.message if len(closest.message) <= _LONGEST else f"{closest.message[:_LONGEST]} ..."
            )
            remedy = f"See the {chapter} specification for what may stand here"
            found.append((tuple(closest.absolute_path), message, remedy))
    except (RecursionError, LookupError) as error:
        found.append(
            ((), f"the document could not be validated ({type(error).__name__})", "Simplify its references")
        )
    return found


def _closest(error: Any) -> Any:
    """Of several alternatives that all failed, what failed deepest in the document: most likely what was meant."""
    while error.context:
        error = max(error.context, key=lambda inner: (len(inner.absolute_path), "$ref" not in inner.message))
    return error
