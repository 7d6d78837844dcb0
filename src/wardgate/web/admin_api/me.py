"""Who asks, and what they may do."""

from __future__ import annotations

from pydantic import Field

from wardgate.web.admin_api.ask import Ask
from wardgate.web.admin_api.models import Thing
from wardgate.web.admin_api.operations import Operations

operations = Operations("operators")


class Me(Thing):
    """Whoever presented the token."""

    kind: str
    id: str
    name: str
    token: str = Field(description="The id of the token presented; empty at the machine itself.")
    permissions: list[str] = Field(description="What they may do everywhere.")
    projects: dict[str, list[str]] = Field(description="What they may do besides, by project.")


@operations.get("/me", permission="self")
async def show_me(ask: Ask) -> Me:
    """Who asks, with what they may do at this moment, as narrow as their token."""
    actor = ask.actor
    return Me(
        kind=actor.kind,
        id=actor.id,
        name=actor.name,
        token=actor.token,
        permissions=sorted(actor.permissions),
        projects={name: sorted(held) for name, held in sorted(actor.projects.items())},
    )
