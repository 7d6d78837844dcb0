"""What differs between two revisions or environments, by meaning."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated

from fastapi import Query
from pydantic import Field

from wardgate.control.sides import differences as differences_of
from wardgate.domain.codec import encode
from wardgate.domain.difference import Difference
from wardgate.web.admin_api.ask import Ask
from wardgate.web.admin_api.models import Model, Thing
from wardgate.web.admin_api.operations import Operations

operations = Operations("differences")

Side = Annotated[
    str,
    Query(
        min_length=1,
        max_length=300,
        description="A revision (orders/v1@3), an environment (production), or an API in one (orders/v1@production).",
    ),
]


class DifferenceShown(Model):
    """One thing that differs."""

    kind: str = Field(description="Stable, for programs: scope_removed.")
    place: str = Field(description="What differs: orders/v1 GET /items.")
    before: str | None = Field(description="What there was, as JSON; null for nothing.")
    after: str | None = Field(description="What there is, as JSON; null for nothing.")
    weakens: bool = Field(
        description="Whether somebody may get in, see or do more than before, or nobody can tell."
    )
    sentence: str


class Differences(Thing):
    """All that differs, in order."""

    weakens: bool
    differences: list[DifferenceShown]


@operations.get("/differences", permission="apis.view", refuses=(404, 409))
async def show_differences(ask: Ask, before: Side, after: Side) -> Differences:
    """In what `after` differs from `before`."""
    found = await differences_of(ask.store, before, after)
    return Differences(weakens=any(each.weakens for each in found), differences=shown(found))


def shown(found: Iterable[Difference]) -> list[DifferenceShown]:
    """Differences as they are answered."""
    return [
        DifferenceShown(
            kind=each.kind,
            place=each.place,
            before=_json(each.before),
            after=_json(each.after),
            weakens=each.weakens,
            sentence=each.sentence,
        )
        for each in found
    ]


def _json(value: object) -> str | None:
    return None if value is None else json.dumps(encode(value), ensure_ascii=False)
