"""Whether environments serve what was promoted to them, and which is behind which."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query
from pydantic import Field

from wardgate.control.drift import DeploymentState
from wardgate.control.drift import drift as drift_of
from wardgate.web.admin_api.ask import Ask
from wardgate.web.admin_api.models import Model, Page
from wardgate.web.admin_api.operations import Operations
from wardgate.web.admin_api.pages import Paging

operations = Operations("drift")


class DriftShown(Model):
    """One thing that is not as it should be."""

    kind: Literal["content", "signature", "binding", "unbound", "stored"]
    sentence: str


class DeploymentShown(Model):
    """What an environment serves of an API."""

    environment: str
    api: str
    revision: int
    newest: int = Field(description="The API's newest revision.")
    before: int | None = Field(
        description="What the environment before serves; null: nothing, or it is the first."
    )
    behind: bool
    served: str = Field(description="SHA-256 of what gateways serve.")
    drifts: list[DriftShown]


@operations.get("/drift", permission="apis.view", refuses=(404,))
async def list_drift(
    ask: Ask, page: Paging, environment: Annotated[str | None, Query(max_length=100)] = None
) -> Page[DeploymentShown]:
    """Every deployment, by environment in the order of promotion, with what is wrong with it."""
    found = await drift_of(ask.store, environment)
    places = list(dict.fromkeys(each.environment for each in found))
    return page.of(found, key=lambda each: (places.index(each.environment), each.api), show=_shown)


def _shown(state: DeploymentState) -> DeploymentShown:
    return DeploymentShown(
        environment=state.environment,
        api=state.api,
        revision=state.revision,
        newest=state.newest,
        before=state.before,
        behind=state.behind,
        served=state.served,
        drifts=[DriftShown(kind=each.kind, sentence=each.sentence) for each in state.drifts],
    )
