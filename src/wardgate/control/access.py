"""Asking for access, and granting it.

A request makes a subscription that is ``pending``: credentials of the application exist, and are refused at the API until
somebody approves. A plan that needs no approval is granted at once.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from wardgate.control.authority import require, require_operator, require_somewhere
from wardgate.control.controls import checked_controls, checked_expiry
from wardgate.control.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from wardgate.control.ids import new_id
from wardgate.control.keys import Clock
from wardgate.control.lookup import application_named, checked_text, environment_named
from wardgate.control.notices import tell
from wardgate.control.offers import check_open, checked_plan, offer, project_of
from wardgate.control.ports import ApiRecord, Store, Transaction
from wardgate.domain.access import AccessRequest, RequestStatus
from wardgate.domain.audit import AuditEvent, by
from wardgate.domain.codec import encode
from wardgate.domain.consumer import UNCONTROLLED, Application, Controls, Subscription
from wardgate.domain.permission import Permission

MAX_MESSAGE = 1000
#: Who holds one of them somewhere may see some requests, if only their own.
_SEEING: tuple[Permission, ...] = ("access.view", "access.decide", "access.request")
_AUTOMATIC = "The plan needs no approval"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRecord:
    """A request with its application and the project of its API."""

    request: AccessRequest
    application: Application
    project: str


async def request(
    store: Store,
    *,
    application: str,
    environment: str,
    api: str,
    plan: str | None = None,
    message: str = "",
    clock: Clock = time.time,
) -> AccessRecord:
    """Asks for a subscription of ``application`` (name or id) to ``name/version``. It is granted at once when the plan
    needs no approval and the API is not private; both sides are told in any case.

    Raises:
        ForbiddenError: the actor may not ask on behalf of applications.
        NotFoundError: no such environment or application, or no API there that the actor may know of.
        ConflictError: the API takes no new subscriptions, or there is one, or one was asked for.
        InvalidError: the API does not offer the plan, or the message cannot be used.
    """
    now = clock()
    message = _checked_prose("message", message)
    async with store.writing() as tx:
        if not tx.actor.may_somewhere("access.request"):
            raise ForbiddenError("access.request")
        place = await environment_named(tx, environment)
        program = await application_named(tx, application)
        record, deployment = await offer(tx, place.name, api, program)
        project = record.catalogue.project
        require(tx.actor, "access.request", project)
        check_open(record)
        plan = checked_plan(deployment, plan)
        automatic = not await _needs_approval(tx, record, place.name, plan)
        subscription = await _subscription(tx, program, place.name, api, plan, automatic, now)
        asked = AccessRequest(
            id=new_id("acr", now),
            subscription=subscription.id,
            application=program.id,
            environment=place.name,
            api=api,
            plan=plan,
            requester=tx.actor.id,
            requested_by=by(tx.actor),
            requested_at=now,
            message=message,
        )
        if automatic:
            asked = replace(
                asked, status="approved", decided_by="wardgate", decided_at=now, reason=_AUTOMATIC
            )
        await tx.access_requests.add(asked)
        await tx.feed.append("application", program.id, at=now)
        found = AccessRecord(request=asked, application=program, project=project)
        await _record(tx, "access.request", found, {}, {"status": asked.status, "plan": plan}, message, now)
        await tell(tx, asked, program, record.catalogue, now)
    return found


async def approve(
    store: Store,
    request_id: str,
    *,
    controls: Controls = UNCONTROLLED,
    plan: str | None = None,
    expires_at: float | None = None,
    reason: str = "",
    clock: Clock = time.time,
) -> AccessRecord:
    """Grants a request, with what is set for the subscription in the same step. ``plan``: another than was asked for.

    Raises:
        NotFoundError: no such request, or its API is deployed there no more.
        ForbiddenError: the actor may not decide in the API's project.
        ConflictError: it is decided already, or withdrawn.
        InvalidError: a control, the plan or the expiry cannot be.
    """
    now = clock()
    async with store.writing() as tx:
        require_somewhere(tx.actor, "access.decide")
        found = await _decidable(tx, request_id)
        record, deployment = await offer(tx, found.request.environment, found.request.api)
        decided = replace(
            found.request,
            plan=checked_plan(deployment, plan if plan is not None else found.request.plan),
            controls=checked_controls(controls, deployment.bound.scopes),
            expires_at=checked_expiry(expires_at, now),
        )
        granted = Subscription(
            id=decided.subscription,
            application=decided.application,
            api=decided.api,
            plan=decided.plan,
            status="active",
            controls=decided.controls,
            expires_at=decided.expires_at,
        )
        if await tx.applications.subscription(granted.id) is None:
            await tx.applications.subscribe(decided.environment, [granted], at=now)
        else:
            await tx.applications.change(granted)
        after = {
            "status": "approved",
            "plan": decided.plan,
            "controls": encode(decided.controls),
            "expires_at": decided.expires_at,
        }
        return await _decide(tx, found, decided, "approved", record, after, reason, now)


async def reject(store: Store, request_id: str, *, reason: str, clock: Clock = time.time) -> AccessRecord:
    """Refuses a request. The application may ask again.

    Raises:
        NotFoundError: no such request.
        ForbiddenError: the actor may not decide in the API's project.
        ConflictError: it is decided already, or withdrawn.
        InvalidError: there is no reason.
    """
    now = clock()
    if not reason.strip():
        raise InvalidError("reason", "A rejection needs a reason", "Say why, for who asked")
    async with store.writing() as tx:
        require_somewhere(tx.actor, "access.decide")
        found = await _decidable(tx, request_id)
        present = await tx.applications.subscription(found.request.subscription)
        if present is not None:
            await tx.applications.change(replace(present[1], status="rejected"))
        record = await _api(tx, found.request.api)
        after = {"status": "rejected"}
        return await _decide(tx, found, found.request, "rejected", record, after, reason, now)


async def withdraw(store: Store, request_id: str, *, clock: Clock = time.time) -> AccessRecord:
    """Takes a request back; the subscription it made is gone. Who asked may do that, and who may ask.

    Raises:
        NotFoundError: no such request.
        ForbiddenError: the actor may not.
        ConflictError: it is decided already, or withdrawn.
    """
    now = clock()
    async with store.writing() as tx:
        found = await _with_id(tx, request_id)
        if found.request.requester != tx.actor.id:
            require(tx.actor, "access.request", found.project)
        _check_pending(found.request)
        await tx.applications.unsubscribe([found.request.subscription])
        record = await _api(tx, found.request.api)
        after = {"status": "withdrawn"}
        return await _decide(tx, found, found.request, "withdrawn", record, after, "", now)


async def list_requests(
    store: Store,
    *,
    status: RequestStatus | None = None,
    environment: str | None = None,
    application: str | None = None,
    api: str | None = None,
) -> list[AccessRecord]:
    """The requests that fit, oldest first, of those the actor made or may see.

    Raises:
        ForbiddenError: the actor is no operator.
        NotFoundError: no such environment or application.
    """
    async with store.reading() as tx:
        require_operator(tx.actor)
        if not any(tx.actor.may_somewhere(each) for each in _SEEING):
            return []
        program = None if application is None else await application_named(tx, application)
        if environment is not None:
            await environment_named(tx, environment)
        found = await tx.access_requests.list(
            status=status,
            environment=environment,
            application=None if program is None else program.id,
            api=api,
        )
        return [each for each in await _records(tx, found) if _may_see(tx, each)]


async def show(store: Store, request_id: str) -> AccessRecord:
    """One request. Raises NotFoundError, also for one that is not for the actor to see."""
    async with store.reading() as tx:
        return await _with_id(tx, request_id)


async def _needs_approval(tx: Transaction, record: ApiRecord, environment: str, plan: str | None) -> bool:
    if record.catalogue.visibility == "private":
        return True
    known = await tx.plans.all(environment)
    return plan in known and known[plan].approval == "required"


async def _subscription(
    tx: Transaction,
    application: Application,
    environment: str,
    api: str,
    plan: str | None,
    active: bool,
    now: float,
) -> Subscription:
    """A fresh subscription, or the one that was rejected or has expired, asked for anew. Raises ConflictError."""
    present = await tx.applications.subscribed(application.id, environment, api)
    wanted = Subscription(
        id=new_id("sub", now) if present is None else present.id,
        application=application.id,
        api=api,
        plan=plan,
        status="active" if active else "pending",
    )
    if present is None:
        await tx.applications.subscribe(environment, [wanted], at=now)
        return wanted
    waiting = await tx.access_requests.open_for(present.id)
    if waiting is not None:
        raise ConflictError(
            "access_requested_already",
            f"Access of {application.name} to {api} was asked for already ({waiting.id})",
            "Wait for the decision, or withdraw that request",
        )
    over = present.expires_at is not None and present.expires_at <= now
    if present.status == "suspended" or (present.status == "active" and not over):
        raise ConflictError(
            "subscribed_already",
            f"{application.name} has a subscription to {api} in {environment}, which is {present.status}",
            "Ask whoever looks after the API to change it: `wardgate subscriptions set`",
        )
    await tx.applications.change(wanted)
    return wanted


async def _decide(
    tx: Transaction,
    found: AccessRecord,
    decided: AccessRequest,
    status: RequestStatus,
    record: ApiRecord,
    after: dict[str, Any],
    reason: str,
    now: float,
) -> AccessRecord:
    """Notes the decision, if nobody else's is noted yet, and tells both sides."""
    reason = _checked_prose("reason", reason)
    decided = replace(decided, status=status, decided_by=by(tx.actor), decided_at=now, reason=reason)
    if not await tx.access_requests.decide(decided):
        raise _decided_already(decided.id)
    await tx.feed.append("application", decided.application, at=now)
    done = replace(found, request=decided)
    verb = {"approved": "approve", "rejected": "reject", "withdrawn": "withdraw"}[status]
    await _record(tx, f"access.{verb}", done, {"status": "pending"}, after, reason, now)
    await tell(tx, decided, found.application, record.catalogue, now)
    return done


async def _record(
    tx: Transaction,
    action: str,
    found: AccessRecord,
    before: dict[str, Any],
    after: dict[str, Any],
    note: str,
    now: float,
) -> None:
    event = AuditEvent(
        action=action,
        target=found.request.id,
        environment=found.request.environment,
        project=found.project,
        before=before,
        after={"application": found.application.id, "api": found.request.api, **after},
        note=note,
    )
    await tx.audit.record(event, at=now)


async def _decidable(tx: Transaction, request_id: str) -> AccessRecord:
    found = await _with_id(tx, request_id)
    require(tx.actor, "access.decide", found.project)
    _check_pending(found.request)
    return found


def _check_pending(asked: AccessRequest) -> None:
    if asked.status != "pending":
        raise _decided_already(asked.id, asked.status)


def _decided_already(request_id: str, status: str = "decided") -> ConflictError:
    return ConflictError(
        "access_decided",
        f"The request {request_id} is {status} already",
        "Look at it: `wardgate access show`",
    )


async def _with_id(tx: Transaction, request_id: str) -> AccessRecord:
    asked = await tx.access_requests.get(request_id)
    if asked is not None:
        found = (await _records(tx, [asked]))[0]
        if _may_see(tx, found):
            return found
    raise NotFoundError("access_request", request_id, "`wardgate access list` shows those there are for you")


def _may_see(tx: Transaction, found: AccessRecord) -> bool:
    actor = tx.actor
    return (
        actor.may("access.view", found.project)
        or actor.may("access.decide", found.project)
        or (found.request.requester == actor.id and actor.may_somewhere("access.request"))
    )


async def _records(tx: Transaction, found: Sequence[AccessRequest]) -> list[AccessRecord]:
    programs = {each.id: each for each in await tx.applications.all()} if found else {}
    projects = {api: await project_of(tx, api) for api in {each.api for each in found}}
    return [
        AccessRecord(request=each, application=programs[each.application], project=projects[each.api])
        for each in found
    ]


async def _api(tx: Transaction, api: str) -> ApiRecord:
    return await tx.apis.find(api) or ApiRecord(api=api)


def _checked_prose(what: str, text: str) -> str:
    """Text of several lines. Raises InvalidError."""
    lines = [checked_text(what, line, MAX_MESSAGE) for line in text.strip().splitlines()]
    joined = "\n".join(lines)
    if len(joined) > MAX_MESSAGE:
        raise InvalidError(what, f"The {what} has {len(joined)} characters", f"Use at most {MAX_MESSAGE}")
    return joined
