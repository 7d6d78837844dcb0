"""Which APIs an application may be subscribed to, and who may know of them."""

from __future__ import annotations

from wardgate.control.errors import ConflictError, InvalidError, NotFoundError
from wardgate.control.ports import ApiRecord, Deployment, Transaction
from wardgate.domain.consumer import Application
from wardgate.domain.standing import Catalogue

NOWHERE = Catalogue()


async def visible(tx: Transaction, record: ApiRecord, application: Application | None = None) -> bool:
    """Whether the actor may know of the API: everybody of a public one, who is in one of its groups (or asks for an
    application that is), and who may view the APIs of its project. What is not published yet is for the latter alone."""
    catalogue = record.catalogue
    if tx.actor.may("apis.view", catalogue.project):
        return True
    if record.standing.lifecycle == "created":
        return False
    if catalogue.visibility != "group":
        return catalogue.visibility == "public"
    mine = set(await tx.groups.of_user(tx.actor.id)) if tx.actor.kind == "user" else set()
    return not mine.union(application.groups if application else ()).isdisjoint(catalogue.groups)


async def offer(
    tx: Transaction, environment: str, api: str, application: Application | None = None
) -> tuple[ApiRecord, Deployment]:
    """``name/version`` as deployed to ``environment``.

    Raises:
        NotFoundError: it is not, or the actor may not know of it.
    """
    record = await tx.apis.find(api)
    deployment = await tx.apis.deployment(environment, api)
    if record is None or deployment is None or not await visible(tx, record, application):
        raise NotFoundError("api", api, f"`wardgate apis list` shows what there is for you in {environment}")
    return record, deployment


async def project_of(tx: Transaction, api: str) -> str:
    """The project that ``name/version`` belongs to, deployed or not."""
    record = await tx.apis.find(api)
    return (NOWHERE if record is None else record.catalogue).project


def check_open(record: ApiRecord) -> None:
    """Returns when the API takes new subscriptions. Raises ConflictError."""
    lifecycle = record.standing.lifecycle
    if lifecycle == "published":
        return
    remedy = {
        "created": "Wait until it is published",
        "deprecated": f"Ask for its successor {record.standing.successor}"
        if record.standing.successor
        else "Ask for a newer version",
        "retired": "Ask for a newer version",
    }[lifecycle]
    raise ConflictError(
        f"api_{lifecycle}", f"The API {record.api} is {lifecycle}: it takes no new subscriptions", remedy
    )


def checked_plan(deployment: Deployment, plan: str | None) -> str | None:
    """``plan``, if the API offers it; ``None``, if it offers none.

    Raises:
        InvalidError: it does not, or a plan has to be named.
    """
    offered = deployment.bound.plans
    if plan is None and not offered:
        return None
    api = deployment.entry.api.id
    if plan is None:
        raise InvalidError("plan", f"{api} is used on a plan", f"Name one of {', '.join(offered)}")
    if plan not in offered:
        remedy = f"Name one of {', '.join(offered)}" if offered else "Leave the plan out"
        raise InvalidError("plan", f"{api} does not offer the plan {plan!r}", remedy)
    return plan
