"""What promotions, rollbacks and withdrawals have in common: the order of environments, the life cycle, what is told of
them."""

from __future__ import annotations

from wardgate.control.errors import ConflictError, InvalidError, NotFoundError
from wardgate.control.ids import new_id
from wardgate.control.lookup import MAX_DESCRIPTION, checked_text
from wardgate.control.ports import ApiRecord, Environment, Transaction
from wardgate.control.second_person import require_another_person
from wardgate.domain.audit import AuditEvent, by
from wardgate.domain.difference import Difference
from wardgate.domain.promotion import OPEN, Promotion


async def environment_before(tx: Transaction, target: Environment) -> Environment:
    """The environment before ``target``. Raises ConflictError for the first."""
    known = await tx.environments.all()
    place = [each.name for each in known].index(target.name)
    if place == 0:
        raise ConflictError(
            "environment_first",
            f"{target.name} is the first environment: what is applied is in force there at once",
            "Apply a document, or roll back",
        )
    return known[place - 1]


def order_skipped(target: Environment, previous: Environment, api: str, revision: int) -> Difference:
    """That a revision comes where it was not tried before."""
    return Difference(
        kind="order_skipped",
        place=api,
        before=previous.name,
        after=target.name,
        weakens=True,
        sentence=f"revision {revision} is not in force in {previous.name}, which comes before {target.name}",
    )


async def skips(
    tx: Transaction, target: Environment, api: str, number: int, *, passed: bool = False
) -> tuple[Difference, ...]:
    """The weakening that ``number`` is not in force in the environment before ``target``; none where it is, or with
    ``passed`` where a later one has come after it.

    Raises:
        ConflictError: ``target`` is the first environment.
    """
    previous = await environment_before(tx, target)
    deployed = await tx.apis.deployment(previous.name, api)
    if deployed is not None and (deployed.revision == number or (passed and deployed.revision > number)):
        return ()
    return (order_skipped(target, previous, api, number),)


def require_lifecycle(record: ApiRecord, target: Environment) -> None:
    """Returns when the API's life cycle allows it in ``target``. Raises ConflictError."""
    lifecycle = record.standing.lifecycle
    if lifecycle == "retired":
        raise ConflictError(
            "api_retired",
            f"{record.api} is retired",
            "Bring it back to `published` first, if it is to serve again",
        )
    if lifecycle == "created" and target.production:
        raise ConflictError(
            "api_unpublished",
            f"{record.api} is not published, and {target.name} is for production",
            "Publish it first: `lifecycle: published`",
        )


async def require_none_open(tx: Transaction, target: Environment, api: str) -> None:
    """Returns when nothing is open for ``api`` there. Raises ConflictError."""
    for known in await tx.promotions.list(environment=target.name, api=api, statuses=OPEN):
        raise ConflictError(
            "promotion_open",
            f"{known.id} of {known.requested_by} for {api} in {target.name} is {known.status}",
            f"Have it decided, or take it back with `wardgate promotions cancel {known.id}`",
        )


async def require_second_person(tx: Transaction, promotion: Promotion, now: float) -> None:
    """Returns when the actor is another person than who asked for ``promotion``. Raises ConflictError."""
    asked = f"{promotion.requested_by}, who asked for {promotion.id},"
    await require_another_person(tx, promotion.requested_by_id, asked, promotion.requested_at, now)


async def api_named(tx: Transaction, api: str) -> ApiRecord:
    """The API called ``name/version``. Raises NotFoundError."""
    found = await tx.apis.find(api)
    if found is None:
        raise NotFoundError("api", api, "`wardgate apis list` shows those there are, like orders/v1")
    return found


def opened(tx: Transaction, record: ApiRecord, target: Environment, reason: str, now: float) -> Promotion:
    """A new promotion of the actor's, not stored yet."""
    return Promotion(
        id=new_id("promo", now),
        kind="promote",
        status="pending",
        environment=target.name,
        api=record.api,
        project=record.catalogue.project,
        requested_by_id=tx.actor.id,
        requested_by=by(tx.actor),
        requested_at=now,
        reason=reason,
    )


def required_reason(reason: str) -> str:
    """The reason, which there must be. Raises InvalidError."""
    text = checked_text("reason", reason, MAX_DESCRIPTION)
    if not text:
        raise InvalidError("reason", "There is no reason", "Say why, in a sentence")
    return text


async def record(
    tx: Transaction,
    action: str,
    promotion: Promotion,
    now: float,
    *,
    outcome: str = "done",
    note: str = "",
) -> None:
    """Tells the trail."""
    await tx.audit.record(
        AuditEvent(
            action=action,
            target=promotion.api or promotion.id,
            outcome="failed" if outcome == "failed" else "done",
            environment=promotion.environment,
            project=promotion.project,
            before={} if promotion.replaced is None else {"revision": promotion.replaced},
            after={
                "promotion": promotion.id,
                "kind": promotion.kind,
                "status": promotion.status,
                **({} if promotion.revision is None else {"revision": promotion.revision}),
                **(
                    {"weakenings": [str(each) for each in promotion.weakenings]}
                    if promotion.weakenings
                    else {}
                ),
            },
            note=note,
        ),
        at=now,
    )


def told(promotion: Promotion) -> dict[str, object]:
    """What webhooks are told of it."""
    return {
        "promotion": promotion.id,
        "kind": promotion.kind,
        "status": promotion.status,
        "api": promotion.api,
        "revision": promotion.revision,
        "environment": promotion.environment,
        "weakens": bool(promotion.weakenings),
    }
