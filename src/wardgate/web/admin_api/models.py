"""What every body and answer of the admin API is made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

_VOLATILE = "x-wardgate-volatile"
_SHOWN_ONCE = "x-wardgate-shown-once"


class Model(BaseModel):
    """A body or an answer. Unknown fields are errors, no value is taken for another type, and errors repeat no value."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        strict=True,
        allow_inf_nan=False,
        json_schema_serialization_defaults_required=True,
    )


class Thing(Model):
    """The representation of one thing: its answers carry an ETag. Fields marked :data:`VOLATILE` do not count for
    ``If-Match``."""


#: Marks a field that changes by itself, such as a counter: ``Annotated[int, VOLATILE]``.
VOLATILE = Field(json_schema_extra={_VOLATILE: True})

#: A secret, in the one answer that shows it. It is ``null`` when that answer is sent again (``Idempotency-Key``).
ShownOnce = Annotated[
    str | None,
    Field(
        json_schema_extra={_SHOWN_ONCE: True},
        description="Shown this once; null when the answer is sent again for an Idempotency-Key.",
    ),
]

#: A point in time: Unix seconds, UTC.
Seconds = Annotated[float, Field(ge=0, le=253402300799, description="Unix seconds (UTC).")]
#: Text for people in one line. Use cases trim it and refuse control characters.
Line = Annotated[str, StringConstraints(max_length=200)]
#: Longer text for people.
Prose = Annotated[str, StringConstraints(max_length=2000)]
#: What names a thing in a path or a body: no slash, no blank, no control character.
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@+-]*$", max_length=128)]

T = TypeVar("T")


class Page(Model, Generic[T]):
    """Some of a list, in its order."""

    items: list[T]
    next: str | None = Field(
        description="Where the list goes on: a path with a query of this server, or null at the end."
    )

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        """``KeyPage``: readable in the OpenAPI document and the client."""
        return f"{params[0].__name__}Page"


class FieldProblem(Model):
    """One thing wrong with a request: where (``body.name``, ``query.limit``; in a document its path), and what. ``file``
    and ``line`` are those of a document."""

    at: str
    message: str
    remedy: str = ""
    file: str = ""
    line: int = 0


class Problem(Model):
    """Why a request was not carried out (RFC 9457)."""

    type: str = Field(description="urn:wardgate:problem: and the code")
    title: str
    status: int
    code: str = Field(description="Stable, for programs.")
    detail: str
    remedy: str = Field(description="What to do about it.")
    errors: list[FieldProblem] = []


def volatile_fields(model: type[BaseModel]) -> frozenset[str]:
    """Names of the fields marked :data:`VOLATILE`."""
    return frozenset(_marked(model, _VOLATILE))


def shown_once_fields(model: type[BaseModel]) -> frozenset[str]:
    """Names of the fields that are :data:`ShownOnce`."""
    return frozenset(_marked(model, _SHOWN_ONCE))


def _marked(model: type[BaseModel], mark: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        extra = field.json_schema_extra
        if isinstance(extra, dict) and mark in extra:
            yield name
