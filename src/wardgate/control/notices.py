"""Tells both sides of a request for access what became of it: mail, and webhooks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wardgate.control.ids import new_id
from wardgate.control.operators.naming import all_roles
from wardgate.control.ports import Transaction
from wardgate.domain.access import AccessRequest
from wardgate.domain.consumer import Application
from wardgate.domain.mail_address import is_address
from wardgate.domain.operator import EVERYWHERE
from wardgate.domain.people import Mail
from wardgate.domain.standing import Catalogue
from wardgate.domain.webhook import WebhookEvent

#: People told of one request.
MOST_TOLD = 50
_EVENTS: dict[str, WebhookEvent] = {
    "pending": "access.requested",
    "approved": "access.approved",
    "rejected": "access.rejected",
    "withdrawn": "access.withdrawn",
}


async def tell(
    tx: Transaction, request: AccessRequest, application: Application, catalogue: Catalogue, now: float
) -> None:
    """Webhooks hear of the request as it is now; who may decide it gets mail while it is pending, and the application's
    side once it is decided. Mail reaches addresses only that are confirmed, or that an operator wrote down."""
    await tx.webhooks.emit(_EVENTS[request.status], event_data(request, application))
    if request.status == "pending":
        people = [catalogue.contact, *await _deciders(tx, catalogue.project)]
        await _mail(tx, people, f"{_what(request, application)} is asked for", _asked(request), now)
    elif request.status in ("approved", "rejected"):
        people = [application.owner, *await _addresses(tx, [request.requester])]
        subject = f"{_what(request, application)} is {request.status}"
        await _mail(tx, people, subject, _decided(request), now)


def event_data(request: AccessRequest, application: Application) -> dict[str, Any]:
    """What webhooks are told of a request: nobody's name, and no free text."""
    return {
        "request": request.id,
        "status": request.status,
        "subscription": request.subscription,
        "application": application.id,
        "application_name": application.name,
        "environment": request.environment,
        "api": request.api,
        "plan": request.plan,
        "expires_at": request.expires_at,
    }


def _what(request: AccessRequest, application: Application) -> str:
    return f"Access of {application.name} to {request.api} in {request.environment}"


def _asked(request: AccessRequest) -> list[str]:
    lines = [f"Asked by: {request.requested_by}", f"Plan: {request.plan or 'none'}"]
    if request.message:
        lines += ["", request.message]
    return [
        *lines,
        "",
        "Nothing is served to it on this account until somebody decides:",
        f"  wardgate access approve {request.id}",
        f"  wardgate access reject {request.id} --reason ...",
    ]


def _decided(request: AccessRequest) -> list[str]:
    lines = [f"Decided by: {request.decided_by}", f"Plan: {request.plan or 'none'}"]
    if request.reason:
        lines.append(f"Reason: {request.reason}")
    if request.status == "approved" and request.controls.cidrs:
        lines.append(f"From these networks only: {', '.join(request.controls.cidrs)}")
    return [*lines, "", f"wardgate access show {request.id} shows the rest."]


async def _deciders(tx: Transaction, project: str) -> list[str]:
    """Addresses of the people who may decide in ``project``."""
    roles = {role.name for role in await all_roles(tx) if "access.decide" in role.permissions}
    people: dict[str, None] = {}
    for grant in await tx.operators.grants():
        if grant.role not in roles or grant.project not in (EVERYWHERE, project):
            continue
        if grant.kind == "user":
            people[grant.principal] = None
        elif grant.kind == "group":
            people |= dict.fromkeys(sorted(await tx.groups.everyone(grant.principal)))
    return await _addresses(tx, [each for each in people if each != tx.actor.id])


async def _addresses(tx: Transaction, user_ids: Iterable[str]) -> list[str]:
    found = []
    for user_id in user_ids:
        user = await tx.users.get(user_id)
        if user is not None and user.status == "active" and user.email_verified:
            found.append(user.email)
    return found


async def _mail(
    tx: Transaction, addresses: Iterable[str], subject: str, lines: Iterable[str], now: float
) -> None:
    body = "\n".join(lines) + "\n"
    told = dict.fromkeys(address for address in addresses if is_address(address))
    for address in list(told)[:MOST_TOLD]:
        mail = Mail(
            id=new_id("eml", now), to=address, subject=subject, body=body, created_at=now, not_before=now
        )
        await tx.outbox.add(mail)
