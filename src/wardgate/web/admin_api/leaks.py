"""Keys that were found in public."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query
from pydantic import Field

from wardgate.control import leaks
from wardgate.web.admin_api.ask import Ask
from wardgate.web.admin_api.models import Model, Page, Seconds
from wardgate.web.admin_api.operations import Operations
from wardgate.web.admin_api.pages import Paging

operations = Operations("leaks")


class LeakedKey(Model):
    """A key that was found, and what was done about it then."""

    id: str
    kind: Literal["api_key", "admin_token", "oauth_secret"]
    credential: str = Field(description="Id of the API key, or of the operator's token.")
    environment: str = Field(description="Empty for an operator's token.")
    source: str
    url: str
    at: Seconds
    action: Literal["pending", "none", "notify", "rotate", "revoke"]


@operations.get("/leaks", permission="keys.view")
async def list_leaks(
    ask: Ask,
    page: Paging,
    environment: Annotated[str | None, Query(max_length=100, pattern=r"^[^\x00]*$")] = None,
) -> Page[LeakedKey]:
    """Keys found in public, newest first."""
    before = None if page.after is None else str(page.after[0])
    found = await leaks.list_leaks(ask.store, environment=environment, before=before, limit=page.limit + 1)
    shown = found[: page.limit]
    items = [
        LeakedKey(
            id=each.id,
            kind=each.kind,
            credential=each.credential,
            environment=each.environment,
            source=each.source,
            url=each.url,
            at=each.at,
            action=each.action,
        )
        for each in shown
    ]
    return page.made(items, shown[-1].id if len(found) > page.limit else None)
