"""The specification's own rules, by openapi-spec-validator, without a way out of the document.

It takes 0.1 s for 20 operations, so it is asked only about documents that :mod:`wardgate.openapi.quick` does not call right.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, NoReturn

from wardgate.openapi.quick import document_validator, is_regex, plainly_right, without_patterns
from wardgate.openapi.tree import Path

#: More findings than anyone reads at once.
MOST_FINDINGS = 50
_LONGEST = 240
#: Findings the specification does not share: JSON Schema allows to require a property that is not described.
_OPINIONS = frozenset({"ExtraParametersError"})


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


class _Placing:
    """Mixed into a keyword's validator: its errors, which it gives no place, get that of the part it looks at."""

    def __call__(self, *arguments: Any, **named: Any) -> Iterator[Any]:
        parts = next((item.parts for item in reversed(arguments) if hasattr(item, "parts")), ())
        call: Any = super().__call__  # type: ignore[misc]
        for error in call(*arguments, **named):
            if not getattr(error, "placed", False):
                error.path.extendleft(reversed(parts))
                error.placed = True
            yield error


def _placing(cls: Any) -> Any:
    """A keyword's validator that tells the place of its errors, and searches no value for a document's patterns."""
    values = getattr(cls, "value_validator_cls", None)
    changed = {} if values is None else {"value_validator_cls": without_patterns(values)}
    return type(cls.__name__, (_Placing, cls), changed)


def findings(data: dict[str, Any]) -> list[tuple[Path, str, str]]:
    """Where ``data`` breaks its version of the specification: path, message and remedy of each finding."""
    return [] if plainly_right(data) else thorough(data)


def thorough(data: dict[str, Any]) -> list[tuple[Path, str, str]]:
    """The same as :func:`findings`, by the slow way alone."""
    # Slow to import, and needed only where documents come in.
    from jsonschema.validators import validator_for
    from openapi_spec_validator import (
        OpenAPIV2SpecValidator,
        OpenAPIV30SpecValidator,
        OpenAPIV31SpecValidator,
    )
    from referencing.exceptions import Unresolvable

    base: Any
    if "swagger" in data:
        base, chapter = OpenAPIV2SpecValidator, "Swagger 2.0"
    elif data["openapi"].startswith("3.0"):
        base, chapter = OpenAPIV30SpecValidator, "OpenAPI 3.0"
    else:
        base, chapter = OpenAPIV31SpecValidator, "OpenAPI 3.1"
    keywords = {key: _placing(cls) for key, cls in base.keyword_validators.items()}
    offline = {"resolver_handlers": _Denied(), "keyword_validators": keywords}
    validator = type(base.__name__, (base,), offline)(_without_notes(data))
    found: list[tuple[Path, str, str]] = []
    try:
        # Not `validator.schema_validator`: that may be jsonschema-rs, which does not tell alternatives apart.
        schema = validator.schema_validator.schema
        errors = list(islice(validator_for(schema)(schema).iter_errors(data), MOST_FINDINGS))
        if not errors:
            found.extend(_stricter(data, chapter))
            # The rules beyond the schema take its form for granted.
            rules = validator.root_validator(validator.schema_path)
            errors = list(islice((e for e in rules if type(e).__name__ not in _OPINIONS), MOST_FINDINGS))
        for error in errors:
            closest = _closest(error)
            if not _is_ecma(closest):
                found.append((tuple(closest.absolute_path), _short(closest.message), _remedy(chapter)))
    except (RecursionError, LookupError, Unresolvable) as error:
        what = getattr(error, "ref", None) or error
        why = "it goes too deep" if isinstance(error, RecursionError) else f"{_short(str(what))} is missing"
        message = f"the document could not be validated to its end: {why}"
        found.append(((), message, "See that each reference leads to what may stand in its place"))
    return found


def _stricter(data: dict[str, Any], chapter: str) -> list[tuple[Path, str, str]]:
    """What the quick validator alone refuses in a document, such as a name that ends in a line feed."""
    errors = islice(document_validator(chapter[-3:]).iter_errors(data), MOST_FINDINGS)
    return [
        (tuple(error.instance_path), _short(error.message.replace("\n", "\\n")), _remedy(chapter))
        for error in errors
    ]


def _without_notes(data: dict[str, Any]) -> dict[str, Any]:
    """The document without extensions among its paths that are plain values: the rules would take them for paths."""
    paths = data.get("paths")
    if not isinstance(paths, dict):
        return data
    kept = {key: item for key, item in paths.items() if isinstance(item, dict) or not key.startswith("x-")}
    return data if len(kept) == len(paths) else {**data, "paths": kept}


def _is_ecma(error: Any) -> bool:
    """Whether a pattern was found wrong that only Python cannot read: schemas have those of ECMA-262."""
    return error.validator == "format" and error.validator_value == "regex" and is_regex(str(error.instance))


def _short(message: str) -> str:
    return message if len(message) <= _LONGEST else f"{message[:_LONGEST]} ..."


def _remedy(chapter: str) -> str:
    return f"See the {chapter} specification for what may stand here"


def _closest(error: Any) -> Any:
    """Of several alternatives that all failed, what failed deepest in the document: most likely what was meant."""
    while error.context:
        error = max(error.context, key=lambda inner: (len(inner.absolute_path), "$ref" not in inner.message))
    return error
