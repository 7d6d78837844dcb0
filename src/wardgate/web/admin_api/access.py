"""Requests for access: ask, approve, reject, withdraw."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query
from pydantic import Field

from wardgate.control import access
from wardgate.domain.access import RequestStatus
from wardgate.web.admin_api.ask import Ask
from wardgate.web.admin_api.limits import ControlSettings, controls_of, controls_shown
from wardgate.web.admin_api.models import Line, Model, Page, Prose, Seconds, Thing
from wardgate.web.admin_api.operations import Operations
from wardgate.web.admin_api.pages import Paging

operations = Operations("access")

RequestId = Annotated[str, Path(pattern=r"^acr_[0-9a-z]{1,40}$", description="A request's id: acr_01h...")]


class AccessRequest(Thing):
    """An application's wish for a subscription, and what became of it."""

    id: str
    status: RequestStatus
    subscription: str
    application: str = Field(description="The application's name.")
    environment: str
    api: str
    plan: str | None
    project: str = Field(description="The project of the API.")
    message: str
    requested_by: str
    requested_at: float
    decided_by: str
    decided_at: float | None
    reason: str
    controls: ControlSettings = Field(description="What was granted.")
    expires_at: float | None = Field(description="When what was granted ends.")


class NewAccessRequest(Model):
    """What is asked for."""

    application: Line = Field(description="The application's name or id.")
    environment: Line
    api: Line = Field(description="Name and version: orders/v1.")
    plan: Line | None = None
    message: Prose = ""


class AccessApproval(Model):
    """What is granted."""

    plan: Line | None = Field(default=None, description="Another than was asked for.")
    controls: ControlSettings = ControlSettings()
    expires_at: Seconds | None = None
    reason: Prose = ""


class AccessRejection(Model):
    """Why it is not granted."""

    reason: Prose


@operations.get("/access-requests", permission="self", refuses=(404,))
async def list_access_requests(
    ask: Ask,
    page: Paging,
    status: RequestStatus | None = None,
    environment: Annotated[str | None, Query(max_length=100)] = None,
    application: Annotated[str | None, Query(max_length=200, description="Name or id.")] = None,
    api: Annotated[str | None, Query(max_length=200, description="Name and version.")] = None,
) -> Page[AccessRequest]:
    """Requests for access, oldest first: those you made, and of others those you may see."""
    found = await access.list_requests(
        ask.store, status=status, environment=environment, application=application, api=api
    )
    return page.of(found, key=lambda each: (each.request.requested_at, each.request.id), show=_shown)


@operations.get("/access-requests/{request_id}", permission="self")
async def show_access_request(ask: Ask, request_id: RequestId) -> AccessRequest:
    """One request: one you made, or may see."""
    return _shown(await access.show(ask.store, request_id))


@operations.post(
    "/access-requests",
    permission="access.request",
    action="access.request",
    location=lambda new: f"/access-requests/{new.id}",
)
async def add_access_request(ask: Ask, body: NewAccessRequest) -> AccessRequest:
    """Ask for a subscription. It is pending until somebody approves, unless its plan needs no approval."""
    return _shown(
        await access.request(
            ask.store,
            application=body.application,
            environment=body.environment,
            api=body.api,
            plan=body.plan,
            message=body.message,
            clock=ask.clock,
        )
    )


@operations.post(
    "/access-requests/{request_id}:approve",
    permission="access.decide",
    guard=show_access_request,
    status=200,
    action="access.approve",
)
async def approve_access_request(ask: Ask, request_id: RequestId, body: AccessApproval) -> AccessRequest:
    """Grant a request, and set limits, networks, scopes, roles and expiry of the subscription in the same step."""
    return _shown(
        await access.approve(
            ask.store,
            request_id,
            controls=controls_of(body.controls),
            plan=body.plan,
            expires_at=body.expires_at,
            reason=body.reason,
            clock=ask.clock,
        )
    )


@operations.post(
    "/access-requests/{request_id}:reject",
    permission="access.decide",
    guard=show_access_request,
    status=200,
    action="access.reject",
)
async def reject_access_request(ask: Ask, request_id: RequestId, body: AccessRejection) -> AccessRequest:
    """Refuse a request, with the reason that its side is told."""
    return _shown(await access.reject(ask.store, request_id, reason=body.reason, clock=ask.clock))


@operations.post(
    "/access-requests/{request_id}:withdraw",
    permission="access.request",
    guard=show_access_request,
    status=200,
    action="access.withdraw",
)
async def withdraw_access_request(ask: Ask, request_id: RequestId) -> AccessRequest:
    """Take a request back."""
    return _shown(await access.withdraw(ask.store, request_id, clock=ask.clock))


def _shown(found: access.AccessRecord) -> AccessRequest:
    asked = found.request
    return AccessRequest(
        id=asked.id,
        status=asked.status,
        subscription=asked.subscription,
        application=found.application.name,
        environment=asked.environment,
        api=asked.api,
        plan=asked.plan,
        project=found.project,
        message=asked.message,
        requested_by=asked.requested_by,
        requested_at=asked.requested_at,
        decided_by=asked.decided_by,
        decided_at=asked.decided_at,
        reason=asked.reason,
        controls=controls_shown(asked.controls),
        expires_at=asked.expires_at,
    )
