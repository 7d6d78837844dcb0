"""Whether what a document says of APIs beside their revisions may be: steps of life cycles, projects, new subscriptions."""

from __future__ import annotations

from wardgate.control.authority import require
from wardgate.control.errors import NotFoundError
from wardgate.control.lifecycle import check_step, check_subscribable
from wardgate.control.listing import settled
from wardgate.control.ports import ApiRecord, Transaction
from wardgate.control.state import State
from wardgate.domain.document import Document
from wardgate.domain.standing import Catalogue


async def check_listings(tx: Transaction, state: State, target: Document) -> None:
    """Returns when every API of ``target`` may stand as it says there, and takes the subscriptions that are new.

    Raises:
        ConflictError: a life cycle does not go that way, or does not allow a new subscription.
        NotFoundError: there is no such project.
        ForbiddenError: an API would go to another project, and the actor may not change APIs in both.
    """
    records: dict[str, ApiRecord] = {}
    projects: set[str] | None = None
    for entry in target.apis:
        api = entry.api.id
        known = state.apis.get(api)
        record = records[api] = settled(known or ApiRecord(api=api), entry.listing, 0.0)
        if known is not None:
            check_step(api, known.standing.lifecycle, record.standing.lifecycle)
        project = record.catalogue.project
        # To the usual one too, which no entry names.
        if known is not None and known.catalogue.project != project:
            require(tx.actor, "apis.edit", known.catalogue.project)
            require(tx.actor, "apis.edit", project)
        if project != Catalogue().project and (known is None or known.catalogue.project != project):
            if projects is None:
                projects = {each.name for each in target.projects}
            if project not in projects:
                raise NotFoundError(
                    "project",
                    project,
                    "`wardgate projects list` shows those there are; declare it in `projects`",
                )
    _check_subscriptions(state, target, records)


def _check_subscriptions(state: State, target: Document, records: dict[str, ApiRecord]) -> None:
    present = {
        (name, item.api)
        for name, application in state.applications.items()
        for item in state.subscriptions[application.id].values()
    }
    for application in target.applications:
        for item in application.subscriptions:
            # One that comes with its API is as old as that: so comes what was exported elsewhere.
            if (application.name, item.api) not in present and item.api in records and item.api in state.apis:
                check_subscribable(records[item.api])
